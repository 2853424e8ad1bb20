//! Forms as strangers send them: with too much beside the file, and too slowly.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use tokio::time::{Instant, sleep};

use super::*;
use crate::{Caller, FileStore, FormLimits};

const KIB: usize = 1024;
const BEGIN: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
const END: &str = "\r\n--b--\r\n";

/// Keeps the length of the file, and takes its time for each piece of it.
#[derive(Default)]
struct Store {
    length: Mutex<Option<usize>>,
    per_piece: Duration,
}

#[async_trait]
impl FileStore for Store {
    async fn store(
        &self,
        _key: &str,
        _content_type: Option<&str>,
        mut file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let mut length = 0;
        while let Some(piece) = file.next().await {
            length += piece?.len();
            sleep(self.per_piece).await;
        }
        *self.length.lock().expect("the length") = Some(length);
        Ok(length as u64)
    }

    async fn remove(&self, _key: &str) -> Result<()> {
        *self.length.lock().expect("the length") = None;
        Ok(())
    }
}

type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// What became of a form.
struct Received {
    claim: Result<FormClaim>,
    /// The file's length, if it was kept.
    stored: Option<usize>,
    /// How many pieces of the body were taken.
    taken: usize,
}

/// Receives a form that comes in these pieces, one after each `pause`.
async fn receive(
    pieces: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>,
    pause: Duration,
    store: Store,
    limits: FormLimits,
) -> Received {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let pieces = stream::iter(pieces).then(move |piece| {
        counter.fetch_add(1, SeqCst);
        async move {
            sleep(pause).await;
            Ok::<_, Infallible>(Bytes::from(piece))
        }
    });
    let caller = Caller {
        user_id: "u1".to_owned(),
        username: "ana".to_owned(),
        email: None,
        groups: Vec::new(),
    };
    let request = http::Request::post("/")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .extension(caller)
        .body(axum::body::Body::from_stream(pieces));
    let store = Arc::new(store);
    let host = Host::new((), &[])
        .with_file_store(store.clone())
        .with_form_limits(limits);
    let received = receive_form(&host, |(), _| "key".to_owned(), request.expect("a request")).await;
    let stored = *store.length.lock().expect("the length");
    Received {
        claim: received.map(|request| crate::json::json_body(&request).expect("a claim check")),
        stored,
        taken: taken.load(SeqCst),
    }
}

async fn at_once(pieces: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>) -> Received {
    let limits = FormLimits::default();
    receive(pieces, Duration::ZERO, Store::default(), limits).await
}

fn status(received: &Received) -> u16 {
    match &received.claim {
        Ok(_) => 200,
        Err(Error::Rejected { status, .. }) => status.as_u16(),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_is_read_up_to_a_budget_wherever_it_stands() {
    let long = |count: usize| (0..count).map(|_| vec![b'x'; KIB]);
    let begun = |text: &str| std::iter::once(text.as_bytes().to_vec());
    let file = || begun(BEGIN).chain(long(100)).chain(begun("\r\n--b\r\n"));
    let head = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";
    let field = format!("--b\r\n{head}");
    let fields = (0..8).flat_map(|n| {
        let name = format!("\r\n--b\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n");
        std::iter::once(name.into_bytes()).chain((0..10).map(|_| vec![b'x'; KIB]))
    });
    let megabytes = 8 * KIB;
    let cases: [(&str, usize, Pieces); 7] = [
        ("before the first boundary", 0, Box::new(long(megabytes))),
        (
            "in the head of a part",
            0,
            Box::new(begun("--b\r\nX: ").chain(long(megabytes))),
        ),
        (
            "in a name",
            0,
            Box::new(
                begun("--b\r\nContent-Disposition: form-data; name=\"").chain(long(megabytes)),
            ),
        ),
        (
            "in a field",
            0,
            Box::new(begun(&field).chain(long(megabytes))),
        ),
        ("in many fields", 0, Box::new(fields)),
        (
            "in a field after the file",
            100,
            Box::new(file().chain(begun(head)).chain(long(megabytes))),
        ),
        (
            "in a head after the file",
            100,
            Box::new(file().chain(begun("X: ")).chain(long(megabytes))),
        ),
    ];
    for (place, file, pieces) in cases {
        let received = at_once(pieces).await;
        assert_eq!(status(&received), 400, "{place}");
        let beside = received.taken - file;
        assert!(beside <= 64 + 2 * 16 + 5, "{place}: {beside} KiB were read");
        assert_eq!(received.stored, None, "{place}: nothing is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_may_be_long_and_come_in_any_pieces() {
    let field = "\r\n--b\r\nContent-Disposition: form-data; name=\"every\"\r\n\r\n1s\r\n--b--\r\n";
    let mut form = BEGIN.as_bytes().to_vec();
    form.extend(vec![b'\r'; 300 * KIB]);
    form.extend_from_slice(field.as_bytes());
    for size in [1, 7, 1_000, 40_000, form.len()] {
        let pieces: Vec<_> = form.chunks(size).map(<[u8]>::to_vec).collect();
        let received = at_once(pieces).await;
        assert_eq!(received.stored, Some(300 * KIB), "in pieces of {size}");
        let claim = received.claim.expect("a claim check");
        assert_eq!(claim.fields["every"], "1s", "in pieces of {size}");
    }
}

/// A form whose file comes in so many pieces of a kibibyte.
fn form(pieces: usize) -> impl Iterator<Item = Vec<u8>> + Send + 'static {
    let file = (0..pieces).map(|_| vec![b'x'; KIB]);
    let ends = [BEGIN, END].map(|text| std::iter::once(text.as_bytes().to_vec()));
    let [begin, end] = ends;
    begin.chain(file).chain(end)
}

#[tokio::test(start_paused = true)]
async fn a_form_that_trickles_is_given_up() {
    let began = Instant::now();
    let limits = FormLimits::default();
    let slow = receive(
        form(10_000),
        Duration::from_secs(20),
        Store::default(),
        limits,
    )
    .await;
    assert_eq!((status(&slow), slow.stored), (408, None));
    assert!(
        began.elapsed() <= Duration::from_mins(1),
        "{:?}",
        began.elapsed()
    );
    // 10 KiB a second are enough.
    let pause = Duration::from_millis(100);
    let steady = receive(form(1_000), pause, Store::default(), limits).await;
    assert_eq!((status(&steady), steady.stored), (200, Some(1_000 * KIB)));
}

#[tokio::test(start_paused = true)]
async fn a_form_may_take_so_long_and_no_longer() {
    let began = Instant::now();
    let limits = FormLimits {
        longest: Duration::from_mins(2),
        ..FormLimits::default()
    };
    let pause = Duration::from_millis(100);
    let long = receive(form(10_000), pause, Store::default(), limits).await;
    assert_eq!((status(&long), long.stored), (408, None));
    assert_eq!(began.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_no_fault_of_the_client() {
    let store = Store {
        per_piece: Duration::from_mins(1),
        ..Store::default()
    };
    let limits = FormLimits::default();
    let received = receive(form(160), Duration::ZERO, store, limits).await;
    assert_eq!((status(&received), received.stored), (200, Some(160 * KIB)));
}
