//! What this node hears from the others, and what it does for those that are gone. Nothing where it is the only one.

use std::sync::Arc;
use std::time::Duration;

use buddy_store::{Change, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// How often nodes that are gone are looked for. With the time after which the store takes a node for gone, and that of
/// one read, their sessions are taken over within five seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far this node's clock may be from the database's, in milliseconds: what it begins ends by its own clock, which is to
/// be everybody's. Beyond it, the node is not ready.
pub(crate) const CLOCK_OFFSET_MAX_MS: i64 = 10_000;

/// Runs until it is told to stop.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let Some(mut changes) = app.store.changes() else { return };
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(change) = changes.recv() => hear(&app, change).await,
            _ = ticks.tick() => {
                if let Err(error) = look(&app).await {
                    tracing::warn!(%error, "pending sessions of other nodes could not be looked for; it is tried again");
                }
            }
        }
    }
}

/// Another node has told of this.
async fn hear(app: &App, change: Change) {
    app.agents.hear(change).await;
    app.news.hear(change);
}

/// One look.
async fn look(app: &Arc<App>) -> Result<(), StoreError> {
    let taken_over = app.identifier.take_over().await?;
    if taken_over > 0 {
        tracing::warn!(sessions = taken_over, "pending sessions of a node that is gone are identified here");
    }
    if app.identifier.has_left_any_behind() {
        app.identifier.recover().await?;
    }
    Ok(())
}
