//! The processes: the runtime's worker over the real handlers, servers, and the sweep; and what
//! ends them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sns::SnsEvent;
use chrono::TimeDelta;
use fotograma_core::app::Settings;
use fotograma_core::domain::{Notice, SweepThresholds};
use fotograma_core::features::{self, dead_letter, notices, process_video, sweep, uploads};
use fotograma_core::{App, Result};
use lambda_anywhere::worker::{Worker, WorkerOptions};
use lambda_anywhere::{CancelSignal, Context, Feature, Host as RuntimeHost, Trigger};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::host::{Host, Port, Role, milliseconds};
use crate::plan::{MAILERS, PROCESSORS, Plan, SERVERS, SLOTS, SWEEPER, Trouble, UPLOADER};
use crate::queue::QueueName;
use crate::worker_queue::WorkerQueue;
use crate::world::{Ms, Shared};

/// The context of this world's rows: an app, and the port that all of it is.
pub(crate) struct Actor {
    pub(crate) app: App,
    port: Port,
}

impl Context for Actor {
    type Permission = ();

    fn cancel_signal(&self) -> CancelSignal {
        self.app.cancel_signal()
    }

    fn with_cancel_signal(&self, signal: CancelSignal) -> Self {
        Self {
            app: self.app.with_cancel_signal(signal),
            port: self.port.clone(),
        }
    }
}

impl Actor {
    pub(crate) fn new(port: Port) -> Self {
        Self {
            app: app(&port),
            port,
        }
    }
}

/// An app whose every port is this one.
pub(crate) fn app(port: &Port) -> App {
    let port = Arc::new(port.clone());
    App {
        health: Arc::clone(&port.host.health),
        untold: Arc::clone(&port.host.untold),
        videos: port.clone(),
        objects: port.clone(),
        part_uploads: port.clone(),
        jobs: port.clone(),
        topic: port.clone(),
        identity: port.clone(),
        mailer: port.clone(),
        frames: port.clone(),
        clock: port.clone(),
        ids: port,
        settings: Settings {
            // Shorter than by default, so that a world comes to rest within hours.
            sweep_after: SweepThresholds {
                upload: TimeDelta::hours(3),
                removal: TimeDelta::hours(3),
                ..Settings::default().sweep_after
            },
            ..Settings::default()
        },
        cancel: CancelSignal::never(),
    }
}

/// The product's handlers as rows over this world's context.
static ROWS: LazyLock<[Feature<Actor>; 4]> = LazyLock::new(|| {
    [
        row("process-video", |queue, pause| Trigger::Sqs {
            queue,
            pause,
            handle: |actor, event| {
                Box::pin(async move { process_video::process_jobs(&actor.app, event).await })
            },
        }),
        row("dead-letter", |queue, pause| Trigger::Sqs {
            queue,
            pause,
            handle: |actor, event| {
                Box::pin(async move { dead_letter::settle_dead_letters(&actor.app, event).await })
            },
        }),
        row("notify-mail", |queue, _| Trigger::Sns {
            topic: "",
            queue,
            handle: |actor, event| Box::pin(mail(actor, event)),
        }),
        row("upload-arrived", |queue, _| Trigger::S3 {
            prefix: "uploads/",
            queue,
            handle: |actor, event| {
                Box::pin(async move { uploads::upload_arrived(&actor.app, event).await })
            },
        }),
    ]
});

