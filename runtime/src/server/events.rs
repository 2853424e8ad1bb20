//! Server-Sent Events: what a route's handler answers, again and again for as long as somebody listens
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! A handler answers what is new since the event that `Last-Event-ID` names, and by `Retry-After` how soon it
//! is worth asking again; behind a gateway that is all, and a client that comes back has polled. Here the
//! connection stays, and one task asks for all who listen to the same.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::http::{Again, request_id};
use crate::problem::response;
use crate::{Caller, Context, Error, Host, Request, Response, dispatch_http};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A line comes at least this often, so that nobody on the way takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream may outlive the token that it was begun with by no more than this; its client comes back.
const LONGEST: Duration = Duration::from_mins(15);
/// How soon a handler is asked again that does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How many pieces a listener may be behind before it is told all anew.
const BACKLOG: usize = 16;

/// A stream of events on its way to a connection, in an answer's extensions.
#[derive(Clone)]
pub(super) struct EventStream(Arc<Mutex<Option<BoxStream<'static, Bytes>>>>);

impl EventStream {
    /// The stream, once.
    pub(super) fn take(&self) -> Option<BoxStream<'static, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Who listens to what on a server.
pub(super) struct Listeners<C: Context> {
    host: Host<C>,
    most: usize,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    told: Arc<Mutex<Subjects>>,
}

/// What is listened to: by whom, and where.
type Subject = (String, String);
type Subjects = HashMap<Subject, broadcast::Sender<Told>>;

/// What a task that asks tells all who listen.
#[derive(Clone)]
struct Told {
    piece: Bytes,
    is_last: bool,
}

impl<C: Context> Listeners<C> {
    pub(super) fn new(host: Host<C>, most: usize, stop: CancellationToken) -> Self {
        Self {
            host,
            most,
            places: Arc::new(Semaphore::new(most)),
            stop,
            told: Arc::default(),
        }
    }

    /// Has a handler's answer go on, if its route is one to listen to.
    pub(super) fn follow(&self, mut answer: Response) -> Response {
        let Some(again) = answer.extensions_mut().remove::<Again<C>>() else {
            return answer;
        };
        if self.most == 0 {
            return answer;
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let error = Error::transient("too many listen already");
            return response(&error, &request_id(&again.request));
        };
        let first = std::mem::replace(answer.body_mut(), Body::Empty);
        let stream = self.listen(again, Bytes::from(first.to_vec()), place);
        let stream = EventStream(Arc::new(Mutex::new(Some(stream))));
        answer.extensions_mut().insert(stream);
        // A proxy that gathers an answer before it hands it on would hand on nothing.
        let unbuffered = HeaderName::from_static("x-accel-buffering");
        let headers = answer.headers_mut();
        headers.insert(unbuffered, HeaderValue::from_static("no"));
        headers.remove(header::RETRY_AFTER);
        answer
    }

    fn listen(
        &self,
        again: Again<C>,
        first: Bytes,
        place: OwnedSemaphorePermit,
    ) -> BoxStream<'static, Bytes> {
        let last_id = last_id(&first).or_else(|| again.last_id());
        let pieces = self.subscribe(&again, last_id.clone());
        let gauge = Counted::new();
        let listening = Listening {
            last_id,
            asking: Asking {
                host: self.host.clone(),
                again,
            },
            pieces,
            next: Next::First(first),
            until: Instant::now() + LONGEST,
            stop: self.stop.clone(),
            _held: (place, gauge),
        };
        stream::unfold(listening, Listening::piece).boxed()
    }

    /// Joins those who listen to the same, or begins to ask for them what is new since `known`.
    fn subscribe(&self, again: &Again<C>, known: Option<HeaderValue>) -> broadcast::Receiver<Told> {
        let subject = again.subject();
        match lock(&self.told).entry(subject.clone()) {
            Entry::Occupied(subject) => subject.get().subscribe(),
            Entry::Vacant(place) => {
                let (sender, receiver) = broadcast::channel(BACKLOG);
                place.insert(sender.clone());
                let asking = Asking {
                    host: self.host.clone(),
                    again: again.clone(),
                };
                let (told, stop) = (Arc::clone(&self.told), self.stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = asking.tell(known, &sender, &told, &subject) => {}
                        () = stop.cancelled() => {}
                    }
                    lock(&told).remove(&subject);
                });
                receiver
            }
        }
    }
}

fn lock(told: &Mutex<Subjects>) -> MutexGuard<'_, Subjects> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a handler again as it was called.
struct Asking<C: Context> {
    host: Host<C>,
    again: Again<C>,
}

/// What a handler answered: what is new, and how soon to ask again.
enum Answer {
    News(Bytes, Duration),
    /// There is nothing to listen to any more; the problem.
    Over(Bytes),
    Trouble,
}

