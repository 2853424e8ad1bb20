use super::*;
use crate::domain::attempt::{MAX_ABORTED_ATTEMPTS, MAX_STOPPED_ATTEMPTS};
use crate::domain::{Begin, Progress, Release};

pub(in crate::domain) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

pub(in crate::domain) fn job() -> Job {
    Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job")
}

/// A video that was registered at the very beginning of time.
pub(in crate::domain) fn video(status: Status) -> Video {
    Video {
        status,
        ..Video::new(&job(), at(0))
    }
}

const LEASE: Duration = Duration::seconds(60);
const DONE: Extraction = Extraction {
    frames: 3,
    moments: 4,
    duration: Some(std::time::Duration::from_millis(3_500)),
    bytes_read: 7,
    zip_bytes: 9,
    warning: None,
    previews: true,
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
fn one_attempt_has_a_video_until_its_lease_is_over_by_any_clock() {
    let Begin::Go(leased) = video(Status::Queued).begin(&job(), "a1", LEASE, at(0)) else {
        panic!("a queued video can be begun");
    };
    assert!(leased.is_leased_by("a1") && !leased.is_leased_by("a2"));
    assert_eq!(
        leased.begin(&job(), "a2", LEASE, at(59)),
        Begin::Leased(Duration::seconds(61))
    );
    // Clocks may differ: it is over for others when it has been over for as long again.
    let Begin::Go(taken) = leased.begin(&job(), "a2", LEASE, at(120)) else {
        panic!("the lease is over")
    };
    assert!(taken.is_leased_by("a2") && !taken.is_leased_by("a1"));
}

#[test]
fn a_video_whose_attempts_are_all_cut_off_fails() {
    let mut video = video(Status::Queued);
    for (attempt, now) in ["a0", "a1", "a2", "a3", "a4"].iter().zip(0..) {
        let Begin::Go(leased) = video.begin(&job(), attempt, LEASE, at(now * 120)) else {
            panic!("{attempt} may begin")
        };
        video = *leased;
    }
    let in_order = video.released(Release::Faulted, at(900));
    assert!(matches!(
        in_order.begin(&job(), "a", LEASE, at(900)),
        Begin::Go(_)
    ));
    // Somebody may still know better.
    assert_eq!(
        video.begin(&job(), "a", LEASE, at(600)),
        Begin::Leased(Duration::minutes(15))
    );
    let Begin::GiveUp(failed) = video.begin(&job(), "a", LEASE, at(1_500)) else {
        panic!("it was cut off {MAX_ABORTED_ATTEMPTS} times")
    };
    // One that says afterwards that it ended in order was not cut off.
    let heard = video.attempts_ended_in_order(&["a1".to_owned()], at(590));
    let heard = heard.expect("news");
    let again = heard.attempts_ended_in_order(&["a1".to_owned()], at(591));
    assert_eq!(again, None);
    assert!(matches!(
        heard.begin(&job(), "a", LEASE, at(600)),
        Begin::Go(_)
    ));
    let says_so = job().released_by("a2");
    let Begin::Go(begun) = video.begin(&says_so, "a", LEASE, at(600)) else {
        panic!("a message says that one of them ended in order")
    };
    assert_eq!(begun.unreleased_attempts, ["a0", "a1", "a3", "a4"]);
    assert!(failed.status == Status::Failed && failed.unpublished && failed.reason.is_some());
}

#[test]
fn progress_renews_the_lease_and_is_not_done_before_the_end() {
    let Begin::Go(leased) = video(Status::Queued).begin(&job(), "a1", LEASE, at(0)) else {
        panic!()
    };
    let on = leased.progressed(
        Progress {
            percent: Some(100),
            frames: 7,
        },
        LEASE,
        at(50),
    );
    assert_eq!((on.progress, on.frames), (99, 7));
    assert_eq!(
        on.begin(&job(), "a2", LEASE, at(100)),
        Begin::Leased(Duration::seconds(70))
    );
}

#[test]
fn an_end_is_left_only_by_a_retry() {
    for end in [
        video(Status::Processing).ended(Ok(DONE), at(1)),
        video(Status::Processing).ended(Err("no".into()), at(1)),
    ] {
        assert!(end.unpublished);
        assert_eq!(end.begin(&job(), "a2", LEASE, at(1_000)), Begin::Finished);
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
    assert_eq!(gone.begin(&job(), "a1", LEASE, at(1)), Begin::Finished);
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

#[test]
fn an_attempt_that_says_in_the_job_that_it_has_ended_is_not_counted_as_cut_off() {
    let mut video = video(Status::Queued);
    let mut job = job();
    for n in 0..20 {
        let attempt = format!("a{n}");
        let Begin::Go(begun) = video.begin(&job, &attempt, LEASE, at(n)) else {
            panic!("attempt {n} may begin")
        };
        video = *begun;
        job = job.released_by(&attempt);
    }
    assert_eq!(video.unreleased_attempts, Vec::<String>::new());
}

#[test]
fn roll_outs_do_not_fail_a_video_but_a_video_that_never_has_time_enough_does() {
    let mut video = video(Status::Queued);
    for n in 0..i64::from(MAX_STOPPED_ATTEMPTS) {
        let Begin::Go(begun) = video.begin(&job(), "a", LEASE, at(n)) else {
            panic!("attempt {n} may begin")
        };
        video = begun.released(Release::Stopped, at(n));
    }
    assert!(matches!(
        video.begin(&job(), "a", LEASE, at(99)),
        Begin::GiveUp(_)
    ));
}

#[test]
fn a_job_of_an_earlier_round_is_void() {
    let again = video(Status::Failed).retried(at(1)).expect("a retry");
    assert_eq!(again.begin(&job(), "a", LEASE, at(2)), Begin::Finished);
    assert!(matches!(
        again.begin(&again.job(), "a", LEASE, at(2)),
        Begin::Go(_)
    ));
}

#[test]
fn asking_again_sends_a_queued_job_again_only_after_a_while() {
    let queued = video(Status::Queued);
    assert_eq!(queued.job_resent(at(59)), None);
    let again = queued.job_resent(at(60)).expect("sent again");
    let again = again.job_sent(at(60)).expect("the queue has it");
    assert_eq!(again.job_resent(at(60 + 119)), None, "longer each time");
    assert!(again.job_resent(at(60 + 120)).is_some());
    assert_eq!(video(Status::Processing).job_resent(at(600)), None);
}

#[test]
fn a_job_that_the_queue_has_not_answered_for_is_sent_again_soon_and_not_often() {
    let queued = video(Status::AwaitingUpload);
    let mut queued = queued.uploaded(5, "e", at(0)).expect("queued");
    let mut times = 0;
    // A queue that answers nothing for ten minutes, and somebody who asks each second.
    for second in 0..600 {
        if let Some(again) = queued.job_resent(at(second)) {
            assert!(again.unsent);
            queued = again;
            times += 1;
        }
    }
    assert_eq!(times, 5, "after 15, 45, 105, 225 and 465 seconds");
    let Begin::Go(begun) = queued.begin(&job(), "a", LEASE, at(600)) else {
        panic!("it can be begun")
    };
    assert_eq!((begun.unsent, begun.asked_resends), (false, 0));
    assert_eq!(begun.job_sent(at(601)), None);
}

#[test]
fn a_record_of_an_older_program_is_read() {
    let mut old = serde_json::to_value(video(Status::Queued)).expect("json");
    let fields = old.as_object_mut().expect("an object");
    for new in [
        "aborted_attempts",
        "resends",
        "deliveries",
        "round",
        "stopped_attempts",
    ] {
        fields.remove(new).expect("a field");
    }
    fields.extend([
        ("lost".to_owned(), 2.into()),
        ("swept".to_owned(), 3.into()),
        (
            "mailings".to_owned(),
            serde_json::json!([{ "notice_id": "n1" }]),
        ),
    ]);
    let read: Video = serde_json::from_value(old).expect("a record");
    assert_eq!(
        (read.aborted_attempts, read.resends, read.deliveries.len()),
        (2, 3, 1)
    );
    assert_eq!(read.zip_key(), "frames/u1/v1.zip");
}
