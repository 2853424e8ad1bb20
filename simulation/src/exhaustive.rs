//! Every order of events of a small world: one video, two processors, the dead letters, a mailer,
//! the sweep and one deed of the user, with at most so many faults.
//!
//! A future cannot be copied, so each history is played from its beginning. A state is what the
//! world holds, what each actor has been answered so far, and how many faults are left; what
//! follows from a state that was met before is known.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::task::{Context, Poll, Waker};

use aws_lambda_events::encodings::Body;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sqs::SqsEvent;
use chrono::Duration;
use fotograma_core::domain::{Job, Video};
use fotograma_core::features::{TABLE, dead_letter, process_video, sweep};
use http::Method;
use lambda_anywhere::{Caller, PathEncoding, RouteMatch, dispatch_http, envelope, find_route};
use tokio_util::sync::CancellationToken;

use crate::fleet::{Actor, mail};
use crate::host::{Host, Port, Role};
use crate::judge::{self, Violation};
use crate::plan::{Content, Plan, Quality};
use crate::queue::{Message, QueueName};
use crate::rules::Rules;
use crate::step::{Step, Verdict};
use crate::worker_queue::to_event;
use crate::world::{Ms, Shared, date, moment};

/// What the user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Complete,
    Retry,
    Delete,
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Choice {
    /// Somebody begins, with the first message that can be had.
    Begin(Role),
    /// An actor's call is let through.
    Grant(usize, Verdict),
    /// An actor dies; its call has been done, or not.
    Die { actor: usize, done: bool },
    /// An actor that has ended well has its message deleted, or that is lost.
    Settle { actor: usize, lost: bool },
    /// Nothing happens until something must.
    Wait,
}

struct Running {
    role: Role,
    message: Option<(QueueName, Message)>,
    step: Arc<Step>,
    port: Port,
    future: Pin<Box<dyn Future<Output = bool>>>,
    /// How it ended, once it has.
    ended: Option<bool>,
}

/// A small world in one of its states.
struct Small {
    world: Shared,
    running: Vec<Running>,
    /// How many of each role have begun.
    begun: BTreeMap<Role, u64>,
    /// Whether the user deletes, so that others see when the zip is written.
    deletes: bool,
    faults: u32,
    deed: Option<Deed>,
    waits: u32,
    next_sweep: Ms,
}

/// What came of looking at every history.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) histories: u64,
    pub(crate) broken: Option<(Violation, Vec<String>)>,
}

/// How often a history may wait: what goes on after so long goes on for ever.
const MAX_WAITS: u32 = 40;
const VIDEO: &str = "v1";

/// Looks at every history with at most `faults` faults, until a promise is broken.
pub(crate) fn explore(deed: Deed, faults: u32, rules: Rules) -> Explored {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut histories = 0;
    loop {
        histories += 1;
        let mut small = Small::new(deed, faults, rules, false);
        let mut depth = 0;
        let broken = loop {
            if let Some(found) = small.violation() {
                break Some(found);
            }
            let choices = small.choices();
            if choices.is_empty() {
                break small.rest();
            }
            if depth == path.len() {
                if !seen.insert(small.state()) {
                    break None;
                }
                path.push((0, choices.len()));
            }
            small.play(&choices[path[depth].0]);
            depth += 1;
        };
        if let Some(found) = broken {
            let told = tell_history(Small::new(deed, faults, rules, true), &path[..depth]);
            return Explored {
                states: seen.len(),
                histories,
                broken: Some((found, told)),
            };
        }
        while let Some((choice, choices)) = path.last_mut() {
            *choice += 1;
            if choice < choices {
                break;
            }
            path.pop();
        }
        if path.is_empty() {
            return Explored {
                states: seen.len(),
                histories,
                broken: None,
            };
        }
    }
}

/// The journal of one history.
fn tell_history(mut small: Small, path: &[(usize, usize)]) -> Vec<String> {
    for (choice, _) in path {
        let choices = small.choices();
        small.play(&choices[*choice]);
    }
    small.world.lock().take_journal()
}

