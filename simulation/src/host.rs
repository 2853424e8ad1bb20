//! A process, and how what it asks of the world gets there: late, twice, or not at all.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fotograma_core::{Error, Health, Result, UntoldEnds};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::faults::Fate;
use crate::plan::{Kind, Service};
use crate::step::{Step, Verdict};
use crate::world::{Ms, Shared, World};

/// One life of a process.
pub(crate) struct Host {
    pub(crate) slot: usize,
    /// Which of the processes at this place it is.
    pub(crate) life: u64,
    /// How far its clock is ahead.
    pub(crate) skew: Ms,
    pub(crate) dead: CancellationToken,
    /// Until when it stands still.
    pub(crate) frozen_until: AtomicI64,
    /// What its last jobs say about it.
    pub(crate) health: Arc<Health>,
    /// What it has still to tell of its attempts.
    pub(crate) untold: Arc<UntoldEnds>,
}

/// Who asks: what a process does, and about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    Processor,
    DeadLetters,
    Mailer,
    Uploads,
    Sweep,
    Server,
}

/// What a process asks the world through.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) world: Shared,
    pub(crate) host: Arc<Host>,
    pub(crate) role: Role,
    /// For a mailer, the notice.
    pub(crate) notice: Arc<str>,
    /// Where each call waits to be let through, when every order of calls is to be seen.
    pub(crate) step: Option<Arc<Step>>,
}

/// How long a client waits for one answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a client asks.
pub(crate) const ATTEMPTS: u32 = 3;

/// A call: who is asked for what, about what.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    pub(crate) about: &'a str,
    /// How often the client asks before it tells of a fault.
    pub(crate) attempts: u32,
    /// Whether it waits for an answer as long as it takes.
    pub(crate) patient: bool,
    /// Whether it asks again only when it is sure that nothing was done.
    pub(crate) careful: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(service: Service, name: &'static str, about: &'a str) -> Self {
        Self {
            service,
            name,
            about,
            attempts: ATTEMPTS,
            patient: false,
            careful: false,
        }
    }

    /// Waited for as long as it takes.
    pub(crate) fn patient(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }

    /// Not asked again what may have been done.
    pub(crate) fn careful(self) -> Self {
        Self {
            careful: true,
            ..self
        }
    }

    /// Asked once, whatever comes of it.
    pub(crate) fn once(self) -> Self {
        Self {
            attempts: 1,
            ..self
        }
    }
}

