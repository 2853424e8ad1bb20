use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use fotograma::aws::DynamoVideos;
use fotograma_core::Error;
use fotograma_core::domain::{Job, Status, Unfinished, Video};
use fotograma_core::ports::{VideoFilter, Videos};
use fotograma_local::{Fault, FaultKind, ServiceName};

use super::world::{World, status};

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + ms).expect("a time")
}

fn video(id: &str, user: &str, created_ms: i64) -> Video {
    let body = format!(r#"{{"video_id":"{id}","user_id":"{user}","email":"a@b.c"}}"#);
    let job = Job::from_json(&body).expect("a job");
    Video::new(&job, at(created_ms))
}

fn ids(videos: &[Video]) -> Vec<&str> {
    videos.iter().map(|video| video.video_id.as_str()).collect()
}

async fn setup() -> (World, DynamoVideos) {
    let world = World::new().await;
    let videos = DynamoVideos::new(Arc::clone(&world.aws));
    (world, videos)
}

#[tokio::test]
async fn a_record_is_written_only_over_the_version_that_was_read() {
    let (_world, videos) = setup().await;
    let first = Video {
        filename: Some("férias.mp4".to_owned()),
        ..video("v1", "u1", 0)
    };
    assert_eq!(videos.get("v1").await, Ok(None));
    assert_eq!(videos.put(&first, None).await, Ok(true));
    assert_eq!(videos.get("v1").await, Ok(Some(first.clone())));
    assert_eq!(videos.put(&first, None).await, Ok(false), "it is there");

    let second = first.uploaded(5, "\"e\"", at(1)).expect("uploaded");
    assert_eq!(videos.put(&second, Some(first.version)).await, Ok(true));
    assert_eq!(
        videos.put(&second, Some(first.version)).await,
        Ok(false),
        "somebody was faster"
    );
    let read = videos
        .get("v1")
        .await
        .expect("it is read")
        .expect("it is there");
    assert_eq!(
        (read.status, read.etag.as_deref()),
        (Status::Queued, Some("\"e\""))
    );
    assert_eq!(read, second);
    assert_eq!(
        videos.put(&video("v2", "u1", 0), Some(1)).await,
        Ok(false),
        "there is none"
    );
}

#[tokio::test]
async fn what_no_key_can_be_is_not_there() {
    let (_world, videos) = setup().await;
    // DynamoDB's keys have from 1 to 2048 bytes; it refuses a question about others.
    for id in [String::new(), "x".repeat(2049), "é".repeat(1025)] {
        assert_eq!(videos.get(&id).await, Ok(None), "{} bytes", id.len());
    }
    assert_eq!(videos.get(&"x".repeat(2048)).await, Ok(None));
}

#[tokio::test]
async fn one_of_many_writers_wins() {
    let (_world, videos) = setup().await;
    let first = video("v1", "u1", 0);
    assert_eq!(videos.put(&first, None).await, Ok(true));
    let second = first.uploaded(5, "\"e\"", at(1)).expect("uploaded");
    let puts = (0..8).map(|_| videos.put(&second, Some(first.version)));
    let wins = futures::future::try_join_all(puts)
        .await
        .expect("all are answered");
    assert_eq!(wins.into_iter().filter(|won| *won).count(), 1);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_known_again() {
    let (world, videos) = setup().await;
    let lost = || {
        Fault::new(FaultKind::CutAfter)
            .on(ServiceName::DynamoDb, "PutItem")
            .times(1)
    };
    let first = video("v1", "u1", 0);
    world.local.faults().add(lost());
    assert_eq!(videos.put(&first, None).await, Ok(true));
    world.local.faults().add(lost());
    let second = first.uploaded(5, "\"e\"", at(1)).expect("uploaded");
    assert_eq!(videos.put(&second, Some(first.version)).await, Ok(true));
}

#[tokio::test]
async fn a_users_videos_are_listed_newest_first_and_in_pages() {
    let (_world, videos) = setup().await;
    for n in 0..7 {
        // Two of a time: the index must tell them apart.
        let video = video(&format!("v{n}"), "u1", i64::from(n / 2) * 1_000);
        assert_eq!(videos.put(&video, None).await, Ok(true));
    }
    videos
        .put(&video("other", "u2", 9_000), None)
        .await
        .expect("another's");
    let gone = video("gone", "u1", 8_000).deleted(Duration::days(1), Utc::now());
    videos.put(&gone, None).await.expect("a deleted one");

    let all = videos
        .list("u1", 100, None, &VideoFilter::default())
        .await
        .expect("a list");
    assert_eq!((all.videos.len(), all.next), (7, None));
    assert!(all.videos.is_sorted_by(|a, b| a.created_at >= b.created_at));

    let mut paged = Vec::new();
    let mut next = None;
    loop {
        let page = videos
            .list("u1", 3, next.as_deref(), &VideoFilter::default())
            .await
            .expect("a page");
        assert!(page.videos.len() <= 3 && !page.videos.is_empty());
        paged.extend(page.videos);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(ids(&paged), ids(&all.videos));

    let exact = videos
        .list("u1", 7, None, &VideoFilter::default())
        .await
        .expect("a page");
    assert_eq!(
        (exact.videos.len(), exact.next),
        (7, None),
        "the last page says so"
    );
    let nobody = videos
        .list("nobody", 3, None, &VideoFilter::default())
        .await
        .expect("a page");
    assert!(nobody.videos.is_empty() && nobody.next.is_none());
}

#[tokio::test]
async fn a_cursor_works_only_for_whom_it_was_given() {
    let (_world, videos) = setup().await;
    for n in 0..3 {
        videos
            .put(&video(&format!("v{n}"), "u1", n), None)
            .await
            .expect("a video");
    }
    let page = videos
        .list("u1", 1, None, &VideoFilter::default())
        .await
        .expect("a page");
    let next = page.next.expect("more");
    assert_eq!(
        ids(&videos
            .list("u1", 9, Some(&next), &VideoFilter::default())
            .await
            .expect("a page")
            .videos),
        ["v1", "v0"]
    );
    let foreign = videos
        .list("u2", 9, Some(&next), &VideoFilter::default())
        .await
        .expect_err("not theirs");
    assert_eq!(status(&foreign), 400);
    let bad = videos
        .list("u1", 9, Some("nonsense"), &VideoFilter::default())
        .await
        .expect_err("no cursor");
    assert_eq!(status(&bad), 400);
}

#[tokio::test]
async fn a_list_can_be_of_some_videos_only() {
    let (_world, videos) = setup().await;
    // More than are read in search of some at one request: 5 queries of 200.
    for n in 0..1_010 {
        let video = Video {
            status: match n {
                0 | 1_005 => Status::Done,
                _ => Status::Failed,
            },
            filename: Some(format!("Holiday {n}.mp4")),
            ..video(&format!("v{n:04}"), "u1", n)
        };
        assert_eq!(videos.put(&video, None).await, Ok(true));
    }
    let done = VideoFilter {
        statuses: vec![Status::Done, Status::Queued],
        ..VideoFilter::default()
    };
    let page = videos.list("u1", 10, None, &done).await.expect("a page");
    assert_eq!(ids(&page.videos), ["v1005"]);
    let next = page.next.expect("it has not looked at all");
    let rest = videos
        .list("u1", 10, Some(&next), &done)
        .await
        .expect("a page");
    assert_eq!((ids(&rest.videos), rest.next), (vec!["v0000"], None));
    let named = VideoFilter {
        name: Some("holiday 100".to_owned()),
        ..VideoFilter::default()
    };
    let page = videos.list("u1", 3, None, &named).await.expect("a page");
    assert_eq!(ids(&page.videos), ["v1009", "v1008", "v1007"]);
    let next = page.next.expect("more");
    let rest = videos
        .list("u1", 9, Some(&next), &named)
        .await
        .expect("a page");
    assert_eq!(
        rest.videos.len(),
        7 + 1,
        "v1000 to v1006, and v0100 of which nobody has asked yet"
    );
}

#[tokio::test]
async fn many_marks_of_deleted_videos_do_not_hide_the_others() {
    let (_world, videos) = setup().await;
    for n in 0..60 {
        let video = video(&format!("v{n:02}"), "u1", n);
        let video = if n == 0 {
            video
        } else {
            video.deleted(Duration::days(1), Utc::now())
        };
        assert_eq!(videos.put(&video, None).await, Ok(true));
    }
    let page = videos
        .list("u1", 1, None, &VideoFilter::default())
        .await
        .expect("a page");
    assert_eq!((ids(&page.videos), page.next), (vec!["v00"], None));
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let (world, videos) = setup().await;
    world
        .local
        .faults()
        .add(Fault::new(FaultKind::Throttle).on(ServiceName::DynamoDb, "GetItem"));
    assert!(matches!(videos.get("v1").await, Err(Error::Transient(_))));
    world.local.faults().clear();
    let mut denied = Fault::new(FaultKind::Error).on(ServiceName::DynamoDb, "GetItem");
    (denied.code, denied.status) = (Some("AccessDeniedException".to_owned()), Some(400));
    world.local.faults().add(denied);
    let error = videos.get("v1").await.expect_err("denied");
    assert!(matches!(&error, Error::Operational(_)));
    assert!(error.to_string().contains("dynamodb GetItem: AccessDenied"));
}

#[tokio::test]
async fn what_is_unfinished_is_found_and_nothing_else() {
    let (_world, videos) = setup().await;
    let queued = |id: &str, ms: i64| {
        let video = video(id, "u1", 0);
        video.uploaded(5, "\"e\"", at(ms)).expect("uploaded")
    };
    for (id, ms) in [("late", 2_000), ("early", 1_000), ("now", 10_000)] {
        assert_eq!(videos.put(&queued(id, ms), None).await, Ok(true));
    }
    let failed = queued("failed", 1_500).ended(Err("no".to_owned()), at(1_500));
    assert_eq!(videos.put(&failed, None).await, Ok(true));
    let gone = queued("gone", 1_000).deleted(Duration::days(1), at(1_000));
    assert_eq!(videos.put(&gone, None).await, Ok(true));
    let unfinished = async || {
        let page = videos.unfinished(Unfinished::Job, at(10_000), None);
        let page = page.await.expect("a page");
        assert_eq!(page.next, None);
        page.video_ids
    };
    assert_eq!(unfinished().await, ["early", "failed", "late"]);

    let published = failed.published(at(1_600));
    assert_eq!(videos.put(&published, Some(failed.version)).await, Ok(true));
    assert_eq!(unfinished().await, ["early", "late"]);
    let removals = videos.unfinished(Unfinished::Removal, at(10_000), None);
    assert_eq!(removals.await.expect("a page").video_ids, ["gone"]);
}
