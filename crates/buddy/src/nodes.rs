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
        app.metrics.taken_over(taken_over);
        tracing::warn!(sessions = taken_over, "pending sessions of a node that is gone are identified here");
    }
    if app.identifier.has_left_any_behind() {
        app.identifier.recover().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use buddy_cluster::Cluster;
    use buddy_core::reason::Reason;
    use buddy_core::session::Status;
    use buddy_store::AgentChange;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::ambient::Ambient;
    use crate::http;
    use crate::testing::{TestApp, operator};

    const SECRET: &str = "test-secret-0123456789";

    /// Two nodes on one database, the other one's clock so many seconds ahead.
    async fn two_nodes(seconds: i64) -> (TestApp, TestApp) {
        let database =
            tokio::task::spawn_blocking(|| Cluster::shared().url(&Cluster::shared().create_database(None)));
        let (database, now) = (database.await.unwrap(), Ambient::system().now());
        let other = buddy_core::time::UnixMillis(now.0 + seconds * 1000);
        (TestApp::start_node(&database, now).await, TestApp::start_node(&database, other).await)
    }

    async fn readiness(test: &TestApp) -> (StatusCode, String) {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = http::router(&test.app).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_whose_clock_is_wrong_is_not_ready_and_says_by_how_much() {
        let (right, ahead) = two_nodes(60).await;
        assert_eq!(readiness(&right).await.0, StatusCode::OK);
        let (status, told) = readiness(&ahead).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(told.contains("NOT_READY") && told.contains(" s ahead of the database's"), "{told}");
        let (_, behind) = two_nodes(-60).await;
        assert!(readiness(&behind).await.1.contains(" s behind the database's"));
        let (_, close_enough) = two_nodes(5).await;
        assert_eq!(readiness(&close_enough).await.0, StatusCode::OK);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sessions_are_taken_over_whichever_clock_is_wrong_and_from_nobody_who_is_alive() {
        for seconds in [60, -60] {
            let (stays, goes) = two_nodes(seconds).await;
            let known = goes.agent(SECRET).await;
            // By the clock of who looks, a session ends a minute early or late: this one ends later.
            let change = AgentChange { session_ttl_seconds: Some(3600), ..AgentChange::default() };
            let known = goes.app.agents.update(&operator(), known.agent.id, change).await.unwrap();
            let session = goes.session(&known).await;
            assert!(goes.app.store.begin_identify(session.id, goes.app.ambient.now()).await.unwrap());
            assert_eq!(stays.app.identifier.take_over().await.unwrap(), 0, "its node is alive");
            goes.app.health.close().await;
            assert_eq!(stays.app.identifier.take_over().await.unwrap(), 1);
            assert_eq!(stays.app.identifier.take_over().await.unwrap(), 0, "it is this node's");
            stays.app.sessions.wait_until_settled(session.id, Duration::from_secs(30)).await.unwrap();
            let settled = stays.app.sessions.session(session.id).await.unwrap();
            assert_eq!((settled.status, settled.failure), (Status::Anonymous, Some(Reason::ConnectFailed)));
        }
    }
}
