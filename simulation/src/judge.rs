//! What must hold, looked at with each step and once more when the world has come to rest.
//!
//! The judge knows what really happened (who died, which file was there, which mail went), which
//! no record can know, and holds the records against it.

use std::collections::{BTreeMap, BTreeSet};

use fotograma_core::domain::{Job, Notice, Status, Video};
use serde_json::Value;

use crate::host::{Host, Port, Role};
use crate::plan::{Content, Quality};
use crate::queue::{Message, QueueName};
use crate::rules::Rules;
use crate::world::{Ms, Object, World, moment, video_id_of};

/// How many copies of one job may be in the queue at once. A user who asks again makes a handful, whatever
/// the queue answers, and so does whoever sends old messages. A queue that takes each message and loses its
/// answer makes one more of each: what came back by itself is not sent on.
const MAX_COPIES: u32 = 30;
/// After so many deaths of processes at work on a video it may be the video's fault. The record counts five
/// attempts that were cut off.
const DEATHS: u32 = 5;
/// For how long the completion of a zip may hold a video.
const COMPLETION: Ms = 8 * 60_000;
/// How much of its lease an attempt may leave unused when it cannot renew it.
const LEASE_MARGIN: Ms = 15_000;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// What kind of promise; shrinking keeps to one.
    pub(crate) kind: &'static str,
    pub(crate) video: String,
    pub(crate) detail: String,
}

/// What is known of one video.
#[derive(Clone, Default)]
struct Truth {
    ends: Vec<(String, Status)>,
    files: Vec<u64>,
    /// How often the user has asked for another try.
    retries: u32,
    /// Files put since the user last asked for the frames.
    files_in_round: u32,
    broken: bool,
    attempts: u32,
    deaths: u32,
    lease: Option<Lease>,
    /// Attempts that lost their lease although their process was alive. It has still to say that they ended
    /// in order, and if it dies before that, nobody can know that they were not cut off.
    owed: Vec<Owed>,
    copies: u32,
}

/// An attempt that lost its lease, and the process that knows how it ended.
#[derive(Clone)]
struct Owed {
    attempt: String,
    slot: usize,
    life: u64,
}

/// Who really has a video, and since when without a sign of life.
#[derive(Clone)]
struct Lease {
    attempt: String,
    slot: usize,
    life: u64,
    renewed: Ms,
    /// Until when it has it, by the world's own time.
    until: Ms,
    /// The same, as far as the attempt itself knows.
    known_until: Ms,
    /// Which call wrote it.
    written_by: u64,
    /// Since when its zip is being completed.
    completing: Option<Ms>,
    /// Whether its process is gone.
    gone: bool,
}

#[derive(Clone, Default)]
struct Mailed {
    to: String,
    begun: u32,
    answered: u32,
    gone: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Judge {
    truths: BTreeMap<String, Truth>,
    mails: BTreeMap<String, Mailed>,
    frozen: BTreeSet<(usize, u64)>,
    pub(crate) violations: Vec<Violation>,
    /// How many times a video was to be turned into frames.
    pub(crate) jobs: u64,
    pub(crate) deaths: u64,
}

impl Judge {
    fn broken(&mut self, kind: &'static str, video: &str, detail: impl Into<String>) {
        self.violations.push(Violation {
            kind,
            video: video.to_owned(),
            detail: detail.into(),
        });
    }

    /// What of the judge's knowledge decides later judgements.
    pub(crate) fn state(&self) -> String {
        let truths = self.truths.values().map(|truth| {
            let lease = truth.lease.as_ref().map(|lease| lease.attempt.as_str());
            let (tried, deaths, retries) = (truth.attempts > 0, truth.deaths, truth.retries);
            let owed = truth.owed.len();
            format!(
                "{:?} {lease:?} {tried} {deaths} {owed} {retries}",
                truth.ends
            )
        });
        let mails = self.mails.iter();
        let mails = mails.map(|(id, mail)| format!("{id} {}", mail.gone));
        truths.chain(mails).collect()
    }

    fn truth(&mut self, video_id: &str) -> &mut Truth {
        if !self.truths.contains_key(video_id) {
            self.truths.insert(video_id.to_owned(), Truth::default());
        }
        self.truths.entry(video_id.to_owned()).or_default()
    }

    /// A process died.
    pub(crate) fn died(&mut self, host: &Host) {
        self.deaths += 1;
        self.process_gone(host);
    }

