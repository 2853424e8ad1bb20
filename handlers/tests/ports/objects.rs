use std::sync::Arc;

use chrono::Duration;
use fotograma::aws::{S3Files, S3Objects};
use fotograma_core::Error;
use fotograma_core::ports::{ObjectHead, Objects, SignedPut};
use futures::{StreamExt, stream};
use lambda_anywhere::FileStore;

use super::world::{World, http, status};

async fn setup() -> (World, S3Objects) {
    let world = World::new().await;
    let objects = S3Objects::new(Arc::clone(&world.aws));
    (world, objects)
}

async fn signed(objects: &S3Objects) -> SignedPut {
    let signed = objects
        .presign_put("uploads/u1/v1", 5, "video/mp4", Duration::minutes(15))
        .await;
    signed.expect("an address")
}

#[tokio::test]
async fn an_object_is_known_without_being_read() {
    let (world, objects) = setup().await;
    assert_eq!(objects.head("uploads/u1/v1").await, Ok(None));
    let etag = world.put("uploads/u1/v1", "hello").await;
    assert!(etag.starts_with('"'));
    assert_eq!(
        objects.head("uploads/u1/v1").await,
        Ok(Some(ObjectHead { size: 5, etag }))
    );
    assert_eq!(objects.remove("uploads/u1/v1").await, Ok(()));
    assert_eq!(
        objects.remove("uploads/u1/v1").await,
        Ok(()),
        "it is away already"
    );
    assert_eq!(objects.head("uploads/u1/v1").await, Ok(None));
}

#[tokio::test]
async fn a_signed_address_takes_what_was_announced_and_nothing_else() {
    let (world, objects) = setup().await;
    let SignedPut { url, headers } = signed(&objects).await;
    let expected = [("content-length", "5"), ("content-type", "video/mp4")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        headers, expected,
        "all that a client has to send, and no more"
    );

    assert_eq!(
        http("PUT", &url, &headers, "hello!").await.status(),
        403,
        "too long"
    );
    assert_eq!(
        http("PUT", &url, &headers[..0], "hello").await.status(),
        403,
        "no type"
    );
    let mut other = headers.clone();
    other
        .iter_mut()
        .find(|(name, _)| name == "content-type")
        .expect("a type")
        .1 = "text/html".to_owned();
    assert_eq!(
        http("PUT", &url, &other, "hello").await.status(),
        403,
        "another type"
    );
    let elsewhere = url.replace("/v1", "/v2");
    assert_eq!(
        http("PUT", &elsewhere, &headers, "hello").await.status(),
        403,
        "another key"
    );
    assert_eq!(objects.head("uploads/u1/v1").await, Ok(None));

    assert_eq!(http("PUT", &url, &headers, "hello").await.status(), 200);
    let stored = world.object("uploads/u1/v1").await.expect("it is there");
    assert_eq!(stored, (b"hello".to_vec(), "video/mp4".to_owned()));
}

#[tokio::test]
async fn a_signed_address_ends() {
    let (world, objects) = setup().await;
    let SignedPut { url, headers } = signed(&objects).await;
    world
        .local
        .clock()
        .advance(std::time::Duration::from_mins(16));
    assert_eq!(http("PUT", &url, &headers, "hello").await.status(), 403);
}

#[tokio::test]
async fn a_download_is_saved_under_its_name() {
    let (world, objects) = setup().await;
    world.put("frames/u1/v1.zip", "zip").await;
    let name = "férias + \"sol\".zip";
    let url = objects
        .presign_get("frames/u1/v1.zip", name, Duration::hours(1))
        .await;
    let answer = http("GET", &url.expect("an address"), &[], "").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body(), b"zip");
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"f_rias + _sol_.zip\"; \
         filename*=UTF-8''f%C3%A9rias%20+%20%22sol%22.zip"
    );
}

#[tokio::test]
async fn a_forms_file_is_kept_whole_or_not_at_all() {
    let world = World::new().await;
    let files = S3Files::new(Arc::clone(&world.aws), 10_000_000);
    let chunk = || Ok(bytes::Bytes::from(vec![7; 1_000_000]));
    let whole = stream::iter((0..9).map(|_| chunk())).boxed();
    assert_eq!(
        files.store("uploads/u1/v1", Some("video/mp4"), whole).await,
        Ok(9_000_000)
    );
    let (body, kind) = world.object("uploads/u1/v1").await.expect("it is there");
    assert_eq!((body, kind.as_str()), (vec![7; 9_000_000], "video/mp4"));

    let broken = Err(Error::bad_request("the form broke off"));
    let cut = stream::iter((0..9).map(|_| chunk()).chain([broken.clone()])).boxed();
    let error = files.store("uploads/u1/v2", None, cut).await;
    assert_eq!(error, Err(Error::bad_request("the form broke off")));
    let large = stream::iter((0..11).map(|_| chunk())).boxed();
    let error = files
        .store("uploads/u1/v2", None, large)
        .await
        .expect_err("too large");
    assert_eq!(status(&error), 413);
    assert_eq!(world.object("uploads/u1/v2").await, None);
    assert_eq!(world.open_uploads().await, 0);

    let empty = stream::iter([]).boxed();
    assert_eq!(files.store("uploads/u1/v3", None, empty).await, Ok(0));
    assert_eq!(
        world.object("uploads/u1/v3").await.expect("it is there").0,
        b""
    );
    assert_eq!(files.remove("uploads/u1/v3").await, Ok(()));
}
