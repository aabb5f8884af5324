//! `/v1/sessions/{sessionId}/messages` and `/v1/messages/stream`: the conversation, for both of its sides.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::Event;
use buddy_core::id::{MessageId, MessageKind, SessionId};
use buddy_core::message::{Message, Sender, Text};
use buddy_store::HandedOver;
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::page::{PageQuery, asked};
use super::sessions::SessionStatus;
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::{AgentSoftware, Party, Visitor};
use crate::http::events::{self, EndEvent, Since, end_event, event};
use crate::http::json::{Ids, NoQuery, StrictJson, StrictQuery};
use crate::http::openapi::{
    AgentStreamProblems, AppendProblems, ConversationProblems, SayProblems, StreamProblems,
};
use crate::http::problem::Problem;
use crate::messages::{AgentEvent, SessionEvent};
use crate::refusal::Refusal;

/// What is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageBody {
    /// No control characters but line feed and tab.
    #[schema(min_length = 1, max_length = 8000)]
    text: String,
    /// For the agent's software only: `false` begins a reply that grows.
    #[schema(default = true)]
    done: Option<bool>,
}

/// What a reply gains.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppendBody {
    /// No control characters but line feed and tab.
    #[schema(max_length = 8000)]
    text: String,
    /// The reply is whole now.
    #[serde(default)]
    #[schema(default = false)]
    done: bool,
}

/// One message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageView {
    message_id: String,
    session_id: String,
    #[schema(pattern = "^(visitor|agent)$")]
    from: &'static str,
    text: String,
    /// It grows no more.
    done: bool,
    /// Later for a later message of the session.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            message_id: message.id.to_string(),
            session_id: message.session_id.to_string(),
            from: message.from.as_str(),
            text: message.text.as_str().to_owned(),
            done: message.done,
            created_at: rfc3339(message.created_at),
        }
    }
}

/// Write a message.
///
/// The visitor with the session's token, the agent's software with its key. The message is on disk before this is
/// answered. A visitor's message is handed over to the agent's software once the session is settled.
#[utoipa::path(post, operation_id = "writeMessage", path = "/v1/sessions/{sessionId}/messages", tag = "conversation",
    params(("sessionId" = String, Path)), request_body = MessageBody,
    responses((status = 201, description = "Written", body = MessageView), SayProblems),
    security(("sessionToken" = []), ("apiKey" = [])))]
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    party: Party,
    _: NoQuery,
    StrictJson(body): StrictJson<MessageBody>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let text = Text::parse(body.text).map_err(Refusal::from)?;
    let (session, from, done) = match party {
        Party::Agent(session) => (session, Sender::Agent, body.done.unwrap_or(true)),
        Party::Visitor(_) if body.done.is_some() => {
            return Err(Problem::invalid_request("A visitor's message is whole; leave `done` out."));
        }
        Party::Visitor(session) => {
            app.limiter.check_message(session.id)?;
            (session, Sender::Visitor, true)
        }
    };
    let message = app.messages.write(&session, from, text, done).await?;
    Ok((StatusCode::CREATED, Json(message.into())))
}

/// Let a reply grow.
#[utoipa::path(post, operation_id = "appendToMessage", path = "/v1/sessions/{sessionId}/messages/{messageId}/append",
    tag = "conversation", params(("sessionId" = String, Path), ("messageId" = String, Path)), request_body = AppendBody,
    responses((status = 200, description = "The message as it is now", body = MessageView), AppendProblems),
    security(("apiKey" = [])))]
pub(crate) async fn append(
    State(app): State<Arc<App>>,
    AgentSoftware { agent_id, .. }: AgentSoftware,
    Ids((session_id, id)): Ids<(SessionId, MessageId)>,
    _: NoQuery,
    StrictJson(body): StrictJson<AppendBody>,
) -> Result<Json<MessageView>, Problem> {
    let gain = Text::parse_gain(body.text).map_err(Refusal::from)?;
    let session = app.sessions.of_agent(agent_id, session_id).await?;
    Ok(Json(app.messages.append(&session, id, gain, body.done).await?.into()))
}

/// A stretch of a session's messages, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagesView {
    messages: Vec<MessageView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// List a session's messages, oldest first.
