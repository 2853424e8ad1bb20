//! Puts the system together: the ports over AWS and the engine, behind the table's features.

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use fotograma_core::features::Permission;
use fotograma_core::ports::{Clock, Ids};
use fotograma_core::{App, Health, features};
use fotograma_engine::Ffmpeg;
use lambda_anywhere::server::{Document, Probes, ServeOptions, Server};
use lambda_anywhere::worker::{Health as Polling, QueueSource, Worker, WorkerOptions};
use lambda_anywhere::{Authenticator, Caller, CancelSignal, Feature, Host};
use tokio::sync::OnceCell;

use crate::aws::{
    Aws, AwsSettings, CognitoIdentity, DynamoVideos, S3Files, S3Objects, S3PartUploads, SesMailer,
    SnsTopic, SqsJobs, SqsQueue,
};
use crate::config::SystemArgs;
use crate::frames::EngineFrames;
use crate::paced_queue::PacedQueue;
use crate::subscriptions::SnsSubscriptions;
use crate::telemetry::trace;
use crate::tokens::Verifier;

/// The features on an AWS.
pub struct System {
    /// What runs them.
    pub host: Host<App>,
    /// The AWS.
    pub aws: Arc<Aws>,
    /// What its servers tell of the API.
    pub documents: Vec<Document>,
    frames: Arc<EngineFrames>,
}

impl System {
    /// Makes frames of a built-in clip, if one of the features that `name` stands for makes frames: a
    /// machine that cannot would take job after job and do none.
    ///
    /// # Errors
    /// When this machine cannot make frames.
    pub async fn self_test(&self, name: &str) -> fotograma_core::Result<()> {
        let mut features = self.host.features(name);
        if features.any(|feature| feature.permissions.contains(&Permission::PUT_ZIP)) {
            self.frames.self_test().await?;
        }
        Ok(())
    }

    /// A server of a service's features.
    #[must_use]
    pub fn server(
        &self,
        service: &'static str,
        invoke: bool,
        probes: Probes,
        max_requests: usize,
        options: ServeOptions,
    ) -> Server<App> {
        let defaults = Server::new(self.host.clone(), service);
        Server {
            host: self.host.clone(),
            service,
            documents: self.documents.clone(),
            invoke,
            subscriptions: Some(Arc::new(SnsSubscriptions::new(Arc::clone(&self.aws)))),
            probes,
            max_requests,
            options,
            ..defaults
        }
    }

    /// A worker on the queues of a service's features, with one limit for all. `None`: none of them
    /// takes messages.
    #[must_use]
    pub fn worker(&self, service: &'static str, options: WorkerOptions) -> Option<ServiceWorker> {
        let handlers = Arc::new(Health::default());
        let host = self.host.with_context(App {
            health: Arc::clone(&handlers),
            ..App::clone(&self.host.context)
        });
        let with_queue = |feature: &'static Feature<App>| Some((feature, feature.queue()?));
        let sources = self.host.features(service).filter_map(with_queue);
        let sources: Vec<_> = sources
            .map(|(feature, queue)| {
                tracing::info!(service, feature = feature.name, queue, "working");
                let queue = Arc::new(PacedQueue {
                    queue: SqsQueue::new(Arc::clone(&self.aws), queue),
                    health: Arc::clone(&handlers),
                });
                QueueSource { feature, queue }
            })
            .collect();
        (!sources.is_empty()).then(|| {
            let worker = Worker::new(host, sources, options);
            let polling = worker.health();
            ServiceWorker {
                worker,
                health: WorkerHealth { polling, handlers },
            }
        })
    }
}

/// A service's worker, and what it tells of itself.
pub struct ServiceWorker {
    /// What polls and handles.
    pub worker: Worker<App>,
    /// To be kept while it runs.
    pub health: WorkerHealth,
}

