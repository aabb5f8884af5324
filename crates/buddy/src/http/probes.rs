//! For load balancers and Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::IntoResponse;

use super::problem::Problem;
use crate::app::App;
use crate::nodes::CLOCK_OFFSET_MAX_MS;

/// Whose answer it is: tells `buddy doctor` that a port or a URL leads to a Buddy, and to which version.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("x-buddy-version");

/// The process runs.
pub(super) async fn healthz() -> impl IntoResponse {
    ([(VERSION_HEADER, env!("CARGO_PKG_VERSION"))], "ok\n")
}

/// Sessions can be begun here: the database answers and takes writes, its tables are such as this version knows, the clock
/// is right, other nodes know that this one is alive, and the server is not stopping.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.is_draining() {
        return Err(not_ready("The server is stopping; it finishes what it has, and takes no more."));
    }
    if app.store.tenure().is_cancelled() {
        return Err(not_ready("The database could not be told for some seconds that this node is alive."));
    }
    let looked = async {
        app.health.ready().await?;
        app.look_at_the_clock().await
    };
    let offset = looked.await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        Problem::unavailable()
    })?;
    if offset.abs() > CLOCK_OFFSET_MAX_MS {
        tracing::warn!(offset_ms = offset, "not ready: this machine's clock is not the database's");
        let (seconds, way) = (offset.abs() / 1000, if offset > 0 { "ahead of" } else { "behind" });
        return Err(not_ready(format!(
            "This node's clock is {seconds} s {way} the database's; set it, best by NTP on both machines."
        )));
    }
    Ok("ready\n")
}

fn not_ready(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", detail)
}

/// Prometheus text format 0.0.4. It asks the database for nothing, so that a scrape shows how the node is without one, too.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    app.metrics.levels(&app.levels().await);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