    /// A process is gone, killed or at the end of its grace; what it has in hand it does not give back.
    pub(crate) fn process_gone(&mut self, host: &Host) {
        for truth in self.truths.values_mut() {
            let its = |lease: &&mut Lease| (lease.slot, lease.life) == (host.slot, host.life);
            if let Some(lease) = truth.lease.as_mut().filter(its)
                && !lease.gone
            {
                lease.gone = true;
                truth.deaths += 1;
            }
            let before = truth.owed.len();
            let its = |owed: &Owed| (owed.slot, owed.life) == (host.slot, host.life);
            truth.owed.retain(|owed| !its(owed));
            truth.deaths += u32::try_from(before - truth.owed.len()).unwrap_or(0);
        }
    }

    /// A process stands still for a while.
    pub(crate) fn froze(&mut self, host: &Host) {
        self.frozen.insert((host.slot, host.life));
    }

    /// A file was put.
    pub(crate) fn uploaded(&mut self, key: &str, file: u64, content: Content) {
        let video_id = key.rsplit('/').next().unwrap_or_default();
        let truth = self.truth(video_id);
        truth.files.push(file);
        truth.files_in_round += 1;
        truth.broken |= content.quality == Quality::Broken;
    }

    /// A message was sent.
    pub(crate) fn sent(&mut self, queue: QueueName, message: &Message) {
        if queue != QueueName::Jobs {
            return;
        }
        let Some(job) = JobIds::read(&message.body) else {
            return;
        };
        let truth = self.truth(&job.video_id);
        // Who sends the job again has ended, and says so.
        let ended = |lease: &Lease| job.released.contains(&lease.attempt);
        if truth.lease.as_ref().is_some_and(ended) {
            truth.lease = None;
        }
        truth.copies += 1;
        if truth.copies > MAX_COPIES {
            let copies = truth.copies;
            self.broken(
                "copies",
                &job.video_id,
                format!("{copies} copies of its job"),
            );
        }
    }

    fn gone(&mut self, queue: QueueName, message: &Message) -> Option<JobIds> {
        if queue != QueueName::Jobs {
            return None;
        }
        let job = JobIds::read(&message.body)?;
        let truth = self.truth(&job.video_id);
        truth.copies = truth.copies.saturating_sub(1);
        Some(job)
    }

    pub(crate) fn given_up(&mut self, queue: QueueName, message: &Message) {
        self.gone(queue, message);
    }

    pub(crate) fn expired(&mut self, queue: QueueName, message: &Message) {
        self.gone(queue, message);
    }

    /// A message was deleted: what it asked for must be done, or another one must ask for it.
    pub(crate) fn deleted(
        &mut self,
        queue: QueueName,
        message: &Message,
        left: &[&[Message]],
        records: &BTreeMap<String, Video>,
    ) {
        let Some(job) = self.gone(queue, message) else {
            return;
        };
        let open = records.get(&job.video_id).is_none_or(|video| {
            !video.is_deleted()
                && !video.status.is_terminal()
                // Its file may still come, and brings another job.
                && video.status != Status::AwaitingUpload
                && video.user_id == job.user_id
                && job.round >= u64::from(video.round)
        });
        let other = || {
            left.iter().flat_map(|queue| queue.iter()).any(|message| {
                JobIds::read(&message.body).is_some_and(|other| other.video_id == job.video_id)
            })
        };
        if open && !other() {
            self.broken(
                "acknowledged early",
                &job.video_id,
                "its last message is gone",
            );
        }
    }

