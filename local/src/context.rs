//! What all services of one local AWS share. It knows none of them.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Requests;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::faults::Faults;

/// The shared part; services hold it as `Arc<Context>`.
pub(crate) struct Context {
    pub(crate) config: Config,
    /// The endpoint's address, without a slash at the end.
    pub(crate) url: String,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) requests: Requests,
    pub(crate) faults: Faults,
    /// Cancelled when the end has come: long polls answer, loops return.
    pub(crate) stopping: CancellationToken,
    /// Loops in the background; they are waited for before the database closes.
    pub(crate) tasks: TaskTracker,
}

impl Context {
    /// The name of a resource of ours: `arn:aws:<service>:<region>:<account>:<name>`.
    pub(crate) fn arn(&self, service: &str, name: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{name}",
            self.config.region, self.config.account
        )
    }
}
