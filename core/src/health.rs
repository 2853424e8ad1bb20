//! Whether this process can do its work.
//!
//! A peer that is down, a missing permission or a machine without ffmpeg fails one job after the
//! other. None of them may end a video, and whoever feeds the handlers must know: to take work more
//! slowly, and to say that it is not ready.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Error;

/// So many transient faults in a row are an outage.
const OUTAGE: u32 = 3;

/// What the last jobs of this process say about it.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Faults since something last went well.
    faults: u32,
    problem: Option<String>,
    /// Whether the last extraction failed.
    extraction_failed: bool,
}

impl Health {
    /// Some work went as it should.
    pub fn worked(&self) {
        *self.state() = State::default();
    }

    /// A message is done with, perhaps because there was nothing left to do. After an extraction that failed
    /// that says nothing of this process: what it could not do, somebody else may have done.
    pub fn message_done(&self) {
        let mut state = self.state();
        if !state.extraction_failed {
            *state = State::default();
        }
    }

    /// What is to be told as [`failed`](Self::failed) was an extraction.
    pub fn extraction_failed(&self) {
        self.state().extraction_failed = true;
    }

    /// Some work failed, and not through the fault of what was to be worked on. An operational fault
    /// is a problem at once, a transient one when it comes several times in a row.
    pub fn failed(&self, error: &Error) {
        let mut state = self.state();
        state.faults = state.faults.saturating_add(1);
        let operational = matches!(error, Error::Operational(_));
        let class = if operational {
            "operational"
        } else {
            "transient"
        };
        metrics::counter!("fotograma.faults", "class" => class).increment(1);
        if operational || state.faults >= OUTAGE {
            tracing::error!(
                faults = state.faults,
                error = error.chain(),
                "work has to wait"
            );
            state.problem = Some(error.to_string());
        } else {
            tracing::warn!(
                faults = state.faults,
                error = error.chain(),
                "work has to wait"
            );
        }
    }

    /// How many faults there were since something last went well.
    #[must_use]
    pub fn faults(&self) -> u32 {
        self.state().faults
    }

    /// What keeps this process from its work, if anything does.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_transient_fault_is_no_problem_and_three_in_a_row_are() {
        let health = Health::default();
        let fault = Error::transient("s3: timeout");
        health.failed(&fault);
        health.failed(&fault);
        assert_eq!((health.problem(), health.faults()), (None, 2));
        health.worked();
        health.failed(&fault);
        health.failed(&fault);
        assert_eq!(health.problem(), None);
        health.failed(&fault);
        assert_eq!(health.problem().as_deref(), Some("s3: timeout"));
        health.worked();
        assert_eq!((health.problem(), health.faults()), (None, 0));
    }

    #[test]
    fn after_an_outage_a_message_that_is_done_with_is_enough_but_not_after_a_failed_extraction() {
        let health = Health::default();
        health.failed(&Error::operational("sns Publish: AccessDenied"));
        health.message_done();
        assert_eq!((health.problem(), health.faults()), (None, 0));
        health.extraction_failed();
        health.failed(&Error::operational("there is no ffmpeg"));
        health.message_done();
        assert_eq!(health.faults(), 1);
        health.worked();
        assert_eq!((health.problem(), health.faults()), (None, 0));
    }

    #[test]
    fn an_operational_fault_is_a_problem_at_once() {
        let health = Health::default();
        health.failed(&Error::operational("there is no ffmpeg"));
        assert_eq!(health.problem().as_deref(), Some("there is no ffmpeg"));
    }
}
