//! The HTTP API, whole on one screen.

pub(crate) mod asset;
pub(crate) mod caller;
mod cors;
pub(crate) mod events;
mod front;
pub(crate) mod json;
pub(crate) mod limit;
mod observe;
mod openapi;
mod pages;
mod probes;
pub(crate) mod problem;
pub(crate) mod v1;
mod wait;
mod widget;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::console;
pub(crate) use front::Front;
pub(crate) use probes::VERSION_HEADER;
use v1::{
    agents, api_keys, audit, callback, check, explanation, identity, messages, resolutions, sessions, stats,
};

/// Every route of the server.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .merge(Router::from(visitor_routes()).layer(cors::layer(app)))
        .merge(Router::from(software_routes().merge(operator_routes())))
        .route("/v1/openapi.json", get(openapi::document))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
        .route("/e/{code}", get(pages::error_page))
        .merge(widget::router())
        .merge(console::router(app))
        .fallback(problem::no_route)
        .with_state(Arc::clone(app))
        .layer(from_fn_with_state(Arc::clone(app), observe::each_request))
}

/// The OpenAPI document of all of them that are the API's.
fn described() -> OpenApi {
    visitor_routes().merge(software_routes()).merge(operator_routes()).into_openapi()
}

fn visitor_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(sessions::begin))
        .routes(routes!(sessions::read))
        .routes(routes!(sessions::identify))
        .routes(routes!(sessions::same_user))
        .routes(routes!(messages::write, messages::list))
        .routes(routes!(messages::listen))
}

fn software_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(identity::read))
        .routes(routes!(identity::revoke))
        .routes(routes!(messages::append))
        .routes(routes!(messages::listen_to_all))
}

fn operator_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(agents::create, agents::list))
        .routes(routes!(agents::read, agents::update, agents::delete))
        .routes(routes!(callback::put, callback::read, callback::delete))
        .routes(routes!(callback::rotate))
        .routes(routes!(check::check))
        .merge(resolution_routes())
        .routes(routes!(stats::read))
        .routes(routes!(stats::series))
        .routes(routes!(stats::list))
        .routes(routes!(audit::list))
        .routes(routes!(api_keys::create, api_keys::list))
        .routes(routes!(api_keys::delete))
}

fn resolution_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(resolutions::list))
        .routes(routes!(resolutions::listen))
        .routes(routes!(resolutions::read))
        .routes(routes!(resolutions::of_session))
        .routes(routes!(explanation::read))
}