impl Port {
    /// Goes on only if the process is alive, and not before it stands still no more.
    pub(crate) async fn alive(&self) {
        if self.host.dead.is_cancelled() {
            std::future::pending::<()>().await;
        }
        loop {
            let wait = self.host.frozen_until.load(Ordering::Relaxed) - self.world.lock().now();
            if wait <= 0 {
                return;
            }
            sleep(milliseconds(wait)).await;
        }
    }

    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        self.world.lock().tell(|| {
            format!(
                "{:?} {}.{}: {}",
                self.role,
                self.host.slot,
                self.host.life,
                what()
            )
        });
    }

    /// Asks the world for something; `effect` does it, perhaps more than once.
    pub(crate) async fn call<T: Clone + Debug + Send + Sync + 'static>(
        &self,
        call: Call<'_>,
        effect: impl Fn(&mut World) -> T + Send + Sync,
    ) -> Result<T> {
        let answer = self.ask(call, effect).await;
        if answer.is_err() && call.service == Service::Table && self.step.is_none() {
            self.world.lock().failing_at_table(call.about);
        }
        answer.map_err(|kind| error(call, kind))
    }

    /// The same, with how it failed.
    pub(crate) async fn ask<T: Clone + Debug + Send + Sync + 'static>(
        &self,
        call: Call<'_>,
        effect: impl Fn(&mut World) -> T + Send + Sync,
    ) -> Result<T, Kind> {
        if let Some(step) = &self.step {
            return self.step(step, call, effect).await;
        }
        let mut attempt = 1;
        loop {
            match self.attempt(call, &effect).await {
                Ok(answer) => return Ok(answer),
                Err(kind) if kind == Kind::Denied || attempt >= call.attempts => {
                    return Err(kind);
                }
                Err(kind @ (Kind::Deaf | Kind::Hangs)) if call.careful => return Err(kind),
                Err(_) => sleep(Duration::from_millis(200 << attempt)).await,
            }
            attempt += 1;
        }
    }

    /// Asks once, when it is let through, and meets what it is told to.
    async fn step<T: Clone + Debug + Send + Sync + 'static>(
        &self,
        step: &Step,
        call: Call<'_>,
        effect: impl Fn(&mut World) -> T + Send + Sync,
    ) -> Result<T, Kind> {
        if let Some(answer) = step.known() {
            return answer;
        }
        let answer = match step.ask(call).await {
            Verdict::Fails => Err(Kind::Down),
            Verdict::Done => Ok(effect(&mut self.world.lock())),
            Verdict::AnswerLost => {
                effect(&mut self.world.lock());
                Err(Kind::Deaf)
            }
        };
        step.note(answer.clone());
        answer
    }

    /// Looks at the world, or tells it something, without asking anybody.
    pub(crate) fn look<T: Clone + Debug + Send + Sync + 'static>(
        &self,
        effect: impl FnOnce(&mut World) -> T,
    ) -> T {
        let Some(step) = &self.step else {
            return effect(&mut self.world.lock());
        };
        if let Some(answer) = step.known() {
            return answer;
        }
        let answer = effect(&mut self.world.lock());
        step.note(answer.clone());
        answer
    }

    async fn attempt<T: Send>(
        &self,
        call: Call<'_>,
        effect: &(impl Fn(&mut World) -> T + Send + Sync),
    ) -> Result<T, Kind> {
        self.alive().await;
        let (fate, place) = {
            let mut world = self.world.lock();
            let place = world.faults.place(call.service, call.name, call.about);
            let now = world.now();
            let fate = world.faults.fate(now, self.host.slot, call.service, place);
            (fate, place)
        };
        if fate != Fate::Done {
            self.tell(|| format!("{} {} meets {fate:?}", call.name, call.about));
        }
        let latency = Duration::from_millis(1 + place.named("latency").below(25));
        let apply = || effect(&mut self.world.lock());
        match fate {
            Fate::Done if place.named("when").per_mille(500) => {
                sleep(latency).await;
                self.alive().await;
                Ok(apply())
            }
            // Done at once, and the answer takes its time: whoever stops waiting has done it.
            Fate::Done => {
                let answer = apply();
                sleep(latency).await;
                self.alive().await;
                Ok(answer)
            }
            Fate::Fails(kind) => {
                sleep(latency).await;
                Err(kind)
            }
            Fate::AnswerLost => {
                apply();
                sleep(latency).await;
                Err(Kind::Deaf)
            }
            Fate::NoAnswer { done } => {
                if done {
                    apply();
                }
                if call.patient {
                    std::future::pending::<()>().await;
                }
                sleep(ATTEMPT_TIMEOUT).await;
                Err(Kind::Hangs)
            }
            Fate::Slow(time) => {
                let within = milliseconds(time).min(ATTEMPT_TIMEOUT);
                sleep(within).await;
                self.alive().await;
                if within == ATTEMPT_TIMEOUT {
                    // Nobody waits any more, and it is done all the same.
                    apply();
                    return Err(Kind::Hangs);
                }
                Ok(apply())
            }
            Fate::Dies { done } => {
                if done {
                    apply();
                }
                self.die();
                std::future::pending().await
            }
        }
    }

    /// The process ends, here and now.
    pub(crate) fn die(&self) {
        self.tell(|| "dies".to_owned());
        self.world.lock().judge.died(&self.host);
        self.host.dead.cancel();
    }
}

/// What a client makes of a fault.
pub(crate) fn error(call: Call<'_>, kind: Kind) -> Error {
    let text = format!("{:?} {}: {kind:?}", call.service, call.name);
    match kind {
        Kind::Denied => Error::operational(text),
        _ if call.service == Service::Ffmpeg => Error::operational(text),
        _ => Error::transient(text),
    }
}

pub(crate) fn milliseconds(ms: Ms) -> Duration {
    Duration::from_millis(ms.max(0).unsigned_abs())
}
