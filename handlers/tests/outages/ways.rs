//! How jobs come to their handlers: by workers, by Lambda, and from users through servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use fotograma::aws::provision::DEMO_USER;
use fotograma_core::domain::Job;
use fotograma_core::features::TABLE;
use fotograma_local::{Config, Local};
use lambda_anywhere::schedule;
use lambda_anywhere::worker::WorkerOptions;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use crate::lambda;
use crate::outage::{Outage, Peer, end_outage};
use crate::uploads::Front;
use crate::verdict::{self, Expected};
use crate::world::World;

/// How many videos there are.
const JOBS: usize = 50;
/// How long the outage lasts.
const HOUR: Duration = Duration::from_hours(1);
/// How soon after its end all must be done.
const MINUTES: Duration = Duration::from_mins(20);
/// What the messages of a worker are hidden for, and how many it has at once.
const CONCURRENCY: usize = 4;

/// How jobs come to their handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Worker,
    Lambda,
    Server,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Worker, Self::Lambda, Self::Server];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Lambda => "lambda",
            Self::Server => "server",
        }
    }

    /// How soon after the end of `outage` all must be done.
    fn longest(self, outage: Outage) -> Duration {
        if self == Self::Lambda && outage.peer == Peer::SqsSend {
            // What could not even be sent again comes back when its queue shows it again.
            return lambda::visibility("process-video") + MINUTES;
        }
        MINUTES
    }
}

/// Runs an outage; panics if anything is lost.
pub(crate) fn run(outage: Outage, way: Way) {
    let real = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let local = real.block_on(Local::start(Config::default()));
    let local = local.expect("an embedded AWS");
    let paused = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let handle = real.handle().clone();
    // The function's future is bound to its thread.
    LocalSet::new().block_on(&paused, async move {
        let world = Arc::new(Box::pin(World::new(local, handle)).await);
        Box::pin(run_in(&world, outage, way)).await;
    });
    // Children may still hang, and a blocking task waits for its word.
    paused.shutdown_background();
    real.shutdown_background();
}

async fn run_in(world: &Arc<World>, outage: Outage, way: Way) {
    let began = Instant::now();
    let clip: Arc<[u8]> = include_bytes!("../../src/self_test.mp4").as_slice().into();
    let mut tasks = JoinSet::new();
    let (expected, users) = if way == Way::Server {
        outage.begin(world);
        (
            Vec::new(),
            Some(world.during(send_uploads(world, &clip)).await),
        )
    } else {
        let expected = Box::pin(world.during(queue_jobs(world, &clip))).await;
        outage.begin(world);
        (expected, None)
    };
    let stop = CancellationToken::new();
    match way {
        Way::Lambda => {
            tasks = lambda::map_queues(world).await;
        }
        Way::Worker | Way::Server => {
            for service in ["video-processor", "notification-service", "video-uploader"] {
                let options = WorkerOptions {
                    concurrency: CONCURRENCY,
                    ..WorkerOptions::default()
                };
                let worker = world.system.worker(service, options);
                let run = worker.expect("queues").worker.run_until(stop.clone());
                tasks.spawn(async move {
                    run.await;
                });
            }
        }
    }
    for (feature, every) in schedule::scheduled_features(TABLE) {
        let host = world.system.host.clone();
        tasks.spawn(schedule::run_on_schedule(
            host,
            feature,
            every,
            stop.clone(),
        ));
    }
    world.pass(HOUR, async || false).await;
    end_outage(world);
    let longest = way.longest(outage);
    let mut waited = Duration::ZERO;
    let expected = match users {
        None => expected,
        Some(mut users) => {
            let mut uploaded = Vec::new();
            let all_told = async || users.at_work.load(Ordering::Acquire) == 0;
            waited = world.pass(longest, all_told).await;
            assert!(all_told().await, "somebody still asks");
            while let Some(upload) = users.uploads.join_next().await {
                uploaded.push(upload.expect("a user is told yes or to wait"));
            }
            uploaded
        }
    };
    assert_eq!(expected.len(), JOBS);
    let left = longest.saturating_sub(waited);
    waited += world
        .pass(left, async || {
            Box::pin(verdict::is_over(world, &expected)).await
        })
        .await;
    println!(
        "{outage:?} {way:?}: all done {} s after its end; {:.1} s of real time",
        waited.as_secs(),
        began.elapsed().as_secs_f64()
    );
    Box::pin(world.during(verdict::judge(world, &expected))).await;
    // A second mail would come by now.
    world.pass(MINUTES, async || false).await;
    Box::pin(world.during(verdict::judge(world, &expected))).await;
    stop.cancel();
    tasks.abort_all();
}

/// Puts the videos into the bucket, and their jobs into the queue.
async fn queue_jobs(world: &World, clip: &Arc<[u8]>) -> Vec<Expected> {
    let aws = &world.system.aws;
    let mut expected = Vec::new();
    for n in 0..JOBS {
        let (video_id, email) = (format!("video-{n:02}"), format!("user{n:02}@example.com"));
        let json = format!(r#"{{"video_id":"{video_id}","user_id":"u1","email":"{email}"}}"#);
        let job = Job::from_json(&json).expect("a job");
        let put = aws.s3().put_object().bucket(aws.settings().bucket());
        let body = ByteStream::from(clip.to_vec());
        let put = put.key(&job.key).body(body).send().await;
        put.expect("it is put");
        let sent = world
            .system
            .host
            .context
            .jobs
            .send(&job, chrono::Duration::zero());
        sent.await.expect("it is sent");
        expected.push(Expected {
            title: video_id.clone(),
            video_id,
            email,
        });
    }
    expected
}

/// Users at work.
struct Users {
    uploads: JoinSet<Expected>,
    at_work: Arc<AtomicUsize>,
}

/// Users who come one after the other within the hour.
async fn send_uploads(world: &World, clip: &Arc<[u8]>) -> Users {
    let front = Arc::new(Front::serve(world).await);
    let mut uploads = JoinSet::new();
    let at_work = Arc::new(AtomicUsize::new(JOBS));
    for n in 0..JOBS {
        let (front, clip) = (Arc::clone(&front), Arc::clone(clip));
        let at_work = Arc::clone(&at_work);
        uploads.spawn(async move {
            tokio::time::sleep(u32::try_from(n).expect("few") * Duration::from_mins(1)).await;
            let token = front.log_in().await;
            let title = format!("holiday-{n:02}.mp4");
            let video_id = front.upload(&token, &title, &clip).await;
            at_work.fetch_sub(1, Ordering::AcqRel);
            let email = DEMO_USER.2.to_owned();
            Expected {
                video_id,
                title,
                email,
            }
        });
    }
    Users { uploads, at_work }
}
