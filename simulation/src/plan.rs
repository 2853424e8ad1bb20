//! What is to happen in one world: who the users are and what they do, and which troubles come.
//! All of it from the seed, as a list whose elements can be left out one by one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::rules::Rules;
use crate::world::Ms;

const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;

/// The processes of a world. What listens to a queue is a worker; a server answers users; the
/// clock sets a sweeper off.
pub(crate) const PROCESSORS: std::ops::Range<usize> = 0..3;
pub(crate) const MAILERS: std::ops::Range<usize> = 3..5;
pub(crate) const UPLOADER: usize = 5;
pub(crate) const SERVERS: std::ops::Range<usize> = 6..8;
pub(crate) const SWEEPER: usize = 8;
pub(crate) const SLOTS: usize = 9;

/// A world to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) rules: Rules,
    pub(crate) videos: Vec<Script>,
    pub(crate) troubles: Vec<Trouble>,
    /// How many calls of a thousand meet a fault of their own.
    pub(crate) faults_per_mille: u32,
    /// Until when troubles come; after it the world is calm.
    pub(crate) calm_from: Ms,
    /// Which of the faults of their own do not come after all.
    pub(crate) muted: BTreeSet<u64>,
}

/// What something outside does to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// A peer does not do its work, for all or for one process.
    Outage {
        service: Service,
        slot: Option<usize>,
        kind: Kind,
        from: Ms,
        until: Ms,
    },
    /// A process dies.
    Crash { slot: usize, at: Ms },
    /// A process is told to stop, and a new one takes its place.
    Rollout { slot: usize, at: Ms },
    /// A process stands still.
    Freeze { slot: usize, at: Ms, length: Ms },
    /// A process has a clock of its own.
    Skew { slot: usize, by: Ms },
    /// The index of what is unfinished is behind.
    StaleIndex { from: Ms, until: Ms, behind: Ms },
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Service {
    Table,
    Store,
    Sqs,
    Topic,
    Ses,
    Ffmpeg,
}

/// How a peer fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// 5xx, or no connection.
    Down,
    /// 403.
    Denied,
    /// Throttled.
    Throttled,
    /// It does what it is asked, and its answers are lost.
    Deaf,
    /// It never answers.
    Hangs,
}

/// One user and the video that they bring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Script {
    /// Which user this is, whatever is left out.
    pub(crate) number: u64,
    pub(crate) begins: Ms,
    pub(crate) way: Way,
    pub(crate) content: Content,
    pub(crate) acts: Vec<Act>,
}

/// How a video comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    /// Registered, put, and said so.
    Presigned,
    /// Registered and put; nobody says so.
    Silent,
    /// As a form.
    Form,
    /// Registered, and never put.
    Never,
    /// By hand: an object, and a message in the queue.
    ByHand,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// How long its frames take.
    pub(crate) work: Ms,
    pub(crate) quality: Quality,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Quality {
    Good,
    /// Not a video.
    Broken,
    /// Each process that works on it dies.
    Deadly,
}

/// What a user, or somebody else, does after the video came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Says again and again that the file is there.
    CompleteAgain {
        after: Ms,
        times: u32,
    },
    /// Waits for the end and wants it again, with another file or the same.
    Retry {
        after: Ms,
        replace: Option<Content>,
    },
    Delete {
        after: Ms,
    },
    /// Puts a file by the address of the registration, whatever has become of the video.
    PutLate {
        after: Ms,
    },
    /// An old message of this video comes once more.
    OldMessage {
        after: Ms,
        dead: bool,
    },
    /// A message with this video and another user.
    Foreign {
        after: Ms,
    },
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64, rules: Rules) -> Self {
        let chance = Chance::new(seed);
        let temper = chance.named("temper").below(6);
        let videos = match chance.named("size").below(8) {
            0 => 4,
            1 => 120,
            _ => 48,
        };
        let faults_per_mille = [0, 0, 2, 5, 15, 30][usize::try_from(temper).unwrap_or(0)];
        let load = 10 * MINUTE + videos * 20 * SECOND;
        Self {
            seed,
            rules,
            videos: (0..videos.unsigned_abs())
                .map(|number| script(chance.named("user").at(number), number, load))
                .collect(),
            troubles: troubles(chance.named("trouble"), load),
            faults_per_mille,
            calm_from: load + 30 * MINUTE,
            muted: BTreeSet::new(),
        }
    }
}

fn content(chance: Chance) -> Content {
    let work = match chance.named("work").below(20) {
        0 => chance.named("long").between(2 * MINUTE, 15 * MINUTE),
        1..5 => chance.named("some").between(20 * SECOND, 90 * SECOND),
        _ => chance.named("short").between(500, 12 * SECOND),
    };
    let quality = match chance.named("quality").below(100) {
        0..8 => Quality::Broken,
        8 => Quality::Deadly,
        _ => Quality::Good,
    };
    Content { work, quality }
}