impl<C: Context> Asking<C> {
    async fn ask(&self, last_id: Option<&HeaderValue>) -> Answer {
        let mut request: Request = self.again.request.clone();
        match last_id {
            Some(id) => request.headers_mut().insert(LAST_EVENT_ID, id.clone()),
            None => request.headers_mut().remove(LAST_EVENT_ID),
        };
        let asked = dispatch_http(self.again.route, self.host.context.as_ref(), request);
        let Ok(answer) = timeout(ANSWER_TIME, asked).await else {
            return Answer::Trouble;
        };
        let body = Bytes::from(answer.body().to_vec());
        match answer.status() {
            StatusCode::OK => {
                let pause = answer.headers().get(header::RETRY_AFTER);
                let pause = pause.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
                Answer::News(body, pause.map_or(PAUSE, Duration::from_secs))
            }
            status if status.is_client_error() => Answer::Over(body),
            _ => Answer::Trouble,
        }
    }

    /// Asks for all who listen until nobody does any more, or there is nothing to listen to.
    async fn tell(
        self,
        mut last: Option<HeaderValue>,
        sender: &broadcast::Sender<Told>,
        told: &Mutex<Subjects>,
        subject: &Subject,
    ) {
        let mut pause = PAUSE;
        loop {
            sleep(pause).await;
            {
                let mut subjects = lock(told);
                if sender.receiver_count() == 0 {
                    subjects.remove(subject);
                    return;
                }
            }
            let piece = match self.ask(last.as_ref()).await {
                Answer::News(piece, worth) => {
                    pause = worth;
                    let Some(id) = last_id(&piece) else {
                        continue;
                    };
                    last = Some(id);
                    piece
                }
                Answer::Over(problem) => {
                    let piece = problem_event(&problem);
                    // Whoever has left meanwhile need not know.
                    let _ = sender.send(Told {
                        piece,
                        is_last: true,
                    });
                    return;
                }
                Answer::Trouble => {
                    pause = (pause * 2).min(HEARTBEAT);
                    continue;
                }
            };
            let _ = sender.send(Told {
                piece,
                is_last: false,
            });
        }
    }
}

fn problem_event(problem: &Bytes) -> Bytes {
    let problem = String::from_utf8_lossy(problem);
    Bytes::from(format!("event: problem\ndata: {problem}\n\n"))
}

/// The id of the last event in a piece, if it holds one.
fn last_id(piece: &[u8]) -> Option<HeaderValue> {
    let text = std::str::from_utf8(piece).ok()?;
    let id = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("id: "))?;
    HeaderValue::from_str(id).ok()
}

/// One who listens.
struct Listening<C: Context> {
    asking: Asking<C>,
    last_id: Option<HeaderValue>,
    pieces: broadcast::Receiver<Told>,
    next: Next,
    until: Instant,
    stop: CancellationToken,
    _held: (OwnedSemaphorePermit, Counted),
}

/// What a listener is told next.
enum Next {
    /// What its own request was answered.
    First(Bytes),
    /// What has changed between that and the first word of the task that asks for all.
    CatchUp,
    Pieces,
    Nothing,
}

impl<C: Context> Listening<C> {
    async fn piece(mut self) -> Option<(Bytes, Self)> {
        loop {
            let piece = match &self.next {
                Next::Nothing => return None,
                Next::First(first) => {
                    let first = first.clone();
                    self.next = Next::CatchUp;
                    Some(first)
                }
                Next::CatchUp => {
                    self.next = Next::Pieces;
                    self.caught_up().await
                }
                Next::Pieces => tokio::select! {
                    told = self.pieces.recv() => match told {
                        // This listener has caught up with it already.
                        Ok(told) if !told.is_last && last_id(&told.piece) == self.last_id => None,
                        Ok(told) => {
                            if told.is_last {
                                self.next = Next::Nothing;
                            }
                            Some(told.piece)
                        }
                        Err(RecvError::Lagged(_)) => self.caught_up().await,
                        Err(RecvError::Closed) => return None,
                    },
                    () = sleep(HEARTBEAT) => Some(Bytes::from_static(b":\n\n")),
                    () = sleep_until(self.until) => return None,
                    () = self.stop.cancelled() => return None,
                },
            };
            if let Some(piece) = piece {
                self.last_id = last_id(&piece).or(self.last_id);
                return Some((piece, self));
            }
        }
    }

    /// What is new since what this listener has.
    async fn caught_up(&mut self) -> Option<Bytes> {
        match self.asking.ask(self.last_id.as_ref()).await {
            Answer::News(piece, _) => last_id(&piece).map(|_| piece),
            Answer::Over(problem) => {
                self.next = Next::Nothing;
                Some(problem_event(&problem))
            }
            Answer::Trouble => None,
        }
    }
}

/// A listener in the figures.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("http.server.listeners").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("http.server.listeners").decrement(1);
    }
}

impl<C: Context> Again<C> {
    /// Who asks for what: all who ask for the same are told the same.
    fn subject(&self) -> Subject {
        let caller = self.request.extensions().get::<Caller>();
        let user = caller.map_or_else(String::new, |caller| caller.user_id.clone());
        (user, self.request.uri().to_string())
    }

    fn last_id(&self) -> Option<HeaderValue> {
        self.request.headers().get(LAST_EVENT_ID).cloned()
    }
}

#[cfg(test)]
mod tests;