/// How a worker is.
#[derive(Clone)]
pub struct WorkerHealth {
    /// Whether it polls.
    pub polling: Polling,
    /// What its handlers say of their last messages.
    pub handlers: Arc<Health>,
}

impl WorkerHealth {
    /// What operators are told of a process with these workers: it is alive while all of them poll, and
    /// not ready while one of them has a problem.
    #[must_use]
    pub fn probes(workers: Vec<Self>) -> Probes {
        let (alive, ready) = (workers.clone(), workers);
        Probes {
            metrics: None,
            is_alive: Some(Arc::new(move || {
                alive.iter().all(|worker| worker.polling.is_polling())
            })),
            problem: Some(Arc::new(move || {
                ready.iter().find_map(|worker| worker.handlers.problem())
            })),
        }
    }
}

/// Puts the system together; talks to nobody yet.
///
/// # Errors
/// For settings that make no sense.
pub async fn build(args: &SystemArgs, settings: AwsSettings) -> Result<System> {
    let aws = Arc::new(Aws::new(settings).await);
    let frames = Arc::new(EngineFrames::new(
        Arc::clone(&aws),
        args.engine.ffmpeg_path(),
        args.engine.options(args.max_video_bytes),
    ));
    let app = App {
        videos: Arc::new(DynamoVideos::new(Arc::clone(&aws))),
        objects: Arc::new(S3Objects::new(Arc::clone(&aws))),
        part_uploads: Arc::new(S3PartUploads::new(Arc::clone(&aws))),
        jobs: Arc::new(SqsJobs::new(Arc::clone(&aws))),
        topic: Arc::new(SnsTopic::new(Arc::clone(&aws))),
        identity: Arc::new(CognitoIdentity::new(Arc::clone(&aws))),
        mailer: Arc::new(SesMailer::new(Arc::clone(&aws))),
        frames: frames.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(Uuids),
        settings: args.settings()?,
        health: Arc::default(),
        untold: Arc::default(),
        cancel: CancelSignal::never(),
    };
    let tokens = Tokens {
        aws: Arc::clone(&aws),
        verifier: OnceCell::new(),
    };
    let files = S3Files::new(Arc::clone(&aws), args.max_video_bytes);
    let mut host = Host::new(app, features::TABLE)
        .with_authenticator(Arc::new(tokens))
        .with_file_store(Arc::new(files))
        .with_base_path(&args.base_path);
    if let Some(traces) = trace::link() {
        host = host.with_traces(Arc::new(traces));
    }
    if let Some(origins) = &args.allowed_origins {
        host = host.with_allowed_origins(origins.clone());
    }
    let documents = Vec::new();
    Ok(System {
        host,
        aws,
        documents,
        frames,
    })
}

/// Finds ffmpeg, and says what is known to be wrong with it.
///
/// # Errors
/// When there is none that can be used.
pub async fn find_ffmpeg(explicit: Option<&std::path::Path>) -> Result<Ffmpeg> {
    let ffmpeg = Ffmpeg::find(explicit)
        .await
        .context("ffmpeg is needed to make frames")?;
    tracing::info!(path = %ffmpeg.path.display(), version = ffmpeg.version, "ffmpeg found");
    if let Some(holes) = ffmpeg.known_holes() {
        tracing::warn!(version = ffmpeg.version, "{holes}");
    }
    Ok(ffmpeg)
}

/// Verifies tokens; the user pool is looked for when the first comes.
struct Tokens {
    aws: Arc<Aws>,
    verifier: OnceCell<Verifier>,
}

#[async_trait]
impl Authenticator for Tokens {
    async fn caller(&self, token: &str) -> fotograma_core::Result<Caller> {
        let verifier = self
            .verifier
            .get_or_try_init(|| Verifier::new(&self.aws))
            .await?;
        verifier.verify(token).await
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        // As the table keeps it, so that a first answer and later ones are the same.
        Utc::now().trunc_subsecs(3)
    }
}

struct Uuids;

impl Ids for Uuids {
    fn next(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}
