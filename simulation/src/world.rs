//! The world in memory: the table, the store, the queues, the topic and the mail, as they are at
//! one moment. What is done to them is done at once; what may go wrong on the way is in
//! [`crate::faults`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use fotograma_core::domain::{Notice, Unfinished, Video};
use fotograma_core::features::resources::MAX_RECEIVES;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::faults::Faults;
use crate::judge::Judge;
use crate::plan::{Content, Plan, Trouble};
use crate::queue::{Message, Queue, QueueName};
use crate::rules::Rules;

/// Milliseconds of the world's own time, from its beginning.
pub(crate) type Ms = i64;

/// The world, as everybody in it has it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(plan: &Plan, tells: bool) -> Self {
        Self(Arc::new(Mutex::new(World::new(plan, tells))))
    }

    /// Another world that is as this one is now.
    pub(crate) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// Which file it is, or of which file it is the zip.
    pub(crate) file: u64,
    pub(crate) size: u64,
    /// For a zip: how often its user had asked for another try when its extraction began.
    pub(crate) retries: u32,
}

impl Object {
    pub(crate) fn etag(&self) -> String {
        format!("\"e{}\"", self.file)
    }
}

/// What the index has of a record.
type IndexEntry = (Unfinished, DateTime<Utc>);

/// Where the world's time comes from.
#[derive(Clone, Copy)]
enum Time {
    /// The runtime's clock.
    Flows(Instant),
    /// Whoever explores every order of events.
    Stands(Ms),
}

#[derive(Clone)]
pub(crate) struct World {
    time: Time,
    pub(crate) chance: Chance,
    pub(crate) rules: Rules,
    pub(crate) records: BTreeMap<String, Video>,
    /// Which call wrote a record last: a client that tries again knows its own write.
    pub(crate) writers: BTreeMap<String, u64>,
    index: BTreeMap<String, IndexEntry>,
    /// What the index has yet to learn, and when.
    index_changes: VecDeque<(Ms, String, Option<IndexEntry>)>,
    stale_index: Option<(Ms, Ms, Ms)>,
    pub(crate) objects: BTreeMap<String, Object>,
    /// What is in each file.
    pub(crate) files: BTreeMap<u64, Content>,
    queues: [Queue; QueueName::ALL.len()],
    arrivals: [Arc<Notify>; QueueName::ALL.len()],
    /// How many calls to the table about a video have failed.
    failed_at_table: BTreeMap<String, u32>,
    /// Told when a video comes to an end.
    pub(crate) ended: Arc<Notify>,
    pub(crate) faults: Faults,
    pub(crate) judge: Judge,
    ids: u64,
    /// What happened, if somebody wants to read it.
    journal: Option<Vec<String>>,
}

impl World {
    fn new(plan: &Plan, tells: bool) -> Self {
        let stale_index = plan.troubles.iter().find_map(|trouble| match *trouble {
            Trouble::StaleIndex {
                from,
                until,
                behind,
            } => Some((from, until, behind)),
            _ => None,
        });
        Self {
            time: Time::Flows(Instant::now()),
            chance: Chance::new(plan.seed).named("world"),
            rules: plan.rules,
            records: BTreeMap::new(),
            writers: BTreeMap::new(),
            index: BTreeMap::new(),
            index_changes: VecDeque::new(),
            stale_index,
            objects: BTreeMap::new(),
            files: BTreeMap::new(),
            queues: std::array::from_fn(|_| Queue::default()),
            arrivals: std::array::from_fn(|_| Arc::default()),
            failed_at_table: BTreeMap::new(),
            ended: Arc::default(),
            faults: Faults::new(plan),
            judge: Judge::default(),
            ids: 0,
            journal: tells.then(Vec::new),
        }
    }

    /// How long the world has been there.
    pub(crate) fn now(&self) -> Ms {
        match self.time {
            Time::Flows(began) => Ms::try_from(began.elapsed().as_millis()).unwrap_or(Ms::MAX),
            Time::Stands(now) => now,
        }
    }

