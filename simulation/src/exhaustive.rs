//! Every order of events of a small world: one video, two processors, the dead letters, a mailer,
//! the sweep and one deed of the user, with at most so many faults.
//!
//! A state is what the world holds, what each actor at work has been answered so far, and what the user
//! still does; names and moments that nobody decides by are left out ([`crate::canonical`]). What follows
//! from a state that was met before, with as many faults left or more, is known.
//!
//! Orders that lead to the same are looked at once ([`Small::choices`]).

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

use crate::canonical::{with_plain_names, with_relative_dates};
use crate::fleet::{Actor, app, mail};
use crate::host::{Host, Port, Role};
use crate::judge::{self, Violation};
use crate::plan::{Content, Plan, Quality};
use crate::queue::{Message, QueueName};
use crate::rules::Rules;
use crate::step::{Asked, Log, Step, Verdict};
use crate::worker_queue::to_event;
use crate::world::{Ms, Shared, date, moment};

/// What the user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Deed {
    /// Says that the file is there.
    Complete,
    /// Says so again, when the job is in the queue.
    CompleteAgain,
    /// Wants the frames once more, when the video has ended.
    Retry,
    /// Deletes the video.
    Delete,
}

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// Somebody begins, with this message if there is one.
    Begin(Role, Option<u64>),
    /// An actor's call is let through.
    Grant(usize, Verdict),
    /// An actor dies; its call has been done, or not.
    Die { actor: usize, done: bool },
    /// An actor that has ended well has its message deleted, or that is lost.
    Settle { actor: usize, lost: bool },
    /// Nothing happens until something must.
    Wait,
}

/// An actor at work.
#[derive(Clone)]
struct Running {
    role: Role,
    /// Which of all actors so far it is.
    number: u64,
    began: Ms,
    message: Option<(QueueName, Message)>,
    deed: Option<Deed>,
    log: Log,
    asks: Option<Asked>,
    /// How it ended, once it has.
    ended: Option<bool>,
    /// Whether nobody else need come before its next call.
    goes_on: bool,
}

/// A small world in one of its states.
struct Small {
    world: Shared,
    running: Vec<Running>,
    /// How many actors have begun.
    begun: u64,
    /// Whether the user deletes, so that others see when the zip is written.
    deletes: bool,
    faults: u8,
    deed: Option<Deed>,
    waits: u32,
    next_sweep: Ms,
}

/// What came of looking at every history.
pub(crate) struct Explored {
    pub(crate) states: usize,
    /// How many steps were taken from one state to another.
    pub(crate) steps: u64,
    /// Whether all was looked at; false when somebody stopped it.
    pub(crate) whole: bool,
    pub(crate) broken: Option<(Violation, Vec<String>)>,
}

/// How often a history may wait: what goes on after so long goes on for ever.
const MAX_WAITS: u32 = 200;
const VIDEO: &str = "v1";
/// How many parts the states are kept in, so that threads seldom wait for each other.
const PARTS: usize = 64;

/// The states that were met, each with the most faults that were left then.
struct Known([Mutex<HashMap<u64, u8>>; PARTS]);

impl Known {
    fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }

    /// Whether what follows from it is not known yet.
    fn is_new(&self, state: u64, faults: u8) -> bool {
        let part = usize::try_from(state % PARTS as u64).unwrap_or(0);
        let mut part = self.0[part].lock().unwrap_or_else(PoisonError::into_inner);
        match part.get_mut(&state) {
            Some(known) if *known >= faults => false,
            Some(known) => {
                *known = faults;
                true
            }
            None => {
                part.insert(state, faults);
                true
            }
        }
    }

    fn len(&self) -> usize {
        let parts = self.0.iter();
        parts
            .map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }
}

/// What all threads share.
struct Search {
    known: Known,
    steps: AtomicU64,
    over: AtomicBool,
    cut_off: AtomicBool,
    /// The history that broke a promise.
    broken: Mutex<Option<(Violation, Vec<Choice>)>>,
    until: std::time::Instant,
}

/// A state whose next choices are still to be made, and how it came about.
struct Open {
    small: Small,
    path: Vec<Choice>,
}

