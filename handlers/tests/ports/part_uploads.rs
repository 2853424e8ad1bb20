//! Uploads in parts: sent by addresses, told, put together, thrown away.

use std::sync::Arc;

use chrono::Duration;
use fotograma::aws::{S3Objects, S3PartUploads};
use fotograma_core::domain::parts::StoredPart;
use fotograma_core::ports::{Objects, PartAddress, PartUploads};
use fotograma_local::{Fault, FaultKind, ServiceName};

use super::world::{World, http};

const KEY: &str = "uploads/u1/v1";
/// The shortest that a part which is not the last may be.
const PART: usize = 5 * 1024 * 1024;
/// Of as many letters `x`, by Python's `hashlib`.
const MD5_OF_PART: &str = "Twju9AlnJr/xEl4bG3NGRA==";

struct Sender {
    parts: S3PartUploads,
    upload_id: String,
}

impl Sender {
    async fn begin(world: &World) -> Self {
        let parts = S3PartUploads::new(Arc::clone(&world.aws));
        let upload_id = parts.begin(KEY, "video/mp4").await.expect("it begins");
        Self { parts, upload_id }
    }

    /// The status of a part's PUT.
    async fn send(&self, part: u32, bytes: &[u8], md5: Option<&str>) -> u16 {
        let address = PartAddress {
            key: KEY,
            upload_id: &self.upload_id,
            part,
            size: bytes.len() as u64,
            content_md5: md5,
        };
        let put = self.parts.sign(&address, Duration::minutes(15)).await;
        let put = put.expect("an address");
        let names: Vec<_> = put.headers.iter().map(|(name, _)| name.as_str()).collect();
        let expected: &[&str] = match md5 {
            Some(_) => &["content-length", "content-md5"],
            None => &["content-length"],
        };
        assert_eq!(
            names, expected,
            "all that a client has to send, and no more"
        );
        let answer = http("PUT", &put.url, &put.headers, bytes.to_vec()).await;
        answer.status().as_u16()
    }

    async fn list(&self) -> Option<Vec<StoredPart>> {
        let list = self.parts.list(KEY, &self.upload_id).await;
        list.expect("an answer")
    }
}

#[tokio::test]
async fn parts_are_sent_in_any_order_told_and_put_together() {
    let world = World::new().await;
    let objects = S3Objects::new(Arc::clone(&world.aws));
    let sender = Sender::begin(&world).await;
    assert_eq!(sender.list().await, Some(vec![]));
    let first = vec![b'x'; PART];
    assert_eq!(sender.send(2, b"the end", None).await, 200);
    assert_eq!(sender.send(1, &first, Some(MD5_OF_PART)).await, 200);
    let mut other = first.clone();
    other[7] = b'y';
    assert_eq!(sender.send(1, &other, Some(MD5_OF_PART)).await, 400);

    let stored = sender.list().await.expect("it is there");
    let sizes: Vec<_> = stored.iter().map(|part| (part.part, part.size)).collect();
    assert_eq!(sizes, [(1, PART as u64), (2, 7)]);
    assert_eq!(objects.head(KEY).await, Ok(None), "it is no object yet");

    // The answer is lost, and so the client of S3 asks again: that it is done is what counts.
    let lost = Fault::new(FaultKind::CutAfter).on(ServiceName::S3, "CompleteMultipartUpload");
    world.local.faults().add(lost.times(1));
    let complete = || sender.parts.complete(KEY, &sender.upload_id, &stored);
    assert_eq!(complete().await, Ok(()));
    let head = objects.head(KEY).await.expect("an answer");
    assert_eq!(head.expect("an object").size, PART as u64 + 7);
    assert_eq!(complete().await, Ok(()), "it is done already");
    assert_eq!(sender.list().await, None);
}

#[tokio::test]
async fn an_upload_that_is_thrown_away_leaves_nothing() {
    let world = World::new().await;
    let sender = Sender::begin(&world).await;
    assert_eq!(sender.send(1, b"part", None).await, 200);
    for _ in 0..2 {
        let aborted = sender.parts.abort(KEY, &sender.upload_id).await;
        assert_eq!(aborted, Ok(()));
    }
    assert_eq!(world.open_uploads().await, 0);
    assert_eq!(sender.list().await, None);
    assert_eq!(sender.send(2, b"late", None).await, 404);
}