impl Small {
    /// One video whose job is in the queue.
    fn new(deed: Deed, faults: u32, rules: Rules, tells: bool) -> Self {
        let plan = Plan {
            seed: 0,
            rules,
            videos: Vec::new(),
            troubles: Vec::new(),
            faults_per_mille: 0,
            calm_from: 0,
            muted: std::collections::BTreeSet::new(),
        };
        let world = Shared::new(&plan, tells);
        {
            let mut world = world.lock();
            world.set_time(0);
            let content = Content {
                work: 1_000,
                quality: Quality::Good,
            };
            let job = Job {
                video_id: VIDEO.to_owned(),
                user_id: "u0".to_owned(),
                key: format!("uploads/u0/{VIDEO}"),
                email: Some("u0@users.example".to_owned()),
                ..Job::from_json(r#"{"video_id":"v1","user_id":"u0"}"#).expect("a job")
            };
            world.put_file(&job.key, content);
            let news = world.queue(QueueName::Uploads);
            news.messages.clear();
            let video = Video::new(&job, date(0));
            let video = video.uploaded(10, "\"e1\"", date(0)).expect("it is queued");
            world.store_record(&video, 0);
            let body = serde_json::to_string(&video.job()).expect("JSON");
            world.send(QueueName::Jobs, &body, None, 0);
        }
        Self {
            world,
            running: Vec::new(),
            begun: BTreeMap::new(),
            deletes: deed == Deed::Delete,
            faults,
            deed: Some(deed),
            waits: 0,
            next_sweep: 0,
        }
    }

    fn violation(&self) -> Option<Violation> {
        self.world.lock().judge.violations.first().cloned()
    }

    fn rest(&mut self) -> Option<Violation> {
        let mut world = self.world.lock();
        judge::at_rest(&mut world, self.waits < MAX_WAITS);
        world.judge.violations.first().cloned()
    }

    /// The first message that can be had.
    fn ready(&self, queue: QueueName) -> bool {
        let world = self.world.lock();
        let now = world.now();
        world.messages(queue).iter().any(|m| m.visible <= now)
    }

    fn count(&self, role: Role) -> usize {
        self.running
            .iter()
            .filter(|actor| actor.role == role)
            .count()
    }

    /// All that may happen next.
    ///
    /// What commutes with all that others may do is not put off: an order in which it comes later
    /// leads to the same states. That is what only its actor sees (a mail, the zip while nobody
    /// deletes), what others see only by beginning, which can come later too (a notice), and the
    /// deletion of a message whose actor has ended.
    fn choices(&self) -> Vec<Choice> {
        let own = self.running.iter().position(|running| {
            running.ended.is_some()
                || running.step.asks().is_some_and(|asked| match asked.name {
                    "mail" | "publish" | "query" => true,
                    "head" | "complete" => !self.deletes,
                    _ => false,
                })
        });
        if let Some(actor) = own {
            return self.choices_of(actor);
        }
        let mut choices: Vec<_> = (0..self.running.len())
            .flat_map(|actor| self.choices_of(actor))
            .collect();
        let busy = !choices.is_empty();
        let mut begin = |role, queue, most| {
            if self.count(role) < most && self.ready(queue) {
                choices.push(Choice::Begin(role));
            }
        };
        begin(Role::Processor, QueueName::Jobs, 2);
        begin(Role::DeadLetters, QueueName::JobsDead, 1);
        begin(Role::Mailer, QueueName::Notices, 1);
        if self.deed.is_some_and(|deed| self.may(deed)) {
            choices.push(Choice::Begin(Role::Server));
        }
        let now = self.world.lock().now();
        if self.next_sweep <= now && self.count(Role::Sweep) == 0 && self.is_overdue() {
            choices.push(Choice::Begin(Role::Sweep));
        }
        // Time passes when nothing else can; that it passes in the midst of a call is a fault.
        let late = busy && self.faults > 0;
        let idle = choices.is_empty() && !self.is_at_rest();
        if (late || idle) && self.waits < MAX_WAITS {
            choices.push(Choice::Wait);
        }
        choices
    }

    /// What may become of the call that an actor makes, or of its message.
    fn choices_of(&self, actor: usize) -> Vec<Choice> {
        let running = &self.running[actor];
        if let Some(well) = running.ended {
            let mut choices = vec![Choice::Settle { actor, lost: false }];
            if well && self.faults > 0 && running.message.is_some() {
                choices.push(Choice::Settle { actor, lost: true });
            }
            return choices;
        }
        let Some(asked) = running.step.asks() else {
            return Vec::new();
        };
        let mut choices = vec![Choice::Grant(actor, Verdict::Done)];
        if self.faults > 0 {
            choices.push(Choice::Grant(actor, Verdict::Fails));
            choices.push(Choice::Die { actor, done: false });
            if asked.writes {
                choices.push(Choice::Grant(actor, Verdict::AnswerLost));
                choices.push(Choice::Die { actor, done: true });
            }
        }
        choices
    }

    /// Whether the sweep would find something.
    fn is_overdue(&self) -> bool {
        let world = self.world.lock();
        let now = world.now();
        let mut open = world
            .records
            .values()
            .filter(|video| video.unfinished().is_some());
        open.any(|video| now - moment(video.updated_at) >= 30 * 60_000)
    }

    fn may(&self, deed: Deed) -> bool {
        let world = self.world.lock();
        let ended = world
            .records
            .get(VIDEO)
            .is_some_and(|v| v.status.is_terminal());
        deed != Deed::Retry || ended
    }

    fn is_at_rest(&self) -> bool {
        let world = self.world.lock();
        let queues = [QueueName::Jobs, QueueName::Notices];
        let empty = queues.iter().all(|name| world.messages(*name).is_empty());
        empty
            && !world
                .records
                .values()
                .any(|video| video.unfinished().is_some())
    }

    fn play(&mut self, choice: &Choice) {
        match choice {
            Choice::Begin(role) => self.begin(*role),
            Choice::Grant(actor, verdict) => {
                self.faults -= u32::from(*verdict != Verdict::Done);
                self.tell(*actor, &format!("{verdict:?}"));
                self.running[*actor].step.grant(*verdict);
                self.poll(*actor);
            }
            Choice::Die { actor, done } => {
                self.faults -= 1;
                self.tell(
                    *actor,
                    if *done {
                        "dies after it"
                    } else {
                        "dies before it"
                    },
                );
                if *done {
                    self.running[*actor].step.grant(Verdict::Done);
                    self.poll(*actor);
                }
                let dead = self.running.remove(*actor);
                dead.port.die();
            }
            Choice::Settle { actor, lost } => {
                self.faults -= u32::from(*lost);
                let ended = self.running.remove(*actor);
                self.settle(&ended, *lost);
            }
            Choice::Wait => self.wait(),
        }
    }

    fn tell(&self, actor: usize, what: &str) {
        let running = &self.running[actor];
        let asked = running.step.asks().map_or("", |asked| asked.name);
        let (role, life) = (running.role, running.port.host.life);
        let mut world = self.world.lock();
        world.tell(|| format!("{role:?} {life}: {asked} {what}"));
    }

    fn begin(&mut self, role: Role) {
        let life = self.begun.entry(role).or_default();
        *life += 1;
        let life = *life;
        let queue = match role {
            Role::Processor => Some(QueueName::Jobs),
            Role::DeadLetters => Some(QueueName::JobsDead),
            Role::Mailer => Some(QueueName::Notices),
            _ => None,
        };
        let message = queue.and_then(|queue| {
            let received = self.world.lock().receive(queue, 1, 60_000);
            received.into_iter().next().map(|message| (queue, message))
        });
        if queue.is_some() && message.is_none() {
            return;
        }
        let step = Arc::new(Step::new(format!("{role:?}{life}")));
        let port = Port {
            world: self.world.clone(),
            host: Arc::new(Host {
                slot: role as usize,
                life,
                skew: 0,
                dead: CancellationToken::new(),
                frozen_until: AtomicI64::new(0),
                health: Arc::default(),
            }),
            role,
            notice: "".into(),
            step: Some(Arc::clone(&step)),
        };
        let deed = if role == Role::Server {
            self.deed.take()
        } else {
            None
        };
        if role == Role::Sweep {
            self.next_sweep = self.world.lock().now() + 300_000;
        }
        self.world
            .lock()
            .tell(|| format!("{role:?} {life} begins {deed:?}"));
        let future = future(port.clone(), role, message.as_ref().map(|m| &m.1), deed);
        self.running.push(Running {
            role,
            message,
            step,
            port,
            future,
            ended: None,
        });
        self.poll(self.running.len() - 1);
    }

    fn poll(&mut self, actor: usize) {
        let running = &mut self.running[actor];
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(well) = running.future.as_mut().poll(&mut context) {
            running.ended = Some(well);
        }
    }

    /// What the worker does with a message whose handler has ended.
    fn settle(&mut self, ended: &Running, lost: bool) {
        let Some((queue, message)) = &ended.message else {
            return;
        };
        let mut world = self.world.lock();
        if ended.ended != Some(true) {
            let now = world.now();
            let delay = 1_000 << message.receives.saturating_sub(1).min(10);
            let delay = if *queue == QueueName::JobsDead {
                60_000
            } else {
                delay
            };
            world
                .queue(*queue)
                .change_visibility(message.receipt, now, delay);
        } else if lost {
            world.tell(|| "the delete of a message is lost".to_owned());
        } else {
            world.delete(*queue, message.receipt);
        }
    }

    /// Time goes on until something can happen.
    fn wait(&mut self) {
        let busy = !self.running.is_empty();
        self.faults -= u32::from(busy);
        self.waits += 1;
        let mut world = self.world.lock();
        let now = world.now();
        let next = [QueueName::Jobs, QueueName::JobsDead, QueueName::Notices]
            .map(|name| world.queue(name).next_visible());
        let next = next.into_iter().flatten().filter(|next| *next > now).min();
        // Nothing is in a queue: the sweep is what may still find something.
        let until = match next {
            _ if busy => now + 150_000,
            Some(next) => next,
            None => now + 31 * 60_000 * (1 << (self.waits / 4).min(6)),
        };
        world.tell(|| format!("nothing until {} s", until / 1_000));
        world.set_time(until);
    }

    /// What is different from one state to another, with all times from now.
    fn state(&self) -> u64 {
        let world = self.world.lock();
        let now = world.now();
        let mut hasher = DefaultHasher::new();
        for video in world.records.values() {
            let mut video = video.clone();
            video.created_at = date(0);
            // What the sweep goes by; nothing else looks at it.
            let still = (now - moment(video.updated_at)) / (30 * 60_000);
            video.updated_at = date(-still);
            for attempt in video.attempt.iter_mut().chain(
                video
                    .deliveries
                    .iter_mut()
                    .filter_map(|m| m.attempt.as_mut()),
            ) {
                let over = Duration::seconds(-200);
                let left = (attempt.lease_until - date(now)).max(over);
                attempt.lease_until = date(0) + left;
            }
            format!("{video:?}").hash(&mut hasher);
        }
        format!("{:?}", world.objects).hash(&mut hasher);
        for name in QueueName::ALL {
            let mut messages: Vec<_> = world
                .messages(name)
                .iter()
                .map(|m| (&m.body, m.receives, (m.visible - now).max(0), &m.reason))
                .collect();
            messages.sort();
            messages.hash(&mut hasher);
        }
        world.judge.state().hash(&mut hasher);
        let mut actors: Vec<_> = self
            .running
            .iter()
            .map(|actor| {
                let message = actor.message.as_ref().map(|(_, m)| (&m.body, m.receives));
                (actor.role, message, actor.step.seen(), actor.ended)
            })
            .collect();
        actors.sort();
        actors.hash(&mut hasher);
        (
            self.faults,
            self.deed.is_some(),
            (self.next_sweep - now).max(0),
        )
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// The handler of a role, over this port; true when it ends well.
fn future(
    port: Port,
    role: Role,
    message: Option<&Message>,
    deed: Option<Deed>,
) -> Pin<Box<dyn Future<Output = bool>>> {
    let actor = Actor::new(port);
    let event = message.map(to_event);
    Box::pin(async move {
        let mut batch = SqsEvent::default();
        batch.records.extend(event.clone());
        let answered = match role {
            Role::Processor => process_video::process_jobs(&actor.app, batch).await,
            Role::DeadLetters => dead_letter::settle_dead_letters(&actor.app, batch).await,
            Role::Mailer => {
                let event = event.unwrap_or_default();
                return mail(&actor, envelope::sns_event(&event)).await.is_ok();
            }
            Role::Sweep => {
                let event = EventBridgeEvent::default();
                return sweep::sweep_stale_videos(&actor.app, event).await.is_ok();
            }
            Role::Uploads | Role::Server => return deed_of_user(&actor, deed).await,
        };
        answered.is_ok_and(|response| response.batch_item_failures.is_empty())
    })
}

async fn deed_of_user(actor: &Actor, deed: Option<Deed>) -> bool {
    let complete = format!("/uploads/{VIDEO}/complete");
    let (method, path, body) = match deed {
        None => return true,
        Some(Deed::Complete) => (Method::POST, complete, ""),
        Some(Deed::Retry) => (Method::POST, complete, r#"{"retry":true}"#),
        Some(Deed::Delete) => (Method::DELETE, format!("/videos/me/{VIDEO}"), ""),
    };
    let RouteMatch::Found(_, route, params) =
        find_route(TABLE.iter(), &method, &path, PathEncoding::Percent)
    else {
        return false;
    };
    let mut request = http::Request::new(Body::Text(body.to_owned()));
    *request.method_mut() = method;
    request.extensions_mut().insert(params);
    request.extensions_mut().insert(Caller {
        user_id: "u0".to_owned(),
        username: "u0".to_owned(),
        email: None,
        groups: Vec::new(),
    });
    dispatch_http(route, &actor.app, request)
        .await
        .status()
        .is_success()
}
