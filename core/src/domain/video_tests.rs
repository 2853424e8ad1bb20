use super::*;
use crate::domain::attempt::{Begin, MAX_LOST};
use crate::ports::Progress;

pub(in crate::domain) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

/// A video that was registered at the very beginning of time.
pub(in crate::domain) fn video(status: Status) -> Video {
    let job = Job::from_body(r#"{"video_id":"v1","user_id":"u1"}"#)
        .expect("a job")
        .remove(0);
    Video {
        status,
        ..Video::new(&job, at(0))
    }
}

const LEASE: Duration = Duration::seconds(60);
const DONE: Extraction = Extraction {
    frames: 3,
    zip_bytes: 9,
};

#[test]
fn every_write_counts() {
    let queued = video(Status::AwaitingUpload)
        .uploaded(5, "\"e\"", at(1))
        .expect("queued");
    assert_eq!(
        (queued.status, queued.version, queued.updated_at),
        (Status::Queued, 1, at(1))
    );
    assert_eq!(queued.uploaded(5, "\"e\"", at(2)), None, "known already");
}

#[test]
fn one_attempt_holds_a_video_until_its_lease_ends() {
    let Begin::Go(held) = video(Status::Queued).begin("a1", LEASE, at(0)) else {
        panic!("a queued video can be begun");
    };
    assert!(held.is_held_by("a1") && !held.is_held_by("a2"));
    assert_eq!(
        held.begin("a2", LEASE, at(59)),
        Begin::Held(Duration::seconds(1))
    );
    let Begin::Go(taken) = held.begin("a2", LEASE, at(60)) else {
        panic!("the lease is over")
    };
    assert!(taken.is_held_by("a2") && !taken.is_held_by("a1"));
}

#[test]
fn a_video_whose_attempts_are_all_cut_off_fails() {
    let mut video = video(Status::Queued);
    for now in 0..i64::from(MAX_LOST) {
        let Begin::Go(held) = video.begin("a", LEASE, at(now * 60)) else {
            panic!("attempt {now} may begin")
        };
        video = *held;
    }
    let in_order = video.released(at(500));
    assert!(matches!(in_order.begin("a", LEASE, at(500)), Begin::Go(_)));
    let Begin::GiveUp(failed) = video.begin("a", LEASE, at(500)) else {
        panic!("it was cut off {MAX_LOST} times")
    };
    assert!(failed.status == Status::Failed && failed.unpublished && failed.reason.is_some());
}

#[test]
fn progress_renews_the_lease_and_is_not_done_before_the_end() {
    let Begin::Go(held) = video(Status::Queued).begin("a1", LEASE, at(0)) else {
        panic!()
    };
    let on = held.progressed(
        Progress {
            percent: Some(100),
            frames: 7,
        },
        LEASE,
        at(50),
    );
    assert_eq!((on.progress, on.frames), (99, 7));
    assert_eq!(
        on.begin("a2", LEASE, at(100)),
        Begin::Held(Duration::seconds(10))
    );
}

#[test]
fn an_end_is_left_only_by_a_retry() {
    for end in [
        video(Status::Processing).ended(Ok(DONE), at(1)),
        video(Status::Processing).ended(Err("no".into()), at(1)),
    ] {
        assert!(end.unpublished);
        assert_eq!(end.begin("a2", LEASE, at(1_000)), Begin::Over);
        assert_eq!(end.uploaded(5, "\"e\"", at(2)), None);
        let again = end.retried(at(3)).expect("a retry");
        assert_eq!(
            (again.status, again.reason, again.unpublished),
            (Status::Queued, None, false)
        );
    }
    assert_eq!(video(Status::Processing).retried(at(1)), None);
}

#[test]
fn a_deleted_video_stays_away() {
    let gone = video(Status::Queued).deleted(Duration::days(1), at(0));
    assert_eq!(gone.begin("a1", LEASE, at(1)), Begin::Over);
    assert_eq!(gone.retried(at(1)), None);
    assert_eq!(gone.deleted_until, Some(86_400));
}

#[test]
fn words_are_those_of_the_wire() {
    for status in [
        Status::AwaitingUpload,
        Status::Queued,
        Status::Processing,
        Status::Done,
        Status::Failed,
    ] {
        assert_eq!(serde_json::to_value(status).expect("json"), status.word());
    }
}
