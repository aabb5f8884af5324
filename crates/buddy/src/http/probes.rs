//! For load balancers and Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::IntoResponse;

use super::problem::Problem;
use crate::app::App;

/// Whose answer it is: tells `buddy doctor` that a port or a URL leads to a Buddy, and to which version.
pub(crate) const VERSION_HEADER: HeaderName = HeaderName::from_static("x-buddy-version");

/// The process runs.
pub(super) async fn healthz() -> impl IntoResponse {
    ([(VERSION_HEADER, env!("CARGO_PKG_VERSION"))], "ok\n")
}

/// Sessions can be begun here: the database answers, and the server is not stopping.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::unavailable());
    }
    app.health.ready().await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        Problem::unavailable()
    })?;
    Ok("ready\n")
}

/// Prometheus text format 0.0.4.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
