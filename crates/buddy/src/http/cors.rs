//! Which pages may read the visitor's calls: those of an agent's `allowedOrigins`, and nobody elsewhere.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use buddy_core::id::SessionId;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::events::LAST_EVENT_ID;
use crate::app::App;

/// How long a browser may keep a preflight's answer: a removed origin is refused within this anyway, since each
/// call is checked by itself.
const PREFLIGHT_KEPT: Duration = Duration::from_mins(10);

const SESSIONS: &str = "/v1/sessions";

/// The layer for the visitor's calls.
pub(crate) fn layer(app: &Arc<App>) -> CorsLayer {
    let app = Arc::clone(app);
    let allow = AllowOrigin::async_predicate(move |origin: HeaderValue, parts: &Parts| {
        let session = session_of(parts.uri.path());
        async move { allows(&app, &origin, session).await }
    });
    CorsLayer::new()
        .allow_origin(allow)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, LAST_EVENT_ID])
        .expose_headers([HeaderName::from_static("x-request-id"), RETRY_AFTER])
        .max_age(PREFLIGHT_KEPT)
}

/// `None`: the call that begins a session; the agent is in its body, which a preflight does not have.
fn session_of(path: &str) -> Option<Result<SessionId, ()>> {
    let rest = path.strip_prefix(SESSIONS)?.strip_prefix('/')?;
    let id = rest.split('/').next().unwrap_or(rest);
    Some(id.parse().map_err(drop))
}

async fn allows(app: &App, origin: &HeaderValue, session: Option<Result<SessionId, ()>>) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let allowed = match session {
        None => app.agents.any_allows_origin(origin).await,
        Some(Err(())) => Ok(false),
        Some(Ok(id)) => allowed_for_session(app, origin, id).await,
    };
    // An unknown session and a failing store are both no reason to let a page read.
    allowed.unwrap_or(false)
}

async fn allowed_for_session(
    app: &App,
    origin: &str,
    id: SessionId,
) -> Result<bool, crate::refusal::Refusal> {
    let session = app.sessions.session(id).await?;
    Ok(app.agents.known(session.agent_id).await?.allows_origin(origin))
}
