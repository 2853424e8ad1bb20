//! One HTTP request through the table: the same steps in a pod's server and in Lambda.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use lambda_http::RequestExt;

use super::request::{RouteLabel, request_id, whole_body};
use crate::problem::{UNKNOWN_FIELD, problem, response};
use crate::routing::without_prefix;
use crate::{
    Access, Caller, Context, Error, Feature, Host, PathEncoding, PathParams, Request, Response,
    Result, RouteMatch, dispatch_http, find_route,
};

/// The path to find the route by, where it is not that of the address: a gateway's stage is part
/// of the address, but not of the route.
#[derive(Debug, Clone)]
pub(crate) struct RoutePath {
    pub(crate) path: String,
    /// Whether its parameters are decoded already.
    pub(crate) decoded: bool,
}

/// The longest body of a request that is no form upload, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How long a handler may take.
const HANDLER_TIME: Duration = Duration::from_secs(30);

/// Answers a request by whichever it is for of the features that `name` stands for.
pub(crate) async fn answer<C, B>(host: &Host<C>, name: &str, request: http::Request<B>) -> Response
where
    C: Context,
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let path = request.extensions().get::<RoutePath>();
    let (path, encoding) = match path {
        Some(path) if path.decoded => (path.path.as_str(), PathEncoding::Decoded),
        Some(path) => (path.path.as_str(), PathEncoding::Percent),
        None => (
            without_prefix(request.uri().path(), &host.base_path),
            PathEncoding::Percent,
        ),
    };
    let routed = find_route(host.features(name), request.method(), path, encoding);
    if let RouteMatch::Found(_, route, _) = &routed {
        RouteLabel::set(&request, route.path);
    }
    let id = request_id(&request);
    reply(host, routed, request, &id).await
}

async fn reply<C, B>(
    host: &Host<C>,
    routed: RouteMatch<C>,
    mut request: http::Request<B>,
    id: &str,
) -> Response
where
    C: Context,
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match routed {
        RouteMatch::Found(feature, route, params) => {
            request.extensions_mut().insert(params);
            let request = match prepare(host, feature, request, id).await {
                Ok(request) => request,
                Err(refusal) => return refusal,
            };
            #[cfg(feature = "server")]
            let again = Again::of(route, &request);
            let called = dispatch_http(route, host.context.as_ref(), request);
            #[cfg_attr(not(feature = "server"), expect(unused_mut, reason = "for servers"))]
            let mut answer = handler_in_time(called, id).await;
            #[cfg(feature = "server")]
            if answer.status() == StatusCode::OK
                && let Some(again) = again
            {
                answer.extensions_mut().insert(again);
            }
            answer
        }
        RouteMatch::MethodNotAllowed(allowed) => {
            let mut answer = problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has other methods",
                id,
            );
            let allowed: Vec<_> = allowed.iter().map(http::Method::as_str).collect();
            if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
                answer.headers_mut().insert(header::ALLOW, allowed);
            }
            answer
        }
        RouteMatch::NotFound => {
            let error = Error::not_found("there is no such path here");
            response(&error.of_kind(crate::problem::NO_SUCH_PATH), id)
        }
    }
}

/// A request whose handler can be asked again, in the answer's extensions.
#[cfg(feature = "server")]
pub(crate) struct Again<C: Context> {
    pub(crate) route: &'static crate::Route<C>,
    pub(crate) request: Request,
}

#[cfg(feature = "server")]
impl<C: Context> Clone for Again<C> {
    fn clone(&self) -> Self {
        Self {
            route: self.route,
            request: self.request.clone(),
        }
    }
}

#[cfg(feature = "server")]
impl<C: Context> Again<C> {
    /// `None`: the route is not one to listen to, or only its head is wanted.
    fn of(route: &'static crate::Route<C>, request: &Request) -> Option<Self> {
        let listens = route.follow && request.method() == http::Method::GET;
        listens.then(|| Self {
            route,
            request: request.clone(),
        })
    }
}

