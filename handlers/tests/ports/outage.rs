//! Outages of an hour, by a moved clock: jobs wait, no video fails, nobody is mailed but once, and all is
//! done within minutes of its end. Messages are received and settled as Lambda does it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use chrono::{DateTime, Utc};
use fotograma::aws::{
    CognitoIdentity, DynamoVideos, S3Objects, SesMailer, SnsTopic, SqsJobs, SqsQueue, Upload,
};
use fotograma_core::App;
use fotograma_core::app::Settings;
use fotograma_core::domain::{Extraction, ExtractionRequest, Job, Progress, Status};
use fotograma_core::features::find;
use fotograma_core::features::resources::{
    NOTIFICATION_QUEUE, VIDEO_DEAD_LETTERS, VIDEO_QUEUE, dead_letters_of,
};
use fotograma_core::ports::{
    Clock, ExtractionError, FrameExtractor, Ids, Objects, ProgressListener,
};
use fotograma_local::{Fault, FaultKind, ServiceName};
use lambda_anywhere::worker::Queue;
use lambda_anywhere::{CancelSignal, dispatch_messages};

use super::world::World;

const JOBS: usize = 10;
const HOUR: u64 = 60;
const MINUTE: Duration = Duration::from_mins(1);

/// Reads the upload's head and stores a zip of three frames: what the engine asks of S3.
struct StoredFrames {
    app: Arc<World>,
}

#[async_trait]
impl FrameExtractor for StoredFrames {
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<Extraction, ExtractionError> {
        let objects = S3Objects::new(Arc::clone(&self.app.aws));
        let head = objects.head(&request.key).await?;
        head.ok_or_else(|| ExtractionError::Video("it is gone".to_owned()))?;
        let progress = Progress {
            percent: Some(50),
            frames: 1,
        };
        listener.progress(progress).await?;
        let mut upload = Upload::new(Arc::clone(&self.app.aws), &request.zip_key, None);
        upload.write("three frames".into()).await?;
        let zip_bytes = upload.finish().await?;
        Ok(Extraction {
            frames: 3,
            zip_bytes,
        })
    }
}

/// The embedded AWS's clock.
struct MovedClock(Arc<World>);

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.local.clock().now_ms()).expect("a time")
    }
}

struct Uuids;

