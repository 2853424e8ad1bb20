//! From a request to the service it is for: whether the signature fits, whether a fault is due, and
//! the answer in the service's protocol.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use uuid::Uuid;

use crate::error::{ServiceError, set_request_id};
use crate::faults::Verdict;
use crate::form::Form;
use crate::http_types::{Request, Response, respond};
use crate::sigv4::{self, Keys, Refusal};
use crate::state::State;
use crate::target::{Call, JSON_1_0, JSON_1_1, Protocol, Target, identify, refused};
use crate::{admin, cognito, cors, dynamodb, s3, ses, sns, sqs, sts};

/// Bytes of a body that is read into memory: `DynamoDB` takes 16 MiB, the others less.
const BODY_LIMIT: usize = 17 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fault layer cuts this connection")
    }
}

impl std::error::Error for Cut {}

/// What every connection calls.
#[derive(Clone)]
pub(crate) struct App {
    state: Arc<State>,
    s3: s3::Service,
}

impl App {
    pub(crate) fn new(state: Arc<State>) -> Self {
        let s3 = s3::Service::new(&state);
        Self { state, s3 }
    }

    /// Answers one request. A panic in a service is a 500 to its caller and nobody else's.
    pub(crate) async fn handle(&self, request: Request) -> Result<Response, Cut> {
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
        let path = request.uri().path();
        if path.starts_with("/_local/") {
            return Ok(admin::handle(&self.state, request).await);
        }
        if is_well_known(path) {
            return Ok(self.well_known(path, request_id).await);
        }
        if cors::is_preflight(&request) && path == "/" {
            return Ok(cors::allow_all());
        }
        match identify(&request) {
            Some(Target::Call(call)) => self.call(call, request, request_id).await,
            Some(Target::Query) => self.query(request, request_id).await,
            Some(Target::Refused(error)) => Ok(error.into_json(JSON_1_1, request_id)),
            None => self.s3.handle(request, request_id).await,
        }
    }

    async fn well_known(&self, path: &str, request_id: &str) -> Response {
        match cognito::well_known(&self.state, path).await {
            Ok(document) => respond(StatusCode::OK, "application/json", document.to_string()),
            Err(error) => error.into_json("application/json", request_id),
        }
    }

    /// A form: the operation is in the body, the service in the signature.
    async fn query(&self, request: Request, request_id: &str) -> Result<Response, Cut> {
        let scope = sigv4::scope_service(&request);
        let (parts, body) = match read_whole(request).await {
            Ok(read) => read,
            Err(error) => return Ok(error.into_xml(sns::NAMESPACE, request_id)),
        };
        let form = Form(form_urlencoded::parse(&body).into_owned().collect());
        let operation = form.get("Action").unwrap_or_default().to_owned();
        let (service, namespace) = match scope.as_deref() {
            None | Some("sns") => ("sns", sns::NAMESPACE),
            Some("sts") => ("sts", sts::NAMESPACE),
            Some("sqs") => ("sqs", sqs::query::NAMESPACE),
            Some(other) => {
                let message = format!(
                    "The query protocol of {other} is not served by this local AWS: {operation}."
                );
                let error = ServiceError::bad_request("InvalidAction", message);
                return Ok(error.into_xml(sns::NAMESPACE, request_id));
            }
        };
        let call = Call {
            service,
            operation,
            protocol: Protocol::Query(namespace),
        };
        let signed = parts.headers.contains_key(http::header::AUTHORIZATION);
        let result = match self.admit(&call, &parts, &body).await {
            Ok(Verdict::Cut) => return Err(Cut),
            Ok(verdict) => {
                let result = match service {
                    "sts" => sts::handle(&self.state, &call.operation),
                    "sqs" => {
                        self.sqs_form(&call.operation, &form, parts.uri.path())
                            .await
                    }
                    _ => sns::handle(&self.state, &call.operation, form, signed).await,
                };
                if verdict == Verdict::RunThenCut {
                    return Err(Cut);
                }
                result
            }
            Err(error) => Err(error),
        };
        Ok(match result {
            Ok(inner) => query_answer(&call.operation, namespace, &inner, request_id),
            Err(error) => error.into_xml(namespace, request_id),
        })
    }

    async fn sqs_form(
        &self,
        operation: &str,
        form: &Form,
        path: &str,
    ) -> Result<String, ServiceError> {
        let url = format!("{}{path}", self.state.url);
        let request = sqs::query::request(operation, form, &url);
        let reply = sqs::handle(&self.state, operation, &request).await?;
        Ok(sqs::query::answer(operation, &reply))
    }

    async fn call(&self, call: Call, request: Request, request_id: &str) -> Result<Response, Cut> {
        let content_type = match call.protocol {
            Protocol::Json(content_type) => content_type,
            Protocol::Rest | Protocol::Query(_) => "application/json",
        };
        let origin = request.headers().contains_key(http::header::ORIGIN);
        let mut response = match self.run(&call, request).await {
            Ok(Some(response)) => response,
            Ok(None) => return Err(Cut),
            Err(error) => error.into_json(content_type, request_id),
        };
        response
            .headers_mut()
            .entry("content-type")
            .or_insert(http::HeaderValue::from_static(content_type));
        set_request_id(&mut response, request_id);
        if origin {
            cors::expose_to_all(&mut response);
        }
        Ok(response)
    }

    /// Runs a JSON call; `None` when the connection is to be cut.
    async fn run(&self, call: &Call, request: Request) -> Result<Option<Response>, ServiceError> {
        let (parts, body) = read_whole(request).await?;
        let verdict = self.admit(call, &parts, &body).await?;
        if verdict == Verdict::Cut {
            return Ok(None);
        }
        let state = &self.state;
        let operation = call.operation.as_str();
        if std::str::from_utf8(&body).is_err() {
            let message = "The body of a request is UTF-8.";
            return Err(ServiceError::bad_request("SerializationException", message));
        }
        let response = if call.service == "dynamodb" {
            dynamodb::forward(state, parts.headers, body).await?
        } else {
            let input = if body.is_empty() {
                serde_json::Value::Object(serde_json::Map::new())
            } else {
                serde_json::from_slice(&body)?
            };
            if !input.is_object() {
                let message = "The body of a request is a JSON object.";
                return Err(ServiceError::bad_request("SerializationException", message));
            }
            let output = match call.service {
                "sqs" => sqs::handle(state, operation, &input).await?,
                "cognito-idp" => cognito::handle(state, operation, &input).await?,
                _ => ses::handle(state, operation, &input).await?,
            };
            let mut response = Response::new(output.to_string().into());
            *response.status_mut() = StatusCode::OK;
            response
        };
        Ok((verdict == Verdict::Run).then_some(response))
    }

    /// Signature, then faults.
    async fn admit(
        &self,
        call: &Call,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Verdict, ServiceError> {
        let config = &self.state.config;
        let keys = Keys {
            access: &config.access_key,
            secret: &config.secret_key,
        };
        let public = match call.service {
            "cognito-idp" => cognito::is_public(&call.operation),
            "sns" => sns::is_public(&call.operation),
            _ => false,
        };
        match sigv4::check(keys, call.service, parts, body, system_ms()) {
            Ok(()) => {}
            Err(Refusal::Missing) if public => {}
            Err(refusal) => return Err(refused(refusal, call.protocol)),
        }
        self.state.faults.apply(call.service, &call.operation).await
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
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok((parts, collected.to_bytes())),
        Err(error) => Err(ServiceError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            format!("The body cannot be read: {error}"),
        )),
    }
}

fn query_answer(operation: &str, namespace: &str, inner: &str, request_id: &str) -> Response {
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
