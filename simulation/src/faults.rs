//! What goes wrong with one call: because a peer is down for a while, or by itself.

use std::collections::BTreeMap;

use crate::chance::Chance;
use crate::plan::{Kind, Plan, Service, Trouble};
use crate::world::Ms;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It is refused, and nothing is done.
    Fails(Kind),
    /// It is done, and the answer is lost.
    AnswerLost,
    /// There is no answer until the caller gives up; it may have been done.
    NoAnswer { done: bool },
    /// It is done and answered after so long.
    Slow(Ms),
    /// The caller dies, before or after it is done.
    Dies { done: bool },
}

impl Fate {
    /// For the account of faults.
    fn word(self) -> &'static str {
        match self {
            Self::Done => "no fault",
            Self::Fails(Kind::Denied) => "denied",
            Self::Fails(Kind::Throttled) => "throttled",
            Self::Fails(_) => "failed before",
            Self::AnswerLost => "done, answer lost",
            Self::NoAnswer { .. } => "never answered",
            Self::Slow(_) => "slow beyond the lease",
            Self::Dies { .. } => "died in the call",
        }
    }
}

#[derive(Clone)]
struct Outage {
    service: Service,
    slot: Option<usize>,
    kind: Kind,
    from: Ms,
    until: Ms,
}

#[derive(Clone)]
pub(crate) struct Faults {
    outages: Vec<Outage>,
    per_mille: u32,
    calm_from: Ms,
    chance: Chance,
    muted: std::collections::BTreeSet<u64>,
    /// How often each kind of call about each thing has been made.
    calls: BTreeMap<u64, u64>,
    /// The faults of their own that came, so that they can be left out one by one.
    pub(crate) own: Vec<u64>,
    /// How many faults of each kind came.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        let outages = plan.troubles.iter().filter_map(|trouble| match *trouble {
            Trouble::Outage {
                service,
                slot,
                kind,
                from,
                until,
            } => Some(Outage {
                service,
                slot,
                kind,
                from,
                until,
            }),
            _ => None,
        });
        Self {
            outages: outages.collect(),
            per_mille: plan.faults_per_mille,
            calm_from: plan.calm_from,
            chance: Chance::new(plan.seed).named("faults"),
            muted: plan.muted.clone(),
            calls: BTreeMap::new(),
            own: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The place of this call among all: what is asked about what, and for the how manyth time.
    pub(crate) fn place(&mut self, service: Service, call: &str, about: &str) -> Chance {
        let place = self.chance.at(service as u64).named(call).named(about);
        let number = self.calls.entry(place.key()).or_default();
        *number += 1;
        place.at(*number)
    }

    /// What becomes of a call.
    pub(crate) fn fate(&mut self, now: Ms, slot: usize, service: Service, place: Chance) -> Fate {
        let fate = self
            .outage(now, slot, service, place)
            .or_else(|| self.by_itself(now, place))
            .unwrap_or(Fate::Done);
        if fate != Fate::Done {
            *self.counts.entry(fate.word()).or_default() += 1;
        }
        fate
    }

    /// How long after its client has given up the store completes a zip all the same, if it does so.
    pub(crate) fn late_completion(&mut self, now: Ms, place: Chance) -> Option<Ms> {
        let here = place.named("late");
        let is_late = now < self.calm_from && here.per_mille(4 * self.per_mille);
        if !is_late || self.muted.contains(&here.key()) {
            return None;
        }
        self.own.push(here.key());
        *self.counts.entry("completed late").or_default() += 1;
        Some(here.named("after").between(1_000, 15 * 60_000))
    }

    fn outage(&self, now: Ms, slot: usize, service: Service, place: Chance) -> Option<Fate> {
        let outage = self.outages.iter().find(|outage| {
            outage.service == service
                && (outage.from..outage.until).contains(&now)
                && outage.slot.is_none_or(|only| only == slot)
        })?;
        let here = place.named("outage");
        Some(match outage.kind {
            kind @ (Kind::Down | Kind::Denied) => Fate::Fails(kind),
            Kind::Throttled if here.per_mille(900) => Fate::Fails(Kind::Throttled),
            Kind::Deaf if here.per_mille(700) => Fate::AnswerLost,
            Kind::Hangs => Fate::NoAnswer {
                done: here.per_mille(500),
            },
            Kind::Throttled | Kind::Deaf => return None,
        })
    }

    fn by_itself(&mut self, now: Ms, place: Chance) -> Option<Fate> {
        let here = place.named("own");
        if now >= self.calm_from || !here.per_mille(self.per_mille) {
            return None;
        }
        if self.muted.contains(&here.key()) {
            return None;
        }
        self.own.push(here.key());
        let done = here.named("done").per_mille(500);
        Some(match here.named("kind").below(20) {
            0..7 => Fate::Fails(Kind::Down),
            7..13 => Fate::AnswerLost,
            13..15 => Fate::NoAnswer { done },
            15..17 => Fate::Slow(here.named("slow").between(5_000, 150_000)),
            _ => Fate::Dies { done },
        })
    }
}
