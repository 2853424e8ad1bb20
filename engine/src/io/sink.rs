//! Where the zip goes.

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

/// A place for one zip, written from front to back.
///
/// Exactly one of [`finish`](Self::finish) and [`abort`](Self::abort) is called, and before
/// `finish` has succeeded nothing may be visible where the zip is meant to be. A sink that is
/// dropped without either (the runtime went away) must clean up as best it can.
#[async_trait]
pub trait Sink: Send {
    /// Appends `bytes`. May hold them back until a part is full.
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError>;

    /// Takes back all that was written, so that the zip can be written from its beginning; `false`
    /// where that cannot be done, and what was written stays.
    async fn restart(&mut self) -> Result<bool, SinkError> {
        Ok(false)
    }

    /// Makes all that was written visible, durably and at once.
    async fn finish(self: Box<Self>) -> Result<(), SinkError>;

    /// Throws away all that was written.
    async fn abort(self: Box<Self>);
}

/// Why the zip could not be written; the next attempt may succeed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the frames could not be stored: {0}")]
pub struct SinkError(pub String);