    /// A record was written.
    pub(crate) fn written(
        &mut self,
        now: Ms,
        before: Option<&Video>,
        after: &Video,
        by: &Port,
        zip: Option<&Object>,
    ) {
        let id = after.video_id.as_str();
        let version = before.map_or(after.version, |before| before.version + 1);
        if after.version != version {
            self.broken(
                "versions",
                id,
                format!("{version} became {}", after.version),
            );
        }
        if let Some(before) = before {
            self.changed(now, before, after, by);
        }
        let ended =
            after.status.is_terminal() && before.is_none_or(|before| !before.status.is_terminal());
        let attempt = id_of(after).map(str::to_owned);
        let until = after.attempt.as_ref().map(|attempt| attempt.lease_until);
        let until = until.map_or(now, |until| moment(until) - by.host.skew);
        let truth = self.truth(id);
        if ended {
            let notice = Notice::from_video(after).notice_id;
            truth.ends.push((notice.clone(), after.status));
            let mail = self.mails.entry(notice).or_default();
            mail.to = after.email.clone().unwrap_or_default();
            if after.status == Status::Done {
                self.done(after, zip);
            } else {
                // Nobody has taken over from a process that stood still.
                let frozen = &self.frozen;
                let its = |lease: &Lease| frozen.contains(&(lease.slot, lease.life));
                let truth = self.truths.get_mut(id);
                if let Some(truth) = truth.filter(|t| t.lease.as_ref().is_some_and(its)) {
                    truth.deaths += 1;
                }
                self.failed(after);
            }
            self.truth(id).lease = None;
            return;
        }
        match attempt {
            Some(attempt) if after.status == Status::Processing => {
                let before = before.and_then(|before| before.attempt.as_ref());
                let begins = before.is_none_or(|before| before.id != attempt);
                if begins {
                    truth.attempts += 1;
                }
                let renews = before != after.attempt.as_ref();
                let holder = begins || renews;
                if holder {
                    let old = truth.lease.take().filter(|old| old.attempt == attempt);
                    let completing = old.as_ref().and_then(|old| old.completing);
                    truth.lease = Some(Lease {
                        attempt,
                        slot: by.host.slot,
                        life: by.host.life,
                        renewed: now,
                        until,
                        known_until: old.map_or(0, |old| old.known_until),
                        written_by: 0,
                        completing,
                        gone: false,
                    });
                    let stood_still = self.frozen.contains(&(by.host.slot, by.host.life));
                    if !stood_still && completing.is_some_and(|since| now - since > COMPLETION) {
                        self.broken("held", id, "by the completion of its zip");
                    }
                }
            }
            _ => truth.lease = None,
        }
    }

    /// The attempt that has a video, if it is this process's.
    pub(crate) fn attempt_of(&self, video_id: &str, host: &Host) -> Option<String> {
        let lease = self.truths.get(video_id)?.lease.as_ref()?;
        let is_own = (lease.slot, lease.life) == (host.slot, host.life);
        is_own.then(|| lease.attempt.clone())
    }

    /// A lease was written by this call.
    pub(crate) fn lease_written(&mut self, video_id: &str, call: u64) {
        if let Some(lease) = &mut self.truth(video_id).lease {
            lease.written_by = call;
        }
    }

    /// An attempt has been answered that it has, or still has, a video.
    pub(crate) fn lease_answered(&mut self, video: &Video, call: u64) {
        let truth = self.truth(&video.video_id);
        let lease = truth.lease.as_mut();
        if let Some(lease) = lease.filter(|lease| lease.written_by == call) {
            lease.known_until = lease.until;
        }
    }

    /// An attempt ends because it cannot renew its lease.
    pub(crate) fn gave_up(&mut self, now: Ms, video_id: &str, attempt: Option<&str>) {
        let truth = self.truth(video_id);
        let lease = truth.lease.as_ref();
        let lease = lease.filter(|lease| Some(lease.attempt.as_str()) == attempt);
        let left = lease.map_or(0, |lease| lease.known_until - now);
        if left > LEASE_MARGIN {
            let detail = format!("{left} ms before the end of its lease");
            self.broken("gave up early", video_id, detail);
        }
    }

    /// The completion of a zip begins; gives how often the user had asked for another try.
    pub(crate) fn completing(&mut self, now: Ms, video_id: &str, host: &Host) -> u32 {
        let truth = self.truth(video_id);
        let own = |lease: &&mut Lease| (lease.slot, lease.life) == (host.slot, host.life);
        if let Some(lease) = truth.lease.as_mut().filter(own) {
            lease.completing.get_or_insert(now);
        }
        truth.retries
    }

    /// A job was sent that says which attempt has ended in order: its lease is given back, although the
    /// record may not say so.
    pub(crate) fn released(&mut self, job: &Job) {
        let truth = self.truth(&job.video_id);
        if truth
            .lease
            .as_ref()
            .is_some_and(|lease| job.releases(&lease.attempt))
        {
            truth.lease = None;
        }
    }