fn script(chance: Chance, number: u64, load: Ms) -> Script {
    let way = match chance.named("way").below(100) {
        0..60 => Way::Presigned,
        60..75 => Way::Silent,
        75..90 => Way::Form,
        90..91 => Way::Never,
        _ => Way::ByHand,
    };
    let after = |name: &str| match chance.named(name).below(4) {
        0 => chance.named(name).at(1).between(0, 2 * SECOND),
        1 => chance.named(name).at(1).between(0, 20 * SECOND),
        2 => chance.named(name).at(1).between(0, 3 * MINUTE),
        _ => chance.named(name).at(1).between(0, 25 * MINUTE),
    };
    let mut acts = Vec::new();
    let does = |name: &str, per_mille| chance.named("does").named(name).per_mille(per_mille);
    if does("complete", 100) {
        let times = u32::try_from(chance.named("times").between(1, 30)).unwrap_or(1);
        acts.push(Act::CompleteAgain {
            after: after("complete"),
            times,
        });
    }
    if does("old message", 80) {
        let dead = chance.named("old is dead").per_mille(400);
        acts.push(Act::OldMessage {
            after: after("old message"),
            dead,
        });
    }
    if does("foreign", 30) {
        acts.push(Act::Foreign {
            after: after("foreign"),
        });
    }
    for retry in 0..3 {
        let chance = chance.named("retry").at(retry);
        if !chance.per_mille(200) {
            break;
        }
        let replace = chance
            .named("replace")
            .per_mille(400)
            .then(|| content(chance.named("new file")));
        let after = chance.named("after").between(0, 30 * SECOND);
        acts.push(Act::Retry { after, replace });
    }
    if does("old message again", 80) {
        let dead = chance.named("old again is dead").per_mille(500);
        acts.push(Act::OldMessage {
            after: after("old again") / 8,
            dead,
        });
    }
    if does("delete", 120) {
        acts.push(Act::Delete {
            after: after("delete"),
        });
        if does("put late", 300) {
            acts.push(Act::PutLate {
                after: after("put late").min(13 * MINUTE),
            });
        }
    }
    Script {
        number,
        begins: chance.named("begins").between(0, load),
        way,
        content: content(chance),
        acts,
    }
}

fn troubles(chance: Chance, load: Ms) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let end = load + 20 * MINUTE;
    for number in 0..chance.named("outages").below(5) {
        let chance = chance.named("outage").at(number);
        let service = match chance.named("service").below(10) {
            0..2 => Service::Table,
            2..5 => Service::Store,
            5..7 => Service::Sqs,
            7 => Service::Topic,
            8 => Service::Ses,
            _ => Service::Ffmpeg,
        };
        let kind = match chance.named("kind").below(10) {
            0..4 => Kind::Down,
            4 => Kind::Denied,
            5..7 => Kind::Throttled,
            7..9 => Kind::Deaf,
            _ => Kind::Hangs,
        };
        // A machine without ffmpeg is one machine, and stays so.
        let alone = service == Service::Ffmpeg || chance.named("alone").per_mille(250);
        let slot = alone.then(|| {
            let slots = if service == Service::Ffmpeg { 3 } else { SLOTS };
            usize::try_from(chance.named("slot").below(slots as u64)).unwrap_or(0)
        });
        let from = chance.named("from").between(0, load);
        let length = match chance.named("length").below(4) {
            0 => chance.named("length").at(1).between(10 * SECOND, MINUTE),
            1 | 2 => chance.named("length").at(1).between(MINUTE, 4 * MINUTE),
            _ => chance
                .named("length")
                .at(1)
                .between(4 * MINUTE, 10 * MINUTE),
        };
        let until = if service == Service::Ffmpeg {
            end
        } else {
            from + length
        };
        troubles.push(Trouble::Outage {
            service,
            slot,
            kind,
            from,
            until,
        });
    }
    let slot_of = |chance: Chance| match chance.named("slot").below(8) {
        0..5 => usize::try_from(chance.named("which").below(3)).unwrap_or(0),
        _ => usize::try_from(chance.named("which").below(SLOTS as u64)).unwrap_or(0),
    };
    for number in 0..chance.named("crashes").below(6) {
        let chance = chance.named("crash").at(number);
        troubles.push(Trouble::Crash {
            slot: slot_of(chance),
            at: chance.named("at").between(0, end),
        });
    }
    let rollouts = match chance.named("many rollouts").below(10) {
        // A long video may be stopped by each process of a roll-out; twenty times are its end.
        0 => 4 + chance.named("rollouts").below(3),
        _ => chance.named("rollouts").below(4),
    };
    for number in 0..rollouts {
        let chance = chance.named("rollout").at(number);
        // A roll-out takes all processes of a kind, one after the other.
        let at = chance.named("at").between(0, end);
        for slot in 0..SWEEPER {
            let at = at + 35 * SECOND * Ms::try_from(slot).unwrap_or(0);
            troubles.push(Trouble::Rollout { slot, at });
        }
    }
    for number in 0..chance.named("freezes").below(3) {
        let chance = chance.named("freeze").at(number);
        troubles.push(Trouble::Freeze {
            slot: slot_of(chance),
            at: chance.named("at").between(0, end),
            length: chance.named("length").between(SECOND, 5 * MINUTE),
        });
    }
    if chance.named("skewed").per_mille(300) {
        for slot in 0..SLOTS {
            let by = chance
                .named("skew")
                .at(slot as u64)
                .between(-30 * SECOND, 30 * SECOND);
            troubles.push(Trouble::Skew { slot, by });
        }
    }
    if chance.named("stale").per_mille(300) {
        troubles.push(Trouble::StaleIndex {
            from: 0,
            until: end,
            behind: chance.named("behind").between(SECOND, 20 * MINUTE),
        });
    }
    troubles
}
