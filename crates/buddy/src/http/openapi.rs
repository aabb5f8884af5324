//! The OpenAPI 3.1 document: gathered from the handlers, served, and kept as a golden file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, RefOr, Response as DocResponse, ResponseBuilder, Schema};
use utoipa::{IntoResponses, OpenApi as _, PartialSchema, ToSchema};

use super::problem::Problem;
use super::v1::messages;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Buddy",
    description = "Who is the visitor of this chat? Sessions for the widget, identities for the agent's software, settings for the operator. Errors are application/problem+json with a stable code.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Head;

/// The whole document, as text: made when it is first asked for, for most servers never are.
static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| serde_json::to_vec(&whole()).expect("JSON serialises").into());

/// Answers with the document.
pub(super) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

fn whole() -> Value {
    let mut document = Head::openapi();
    document.merge(super::described());
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    components.schemas.extend(messages::event_schemas());
    for (name, prefix, of) in [
        ("sessionToken", "bst_", "The visitor's token, of one session."),
        ("apiKey", "bpk_", "The agent's own software, with a key of that agent."),
        ("adminToken", "bat_", "The operator."),
    ] {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format(format!("{prefix}…"))
            .description(Some(of))
            .build();
        components.security_schemes.insert(name.to_owned(), RefOr::T(SecurityScheme::Http(scheme)));
    }
    let mut document = serde_json::to_value(document).expect("a document serialises");
    optional_bodies_are_objects(&mut document);
    document
}

/// A body that may be left out is generated as one that may be `null`, which it may not.
fn optional_bodies_are_objects(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    let bodies = operations
        .filter_map(|operation| operation.pointer_mut("/requestBody/content/application~1json/schema"));
    for schema in bodies {
        if let Some(object) = schema.get_mut("oneOf").and_then(|choices| choices.get_mut(0)) {
            *schema = object.take();
        }
    }
}

/// The problems that any call may be answered with: refused input, an unreadable body, and faults of ours.
fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<DocResponse>> {
    let response = |status: &u16| {
        let title =
            axum::http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let schema = utoipa::openapi::Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(RefOr::<Schema>::Ref(schema))).build();
        let response = ResponseBuilder::new()
            .description(title.unwrap_or("Error"))
            .content("application/problem+json", content)
            .build();
        (status.to_string(), RefOr::T(response))
    };
    statuses.iter().map(response).collect()
}

macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident = [$($status:literal),*];)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;
        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<DocResponse>> {
                problems(&[$($status),*])
            }
        }
    )*};
}

problem_sets! {
    /// A session is begun.
    BeginProblems = [400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503];
    /// A session is identified.
    IdentifyProblems = [400, 401, 403, 404, 408, 413, 415, 422, 500, 503];
    /// Something is read.
    ReadProblems = [400, 401, 404, 422, 500, 503];
    /// Something is changed by a body.
    WriteProblems = [400, 401, 404, 408, 413, 415, 422, 500, 503];
    /// Something is removed.
    DeleteProblems = [400, 401, 404, 500, 503];
    /// A rotation is begun.
    RotateProblems = [400, 401, 404, 408, 409, 413, 415, 422, 500, 503];
    /// A message is written.
    SayProblems = [400, 401, 404, 408, 409, 413, 415, 422, 429, 500, 503];
    /// A reply grows.
    AppendProblems = [400, 401, 404, 408, 409, 413, 415, 422, 500, 503];
    /// A conversation is read.
    ConversationProblems = [400, 401, 404, 409, 422, 500, 503];
    /// A conversation is listened to.
    StreamProblems = [400, 401, 404, 409, 429, 500, 503];
    /// An agent's resolutions are listened to.
    ResolutionStreamProblems = [400, 401, 404, 422, 429, 500, 503];
    /// All conversations of an agent are listened to.
    AgentStreamProblems = [400, 401, 429, 500, 503];
}