impl Ids for Uuids {
    fn next(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

fn app(world: &Arc<World>) -> App {
    let aws = || Arc::clone(&world.aws);
    App {
        videos: Arc::new(DynamoVideos::new(aws())),
        objects: Arc::new(S3Objects::new(aws())),
        jobs: Arc::new(SqsJobs::new(aws())),
        topic: Arc::new(SnsTopic::new(aws())),
        identity: Arc::new(CognitoIdentity::new(aws())),
        mailer: Arc::new(SesMailer::new(aws())),
        frames: Arc::new(StoredFrames {
            app: Arc::clone(world),
        }),
        clock: Arc::new(MovedClock(Arc::clone(world))),
        ids: Arc::new(Uuids),
        settings: Settings::default(),
        health: Arc::default(),
        cancel: CancelSignal::never(),
    }
}

/// Gives a feature what its queue has now, each message by itself, and deletes what was done; what
/// failed is seen again when its visibility is over.
async fn work_off(world: &World, app: &App, feature: &str) {
    let feature = find(feature).expect("a feature");
    let queue = feature.queue().expect("a queue");
    let queue = SqsQueue::new(Arc::clone(&world.aws), queue);
    loop {
        let Ok(messages) = queue.receive(10, Duration::ZERO, MINUTE).await else {
            return;
        };
        if messages.is_empty() {
            return;
        }
        let done = messages.into_iter().map(async |message: SqsMessage| {
            let receipt = message.receipt_handle.clone().expect("a receipt");
            let mut event = SqsEvent::default();
            event.records.push(message);
            let answer = dispatch_messages(feature, app, event).await;
            answer
                .is_ok_and(|answer| answer.batch_item_failures.is_empty())
                .then_some(receipt)
        });
        let done = futures::future::join_all(done).await;
        let done: Vec<_> = done.into_iter().flatten().collect();
        if !done.is_empty() {
            queue.delete(&done).await.expect("they are deleted");
        }
    }
}

async fn pass_minute(world: &World, app: &App) {
    world.local.clock().advance(MINUTE);
    for feature in ["process-video", "dead-letter", "notify-mail"] {
        work_off(world, app, feature).await;
    }
}

async fn an_hour_of(fault: impl Fn() -> Vec<Fault>) {
    let world = Arc::new(World::new().await);
    let app = app(&world);
    for n in 0..JOBS {
        let json = format!(r#"{{"video_id":"v{n}","user_id":"u1","email":"v{n}@example.com"}}"#);
        let job = Job::from_json(&json).expect("a job");
        world.put(&job.key, "a video").await;
        app.jobs
            .send(&job, chrono::Duration::zero())
            .await
            .expect("it is sent");
    }
    for fault in fault() {
        world.local.faults().add(fault);
    }
    for _ in 0..HOUR {
        pass_minute(&world, &app).await;
    }
    world.local.faults().clear();
    let mut minutes = 0;
    let statuses = async || {
        let mut statuses = Vec::new();
        for n in 0..JOBS {
            let video = app.videos.get(&format!("v{n}")).await.expect("an answer");
            statuses.push(video.map(|video| (video.status, video.unpublished, video.reason)));
        }
        statuses
    };
    let done = Some((Status::Done, false, None));
    while statuses().await.iter().any(|status| *status != done) && minutes < 20 {
        pass_minute(&world, &app).await;
        minutes += 1;
    }
    assert_eq!(
        statuses().await,
        vec![done; JOBS],
        "after {minutes} minutes"
    );
    // The last of the mails, whose message may have waited.
    for _ in 0..20 {
        pass_minute(&world, &app).await;
    }
    for n in 0..JOBS {
        let mails = world.mails(&format!("v{n}@example.com")).await;
        let subjects: Vec<_> = mails.iter().map(|mail| &mail["subject"]).collect();
        assert_eq!(subjects, [&format!("Your frames are ready: v{n}")]);
    }
    for queue in [
        VIDEO_QUEUE,
        VIDEO_DEAD_LETTERS,
        NOTIFICATION_QUEUE,
        &dead_letters_of(NOTIFICATION_QUEUE),
    ] {
        let queue = SqsQueue::new(Arc::clone(&world.aws), queue);
        let left = queue.receive(10, Duration::ZERO, MINUTE).await;
        assert_eq!(left.expect("an answer").len(), 0, "a message is left");
    }
}

fn denied(service: ServiceName, operation: &str) -> Fault {
    Fault::new(FaultKind::AccessDenied).on(service, operation)
}

#[tokio::test]
async fn an_hour_without_permission_to_read_uploads_fails_no_video() {
    an_hour_of(|| vec![denied(ServiceName::S3, "HeadObject")]).await;
}

#[tokio::test]
async fn an_hour_without_permission_to_write_zips_fails_no_video() {
    an_hour_of(|| vec![denied(ServiceName::S3, "PutObject")]).await;
}

#[tokio::test]
async fn an_hour_without_permission_to_use_the_table_fails_no_video() {
    an_hour_of(|| {
        vec![
            denied(ServiceName::DynamoDb, "GetItem"),
            denied(ServiceName::DynamoDb, "PutItem"),
        ]
    })
    .await;
}

#[tokio::test]
async fn an_hour_without_permission_to_send_jobs_fails_no_video() {
    an_hour_of(|| {
        vec![
            denied(ServiceName::S3, "PutObject"),
            denied(ServiceName::Sqs, "SendMessage"),
        ]
    })
    .await;
}

#[tokio::test]
async fn an_hour_without_permission_to_publish_mails_everybody_once() {
    an_hour_of(|| vec![denied(ServiceName::Sns, "Publish")]).await;
}

#[tokio::test]
async fn an_hour_without_permission_to_mail_mails_everybody_once() {
    an_hour_of(|| vec![denied(ServiceName::Ses, "SendEmail")]).await;
}

#[tokio::test]
async fn an_hour_in_which_the_store_is_down_fails_no_video() {
    an_hour_of(|| vec![Fault::new(FaultKind::Error).on(ServiceName::S3, "PutObject")]).await;
}
