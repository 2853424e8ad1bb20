//! A request's body that is drained when its service is done with it.
//!
//! An answer that comes before the body was read (a refusal, most often) would make the server cut
//! the connection, and the client might never see why. What is left of a small body is therefore
//! read and thrown away first; after a big one the client is told that the connection ends.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;

use crate::http_types::Response;

/// Bytes that are read and thrown away.
const MAX_DRAINED: usize = 1024 * 1024;
/// How long that may take.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(1);

/// The body as the service sees it; when it is dropped, its owner gets it back.
pub(crate) struct DrainedBody {
    body: Option<Incoming>,
    back: Option<oneshot::Sender<Incoming>>,
}

/// What the service left of the body.
pub(crate) struct Rest(oneshot::Receiver<Incoming>);

/// The body for the service, and the rest that it leaves.
pub(crate) fn drain_when_dropped(body: Incoming) -> (DrainedBody, Rest) {
    let (back, returned) = oneshot::channel();
    let body = DrainedBody {
        body: Some(body),
        back: Some(back),
    };
    (body, Rest(returned))
}

impl Rest {
    /// Makes the connection fit for the answer.
    pub(crate) async fn drain(mut self, response: &mut Response) {
        let Ok(body) = self.0.try_recv() else { return };
        if body.is_end_stream() {
            return;
        }
        let drained = Limited::new(body, MAX_DRAINED).collect();
        if !matches!(
            tokio::time::timeout(MAX_DRAIN_TIME, drained).await,
            Ok(Ok(_))
        ) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody may be waiting any more.
            let _ = back.send(body);
        }
    }
}

impl Body for DrainedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}
