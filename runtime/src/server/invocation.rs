//! The Invoke call of Lambda, synchronous, for development:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::{Server, Serving, busy, into_axum};
use crate::call::json_response;
use crate::request::{Exchange, whole_body};
use crate::{Context, Error, Response as Reply, Result, invoke, problem};

/// Where it is called.
pub(super) const PATH: &str = "/2015-03-31/functions/{feature}/invocations";
/// The longest payload, as in Lambda, in bytes.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Runs the payload through a feature of this service, however long that takes.
pub(super) async fn answer<C: Context>(
    State(serving): State<Arc<Serving<C>>>,
    Path(feature): Path<String>,
    request: Request,
) -> Response {
    let exchange = Exchange::of(&serving.server.host, &request, PATH);
    let id = exchange.id.clone();
    let answer = exchange.answer(async {
        let Some(_slot) = serving.slot() else {
            return busy(&id);
        };
        let answer = async {
            let payload = whole_body(request.into_body(), MAX_PAYLOAD).await?;
            run(&serving.server, &feature, &payload).await
        };
        answer
            .await
            .unwrap_or_else(|error| problem::response(&error, &id))
    });
    into_axum(answer.await, false)
}

async fn run<C>(server: &Server<C>, name: &str, payload: &[u8]) -> Result<Reply>
where
    C: Context,
{
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
