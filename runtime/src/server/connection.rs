//! One connection: what is awaited on it, and how long a request's head may take to arrive.

use std::future::Future;
use std::io::{Error as IoError, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What is awaited on a connection: the head of a request, or nothing while one is being answered.
#[derive(Clone)]
pub(super) struct Waiting(Arc<Mutex<State>>);

#[derive(Clone, Copy)]
struct State {
    /// Since when the client has been waited for.
    since: Option<Instant>,
    /// How many requests have come.
    requests: u64,
}

impl Waiting {
    /// On a connection that has just been made.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            since: Some(Instant::now()),
            requests: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when the client has been waited for; `None` while a request is being answered.
    pub(super) fn since(&self) -> Option<Instant> {
        self.state().since
    }

    /// The number of the request whose head is awaited.
    fn head(&self) -> Option<u64> {
        let state = self.state();
        state.since.map(|_| state.requests)
    }

    /// A request has come, and is being answered.
    pub(super) fn answering(&self) {
        let mut state = self.state();
        state.since = None;
        state.requests += 1;
    }

    /// It is answered; the next may come.
    pub(super) fn answered(&self) {
        self.state().since = Some(Instant::now());
    }
}

/// A stream on which a head that has begun must arrive whole in time. A connection may be idle
/// for longer than that: hyper has one limit for both.
pub(super) struct HeadTimed<S> {
    stream: S,
    waiting: Waiting,
    longest: Duration,
    /// For the head of the request with this number.
    deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<S> HeadTimed<S> {
    pub(super) fn new(stream: S, waiting: Waiting, longest: Duration) -> Self {
        Self {
            stream,
            waiting,
            longest,
            deadline: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(task, buffer);
        let head = self.waiting.head();
        // Its head is there whole. Nothing need have been read since then.
        self.deadline.take_if(|(of_head, _)| Some(*of_head) != head);
        if let Some(head) = head
            && self.deadline.is_none()
            && buffer.filled().len() > before
        {
            self.deadline = Some((head, Box::pin(sleep(self.longest))));
        }
        let late = self
            .deadline
            .as_mut()
            .is_some_and(|(_, deadline)| deadline.as_mut().poll(task).is_ready());
        if late {
            return Poll::Ready(Err(IoError::new(ErrorKind::TimedOut, "a slow head")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(task, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
