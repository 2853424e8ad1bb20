//! Users: they bring videos, ask again, change their minds, and give up when answered badly.

use std::time::Duration;

use aws_lambda_events::encodings::Body;
use fotograma_core::domain::{Job, Status, Video};
use fotograma_core::features::TABLE;
use http::Method;
use lambda_anywhere::{Caller, FormClaim, PathEncoding, RouteMatch, dispatch_http, find_route};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::fleet::{Fleet, app};
use crate::host::milliseconds;
use crate::plan::{Act, Content, Script, Way};
use crate::queue::QueueName;
use crate::rules::Rules;
use crate::world::Shared;

/// One user with one video.
pub(crate) struct User {
    world: Shared,
    fleet: Fleet,
    script: Script,
    chance: Chance,
    asked: u64,
}

/// A video that has been registered.
struct Registered {
    video_id: String,
    key: String,
}

impl User {
    pub(crate) fn new(world: &Shared, fleet: &Fleet, script: Script) -> Self {
        let chance = world.lock().chance.named("user").at(script.number);
        Self {
            world: world.clone(),
            fleet: fleet.clone(),
            script,
            chance,
            asked: 0,
        }
    }

    /// Does all that the script says.
    pub(crate) async fn live(mut self) {
        sleep(milliseconds(self.script.begins)).await;
        let content = self.script.content;
        let Some(registered) = self.bring(content).await else {
            return;
        };
        for act in self.script.acts.clone() {
            self.act(act, &registered).await;
        }
    }

    fn user_id(&self) -> String {
        format!("u{}", self.script.number)
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        let user = self.user_id();
        self.world.lock().tell(|| format!("user {user} {}", what()));
    }

    async fn bring(&mut self, content: Content) -> Option<Registered> {
        match self.script.way {
            Way::Form => self.bring_form(content).await,
            Way::ByHand => Some(self.bring_by_hand(content)),
            Way::Presigned | Way::Silent | Way::Never => self.bring_presigned(content).await,
        }
    }

    async fn bring_presigned(&mut self, content: Content) -> Option<Registered> {
        let request = json!({ "filename": "a.mp4", "content_type": "video/mp4", "size": 10 });
        let answer = self
            .ask(&Method::POST, "/uploads", &request.to_string())
            .await?;
        let registered = Registered {
            video_id: answer["video_id"].as_str()?.to_owned(),
            key: answer["url"].as_str()?.to_owned(),
        };
        if self.script.way == Way::Never {
            return Some(registered);
        }
        sleep(milliseconds(self.chance.named("put").between(100, 20_000))).await;
        self.put(&registered, content);
        if self.script.way == Way::Presigned {
            let path = format!("/uploads/{}/complete", registered.video_id);
            self.ask(&Method::POST, &path, "").await;
        }
        Some(registered)
    }

    /// What the server's adapter does with a form: the file into the store, its claim to the
    /// handler.
    async fn bring_form(&mut self, content: Content) -> Option<Registered> {
        let port = self.fleet.server(self.chance.named("form").key())?;
        let app = app(&port);
        let RouteMatch::Found(_, route, _) = find_route(
            TABLE.iter(),
            &Method::POST,
            "/upload/",
            PathEncoding::Percent,
        ) else {
            return None;
        };
        let form = route.form.as_ref()?;
        let key = (form.key)(&app, &self.caller());
        let registered = Registered {
            video_id: key.rsplit('/').next()?.to_owned(),
            key: key.clone(),
        };
        self.put(&registered, content);
        let claim = FormClaim {
            key,
            filename: Some("a.mp4".to_owned()),
            content_type: None,
            fields: std::collections::BTreeMap::new(),
        };
        let claim = serde_json::to_string(&claim).ok()?;
        // A form is sent once: whoever gets no answer begins again with another video.
        self.ask_once(&Method::POST, "/upload/", &claim)
            .await?
            .ok()?;
        Some(registered)
    }

    fn bring_by_hand(&mut self, content: Content) -> Registered {
        let user_id = self.user_id();
        let registered = Registered {
            video_id: format!("hand{}", self.script.number),
            key: format!("uploads/{user_id}/hand{}", self.script.number),
        };
        self.put(&registered, content);
        let body = json!({
            "video_id": registered.video_id, "user_id": user_id,
            "email": format!("{user_id}@users.example"),
        });
        self.tell(|| format!("sends {body}"));
        self.world
            .lock()
            .send(QueueName::Jobs, &body.to_string(), None, 0);
        registered
    }

    fn put(&self, registered: &Registered, content: Content) {
        let file = self.world.lock().put_file(&registered.key, content);
        self.tell(|| format!("puts {} as e{file}: {content:?}", registered.key));
    }

