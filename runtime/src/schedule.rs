//! Features that the clock sets off, where neither `EventBridge` nor a cluster does: a timer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::{Context, Feature, Host, Trigger, invoke};

/// The event that `EventBridge` would send for a schedule:
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html>.
#[must_use]
pub fn scheduled_event() -> Value {
    json!({
        "version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event",
        "resources": [], "detail": {},
    })
}

/// Runs a feature as often as its row says, until `stop`. One that fails is tried again at its
/// next time.
pub async fn run_on_schedule<C: Context>(
    host: Host<C>,
    feature: &'static Feature<C>,
    every: Duration,
    stop: CancellationToken,
) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let run = invoke::invoke(&host, feature.name, scheduled_event());
        if let Some(Err(error)) = stop.run_until_cancelled(run).await {
            let error = error.chain();
            tracing::error!(feature = feature.name, error, "a scheduled run failed");
        }
    }
}

/// The features that the clock sets off, and how often.
pub fn scheduled_features<C: Context>(
    table: &'static [Feature<C>],
) -> impl Iterator<Item = (&'static Feature<C>, Duration)> {
    table.iter().filter_map(|feature| match feature.trigger {
        Trigger::Schedule { every, .. } => Some((feature, every)),
        _ => None,
    })
}
