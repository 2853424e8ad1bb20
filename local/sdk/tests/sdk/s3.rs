//! S3: what the system does with it, streaming included.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::{Aws, code};

const FIVE_MIB: usize = 5 << 20;

#[tokio::test]
async fn an_object_comes_back_in_whole_and_in_part_also_after_a_restart() {
    let aws = Aws::start().await;
    let s3 = aws.s3();
    s3.create_bucket()
        .bucket("videos")
        .send()
        .await
        .expect("a bucket");
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let put = s3
        .put_object()
        .bucket("videos")
        .key("uploads/a b+ü.mp4")
        .content_type("video/mp4")
        .body(ByteStream::from(body.clone()))
        .send()
        .await
        .expect("a put");
    let aws = aws.restart().await;
    let s3 = aws.s3();
    let get = || s3.get_object().bucket("videos").key("uploads/a b+ü.mp4");
    let got = get().send().await.expect("a get");
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.content_type(), Some("video/mp4"));
    assert_eq!(got.body.collect().await.expect("a body").to_vec(), body);
    let tail = get().range("bytes=-10").send().await.expect("a range");
    assert_eq!(
        tail.body.collect().await.expect("a body").to_vec(),
        body[body.len() - 10..]
    );
    let past = get()
        .range("bytes=3000000-")
        .send()
        .await
        .expect_err("past the end");
    assert_eq!(code(&past), Some("InvalidRange"));
    let absent = s3
        .get_object()
        .bucket("videos")
        .key("none")
        .send()
        .await
        .expect_err("absent");
    assert!(
        absent
            .as_service_error()
            .is_some_and(aws_sdk_s3::operation::get_object::GetObjectError::is_no_such_key)
    );
    aws.local.stop().await;
}

#[tokio::test]
async fn a_multipart_upload_survives_a_restart_and_one_completion_wins() {
    let aws = Aws::start().await;
    let s3 = aws.s3();
    s3.create_bucket()
        .bucket("videos")
        .send()
        .await
        .expect("a bucket");
    let begun = s3
        .create_multipart_upload()
        .bucket("videos")
        .key("zip")
        .send()
        .await;
    let id = begun.expect("an upload").upload_id.expect("an id");
    let mut parts = Vec::new();
    for (number, part) in [(1, vec![b'a'; FIVE_MIB]), (2, b"tail".to_vec())] {
        let put = s3
            .upload_part()
            .bucket("videos")
            .key("zip")
            .upload_id(&id)
            .part_number(number)
            .body(part.into())
            .send()
            .await
            .expect("a part");
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(put.e_tag)
                .build(),
        );
    }
    let aws = aws.restart().await;
    let s3 = aws.s3();
    let complete = |parts: Vec<CompletedPart>| {
        s3.complete_multipart_upload()
            .bucket("videos")
            .key("zip")
            .upload_id(&id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .send()
    };
    let wrong = CompletedPart::builder()
        .part_number(1)
        .e_tag("\"0\"")
        .build();
    let refused = complete(vec![wrong]).await.expect_err("a wrong tag");
    assert_eq!(code(&refused), Some("InvalidPart"));
    complete(parts.clone()).await.expect("the object");
    complete(parts).await.expect("the same answer again");
    let got = s3
        .get_object()
        .bucket("videos")
        .key("zip")
        .range("bytes=5242878-")
        .send()
        .await;
    let got = got
        .expect("across the parts")
        .body
        .collect()
        .await
        .expect("a body");
    assert_eq!(got.to_vec(), b"aatail");
    aws.local.stop().await;
}

#[tokio::test]
async fn a_presigned_put_is_good_until_the_clock_passes_it() {
    let aws = Aws::start().await;
    let s3 = aws.s3();
    s3.create_bucket()
        .bucket("videos")
        .send()
        .await
        .expect("a bucket");
    let life = PresigningConfig::expires_in(Duration::from_mins(5)).expect("a life");
    let presigned = s3
        .put_object()
        .bucket("videos")
        .key("up")
        .content_length(4)
        .content_type("video/mp4")
        .presigned(life)
        .await
        .expect("an address");
    let put = |body: &'static [u8]| {
        let mut request = http::Request::put(presigned.uri());
        // The length is the body's own, or a client would cut the body to what was signed.
        let signed = presigned.headers();
        for (name, value) in signed.filter(|(name, _)| *name != "content-length") {
            request = request.header(name, value);
        }
        super::trouble::send(request, body)
    };
    assert_eq!(put(b"too long").await, 403);
    assert_eq!(put(b"good").await, 200);
    aws.local.clock().advance(Duration::from_mins(6));
    assert_eq!(put(b"good").await, 403);
    let head = s3
        .head_object()
        .bucket("videos")
        .key("up")
        .send()
        .await
        .expect("a head");
    assert_eq!(head.content_length(), Some(4));
    aws.local.stop().await;
}

#[tokio::test]
async fn of_many_first_writers_one_wins() {
    let aws = Aws::start().await;
    let s3 = aws.s3();
    s3.create_bucket()
        .bucket("videos")
        .send()
        .await
        .expect("a bucket");
    let writers = (0..16).map(|n: u32| {
        s3.put_object()
            .bucket("videos")
            .key("k")
            .if_none_match("*")
            .body(n.to_string().into_bytes().into())
            .send()
    });
    let results = futures::future::join_all(writers).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = results
        .iter()
        .filter_map(|result| code(result.as_ref().err()?));
    assert_eq!(won, 1);
    assert_eq!(
        lost.filter(|code| *code == "PreconditionFailed").count(),
        15
    );
    aws.local.stop().await;
}