    async fn act(&mut self, act: Act, registered: &Registered) {
        let video_id = &registered.video_id;
        let complete = format!("/uploads/{video_id}/complete");
        match act {
            Act::CompleteAgain { after, times } => {
                sleep(milliseconds(after)).await;
                for _ in 0..times {
                    self.ask_once(&Method::POST, &complete, "").await;
                    self.complete_once_more(video_id);
                }
            }
            Act::Retry { after, replace } => {
                if !self.ended(video_id).await {
                    return;
                }
                sleep(milliseconds(after)).await;
                if let Some(content) = replace {
                    self.put(registered, content);
                }
                self.ask(&Method::POST, &complete, r#"{"retry":true}"#)
                    .await;
            }
            Act::Delete { after } => {
                sleep(milliseconds(after)).await;
                let path = format!("/videos/me/{video_id}");
                self.ask(&Method::DELETE, &path, "").await;
            }
            Act::PutLate { after } => {
                sleep(milliseconds(after)).await;
                self.put(registered, self.script.content);
            }
            Act::OldMessage { after, dead } => {
                let record = self.world.lock().records.get(video_id).cloned();
                let Some(video) = record.filter(|video| video.status != Status::AwaitingUpload)
                else {
                    return;
                };
                let mut job = video.job();
                if job.etag.is_none() && self.chance.named("with etag").per_mille(500) {
                    let object = self.world.lock().objects.get(&video.key).cloned();
                    job.etag = object.map(|object| object.etag());
                }
                sleep(milliseconds(after)).await;
                self.inject(&job, dead);
            }
            Act::Foreign { after } => {
                sleep(milliseconds(after)).await;
                // An id by hand is whose it first is.
                if !self.world.lock().records.contains_key(video_id) {
                    return;
                }
                let body = json!({ "video_id": video_id, "user_id": "eve" });
                self.tell(|| format!("is named in eve's message {body}"));
                self.world
                    .lock()
                    .send(QueueName::Jobs, &body.to_string(), None, 0);
            }
        }
    }

    /// Sends the job of a queued video, where each word of the user does.
    fn complete_once_more(&self, video_id: &str) {
        let mut world = self.world.lock();
        let queued = world.records.get(video_id);
        let queued = queued.filter(|video| video.status == Status::Queued);
        if world.rules == Rules::EachCompleteSends
            && let Some(job) = queued.map(Video::job)
        {
            let body = serde_json::to_string(&job).unwrap_or_default();
            // As ten times as many words would.
            for _ in 0..10 {
                world.send(QueueName::Jobs, &body, None, 0);
            }
        }
    }

    fn inject(&self, job: &Job, dead: bool) {
        let body = serde_json::to_string(job).unwrap_or_default();
        let queue = if dead {
            QueueName::JobsDead
        } else {
            QueueName::Jobs
        };
        self.tell(|| format!("sees an old message come again in {queue:?}: {body}"));
        self.world.lock().send(queue, &body, None, 0);
    }

    /// Waits for the end of a video, and not for ever.
    async fn ended(&self, video_id: &str) -> bool {
        let waiting = async {
            loop {
                let ended = {
                    let world = self.world.lock();
                    let status = world.records.get(video_id).map(|video| video.status);
                    if status.is_some_and(Status::is_terminal) {
                        return;
                    }
                    std::sync::Arc::clone(&world.ended)
                };
                ended.notified().await;
            }
        };
        timeout(Duration::from_hours(2), waiting).await.is_ok()
    }

    /// Asks, and asks again later when there was no answer or a bad one, and gives up at last.
    async fn ask(&mut self, method: &Method, path: &str, body: &str) -> Option<Value> {
        for times in 0..6 {
            match self.ask_once(method, path, body).await {
                Some(Ok(answer)) => return Some(answer),
                Some(Err(status)) if status < 500 && status != 429 => return None,
                _ => sleep(Duration::from_secs(1 << times)).await,
            }
        }
        self.tell(|| "gives up".to_owned());
        None
    }

    /// The answer, or its status when it is a bad one; `None` when there is none.
    async fn ask_once(
        &mut self,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Option<Result<Value, u16>> {
        self.asked += 1;
        let port = self.fleet.server(self.chance.at(self.asked).key())?;
        let RouteMatch::Found(_, route, params) =
            find_route(TABLE.iter(), method, path, PathEncoding::Percent)
        else {
            return None;
        };
        let mut request = http::Request::new(Body::Text(body.to_owned()));
        method.clone_into(request.method_mut());
        *request.uri_mut() = path.parse().ok()?;
        request.extensions_mut().insert(self.caller());
        request.extensions_mut().insert(params);
        let app = app(&port);
        let called = tokio::select! {
            biased;
            () = port.host.dead.cancelled() => None,
            answer = timeout(Duration::from_mins(1), dispatch_http(route, &app, request)) => answer.ok(),
        };
        let status = called.as_ref().map(|response| response.status().as_u16());
        self.tell(|| format!("asks {method} {path}: {status:?}"));
        let response = called?;
        if !response.status().is_success() {
            return Some(Err(response.status().as_u16()));
        }
        let answer = serde_json::from_slice(response.body().as_ref()).unwrap_or_default();
        Some(Ok(answer))
    }

    fn caller(&self) -> Caller {
        let user_id = self.user_id();
        Caller {
            username: user_id.clone(),
            email: Some(format!("{user_id}@users.example")),
            user_id,
            groups: Vec::new(),
        }
    }
}
