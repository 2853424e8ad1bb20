//! Files that no row names, left by a process that died: gone at the start and every hour.

use std::time::Duration;

use super::error::S3Failure;
use super::rows;
use super::store::Store;

const INTERVAL: Duration = Duration::from_hours(1);

/// Sweeps now and then, until the end.
pub(super) async fn sweep_until_stopped(store: Store) {
    let context = &store.context;
    loop {
        if let Err(S3Failure(error)) = sweep(&store).await {
            tracing::warn!(?error, "orphaned bodies were not swept");
        }
        tokio::select! {
            () = context.clock.sleep(INTERVAL) => {}
            () = context.stopping.cancelled() => return,
        }
    }
}

async fn sweep(store: &Store) -> Result<(), S3Failure> {
    let blobs = store.blobs.clone();
    let idle = tokio::task::spawn_blocking(move || blobs.idle());
    let mut orphans = idle
        .await
        .unwrap_or_else(|e| Err(std::io::Error::other(e)))?;
    let named = store.read(rows::named_files).await?;
    orphans.retain(|name| !named.contains(name));
    if !orphans.is_empty() {
        tracing::info!(
            count = orphans.len(),
            "bodies without an object are removed"
        );
        store.blobs.remove(orphans);
    }
    Ok(())
}