    /// Time stands still from now on, but for what somebody says.
    pub(crate) fn set_time(&mut self, now: Ms) {
        self.time = Time::Stands(now);
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Writes a line of the journal; `who` and `what` are asked only if somebody reads it.
    pub(crate) fn tell(&mut self, what: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(journal) = &mut self.journal {
            journal.push(format!(
                "{:>9}.{:03} s  {}",
                now / 1_000,
                now % 1_000,
                what()
            ));
        }
    }

    pub(crate) fn take_journal(&mut self) -> Vec<String> {
        self.journal.take().unwrap_or_default()
    }

    pub(crate) fn queue(&mut self, name: QueueName) -> &mut Queue {
        &mut self.queues[name as usize]
    }

    pub(crate) fn messages(&self, name: QueueName) -> &[Message] {
        &self.queues[name as usize].messages
    }

    pub(crate) fn arrival(&self, name: QueueName) -> Arc<Notify> {
        Arc::clone(&self.arrivals[name as usize])
    }

    /// Puts a message into a queue, to be seen after `delay`.
    pub(crate) fn send(&mut self, name: QueueName, body: &str, reason: Option<&str>, delay: Ms) {
        let now = self.now();
        let message = Message {
            id: self.next_id(),
            body: body.into(),
            reason: reason.map(Into::into),
            sent: now,
            visible: now + delay.clamp(0, 900_000),
            receives: 0,
            first_received: 0,
            receipt: 0,
        };
        self.judge.sent(name, &message);
        self.queue(name).messages.push(message);
        self.arrival(name).notify_waiters();
    }

    /// Up to `max` messages; what was received too often becomes a dead letter.
    pub(crate) fn receive(&mut self, name: QueueName, max: usize, visibility: Ms) -> Vec<Message> {
        let now = self.now();
        let chance = self.chance;
        let dead = name.dead();
        let max_receives = match self.rules {
            Rules::StopsUseUpReceives => 5,
            _ => MAX_RECEIVES,
        };
        let max_receives = dead.map(|_| max_receives);
        let received = self
            .queue(name)
            .receive(now, max, visibility, max_receives, chance);
        for message in received.expired {
            self.tell(|| format!("{name:?} forgets m{}", message.id));
            self.judge.expired(name, &message);
        }
        for mut message in received.given_up {
            self.tell(|| format!("{name:?} gives up m{}", message.id));
            message.receives = 0;
            message.visible = now;
            if let Some(dead) = dead {
                self.judge.given_up(name, &message);
                self.queue(dead).messages.push(message);
                self.arrival(dead).notify_waiters();
            }
        }
        received.messages
    }

    /// A call to the table about a video has failed.
    pub(crate) fn failing_at_table(&mut self, video_id: &str) {
        *self.failed_at_table.entry(video_id.to_owned()).or_default() += 1;
    }

    pub(crate) fn failed_at_table(&self, video_id: &str) -> u32 {
        self.failed_at_table.get(video_id).copied().unwrap_or(0)
    }

    /// Deletes the message of a receipt that is still good.
    pub(crate) fn delete(&mut self, name: QueueName, receipt: u64) {
        let Some(message) = self.queue(name).delete(receipt) else {
            return;
        };
        self.tell(|| format!("{name:?} deletes m{}", message.id));
        let left = [QueueName::Jobs, QueueName::JobsDead]
            .map(|name| self.queues[name as usize].messages.as_slice());
        self.judge.deleted(name, &message, &left, &self.records);
    }

    /// Stores a file; the bucket tells the queue of uploads.
    pub(crate) fn put_file(&mut self, key: &str, content: Content) -> u64 {
        let file = self.next_id();
        self.files.insert(file, content);
        let object = Object {
            file,
            size: 10,
            retries: 0,
        };
        self.objects.insert(key.to_owned(), object);
        self.judge.uploaded(key, file, content);
        let event = serde_json::json!({ "Records": [{
            "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "b" }, "object": { "key": key, "size": 10 } },
        }]});
        self.send(QueueName::Uploads, &event.to_string(), None, 15_000);
        file
    }

    /// The key by which an object is known: its own, unless all attempts once had one.
    fn stored_key(&self, key: &str) -> String {
        match key.rsplit_once('/') {
            Some((zips, _)) if self.rules == Rules::OneZipKey && zips.matches('/').count() == 2 => {
                format!("{zips}.zip")
            }
            _ => key.to_owned(),
        }
    }

    pub(crate) fn object(&self, key: &str) -> Option<&Object> {
        self.objects.get(&self.stored_key(key))
    }

    pub(crate) fn put_object(&mut self, key: &str, object: Object) {
        let key = self.stored_key(key);
        self.objects.insert(key, object);
    }

    pub(crate) fn remove_object(&mut self, key: &str) {
        let key = self.stored_key(key);
        let record = self.records.get(video_id_of(&key));
        let is_wanted = record.is_some_and(|video| !video.is_deleted());
        if self.rules == Rules::OneZipKey && is_wanted {
            // Nobody removed an earlier zip then.
            return;
        }
        self.objects.remove(&key);
    }

    /// Stores a record if the stored one has the version `expected`.
    pub(crate) fn put_record(
        &mut self,
        video: &Video,
        expected: Option<u64>,
        call: u64,
    ) -> (bool, Option<Video>) {
        let before = self.records.get(&video.video_id).cloned();
        if before.as_ref().map(|before| before.version) != expected {
            let own = self.writers.get(&video.video_id) == Some(&call);
            return (own, None);
        }
        self.store_record(video, call);
        (true, before)
    }

    pub(crate) fn store_record(&mut self, video: &Video, call: u64) {
        let now = self.now();
        self.records.insert(video.video_id.clone(), video.clone());
        self.writers.insert(video.video_id.clone(), call);
        let behind = match self.stale_index {
            Some((from, until, behind)) if (from..until).contains(&now) => behind,
            _ => 100,
        };
        let entry = video.unfinished().map(|kind| (kind, video.updated_at));
        self.index_changes
            .push_back((now + behind, video.video_id.clone(), entry));
        if video.status.is_terminal() {
            self.ended.notify_waiters();
        }
    }

    /// What the index of the unfinished says.
    pub(crate) fn unfinished(&mut self, kind: Unfinished, before: DateTime<Utc>) -> Vec<String> {
        let now = self.now();
        while let Some((at, _, _)) = self.index_changes.front()
            && *at <= now
        {
            let Some((_, video_id, entry)) = self.index_changes.pop_front() else {
                break;
            };
            match entry {
                Some(entry) => self.index.insert(video_id, entry),
                None => self.index.remove(&video_id),
            };
        }
        let mut open: Vec<_> = self
            .index
            .iter()
            .filter(|(_, (its, at))| *its == kind && *at < before)
            .collect();
        open.sort_by_key(|(_, (_, at))| *at);
        open.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// The topic tells its queue, envelope and all.
    pub(crate) fn publish(&mut self, notice: &Notice) -> String {
        // Where every order of events is looked at, nothing is to tell one history from another but what
        // follows from it.
        let stands = matches!(self.time, Time::Stands(_));
        let id = if stands { 0 } else { self.next_id() };
        let message = serde_json::to_string(notice).unwrap_or_default();
        let envelope = serde_json::json!({
            "Type": "Notification", "MessageId": id.to_string(), "TopicArn": "t", "Message": message,
        });
        let twice = !stands && self.chance.named("twice").at(id).per_mille(10);
        let copies = if twice { 2 } else { 1 };
        for _ in 0..copies {
            self.send(QueueName::Notices, &envelope.to_string(), None, 0);
        }
        id.to_string()
    }
}

/// The video whose upload or zip is at a key.
pub(crate) fn video_id_of(key: &str) -> &str {
    let id = key.split('/').nth(2).unwrap_or_default();
    id.strip_suffix(".zip").unwrap_or(id)
}

/// A moment of the world as a date.
pub(crate) fn date(at: Ms) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default() + Duration::milliseconds(at)
}

/// The moment of a date.
pub(crate) fn moment(date: DateTime<Utc>) -> Ms {
    (date - self::date(0)).num_milliseconds()
}
