//! What tests of the adapters share: the features where nobody calls.

use std::sync::Arc;

use fotograma_core::story::{self, Recorder};
use fotograma_core::{App, features};
use lambda_anywhere::Host;

/// The features over a recorder, where nobody logs in.
pub(crate) fn host(recorder: &Arc<Recorder>) -> Host<App> {
    Host::new(story::app(recorder), features::TABLE)
}
