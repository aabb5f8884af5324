//! The console's own files.

use std::sync::LazyLock;

use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::http::asset::{Asset, FOR_EVER, SCRIPT, STYLE};
use crate::http::json::Ids;
use crate::http::problem::Problem;

static CONSOLE_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_bytes!("assets/console.js"), SCRIPT, FOR_EVER));
static CONSOLE_STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_bytes!("assets/console.css"), STYLE, FOR_EVER));

static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_bytes!("assets/icon.svg"), "image/svg+xml", FOR_EVER));

static ICON_PATH: LazyLock<String> = LazyLock::new(|| format!("/console/assets/{}/icon.svg", ICON.tag));
static SCRIPT_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/console/assets/{}/console.js", CONSOLE_SCRIPT.tag));
static STYLE_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/console/assets/{}/console.css", CONSOLE_STYLE.tag));

pub(super) fn icon_path() -> &'static str {
    &ICON_PATH
}

pub(super) fn script_path() -> &'static str {
    &SCRIPT_PATH
}

pub(super) fn style_path() -> &'static str {
    &STYLE_PATH
}

/// Nothing in them is a secret, and the sign-in page needs them.
pub(super) async fn asset(Ids((tag, file)): Ids<(String, String)>, request: HeaderMap) -> Response {
    let asset = match file.as_str() {
        "console.js" => &CONSOLE_SCRIPT,
        "console.css" => &CONSOLE_STYLE,
        "icon.svg" => &ICON,
        _ => return Problem::not_found("file").into_response(),
    };
    // Under another version's name it would be kept for ever as that.
    if asset.tag != tag {
        return Problem::not_found("version of this file").into_response();
    }
    asset.answer(
        &request,
        &[
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                HeaderValue::from_static("same-origin"),
            ),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ],
    )
}
