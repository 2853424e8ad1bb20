//! Files that no row names, left by a process that died: gone at the start and every hour.

use std::sync::Arc;
use std::time::Duration;

use super::error::S3Failure;
use super::store;
use crate::state::State;

const EVERY: Duration = Duration::from_hours(1);

/// Sweeps now and then, until the end.
pub(crate) fn start(state: &Arc<State>) {
    let state = Arc::clone(state);
    let tasks = state.tasks.clone();
    tasks.spawn(async move {
        loop {
            if let Err(S3Failure(error)) = sweep(&state).await {
                tracing::warn!(?error, "orphaned bodies were not swept");
            }
            tokio::select! {
                () = state.clock.sleep(EVERY) => {}
                () = state.stopping.cancelled() => return,
            }
        }
    });
}

async fn sweep(state: &Arc<State>) -> Result<(), S3Failure> {
    let blobs = state.blobs.clone();
    let idle = tokio::task::spawn_blocking(move || blobs.idle());
    let mut orphans = idle
        .await
        .unwrap_or_else(|e| Err(std::io::Error::other(e)))?;
    let named = state.db.read(store::named_files).await?;
    orphans.retain(|name| !named.contains(name));
    if !orphans.is_empty() {
        tracing::info!(
            count = orphans.len(),
            "bodies without an object are removed"
        );
        state.blobs.remove(orphans);
    }
    Ok(())
}
