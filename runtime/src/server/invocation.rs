//! The Invoke call of Lambda, synchronous, for development and for programs only:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.

use std::error::Error as StdError;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use super::{Server, browsers};
use crate::http::{RouteLabel, request_id, whole_body};
use crate::json::json_response;
use crate::{Context, Error, Response, Result, invoke, problem};

/// Where it is called, for figures.
const PATH: &str = "/2015-03-31/functions/{feature}/invocations";
/// The longest payload, as in Lambda, in bytes.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// The feature that a path of the Invoke call names.
pub(super) fn feature_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/2015-03-31/functions/")?;
    let name = name.strip_suffix("/invocations")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Runs the payload through a feature of this service, however long that takes.
pub(super) async fn answer<C, B>(server: &Server<C>, feature: &str, request: Request<B>) -> Response
where
    C: Context,
    B: BodyExt<Data = Bytes> + Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    RouteLabel::set(&request, PATH);
    let id = request_id(&request);
    let answer = async {
        browsers::check_program(request.headers())?;
        let payload = whole_body(request.into_body(), MAX_PAYLOAD).await?;
        invoke_feature(server, feature, &payload).await
    };
    let answer: Result<Response> = answer.await;
    answer.unwrap_or_else(|error| problem::response(&error, &id))
}

async fn invoke_feature<C: Context>(
    server: &Server<C>,
    name: &str,
    payload: &[u8],
) -> Result<Response> {
    let mut features = server.host.features(name);
    if features.all(|found| found.service != server.service) {
        let error = json!({ "Type": "User", "Message": format!("Function not found: {name}") });
        return json_response(StatusCode::NOT_FOUND, &error);
    }
    let outcome = match serde_json::from_slice(payload) {
        Ok(payload) => invoke::invoke(&server.host, name, payload).await,
        Err(error) => Err(Error::permanent("the payload is no JSON").with_source(error)),
    };
    match outcome {
        Ok(reply) => json_response(StatusCode::OK, &reply),
        Err(error) => {
            let mut reply = json_response(StatusCode::OK, &invoke::error_payload(&error))?;
            let failed = HeaderValue::from_static("Unhandled");
            reply.headers_mut().insert("x-amz-function-error", failed);
            Ok(reply)
        }
    }
}
