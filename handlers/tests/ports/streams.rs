use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fotograma::aws::{AnswerLimits, S3Sink, S3Source, Upload};
use fotograma_engine::{Sink, Source, SourceError};
use fotograma_local::{Fault, FaultKind, ServiceName};

use super::world::World;

const KEY: &str = "frames/u1/v1.zip";
const MIB: usize = 1024 * 1024;

/// Bytes whose pattern meets no boundary of a part in the same place twice.
fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = (0..251).collect::<Vec<u8>>().repeat(len / 251 + 1);
    bytes.truncate(len);
    bytes
}

fn sink(world: &World) -> Box<S3Sink> {
    Box::new(S3Sink::new(Arc::clone(&world.aws), KEY))
}

async fn write(sink: &mut S3Sink, body: &[u8]) {
    for chunk in body.chunks(700_001) {
        sink.write(Bytes::copy_from_slice(chunk))
            .await
            .expect("it is written");
    }
}

async fn open(world: &World, etag: &str) -> Result<S3Source, SourceError> {
    S3Source::open(Arc::clone(&world.aws), "uploads/u1/v1", etag).await
}

#[tokio::test]
async fn a_zip_is_stored_whole_in_one_part_or_in_several() {
    let world = World::new().await;
    for len in [0, 1_000, 8 * MIB, 8 * MIB + 1, 42 * MIB] {
        let body = bytes(len);
        let mut sink = sink(&world);
        write(&mut sink, &body).await;
        assert!(
            world.object(KEY).await.is_none(),
            "nothing is visible before the end"
        );
        sink.finish().await.expect("it is stored");
        let (stored, kind) = world.object(KEY).await.expect("it is there");
        assert!(stored == body, "{len} bytes");
        assert_eq!(kind, "application/zip");
        assert_eq!(world.open_uploads().await, 0);
        let remove = world
            .aws
            .s3()
            .delete_object()
            .bucket(world.aws.settings().bucket());
        remove.key(KEY).send().await.expect("it is removed");
    }
}

#[tokio::test]
async fn an_aborted_or_forgotten_zip_leaves_nothing() {
    let world = World::new().await;
    let mut aborted = sink(&world);
    write(&mut aborted, &bytes(20 * MIB)).await;
    aborted.abort().await;
    assert_eq!(world.open_uploads().await, 0);

    let mut forgotten = sink(&world);
    write(&mut forgotten, &bytes(20 * MIB)).await;
    assert_eq!(world.open_uploads().await, 1);
    drop(forgotten);
    let began = Instant::now();
    while world.open_uploads().await > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it is cleaned up in the background"
        );
    }
    assert!(world.object(KEY).await.is_none());
}

#[tokio::test]
async fn a_zip_that_cannot_be_stored_leaves_nothing() {
    let world = World::new().await;
    world
        .local
        .faults()
        .add(Fault::new(FaultKind::Error).on(ServiceName::S3, "UploadPart"));
    let mut sink = sink(&world);
    let mut failed = sink.write(Bytes::from(bytes(9 * MIB))).await.is_err();
    failed |= sink.finish().await.is_err();
    assert!(failed);
    assert_eq!(world.open_uploads().await, 0);
    assert!(world.object(KEY).await.is_none());
}

#[tokio::test]
async fn a_completion_whose_answers_are_all_lost_has_happened() {
    let world = World::new().await;
    let lost = Fault::new(FaultKind::CutAfter).on(ServiceName::S3, "CompleteMultipartUpload");
    world.local.faults().add(lost);
    let body = bytes(9 * MIB);
    let mut sink = sink(&world);
    write(&mut sink, &body).await;
    sink.finish().await.expect("it is found");
    assert!(
        world
            .object(KEY)
            .await
            .is_some_and(|(stored, _)| stored == body)
    );
}