#[utoipa::path(get, operation_id = "listMessages", path = "/v1/sessions/{sessionId}/messages", tag = "conversation",
    params(("sessionId" = String, Path), PageQuery),
    responses((status = 200, description = "A stretch of the messages", body = MessagesView), ConversationProblems),
    security(("sessionToken" = []), ("apiKey" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    party: Party,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Json<MessagesView>, Problem> {
    let asked = asked::<MessageKind>(query.limit, query.cursor.as_deref())?;
    let (Party::Visitor(session) | Party::Agent(session)) = party;
    let messages = app.messages.list(&session, asked.page.before, asked.page.limit).await?;
    let (messages, next_cursor) = asked.cut(messages, |message| message.id.to_string());
    Ok(Json(MessagesView { messages: messages.into_iter().map(MessageView::from).collect(), next_cursor }))
}

/// The data of an `append` event: what a message has gained.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AppendEvent {
    message_id: String,
    text: String,
    done: bool,
}

/// The data of a `message` event to the agent's software.
#[derive(Serialize, ToSchema)]
struct HandedOverEvent {
    #[serde(flatten)]
    message: MessageView,
    session: SettledView,
}

/// How a session was settled.
#[derive(Serialize, ToSchema)]
struct SettledView {
    #[schema(value_type = SessionStatus)]
    status: &'static str,
}

/// The schemas of what streams send, which no answer names.
pub(in crate::http) fn event_schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    HandedOverEvent::schemas(&mut schemas);
    schemas.extend([
        (AppendEvent::name().into_owned(), AppendEvent::schema()),
        (EndEvent::name().into_owned(), EndEvent::schema()),
        (HandedOverEvent::name().into_owned(), HandedOverEvent::schema()),
    ]);
    schemas
}

fn session_event(told: SessionEvent) -> Event {
    match told {
        SessionEvent::Message { change, message } => {
            event("message", &MessageView::from(message)).id(change.to_string())
        }
        SessionEvent::Append { change, id, gain, done } => {
            let data = AppendEvent { message_id: id.to_string(), text: gain, done };
            event("append", &data).id(change.to_string())
        }
        SessionEvent::End(end) => end_event(end),
    }
}

fn agent_event(told: AgentEvent) -> Event {
    match told {
        AgentEvent::HandedOver(HandedOver { number, message, status }) => {
            let session = SettledView { status: status.as_str() };
            event("message", &HandedOverEvent { message: message.into(), session }).id(number.to_string())
        }
        AgentEvent::End(end) => end_event(end),
    }
}

/// Listen to a session.
///
/// Server-sent events: `message` with a whole `MessageView`, in place of what was had under its `messageId`;
/// `append` with an `AppendEvent`; at the end `end` with an `EndEvent`. Begins with all messages there are, or after
/// the event that `Last-Event-ID` names.
#[utoipa::path(get, operation_id = "listenToSession", path = "/v1/sessions/{sessionId}/messages/stream",
    tag = "conversation",
    params(("sessionId" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = String),
        StreamProblems),
    security(("sessionToken" = [])))]
pub(crate) async fn listen(
    State(app): State<Arc<App>>,
    Visitor(session): Visitor,
    Since(since): Since,
    _: NoQuery,
) -> Result<Response, Problem> {
    let stream = app.messages.of_session(&session, since.unwrap_or(0))?;
    Ok(events::answer(unfold(stream, |mut stream| async move {
        let told = stream.next().await?;
        Some((session_event(told), stream))
    })))
}

/// Listen to all sessions of the agent.
///
/// Server-sent events: `message` with a `HandedOverEvent` for each message of a visitor whose session is settled;
/// at the end `end` with an `EndEvent`. Begins with all there are, or after the event that `Last-Event-ID` names.
#[utoipa::path(get, operation_id = "listenToAllSessions", path = "/v1/messages/stream", tag = "conversation",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = String),
        AgentStreamProblems),
    security(("apiKey" = [])))]
pub(crate) async fn listen_to_all(
    State(app): State<Arc<App>>,
    AgentSoftware { agent_id, key }: AgentSoftware,
    Since(since): Since,
    _: NoQuery,
) -> Result<Response, Problem> {
    let stream = app.messages.of_agent(agent_id, key, since.unwrap_or(0))?;
    Ok(events::answer(unfold(stream, |mut stream| async move {
        let told = stream.next().await?;
        Some((agent_event(told), stream))
    })))
}