/// A row that is fed as the product's row of this name is.
fn row(
    name: &'static str,
    trigger: impl Fn(&'static str, Duration) -> Trigger<Actor>,
) -> Feature<Actor> {
    let real = features::find(name).expect("a feature of the product");
    let (queue, pause) = match real.trigger {
        Trigger::Sqs { queue, pause, .. } => (queue, pause),
        _ => ("", Duration::ZERO),
    };
    Feature {
        name,
        service: real.service,
        about: real.about,
        trigger: trigger(queue, pause),
        limits: real.limits,
        permissions: &[],
    }
}

/// Mails, with the notice known to the port: a mail does not say which it is of.
pub(crate) async fn mail(actor: &Actor, event: SnsEvent) -> Result<()> {
    let notice: Option<Notice> = event
        .records
        .first()
        .and_then(|record| serde_json::from_str(&record.sns.message).ok());
    let port = Port {
        notice: notice.map_or_else(|| "".into(), |notice| notice.notice_id.into()),
        ..actor.port.clone()
    };
    let app = App {
        mailer: Arc::new(port),
        ..actor.app.clone()
    };
    notices::mail_notices(&app, event).await
}

/// All processes of a world.
#[derive(Clone)]
pub(crate) struct Fleet {
    world: Shared,
    plan: Arc<Plan>,
    servers: Arc<Mutex<Vec<Option<Port>>>>,
}

impl Fleet {
    /// Starts every process; they live until the world ends.
    pub(crate) fn start(world: &Shared, plan: &Arc<Plan>) -> Self {
        let fleet = Self {
            world: world.clone(),
            plan: Arc::clone(plan),
            servers: Arc::new(Mutex::new(vec![None; SLOTS])),
        };
        for slot in 0..SLOTS {
            let fleet = fleet.clone();
            tokio::spawn(async move {
                if slot == SWEEPER {
                    fleet.sweep_for_ever().await;
                } else {
                    fleet.supervise(slot).await;
                }
            });
        }
        fleet
    }

    /// A server that is up just now, by a number that the caller chooses.
    pub(crate) fn server(&self, number: u64) -> Option<Port> {
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let up: Vec<_> = servers.iter().flatten().collect();
        let place = usize::try_from(number).unwrap_or(0) % up.len().max(1);
        up.get(place).map(|port| (*port).clone())
    }

    fn new_life(&self, slot: usize, life: u64, role: Role) -> Port {
        let skew = self
            .plan
            .troubles
            .iter()
            .find_map(|trouble| match *trouble {
                Trouble::Skew { slot: its, by } if its == slot => Some(by),
                _ => None,
            });
        let host = Host {
            slot,
            life,
            skew: skew.unwrap_or(0),
            dead: CancellationToken::new(),
            frozen_until: AtomicI64::new(0),
            health: Arc::default(),
            untold: Arc::default(),
        };
        Port {
            world: self.world.clone(),
            host: Arc::new(host),
            role,
            notice: "".into(),
            step: None,
        }
    }

    /// What this process meets, in order.
    fn events(&self, slot: usize) -> Vec<(Ms, Trouble)> {
        let its = self
            .plan
            .troubles
            .iter()
            .filter_map(|trouble| match *trouble {
                Trouble::Crash { slot: its, at }
                | Trouble::Rollout { slot: its, at }
                | Trouble::Freeze { slot: its, at, .. }
                    if its == slot =>
                {
                    Some((at, *trouble))
                }
                _ => None,
            });
        let mut events: Vec<_> = its.collect();
        events.sort_by_key(|(at, _)| *at);
        events
    }

    /// Lives one life after the other.
    async fn supervise(&self, slot: usize) {
        let mut events = self.events(slot).into_iter().peekable();
        for life in 0.. {
            let (port, stop, mut workers) = self.begin(slot, life);
            loop {
                let now = self.world.lock().now();
                let next = events.peek().map(|(at, _)| milliseconds(at - now));
                let event = async {
                    match next {
                        Some(wait) => sleep(wait).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    () = port.host.dead.cancelled() => break,
                    () = event => {}
                }
                match events.next() {
                    Some((_, Trouble::Freeze { length, .. })) => {
                        port.tell(|| format!("stands still for {length} ms"));
                        let now = self.world.lock().now();
                        self.world.lock().judge.froze(&port.host);
                        port.host
                            .frozen_until
                            .store(now + length, Ordering::Relaxed);
                    }
                    Some((_, Trouble::Rollout { .. })) => {
                        port.tell(|| "is told to stop".to_owned());
                        self.leave(slot);
                        stop.cancel();
                        // As Kubernetes does: killed a little after its grace.
                        let ended = async { while workers.join_next().await.is_some() {} };
                        if timeout(Duration::from_secs(40), ended).await.is_err() {
                            port.die();
                        }
                        self.world.lock().judge.process_gone(&port.host);
                        port.host.dead.cancel();
                    }
                    _ => port.die(),
                }
            }
            self.leave(slot);
            workers.abort_all();
            let rest = self.plan.seed.wrapping_add(life) % 9;
            sleep(Duration::from_secs(1 + rest)).await;
        }
    }

    fn leave(&self, slot: usize) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers[slot] = None;
    }

    fn begin(&self, slot: usize, life: u64) -> (Port, CancellationToken, JoinSet<bool>) {
        let port = self.new_life(slot, life, Role::Server);
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        let mut work = |feature: usize, name, role, concurrency| {
            let port = Port {
                role,
                ..port.clone()
            };
            let host = RuntimeHost::new(Actor::new(port.clone()), &*ROWS);
            let options = WorkerOptions {
                concurrency,
                ..WorkerOptions::default()
            };
            let queue = Arc::new(WorkerQueue { port, name });
            let worker = Worker::for_feature(host, &ROWS[feature], queue, options);
            workers.spawn(worker.run_until(stop.clone()));
        };
        if PROCESSORS.contains(&slot) {
            work(0, QueueName::Jobs, Role::Processor, 2);
            work(1, QueueName::JobsDead, Role::DeadLetters, 2);
        } else if MAILERS.contains(&slot) {
            work(2, QueueName::Notices, Role::Mailer, 2);
        } else if slot == UPLOADER {
            work(3, QueueName::Uploads, Role::Uploads, 2);
        } else if SERVERS.contains(&slot) {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            servers[slot] = Some(port.clone());
        }
        (port, stop, workers)
    }

    /// A process of its own each five minutes, and less often when the world is calm.
    async fn sweep_for_ever(&self) {
        let mut events = self.events(SWEEPER).into_iter().peekable();
        for life in 0.. {
            let now = self.world.lock().now();
            let calm = now > self.plan.calm_from + 4 * 3_600_000;
            sleep(Duration::from_mins(if calm { 30 } else { 5 })).await;
            let port = self.new_life(SWEEPER, life, Role::Sweep);
            let app = app(&port);
            let mut run = tokio::spawn(async move {
                let _ = sweep::sweep_stale_videos(&app, EventBridgeEvent::default()).await;
            });
            let now = self.world.lock().now();
            let cut = events.next_if(|(at, _)| *at < now).is_some();
            tokio::select! {
                biased;
                () = port.host.dead.cancelled() => run.abort(),
                _ = &mut run => {}
                () = sleep(Duration::from_millis(20)), if cut => {
                    port.die();
                    run.abort();
                }
                () = sleep(Duration::from_mins(15)) => {
                    port.die();
                    run.abort();
                }
            }
        }
    }
}