#[tokio::test]
async fn a_completion_that_never_came_is_not_taken_for_an_older_zip() {
    let world = World::new().await;
    let mut older = sink(&world);
    write(&mut older, &bytes(9 * MIB)).await;
    older.finish().await.expect("it is stored");
    let down = Fault::new(FaultKind::Cut).on(ServiceName::S3, "CompleteMultipartUpload");
    world.local.faults().add(down);
    let mut sink = sink(&world);
    write(&mut sink, &bytes(9 * MIB)).await;
    assert!(sink.finish().await.is_err());
    assert_eq!(world.open_uploads().await, 0);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let (soon, late) = (Duration::from_millis(300), Duration::from_mins(1));
    for (operation, len, part, completion) in [
        ("UploadPart", 9 * MIB, soon, late),
        ("CompleteMultipartUpload", 9 * MIB, late, soon),
        ("PutObject", MIB, late, soon),
    ] {
        let world = World::new().await;
        let hangs = Fault::new(FaultKind::Hang).on(ServiceName::S3, operation);
        world.local.faults().add(hangs);
        let limits = AnswerLimits { part, completion };
        let upload = Upload::new(Arc::clone(&world.aws), KEY, None);
        let mut upload = upload.with_limits(limits);
        let began = Instant::now();
        let written = upload.write(Bytes::from(bytes(len))).await;
        let finished = upload.finish().await;
        assert!(written.and(finished).is_err(), "{operation}");
        assert!(began.elapsed() < late, "{operation}");
        assert_eq!(world.open_uploads().await, 0, "{operation}");
    }
}

#[tokio::test]
async fn a_zip_with_a_hole_is_never_finished() {
    let world = World::new().await;
    let mut denied = Fault::new(FaultKind::Error)
        .on(ServiceName::S3, "UploadPart")
        .times(1);
    (denied.code, denied.status) = (Some("AccessDenied".to_owned()), Some(403));
    world.local.faults().add(denied);
    let mut sink = sink(&world);
    let mut errors = 0;
    for _ in 0..7 {
        errors += usize::from(sink.write(Bytes::from(bytes(8 * MIB))).await.is_err());
    }
    assert_eq!(errors, 1, "the part that was denied");
    assert!(sink.finish().await.is_err());
    assert!(world.object(KEY).await.is_none());
    assert_eq!(world.open_uploads().await, 0);
}

#[tokio::test]
async fn a_video_is_read_by_ranges() {
    let world = World::new().await;
    let body = bytes(100_000);
    let etag = world.put("uploads/u1/v1", body.clone()).await;
    let source = open(&world, &etag).await.expect("it is there");
    assert_eq!(source.len(), 100_000);
    for range in [0..1, 5..77_777, 99_999..100_000, 0..100_000, 7..7] {
        let read = source.read(range.clone()).await.expect("it is read");
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        assert_eq!(read, body[start.expect("small")..end.expect("small")]);
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let world = World::new().await;
    let etag = world.put("uploads/u1/v1", "hello").await;
    let source = open(&world, &etag).await.expect("it is there");
    world.local.faults().add(
        Fault::new(FaultKind::Cut)
            .on(ServiceName::S3, "GetObject")
            .times(2),
    );
    assert_eq!(source.read(0..5).await, Ok(Bytes::from("hello")));
}

#[tokio::test]
async fn a_video_that_is_replaced_is_not_read_on() {
    let world = World::new().await;
    let etag = world.put("uploads/u1/v1", "hello").await;
    let source = open(&world, &etag).await.expect("it is there");
    assert_eq!(source.read(0..2).await, Ok(Bytes::from("he")));
    let other = world.put("uploads/u1/v1", "HELLO").await;
    assert_eq!(source.read(2..5).await, Err(SourceError::Changed));
    assert_eq!(open(&world, &etag).await.err(), Some(SourceError::Changed));

    let source = open(&world, &other).await.expect("it is there");
    let remove = world
        .aws
        .s3()
        .delete_object()
        .bucket(world.aws.settings().bucket());
    remove
        .key("uploads/u1/v1")
        .send()
        .await
        .expect("it is removed");
    assert_eq!(source.read(0..5).await, Err(SourceError::Gone));
    assert_eq!(open(&world, &other).await.err(), Some(SourceError::Gone));
}
