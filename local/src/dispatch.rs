//! From a request to the service it is for: whether the signature fits, whether a fault is due, and
//! the answer in the service's protocol.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use uuid::Uuid;

use crate::cognito::Cognito;
use crate::context::Context;
use crate::error::{ServiceError, set_request_id};
use crate::faults::{Cut, Effect};
use crate::form::Form;
use crate::http_types::{Request, Response, respond};
use crate::service::{Call, Input, Reply, Service, ServiceName};
use crate::sigv4::{self, Keys, Refusal};
use crate::target::{JSON_1_0, JSON_1_1, Target, identify, signature_error};
use crate::{admin, browsers, s3};

/// Bytes of a body that is read into memory: `DynamoDB` takes 16 MiB, the others less.
const MAX_BODY: usize = 17 * 1024 * 1024;

/// What every connection calls.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) context: Arc<Context>,
    pub(crate) s3: s3::S3,
    pub(crate) cognito: Arc<Cognito>,
    /// All but S3, Cognito among them.
    pub(crate) services: Arc<[Arc<dyn Service>]>,
}

/// Why a call has no reply.
enum Failure {
    Error(ServiceError),
    Cut(Cut),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Error(error)
    }
}

impl From<Cut> for Failure {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl App {
    /// Answers one request. A panic in a service is a 500 to its caller and nobody else's.
    pub(crate) async fn answer(&self, request: Request) -> Result<Response, Cut> {
        let _counted = self.context.requests.begin();
        let request_id = Uuid::new_v4().to_string();
        let answer = AssertUnwindSafe(self.route(request, &request_id))
            .catch_unwind()
            .await;
        answer.unwrap_or_else(|_| {
            tracing::error!(request_id, "a service panicked");
            Ok(ServiceError::internal().into_json(JSON_1_0, &request_id))
        })
    }

    async fn route(&self, request: Request, request_id: &str) -> Result<Response, Cut> {
        let public_url = self.context.config.public_url.as_deref();
        if let Err(error) = browsers::check_host(request.headers(), public_url) {
            return Ok(error.into_json(JSON_1_1, request_id));
        }
        let path = request.uri().path();
        if path.starts_with("/_local/") {
            return Ok(admin::answer(&self.context, request).await);
        }
        if is_well_known(path) {
            return Ok(self.answer_well_known(path, request_id).await);
        }
        if browsers::is_preflight(&request) && path == "/" {
            return Ok(browsers::allow_cognito());
        }
        match identify(&request) {
            Target::Json {
                service,
                operation,
                content_type,
            } => {
                self.answer_json(service, operation, content_type, request, request_id)
                    .await
            }
            Target::Form(service) => self.answer_form(service, request, request_id).await,
            Target::S3 => self.s3.answer(request, request_id).await,
            Target::Unknown(error) => Ok(error.into_json(JSON_1_1, request_id)),
            Target::UnknownForm(service) => Ok(unknown_form(&service, request_id)),
        }
    }

    async fn answer_well_known(&self, path: &str, request_id: &str) -> Response {
        let mut response = match self.cognito.well_known(path).await {
            Ok(document) => respond(StatusCode::OK, "application/json", document.to_string()),
            Err(error) => error.into_json("application/json", request_id),
        };
        browsers::expose_to_all(&mut response);
        response
    }

    async fn answer_json(
        &self,
        service: ServiceName,
        operation: String,
        content_type: &'static str,
        request: Request,
        request_id: &str,
    ) -> Result<Response, Cut> {
        let origin = request.headers().contains_key(header::ORIGIN);
        let called = async {
            let (parts, body) = read_whole(request).await?;
            if std::str::from_utf8(&body).is_err() {
                let message = "The body of a request is UTF-8.";
                return Err(ServiceError::bad_request("SerializationException", message).into());
            }
            let input = Input::Json(body.clone());
            self.call(service, Call { operation, input }, &parts, &body, false)
                .await
        };
        let mut response = match called.await {
            Ok(Reply::Json(output)) => Response::new(output.to_string().into()),
            Ok(Reply::Response(response)) => response,
            Ok(Reply::Xml(_)) => ServiceError::internal().into_json(content_type, request_id),
            Err(Failure::Error(error)) => error.into_json(content_type, request_id),
            Err(Failure::Cut(cut)) => return Err(cut),
        };
        response
            .headers_mut()
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(content_type));
        set_request_id(&mut response, request_id);
        if origin && service == ServiceName::Cognito {
            browsers::expose_to_all(&mut response);
        }
        Ok(response)
    }