/// Looks at every history with at most `faults` faults, until a promise is broken or the time is over.
pub(crate) fn explore(
    deed: Deed,
    faults: u8,
    rules: Rules,
    threads: usize,
    time: std::time::Duration,
) -> Explored {
    let search = Search {
        known: Known::new(),
        steps: AtomicU64::new(0),
        over: AtomicBool::new(false),
        cut_off: AtomicBool::new(false),
        broken: Mutex::default(),
        until: std::time::Instant::now() + time,
    };
    // As many beginnings as keep all threads at work, then each to its end.
    let mut beginnings = std::collections::VecDeque::from([Open {
        small: Small::new(deed, faults, rules, false),
        path: Vec::new(),
    }]);
    while !beginnings.is_empty() && beginnings.len() < 64 * threads {
        if let Some(open) = beginnings.pop_front() {
            beginnings.extend(search.successors(open));
        }
    }
    let beginnings = Mutex::new(beginnings);
    let work = || {
        loop {
            let next = {
                let mut beginnings = beginnings.lock().unwrap_or_else(PoisonError::into_inner);
                beginnings.pop_front()
            };
            let Some(next) = next else {
                return;
            };
            let mut stack = vec![next];
            while let Some(open) = stack.pop() {
                if search.over.load(Ordering::Relaxed) {
                    return;
                }
                stack.extend(search.successors(open).into_iter().rev());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let broken = search
        .broken
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Explored {
        states: search.known.len(),
        steps: search.steps.into_inner(),
        whole: !search.cut_off.into_inner(),
        broken: broken.map(|(violation, path)| {
            let told = tell_history(Small::new(deed, faults, rules, true), &path);
            (violation, told)
        }),
    }
}

impl Search {
    /// The states after one more step that are not known yet.
    fn successors(&self, open: Open) -> Vec<Open> {
        let Open {
            mut small,
            mut path,
        } = open;
        let mut choices = small.choices();
        // Where there is one way to go on, there is nothing to come back to.
        while let [only] = choices[..] {
            path.push(only);
            small.play(only);
            if self.is_over(&mut small, &path) {
                return Vec::new();
            }
            choices = small.choices();
            if matches!(only, Choice::Wait) && !self.is_new(&small) {
                return Vec::new();
            }
        }
        if choices.is_empty() {
            let found = small.rest();
            self.note(found, &path);
            return Vec::new();
        }
        if !self.is_new(&small) {
            return Vec::new();
        }
        let mut after = Vec::with_capacity(choices.len());
        for choice in choices {
            let mut next = Open {
                small: small.fork(),
                path: path.clone(),
            };
            next.path.push(choice);
            next.small.play(choice);
            if self.is_over(&mut next.small, &next.path) {
                continue;
            }
            after.push(next);
        }
        after
    }

    fn is_new(&self, small: &Small) -> bool {
        self.known.is_new(small.state(), small.faults)
    }

    /// Counts a step; whether the history ends here.
    fn is_over(&self, small: &mut Small, path: &[Choice]) -> bool {
        let steps = self.steps.fetch_add(1, Ordering::Relaxed);
        if steps.is_multiple_of(1_024) && std::time::Instant::now() > self.until {
            self.cut_off.store(true, Ordering::Relaxed);
            self.over.store(true, Ordering::Relaxed);
        }
        self.note(small.violation(), path)
    }

    fn note(&self, found: Option<Violation>, path: &[Choice]) -> bool {
        let Some(found) = found else {
            return false;
        };
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.get_or_insert_with(|| (found, path.to_vec()));
        self.over.store(true, Ordering::Relaxed);
        true
    }
}

/// The journal of one history.
fn tell_history(mut small: Small, path: &[Choice]) -> Vec<String> {
    for choice in path {
        small.play(*choice);
    }
    small.world.lock().take_journal()
}

impl Small {
    /// One video whose file is there; its job is in the queue, unless the user is still to say so.
    fn new(deed: Deed, faults: u8, rules: Rules, tells: bool) -> Self {
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
                registered: true,
                ..Job::from_json(r#"{"video_id":"v1","user_id":"u0"}"#).expect("a job")
            };
            let file = world.put_file(&job.key, content);
            world.queue(QueueName::Uploads).messages.clear();
            let video = Video::new(&job, date(0));
            if deed == Deed::Complete {
                world.store_record(&video, 0);
            } else {
                let etag = format!("\"e{file}\"");
                let video = video.uploaded(10, &etag, date(0)).expect("it is queued");
                world.store_record(&video, 0);
                let body = serde_json::to_string(&video.job()).expect("JSON");
                world.send(QueueName::Jobs, &body, None, 0);
            }
        }
        Self {
            world,
            running: Vec::new(),
            begun: 0,
            deletes: deed == Deed::Delete,
            faults,
            deed: Some(deed),
            waits: 0,
            next_sweep: 0,
        }
    }

    /// The same state once more, with a world of its own.
    fn fork(&self) -> Self {
        Self {
            world: self.world.fork(),
            running: self.running.clone(),
            ..*self
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

    /// The messages that can be had, but for those that are the same.
    fn ready(&self, queue: QueueName) -> Vec<u64> {
        let world = self.world.lock();
        let now = world.now();
        let ready = world.messages(queue).iter().filter(|m| m.visible <= now);
        let mut ready: Vec<_> = ready.map(|m| (&m.body, m.receives, m.id)).collect();
        ready.sort_unstable();
        ready.dedup_by_key(|(body, receives, _)| (body.clone(), *receives));
        ready.into_iter().map(|(_, _, id)| id).collect()
    }

    fn count(&self, role: Role) -> usize {
        let running = self.running.iter();
        running.filter(|actor| actor.role == role).count()
    }

    /// All that may happen next, but for what leads to the same as something else.
    ///
    /// What commutes with all that others may do is not put off: an order in which it comes later leads to
    /// the same states. That is what only its actor sees (a mail, the zip while nobody deletes), what
    /// others see only by beginning, which can come later too (a notice, a job), and the deletion of a
    /// message whose actor has ended.
    ///
    /// Nobody comes between an actor's beginning and its first call, as until then it has done nothing.
    /// And nobody comes between a record's reading and a write that follows it at once: if they changed
    /// the record, the write would be refused and the record read again, which is the order in which the
    /// actor reads later. Only where time passes between the two, which is a fault, others may come.
    fn choices(&self) -> Vec<Choice> {
        let own = self.running.iter().position(|running| {
            running.ended.is_some()
                || running.goes_on
                || running.asks.is_some_and(|asked| match asked.name {
                    "mail" | "publish" | "query" | "send" | "dead letter" => true,
                    "head" | "complete" => !self.deletes,
                    _ => false,
                })
        });
        if let Some(actor) = own {
            let mut choices = self.choices_of(actor);
            if self.running[actor].goes_on && self.faults > 0 && self.waits < MAX_WAITS {
                choices.push(Choice::Wait);
            }
            return choices;
        }
        let mut choices: Vec<_> = (0..self.running.len())
            .flat_map(|actor| self.choices_of(actor))
            .collect();
        let busy = !choices.is_empty();
        let mut begin = |role, queue, most| {
            if self.count(role) < most {
                let ready = self.ready(queue).into_iter();
                choices.extend(ready.map(|message| Choice::Begin(role, Some(message))));
            }
        };
        begin(Role::Processor, QueueName::Jobs, 2);
        begin(Role::DeadLetters, QueueName::JobsDead, 1);
        begin(Role::Mailer, QueueName::Notices, 1);
        if self.deed.is_some_and(|deed| self.may(deed)) {
            choices.push(Choice::Begin(Role::Server, None));
        }
        let now = self.world.lock().now();
        if self.next_sweep <= now && self.count(Role::Sweep) == 0 && self.is_stale(now) {
            choices.push(Choice::Begin(Role::Sweep, None));
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
        let Some(asked) = running.asks else {
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

    /// Whether the sweep would find something to do.
    fn is_stale(&self, at: Ms) -> bool {
        let thresholds = app(&self.port(Role::Sweep, 0, None)).settings.sweep_after;
        let world = self.world.lock();
        let mut records = world.records.values();
        records.any(|video| video.stale(thresholds, date(at)).is_some())
    }

    fn may(&self, deed: Deed) -> bool {
        let world = self.world.lock();
        let record = world.records.get(VIDEO);
        let ended = record.is_some_and(|video| video.status.is_terminal());
        deed != Deed::Retry || ended
    }

    fn is_at_rest(&self) -> bool {
        let world = self.world.lock();
        let queues = [QueueName::Jobs, QueueName::Notices];
        let empty = queues.iter().all(|name| world.messages(*name).is_empty());
        let mut records = world.records.values();
        empty && !records.any(|video| video.unfinished().is_some())
    }

    fn play(&mut self, choice: Choice) {
        match choice {
            Choice::Begin(role, message) => self.begin(role, message),
            Choice::Grant(actor, verdict) => {
                self.faults -= u8::from(verdict != Verdict::Done);
                self.tell(actor, &format!("{verdict:?}"));
                self.resume(actor, Some(verdict));
            }
            Choice::Die { actor, done } => {
                self.faults -= 1;
                let how = if done { "after" } else { "before" };
                self.tell(actor, &format!("dies {how} it"));
                if done {
                    self.resume(actor, Some(Verdict::Done));
                }
                let dead = self.running.remove(actor);
                self.port(dead.role, dead.number, None).die();
            }
            Choice::Settle { actor, lost } => {
                self.faults -= u8::from(lost);
                let ended = self.running.remove(actor);
                self.settle(&ended, lost);
            }
            Choice::Wait => self.wait(),
        }
    }

    fn tell(&self, actor: usize, what: &str) {
        let running = &self.running[actor];
        let asked = running.asks.map_or("", |asked| asked.name);
        let (role, number) = (running.role, running.number);
        let mut world = self.world.lock();
        world.tell(|| format!("{role:?} {number}: {asked} {what}"));
    }

    fn begin(&mut self, role: Role, message: Option<u64>) {
        let queue = match role {
            Role::Processor => QueueName::Jobs,
            Role::DeadLetters => QueueName::JobsDead,
            _ => QueueName::Notices,
        };
        let (message, began) = {
            let mut world = self.world.lock();
            let now = world.now();
            let message = message.and_then(|id| world.queue(queue).receive_one(id, now, 60_000));
            (message.map(|message| (queue, message)), now)
        };
        let deed = match role {
            Role::Server => self.deed.take(),
            _ => None,
        };
        if role == Role::Sweep {
            self.next_sweep = began + 300_000;
        }
        self.begun += 1;
        let number = self.begun;
        let of = message.as_ref().map(|(_, message)| message.id);
        self.world
            .lock()
            .tell(|| format!("{role:?} {number} begins {deed:?} {of:?}"));
        self.running.push(Running {
            role,
            number,
            began,
            message,
            deed,
            log: Log::default(),
            asks: None,
            ended: None,
            goes_on: true,
        });
        self.resume(self.running.len() - 1, None);
        if let Some(begun) = self.running.last_mut() {
            begun.goes_on = true;
        }
    }

    fn port(&self, role: Role, number: u64, step: Option<Arc<Step>>) -> Port {
        Port {
            world: self.world.clone(),
            host: Arc::new(Host {
                slot: role as usize,
                life: number,
                skew: 0,
                dead: CancellationToken::new(),
                frozen_until: AtomicI64::new(0),
                health: Arc::default(),
                untold: Arc::default(),
            }),
            role,
            notice: "".into(),
            step,
        }
    }

    /// Brings an actor to where it was, lets its call through, and goes on to the next one.
    fn resume(&mut self, actor: usize, verdict: Option<Verdict>) {
        let running = &mut self.running[actor];
        let read = running.asks.is_some_and(|asked| asked.name == "get");
        let log = std::mem::take(&mut running.log);
        let step = Arc::new(Step::new(running.number, running.began, log, verdict));
        let running = &self.running[actor];
        let port = self.port(running.role, running.number, Some(Arc::clone(&step)));
        let message = running.message.as_ref().map(|(_, message)| message);
        let mut future = future(port, running.role, message, running.deed);
        let mut context = Context::from_waker(Waker::noop());
        let polled = future.as_mut().poll(&mut context);
        drop(future);
        let running = &mut self.running[actor];
        (running.asks, running.log) = step.take();
        if let Poll::Ready(well) = polled {
            (running.ended, running.asks) = (Some(well), None);
        }
        let writes = running.asks.is_some_and(|asked| asked.name == "put");
        running.goes_on = read && writes && verdict == Some(Verdict::Done);
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
        self.faults -= u8::from(busy);
        self.waits += 1;
        for running in &mut self.running {
            running.goes_on = false;
        }
        let now = self.world.lock().now();
        let next = [QueueName::Jobs, QueueName::JobsDead, QueueName::Notices]
            .map(|name| self.world.lock().queue(name).next_visible());
        let next = next.into_iter().flatten().filter(|next| *next > now).min();
        let until = match next {
            _ if busy => now + 150_000,
            Some(next) => next,
            // Nothing is in a queue: the sweep may still find something, within days.
            None => {
                let mut later = (1..2_000).map(|times| now.max(self.next_sweep) + times * 300_000);
                later.find(|at| self.is_stale(*at)).unwrap_or(now + 300_000)
            }
        };
        let mut world = self.world.lock();
        world.tell(|| format!("nothing until {} s", until / 1_000));
        world.set_time(until);
    }

    /// What is different from one state to another, with all times from now.
    fn state(&self) -> u64 {
        let world = self.world.lock();
        let now = world.now();
        let mut words = String::with_capacity(4_096);
        let mut version = 0;
        for video in world.records.values() {
            version = video.version;
            let mut video = video.clone();
            // What the sweep goes by; nothing else looks at it.
            let still = (now - moment(video.updated_at)) / 300_000;
            video.updated_at = date(now - still);
            let deliveries = video.deliveries.iter_mut();
            let claims = deliveries.filter_map(|delivery| delivery.attempt.as_mut());
            for attempt in video.attempt.iter_mut().chain(claims) {
                let over = date(now) - Duration::seconds(200);
                attempt.lease_until = attempt.lease_until.max(over);
            }
            words.push_str(&with_relative_dates(&format!("{video:?}"), now));
        }
        let _ = write!(words, "{:?}", world.objects);
        for name in QueueName::ALL {
            let messages = world.messages(name).iter();
            let mut messages: Vec<_> = messages
                .map(|m| {
                    let hidden = (m.visible - now).max(0);
                    (&m.body, m.receives, hidden, m.age(now), &m.reason)
                })
                .collect();
            messages.sort();
            let _ = write!(words, "{messages:?}");
        }
        words.push_str(&world.judge.state());
        let running = self.running.iter();
        let mut actors: Vec<_> = running
            .map(|actor| {
                let message = actor.message.as_ref();
                let message = message.map(|(_, m)| (&m.body, m.receives, m.age(actor.began)));
                let age = now - actor.began;
                (
                    actor.role,
                    message,
                    &actor.log.text,
                    actor.ended,
                    age,
                    actor.goes_on,
                )
            })
            .collect();
        actors.sort();
        let _ = write!(words, "{actors:?}");
        let words = with_plain_names(&words, version);
        let mut hasher = DefaultHasher::new();
        let sweep = (self.next_sweep - now).max(0);
        (words, self.deed, sweep).hash(&mut hasher);
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
        Some(Deed::Complete | Deed::CompleteAgain) => (Method::POST, complete, ""),
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

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: std::time::Duration = std::time::Duration::from_mins(4);

    #[test]
    fn no_promise_is_broken_in_any_history_without_a_fault() {
        for deed in [
            Deed::Complete,
            Deed::CompleteAgain,
            Deed::Retry,
            Deed::Delete,
        ] {
            let explored = explore(deed, 0, Rules::AsTheyAre, 2, TIME);
            println!(
                "{deed:?}: {} states, {} steps",
                explored.states, explored.steps
            );
            assert!(explored.whole, "{deed:?}");
            assert_eq!(explored.broken, None, "{deed:?}");
        }
    }

    #[test]
    fn no_promise_is_broken_in_any_history_of_an_upload_with_one_fault() {
        let explored = explore(Deed::Complete, 1, Rules::AsTheyAre, 2, TIME);
        println!("{} states, {} steps", explored.states, explored.steps);
        assert!(explored.whole);
        assert_eq!(explored.broken, None);
    }

    #[test]
    fn every_order_of_events_shows_what_chance_must_be_lucky_for() {
        for (deed, faults, rules) in [
            (Deed::Complete, 0, Rules::PublishBeforeTheWrite),
            (Deed::Complete, 1, Rules::NoClaim),
        ] {
            let explored = explore(deed, faults, rules, 2, TIME);
            println!("{rules:?}: after {} states", explored.states);
            let (_, journal) = explored.broken.expect("it is found");
            assert!(!journal.is_empty());
        }
    }
}
