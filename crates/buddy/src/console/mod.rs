//! `/console`: what happened to a session, in one look. Pages made on the server; one file for each screen or action.
//!
//! A screen calls the use case that the API's call is for, so both take, refuse and say the same. No page has a
//! script or a style in it, and all but the live list works without the script.

mod agent;
mod agent_form;
mod assets;
mod audit;
mod callback;
mod charts;
mod check;
mod confirm;
mod cookie;
mod drawing;
mod fault;
mod fields;
mod gate;
mod head;
mod install;
mod keys;
mod live;
mod new_agent;
mod page;
mod pages;
mod resolution;
mod resolutions;
mod row;
mod search;
mod secret_state;
mod settings;
mod shares;
mod shown_once;
mod sign_in;
mod start;
mod waterfall;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::App;
use crate::http::json::BODY_TIME;
use fault::Fault;

/// Every path of the console.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let signed_in = screens().layer(from_fn_with_state(Arc::clone(app), gate::signed_in_only));
    Router::new()
        .route("/console/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/console/sign-out", post(sign_in::sign_out))
        .merge(signed_in)
        .method_not_allowed_fallback(fault::no_method)
        .layer(RequestBodyTimeoutLayer::new(BODY_TIME))
        .layer(csrf(app))
        .layer(CatchPanicLayer::custom(|_| Fault::internal().into_response()))
        .layer(from_fn(page::policies))
        .route("/console/assets/{tag}/{file}", get(assets::asset))
}

fn screens() -> Router<Arc<App>> {
    Router::new()
        .route("/console", get(start::show))
        .route("/console/", get(start::without_slash))
        .route("/console/audit", get(audit::list))
        .route("/console/search", get(search::search))
        .route("/console/sessions/{sessionId}", get(search::session))
        .route("/console/agents", post(new_agent::create))
        .route("/console/agents/new", get(new_agent::form))
        .route("/console/agents/{agentId}", get(agent::show))
        .route("/console/agents/{agentId}/settings", get(settings::form).post(settings::save))
        .route("/console/agents/{agentId}/delete", get(settings::confirm_delete).post(settings::delete))
        .route("/console/agents/{agentId}/callback", get(callback::form).post(callback::save))
        .route("/console/agents/{agentId}/callback/secret", post(callback::rotate))
        .route(
            "/console/agents/{agentId}/callback/delete",
            get(callback::confirm_delete).post(callback::delete),
        )
        .route("/console/agents/{agentId}/keys", get(keys::list).post(keys::create))
        .route("/console/agents/{agentId}/keys/{keyId}/delete", get(keys::confirm_delete).post(keys::delete))
        .route("/console/agents/{agentId}/live", get(live::show))
        .route("/console/agents/{agentId}/live/stream", get(live::stream))
        .route("/console/agents/{agentId}/resolutions", get(resolutions::list))
        .route("/console/agents/{agentId}/resolutions/{resolutionId}", get(resolution::show))
        .route("/console/agents/{agentId}/try/{sessionId}", post(resolution::try_again))
        .route("/console/agents/{agentId}/install", get(install::show))
        .route("/console/agents/{agentId}/check", get(check::form).post(check::check))
        .route("/console/{*path}", any(fault::no_page))
}

/// A form of another site's page is refused: browsers say whose it is in `Sec-Fetch-Site`, older ones in `Origin`.
fn csrf(app: &App) -> CsrfLayer<fn(tower_http::csrf::ProtectionError) -> axum::response::Response> {
    let layer = CsrfLayer::new().add_trusted_origin(&app.public_origin);
    layer.expect("it is an origin").with_rejection_response(fault::other_site)
}