    /// A form: the operation is in the body, or in the query.
    async fn answer_form(
        &self,
        service: Option<ServiceName>,
        request: Request,
        request_id: &str,
    ) -> Result<Response, Cut> {
        let sns = ServiceName::Sns;
        let namespace = |service: ServiceName| service.xml_namespace().unwrap_or_default();
        let (parts, body) = match read_whole(request).await {
            Ok(read) => read,
            Err(error) => return Ok(error.into_xml(namespace(sns), request_id)),
        };
        let text = match parts.method {
            Method::GET => parts.uri.query().unwrap_or_default().as_bytes(),
            _ => &body,
        };
        let fields = Form(form_urlencoded::parse(text).into_owned().collect());
        let operation = fields.get("Action").unwrap_or_default().to_owned();
        let service = service.or_else(|| self.public_service(&operation));
        let Some(service) = service else {
            let error = signature_error(Refusal::Missing, true);
            return Ok(error.into_xml(namespace(sns), request_id));
        };
        let Some(namespace) = service.xml_namespace() else {
            return Ok(unknown_form(service.as_str(), request_id));
        };
        let call = Call {
            operation: operation.clone(),
            input: Input::Form {
                fields,
                path: parts.uri.path().to_owned(),
            },
        };
        match self.call(service, call, &parts, &body, true).await {
            Ok(Reply::Xml(inner)) => Ok(form_answer(&operation, namespace, &inner, request_id)),
            Ok(Reply::Response(response)) => Ok(response),
            Ok(Reply::Json(_)) => Ok(ServiceError::internal().into_xml(namespace, request_id)),
            Err(Failure::Error(error)) => Ok(error.into_xml(namespace, request_id)),
            Err(Failure::Cut(cut)) => Err(cut),
        }
    }

    fn service(&self, name: ServiceName) -> Option<&Arc<dyn Service>> {
        self.services.iter().find(|service| service.name() == name)
    }

    /// The service that takes this operation by a form and without a signature.
    fn public_service(&self, operation: &str) -> Option<ServiceName> {
        let names = self.services.iter().filter(|s| s.is_public(operation));
        names
            .map(|service| service.name())
            .find(|name| name.xml_namespace().is_some())
    }

    /// Signature, then faults, then the operation.
    async fn call(
        &self,
        name: ServiceName,
        call: Call,
        parts: &Parts,
        body: &[u8],
        is_query: bool,
    ) -> Result<Reply, Failure> {
        let service = self.service(name);
        let service = service
            .ok_or_else(|| ServiceError::unknown_operation(name.as_str(), &call.operation))?;
        let config = &self.context.config;
        let keys = Keys {
            access: &config.access_key,
            secret: &config.secret_key,
        };
        let is_public = service.is_public(&call.operation);
        match sigv4::check(keys, name.as_str(), parts, body, system_ms()) {
            Ok(()) => {}
            Err(Refusal::Missing) if is_public => {}
            Err(refusal) => return Err(signature_error(refusal, is_query).into()),
        }
        let open_to_pages = is_public && name == ServiceName::Cognito;
        if !open_to_pages && browsers::is_cross_origin(&parts.headers) {
            return Err(browsers::refuse_origin().into());
        }
        let effect = self.context.faults.apply(name, &call.operation).await?;
        if effect == Effect::Cut {
            return Err(Cut.into());
        }
        let run = Arc::clone(service).run_operation(call);
        let reply = if effect == Effect::IgnoreDisconnect {
            let run = self.context.tasks.spawn(run).await;
            run.unwrap_or_else(|_| Err(ServiceError::internal()))
        } else {
            run.await
        };
        effect.after().await?;
        Ok(reply?)
    }
}

/// `/{pool}/.well-known/…`: a pool's id has an underscore, which no bucket's name may have.
fn is_well_known(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(3, '/').collect();
    matches!(
        parts[..],
        [pool, ".well-known", "jwks.json" | "openid-configuration"] if pool.contains('_')
    )
}

async fn read_whole(request: Request) -> Result<(Parts, Bytes), ServiceError> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok((parts, collected.to_bytes())),
        Err(error) => Err(ServiceError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            format!("The body cannot be read: {error}"),
        )),
    }
}

/// The answer to a form for a service that does not take one here.
fn unknown_form(service: &str, request_id: &str) -> Response {
    let message = format!("Forms for {service} are not served by this local AWS.");
    let namespace = ServiceName::Sns.xml_namespace().unwrap_or_default();
    ServiceError::bad_request("InvalidAction", message).into_xml(namespace, request_id)
}

fn form_answer(operation: &str, namespace: &str, inner: &str, request_id: &str) -> Response {
    let body = format!(
        "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{inner}</{operation}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
         </{operation}Response>"
    );
    let mut response = respond(StatusCode::OK, "text/xml", body);
    set_request_id(&mut response, request_id);
    response
}

fn system_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
