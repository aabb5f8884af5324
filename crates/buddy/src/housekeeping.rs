//! What is done now and then: ended sessions and old resolutions go, stuck ones are taken up, caches shrink.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::limits::{ATTEMPTS_MAX, RESOLUTION_KEPT_SECONDS, TIMEOUT_MS_MAX};
use buddy_core::time::UnixMillis;
use buddy_store::StoreError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// An ended identity is off the disk within this; it is not found from the moment it ends.
const EVERY: Duration = Duration::from_secs(20);
/// Rows removed in one write, so that no session start waits behind a long one.
const BATCH: u32 = 500;
/// A resolution that has not settled its session after this many seconds never will.
const STUCK_SECONDS: u32 = ATTEMPTS_MAX as u32 * TIMEOUT_MS_MAX / 1000 + 10;

/// Runs until it is told to stop.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = tidy(&app).await {
            tracing::error!(%error, "housekeeping failed; it is tried again");
        }
    }
}

/// One round.
pub(crate) async fn tidy(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.ambient.now();
    app.metrics.upkeep();
    app.limiter.forget_idle();
    app.identifier.tidy();
    while app.store.remove_ended_sessions(now, BATCH).await? == u64::from(BATCH) {}
    let kept_since = now.minus_seconds(RESOLUTION_KEPT_SECONDS);
    while app.store.remove_old_resolutions(kept_since, BATCH).await? == u64::from(BATCH) {}
    recover(app, now.minus_seconds(STUCK_SECONDS)).await
}

async fn recover(app: &Arc<App>, begun_before: UnixMillis) -> Result<(), StoreError> {
    let taken_up = app.identifier.recover(begun_before).await?;
    if taken_up > 0 {
        tracing::warn!(sessions = taken_up, "pending sessions were taken up again");
    }
    Ok(())
}