/// What a handler answers; 504 when it takes too long.
pub(crate) async fn handler_in_time(called: impl Future<Output = Response>, id: &str) -> Response {
    let in_time = tokio::time::timeout(HANDLER_TIME, called).await;
    in_time.unwrap_or_else(|_| {
        tracing::error!("a request took too long and was given up");
        let status = StatusCode::GATEWAY_TIMEOUT;
        problem(status, "it took too long; please try again", id)
    })
}

/// Finds out who calls and whether that is too often, and makes the body a value in memory.
async fn prepare<C: Context, B>(
    host: &Host<C>,
    feature: &'static Feature<C>,
    mut request: http::Request<B>,
    id: &str,
) -> Result<Request, Response>
where
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let refused = |error: Error| response(&error, id);
    let route = feature
        .route()
        .ok_or_else(|| refused(Error::permanent("not a route")))?;
    // Before a body is read: nobody streams gigabytes without a token.
    identify(host, route.access, &mut request)
        .await
        .map_err(refused)?;
    if !route.takes_query {
        refuse_query(&request).map_err(refused)?;
    }
    let limits = host.rate_limits.as_ref().zip(route.rate_limit.as_ref());
    if let Some((limits, limit)) = limits {
        let counted = limits.count_head(limit, &request);
        counted.map_err(|too_many| too_many.answer(limit, id))?;
    }
    let request = match &route.form {
        Some(form) => super::forms::receive_form(host, form.key, request).await,
        None => with_whole_body(request).await,
    };
    let request = request.map_err(refused)?;
    if let Some((limits, limit)) = limits {
        let counted = limits.count_subject(limit, &request);
        counted.map_err(|too_many| too_many.answer(limit, id))?;
    }
    Ok(request)
}

/// A parameter that nobody looks at would be taken for one that is heeded.
fn refuse_query<B>(request: &http::Request<B>) -> Result<()> {
    let query = request.uri().query().unwrap_or_default();
    let Some(first) = query.split('&').find(|pair| !pair.is_empty()) else {
        return Ok(());
    };
    let name = first.split_once('=').map_or(first, |(name, _)| name);
    let detail = format!("there is no parameter {name:?} here; none is taken");
    Err(Error::bad_field(name, detail).of_kind(UNKNOWN_FIELD))
}

/// Finds out who calls, where that matters, and whether it is somebody who may.
async fn identify<C: Context, B>(
    host: &Host<C>,
    access: Access,
    request: &mut http::Request<B>,
) -> Result<()> {
    if access != Access::Public
        && request.extensions().get::<Caller>().is_none()
        && let Some(token) = bearer(request)
    {
        let caller = host.authenticate.caller(token).await?;
        request.extensions_mut().insert(caller);
    }
    access.check(request.extensions().get::<Caller>())
}

async fn with_whole_body<B>(request: http::Request<B>) -> Result<Request>
where
    B: http_body_util::BodyExt<Data = Bytes> + Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let bytes = whole_body(body, MAX_BODY).await?;
    let body = if bytes.is_empty() {
        Body::Empty
    } else {
        Body::Binary(bytes.into())
    };
    Ok(with_gateway_parts(Request::from_parts(parts, body)))
}

/// A request as handlers for `lambda_http` expect it: with the parameters of the query and of the
/// path that a gateway would have found.
fn with_gateway_parts(mut request: Request) -> Request {
    if request.query_string_parameters_ref().is_none() {
        let query = request.uri().query().unwrap_or_default();
        let mut parameters: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let values = parameters.entry(name.into_owned()).or_default();
            values.push(value.into_owned());
        }
        request = request.with_query_string_parameters(parameters);
    }
    if request.path_parameters_ref().is_none()
        && let Some(parameters) = request.extensions().get::<PathParams>()
    {
        let parameters = parameters.iter();
        let parameters: HashMap<_, _> = parameters
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .collect();
        request = request.with_path_parameters(parameters);
    }
    request
}

fn bearer<B>(request: &http::Request<B>) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
