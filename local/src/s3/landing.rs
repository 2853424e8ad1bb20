//! Bodies coming in: written, hashed and compared with what was said of them.

use futures::StreamExt as _;
use s3s::dto::StreamingBlob;
use s3s::s3_error;

use super::Store;
use super::blobs::Received;
use super::checksums::{Algorithm, Checksum, Digests};
use super::declared::Declared;
use super::error::{S3Failure, body_failure, incomplete_body};
use super::objects::hex;
use super::store::{Meta, Object, Piece};

/// The largest body of one request: 5 GiB.
const MAX_BODY: u64 = 5 << 30;
/// A body on its way in.
pub(super) struct Incoming<'a> {
    pub(super) body: Option<StreamingBlob>,
    pub(super) length: Option<i64>,
    pub(super) declared: &'a Declared,
    pub(super) algorithm: Algorithm,
    pub(super) trailers: Option<&'a s3s::TrailingHeaders>,
}

/// A body that is in, and fits what was said of it.
pub(super) struct Landed {
    pub(super) received: Received,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

impl Store {
    /// Takes a body in and checks it.
    pub(super) async fn land(&self, incoming: Incoming<'_>) -> Result<Landed, S3Failure> {
        let length = incoming
            .length
            .and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| {
            s3_error!(
                MissingContentLength,
                "You must provide the Content-Length HTTP header."
            )
        })?;
        if length > MAX_BODY {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Err(s3_error!(EntityTooLarge, "{message}").into());
        }
        let digests = Digests::new(incoming.algorithm);
        let blobs = &self.state.blobs;
        let (received, digests) = match incoming.body {
            Some(body) => {
                let body = body.map(|piece| piece.map_err(|e| body_failure(&*e)));
                blobs.receive(body, digests).await?
            }
            None => blobs.receive(futures::stream::empty(), digests).await?,
        };
        if received.size != length {
            return Err(incomplete_body().into());
        }
        let (md5, checksum) = digests.finish();
        incoming.declared.check(md5, &checksum, incoming.trailers)?;
        Ok(Landed {
            received,
            md5,
            checksum,
        })
    }
}

impl Landed {
    /// As the body of an object of its own.
    pub(super) fn as_object(&self, meta: Meta, now_ms: i64) -> Object {
        Object {
            size: self.received.size,
            etag: hex(&self.md5),
            modified_ms: now_ms,
            body: vec![Piece(self.received.name.clone(), self.received.size)],
            meta,
            checksum: self.checksum.clone(),
            upload: None,
        }
    }
}