    fn changed(&mut self, now: Ms, before: &Video, after: &Video, by: &Port) {
        let id = after.video_id.as_str();
        if before.is_deleted() && !after.is_deleted() {
            self.broken("brought back", id, "it was deleted");
        }
        if before.status.is_terminal() {
            let again = !after.status.is_terminal();
            if again && by.role != Role::Server {
                self.broken("left its end", id, format!("by {:?}", by.role));
            }
            if !again && (before.status != after.status || id_of(before) != id_of(after)) {
                self.broken("another end", id, format!("by {:?}", by.role));
            }
            if again {
                self.jobs += 1;
                let truth = self.truth(id);
                truth.attempts = 0;
                truth.deaths = 0;
                truth.owed.clear();
                truth.files_in_round = 0;
                truth.retries += 1;
            }
        } else if before.status == Status::AwaitingUpload && after.status == Status::Queued {
            self.jobs += 1;
        }
        // Whoever takes a video from a living attempt has not waited.
        let frozen = &self.frozen;
        let Some(truth) = self.truths.get_mut(id) else {
            return;
        };
        let unreleased = &after.unreleased_attempts;
        truth.owed.retain(|owed| unreleased.contains(&owed.attempt));
        let taken = truth.lease.as_ref().filter(|lease| {
            let next = after.attempt.as_ref().map(|attempt| attempt.id.as_str());
            after.status == Status::Processing && next.is_some_and(|id| id != lease.attempt)
        });
        if let Some(lease) = taken {
            let held = now - lease.renewed;
            let stood_still = frozen.contains(&(lease.slot, lease.life));
            let attempt = lease.attempt.clone();
            if stood_still {
                truth.deaths += 1;
            } else if !lease.gone && after.unreleased_attempts.contains(&attempt) {
                truth.owed.push(Owed {
                    attempt: attempt.clone(),
                    slot: lease.slot,
                    life: lease.life,
                });
            }
            if now < lease.until - 1_000 {
                self.broken("stolen", id, format!("from {attempt} after {held} ms"));
            }
        }
    }

    fn done(&mut self, after: &Video, zip: Option<&Object>) {
        let id = after.video_id.as_str();
        if let Err(detail) = self.is_its_zip(after, zip) {
            self.broken("done without its zip", id, detail);
        }
    }

    /// A video that is done has the zip of the file that it was made from, from this round.
    fn is_its_zip(&self, video: &Video, zip: Option<&Object>) -> Result<(), String> {
        let retries = self.truths.get(&video.video_id).map_or(0, |t| t.retries);
        match zip {
            None => Err("there is none".to_owned()),
            Some(zip) if zip.file != video.frames => {
                Err(format!("of e{}, not of e{}", zip.file, video.frames))
            }
            Some(zip) if zip.retries != retries => {
                Err(format!("of round {}, not of {retries}", zip.retries))
            }
            Some(_) => Ok(()),
        }
    }

    /// Only what reads the message or the video may end a video.
    fn failed(&mut self, after: &Video) {
        let id = after.video_id.as_str();
        let truth = self.truth(id);
        let (attempts, deaths) = (truth.attempts, truth.deaths);
        let replaced =
            truth.files_in_round > 1 || (truth.files.len() > 1 && truth.files_in_round > 0);
        // Nobody ever put a file.
        let never = truth.files.is_empty();
        if never || deaths >= DEATHS {
            return;
        }
        let reason = after.reason.clone().unwrap_or_default();
        if attempts == 0 {
            self.broken("failed without an attempt", id, reason);
        } else if !truth.broken && !replaced {
            let detail = format!("{reason} ({attempts} attempts, {deaths} deaths)");
            self.broken("failed by a fault of ours", id, detail);
        }
    }

    /// A notice was published: its outcome must be in the record.
    pub(crate) fn published(&mut self, notice: &Notice) {
        let truth = self.truth(&notice.video_id);
        let known = truth.ends.iter();
        let mut known =
            known.filter(|(id, status)| *id == notice.notice_id && *status == notice.status);
        if known.next().is_none() {
            let detail = format!("{} is no outcome", notice.notice_id);
            self.broken("published early", &notice.video_id, detail);
        }
    }

    pub(crate) fn mail_begins(&mut self, notice: &str) {
        self.mails.entry(notice.to_owned()).or_default().begun += 1;
    }

    pub(crate) fn mail_answered(&mut self, notice: &str, well: bool) {
        let mail = self.mails.entry(notice.to_owned()).or_default();
        mail.answered += u32::from(well);
    }

