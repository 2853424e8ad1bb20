use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::io::source::Source;

/// Bytes in memory that count how often they are asked for.
struct Memory {
    bytes: Bytes,
    reads: Arc<AtomicUsize>,
    broken_from: u64,
}

#[async_trait]
impl Source for Memory {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.reads.fetch_add(1, Relaxed);
        if range.end > self.broken_from {
            return Err(SourceError::Changed);
        }
        let index = |at: u64| usize::try_from(at).expect("it fits");
        Ok(self.bytes.slice(index(range.start)..index(range.end)))
    }

    fn path(&self) -> Option<&Path> {
        None
    }
}

const SHAPE: Shape = Shape {
    block: 1000,
    ahead: 2,
    kept: 4,
    socket: 16 << 10,
};

fn server(broken_from: u64) -> (Loopback, Bytes, Arc<AtomicUsize>) {
    let bytes: Bytes = (0..10_500_u32).map(|n| n.to_le_bytes()[0]).collect();
    let reads = Arc::new(AtomicUsize::new(0));
    let memory = Memory {
        bytes: bytes.clone(),
        reads: Arc::clone(&reads),
        broken_from,
    };
    let loopback = Loopback::start(Blocks::new(Arc::new(memory), SHAPE)).expect("it starts");
    (loopback, bytes, reads)
}

/// The status line with its headers, and the body.
async fn get(loopback: &Loopback, name: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(loopback.address)
        .await
        .expect("it listens");
    let request = format!("GET /{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("headers")
        + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).expect("text"), body)
}

#[tokio::test]
async fn serves_all_and_parts() {
    let (loopback, bytes, reads) = server(u64::MAX);
    let (head, body) = get(&loopback, &loopback.name, "").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, bytes);
    assert_eq!(reads.load(Relaxed), 11, "each block is fetched once");
    let (head, body) = get(&loopback, &loopback.name, "Range: bytes=999-1000\r\n").await;
    assert!(head.starts_with("HTTP/1.1 206"), "{head}");
    assert!(
        head.contains("content-range: bytes 999-1000/10500"),
        "{head}"
    );
    assert_eq!(body, bytes[999..=1000]);
    let (head, _) = get(&loopback, &loopback.name, "Range: bytes=10500-\r\n").await;
    assert!(head.starts_with("HTTP/1.1 416"), "{head}");
}

#[tokio::test]
async fn a_first_block_is_read_alone() {
    let (loopback, bytes, reads) = server(u64::MAX);
    let (_, body) = get(&loopback, &loopback.name, "Range: bytes=5000-5500\r\n").await;
    assert_eq!(body, bytes[5000..=5500]);
    assert_eq!(reads.load(Relaxed), 1);
}

#[tokio::test]
async fn another_name_is_not_found() {
    let (loopback, ..) = server(u64::MAX);
    for name in ["", "video.mp4", "../etc/passwd"] {
        let (head, body) = get(&loopback, name, "").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn an_error_of_the_source_cuts_the_answer_and_is_kept() {
    let (loopback, bytes, _) = server(3000);
    let (head, body) = get(&loopback, &loopback.name, "").await;
    assert!(head.contains("content-length: 10500"), "{head}");
    assert!(body.len() <= 3000 && bytes.starts_with(&body));
    assert_eq!(loopback.failure(), Some(SourceError::Changed));
}
