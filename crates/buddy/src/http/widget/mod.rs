//! What a shop's page embeds: the script, and the frame that the chat is in.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use buddy_core::id::AgentId;

use super::asset::{Asset, FOR_EVER, SCRIPT, STYLE};
use super::json::Ids;
use super::problem::Problem;
use crate::app::App;

/// A page's tag names no version: a new one should be everywhere within minutes, and no page waits for it.
const FRESH_FOR_MINUTES: &str = "public, max-age=300, stale-while-revalidate=86400";

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// A chat needs none of what a page can be trusted with.
const NO_PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()";

static EMBED: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(include_bytes!("../../../../../widget/dist/embed.js"), SCRIPT, FRESH_FOR_MINUTES)
});
static FRAME_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_bytes!("../../../../../widget/dist/frame.js"), SCRIPT, FOR_EVER));
static FRAME_STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_bytes!("../../../../../widget/dist/frame.css"), STYLE, FOR_EVER));

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/embed.js", get(embed))
        .route("/widget/{agentId}", get(frame))
        .route("/widget/assets/{tag}/{file}", get(frame_asset))
}

/// Any page may load it, those too that take only what says that it may be loaded (COEP) or that pin its hash (SRI).
async fn embed(request: HeaderMap) -> Response {
    EMBED.answer(
        &request,
        &[
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ],
    )
}

async fn frame_asset(Ids((tag, file)): Ids<(String, String)>, request: HeaderMap) -> Response {
    let asset = match file.as_str() {
        "frame.js" => &FRAME_SCRIPT,
        "frame.css" => &FRAME_STYLE,
        _ => return Problem::not_found("file").into_response(),
    };
    // Under another version's name it would be kept for ever as that.
    if asset.tag != tag {
        return Problem::not_found("version of this file").into_response();
    }
    asset.answer(
        &request,
        &[
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ],
    )
}

/// The document that the chat is in: the agent's id and where it may be embedded, and nothing about the visitor.
async fn frame(State(app): State<Arc<App>>, Ids(agent_id): Ids<AgentId>) -> Result<Response, Problem> {
    let known = app.agents.known(agent_id).await?;
    let origins = known.agent.allowed_origins.join(" ");
    let headers = [
        (CONTENT_SECURITY_POLICY, policy(&origins)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
        (EMBEDDER_POLICY, HeaderValue::from_static("require-corp")),
        (PERMISSIONS_POLICY, HeaderValue::from_static(NO_PERMISSIONS)),
    ];
    Ok((headers, Html(document(agent_id, &origins))).into_response())
}

/// Its own two files and calls to its own server, in the agent's pages only. An origin that was taken as one has no
/// sign in it that means something here.
fn policy(origins: &str) -> HeaderValue {
    let ancestors = if origins.is_empty() { "'none'" } else { origins };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors {ancestors}; sandbox allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::from_str(&policy).expect("origins are header text")
}

fn document(agent_id: AgentId, origins: &str) -> String {
    let (script, style) = (&FRAME_SCRIPT.tag, &FRAME_STYLE.tag);
    // Relative paths: whoever serves Buddy below a path of theirs need not tell it.
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1,viewport-fit=cover,interactive-widget=resizes-content\">\
         <meta name=\"robots\" content=\"noindex\"><title>Chat</title>\
         <link rel=\"stylesheet\" href=\"assets/{style}/frame.css\">\
         <script type=\"module\" src=\"assets/{script}/frame.js\"></script></head>\
         <body data-agent=\"{agent_id}\" data-origins=\"{origins}\"></body></html>"
    )
}