    /// A mail has gone.
    /// `uncertain` is how many mails before it may have gone, as the record says.
    pub(crate) fn mailed(&mut self, notice: &str, to: &str, uncertain: u32) {
        let mail = self.mails.entry(notice.to_owned()).or_default();
        mail.gone += 1;
        let (gone, wrong) = (mail.gone, mail.to != to);
        if gone > 2 || gone > 1 + uncertain {
            self.broken("mailed again", notice, format!("{gone} times"));
        }
        if wrong {
            self.broken("mailed to another", notice, to);
        }
    }
}

/// The attempt that a record names.
fn id_of(video: &Video) -> Option<&str> {
    video.attempt.as_ref().map(|attempt| attempt.id.as_str())
}

/// What a job's message names.
struct JobIds {
    video_id: String,
    user_id: String,
    round: u64,
    released: Vec<String>,
}

impl JobIds {
    fn read(body: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            video_id: text("video_id")?,
            user_id: text("user_id")?,
            released: value
                .get("released_attempts")
                .and_then(|ids| serde_json::from_value(ids.clone()).ok())
                .unwrap_or_default(),
            round: value.get("round").and_then(Value::as_u64).unwrap_or(0),
        })
    }
}

/// What was found broken.
struct Findings(Vec<Violation>);

impl Findings {
    fn broken(&mut self, kind: &'static str, video: &str, detail: String) {
        self.0.push(Violation {
            kind,
            video: video.to_owned(),
            detail,
        });
    }
}

/// What must hold when nothing more happens.
pub(crate) fn at_rest(world: &mut World, rested: bool) {
    let mut found = Findings(Vec::new());
    for video in world.records.values() {
        let id = video.video_id.as_str();
        if !video.is_deleted() && !video.status.is_terminal() {
            found.broken("never ends", id, video.status.word().to_owned());
        }
        if video.unfinished().is_some() && (video.is_deleted() || video.status.is_terminal()) {
            let since = moment(video.updated_at) / 1_000;
            found.broken("never finished", id, format!("not changed since {since} s"));
        }
        if let (Status::Done, false) = (video.status, video.is_deleted())
            && let Err(detail) = world
                .judge
                .is_its_zip(video, world.object(&video.zip_key()))
        {
            found.broken("done without its zip", id, detail);
        }
    }
    for key in world.objects.keys() {
        let id = video_id_of(key);
        let is_of_use = |video: &Video| {
            key.starts_with("uploads/")
                || video.status == Status::Done && *key == video.zip_key()
                || world.rules == Rules::OneZipKey
        };
        match world.records.get(id) {
            Some(video) if video.is_deleted() || !is_of_use(video) => {
                found.broken("left behind", id, key.clone());
            }
            // An upload whose form broke off: the bucket's own rule removes it.
            None if key.starts_with("frames/") => found.broken("nobody's zip", id, key.clone()),
            _ => {}
        }
    }
    let dead: String = world
        .messages(QueueName::NoticesDead)
        .iter()
        .map(|message| message.body.as_ref())
        .collect();
    for (id, truth) in &world.judge.truths {
        let Some(video) = world.records.get(id).filter(|video| !video.is_deleted()) else {
            continue;
        };
        for (notice, status) in &truth.ends {
            let mail = world.judge.mails.get(notice);
            let gone = mail.map_or(0, |mail| mail.gone);
            let wanted = mail.is_some_and(|mail| !mail.to.is_empty());
            // Nobody knows, and the record says so.
            let uncertain = video
                .deliveries
                .iter()
                .any(|delivery| delivery.notice_id == *notice && delivery.uncertain > 1);
            // Its user has asked for another try since, and people can see what became of it.
            let is_over = Notice::from_video(video).notice_id != *notice;
            let seen = is_over && dead.contains(notice.as_str());
            if wanted && gone == 0 && !uncertain && !seen {
                let end = status.word();
                found.broken(
                    "never mailed",
                    id,
                    format!("{notice} {end}, now v{}", video.version),
                );
            }
        }
    }
    for name in QueueName::ALL {
        for message in world.messages(name) {
            let job = JobIds::read(&message.body);
            let id = job.as_ref().map_or("", |job| job.video_id.as_str());
            match name {
                QueueName::Jobs | QueueName::Notices | QueueName::Uploads => {
                    found.broken("left in a queue", id, format!("{name:?} m{}", message.id));
                }
                QueueName::JobsDead if message.reason.is_none() => {
                    found.broken("left among the dead", id, format!("m{}", message.id));
                }
                // Kept for people; the sweep sees to what they were about.
                QueueName::JobsDead | QueueName::NoticesDead | QueueName::UploadsDead => {}
            }
        }
    }
    if !rested && found.0.is_empty() {
        found.broken("no rest", "", "something still goes on".to_owned());
    }
    world.judge.violations.extend(found.0);
}
