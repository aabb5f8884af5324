//! `/v1/sessions`: the visitor's calls, and the business's server beginning a session for one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use buddy_core::id::{AgentId, SessionId};
use buddy_core::session::{OpenedBy, Session, Status};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::{Beginner, Visitor};
use crate::http::json::{NoQuery, OptionalJson, StrictJson, StrictQuery};
use crate::http::limit::ClientAddress;
use crate::http::openapi::{BeginProblems, IdentifyProblems, ReadProblems, WriteProblems};
use crate::http::problem::Problem;
use crate::http::wait::{WaitQuery, until_settled};
use crate::identify::Settling;
use crate::refusal::Refusal;
use crate::sessions::{Begin, Begun};

/// Where a session is begun.
pub(crate) const BEGIN_PATH: &str = "/v1/sessions";

/// What begins a session.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BeginBody {
    #[schema(value_type = String, example = "agt_01m8369hhaegds77e4cqx39jdm")]
    agent_id: AgentId,
    /// Identify at once (the default), or wait for the call.
    #[serde(default = "yes")]
    #[schema(default = true)]
    identify: bool,
}

fn yes() -> bool {
    true
}

/// Why a session has no user. `reason` is told to the agent's software only.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionError {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    message: &'static str,
}

impl SessionError {
    /// What a visitor's browser may know.
    fn for_visitor(session: &Session) -> Option<Self> {
        let code = session.failure?.code();
        Some(Self { code: code.as_str(), reason: None, message: code.visitor_message() })
    }

    /// What the agent's software is told.
    pub(super) fn for_agent(session: &Session) -> Option<Self> {
        let reason = session.failure?;
        Some(Self { code: reason.code().as_str(), reason: Some(reason.as_str()), message: reason.mend() })
    }
}

/// A session as its visitor sees it: never anything about the user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    session_id: String,
    agent_id: String,
    #[schema(value_type = SessionStatus)]
    status: &'static str,
    /// `identity_callback` where a callback was made.
    #[schema(required = true, pattern = "^identity_callback$")]
    method: Option<&'static str>,
    #[schema(required = true)]
    error: Option<SessionError>,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Where a session stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum SessionStatus {
    Created,
    Pending,
    Authenticated,
    Anonymous,
    Revoked,
}

impl SessionView {
    fn for_visitor(session: &Session) -> Self {
        Self::with_error(session, SessionError::for_visitor(session))
    }

    fn with_error(session: &Session, error: Option<SessionError>) -> Self {
        Self {
            session_id: session.id.to_string(),
            agent_id: session.agent_id.to_string(),
            status: session.status.as_str(),
            method: method(session),
            error,
            expires_at: rfc3339(session.expires_at),
        }
    }
}

/// How the session's identity was sought.
pub(super) fn method(session: &Session) -> Option<&'static str> {
    session.callback_made.then_some("identity_callback")
}

/// A new session, with the visitor's token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BegunView {
    /// Shown this once.
    session_token: String,
    #[serde(flatten)]
    session: SessionView,
}

/// Begin a session.
///
/// A stranger's browser needs no credential; the business's own server sends its API key. The session is on disk
/// before this is answered.
#[utoipa::path(post, operation_id = "beginSession", path = "/v1/sessions", tag = "visitor", params(WaitQuery), request_body = BeginBody,
    responses((status = 201, description = "Begun", body = BegunView), BeginProblems),
    security((), ("apiKey" = [])))]
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    beginner: Beginner,
    client: ClientAddress,
    Origins(origins): Origins,
    StrictQuery(query): StrictQuery<WaitQuery>,
    StrictJson(body): StrictJson<BeginBody>,
) -> Result<(StatusCode, Json<BegunView>), Problem> {
    let wait = query.checked()?;
    let opened_by = match beginner {
        Beginner::Server(agent_id) if agent_id == body.agent_id => OpenedBy::Server,
        Beginner::Server(_) => return Err(Problem::not_found("agent of this API key")),
        Beginner::Stranger => {
            app.limiter.check_client(&client)?;
            OpenedBy::Visitor
        }
    };
    let known = app.agents.known(body.agent_id).await?;
    if opened_by == OpenedBy::Visitor && !origins_good(&app, &origins, |origin| known.allows_origin(origin)) {
        return Err(Refusal::OriginNotAllowed.into());
    }
    if opened_by == OpenedBy::Visitor {
        app.limiter.check_agent(body.agent_id)?;
    }
    let begin = Begin { agent_id: body.agent_id, identify: body.identify, opened_by, waits: !wait.is_zero() };
    let Begun { session, token, settling } = app.sessions.begin(&known, &begin).await?;
    let session = match settling {
        Some(settling) if !wait.is_zero() => come_of(&app, session, settling, wait).await?,
        _ => session,
    };
    let error = match opened_by {
        OpenedBy::Visitor => SessionError::for_visitor(&session),
        OpenedBy::Server => SessionError::for_agent(&session),
    };
    let session = SessionView::with_error(&session, error);
    Ok((StatusCode::CREATED, Json(BegunView { session_token: token.expose().to_owned(), session })))
}

/// The `Origin` headers: one from a browser, none from elsewhere.
pub(crate) struct Origins(Vec<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Origins {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(ORIGIN).iter().cloned().collect()))
    }
}

/// A browser's `Origin` must be Buddy's own or one of the agent's; a caller that sends none is no browser page.
fn origins_good(app: &App, origins: &[HeaderValue], allows: impl Fn(&str) -> bool) -> bool {
    origins
        .iter()
        .all(|origin| origin.to_str().is_ok_and(|origin| origin == app.public_origin || allows(origin)))
}

/// What identifies a session.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifyBody {
    /// The business's proof that it has bound this session.
    ticket: Option<String>,
}

/// Identify a session.
///
/// Begins the callback, joins the one that runs, or answers what is settled; never a second callback.
#[utoipa::path(post, operation_id = "identifySession", path = "/v1/sessions/{sessionId}/identify", tag = "visitor",
    params(("sessionId" = String, Path), WaitQuery), request_body(content = Option<IdentifyBody>),
    responses((status = 200, description = "Settled", body = SessionView),
        (status = 202, description = "Still pending", body = SessionView), IdentifyProblems),
    security(("sessionToken" = [])))]
pub(crate) async fn identify(
    State(app): State<Arc<App>>,
    Visitor(session): Visitor,
    StrictQuery(query): StrictQuery<WaitQuery>,
    OptionalJson(body): OptionalJson<IdentifyBody>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    let wait = query.checked()?;
    let session = app.sessions.identify(session, body.ticket.as_deref()).await?;
    let session = waited(&app, session, wait).await?;
    let status = if session.status == Status::Pending { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(SessionView::for_visitor(&session))))
}

/// Read a session.
#[utoipa::path(get, operation_id = "readSession", path = "/v1/sessions/{sessionId}", tag = "visitor",
    params(("sessionId" = String, Path), WaitQuery),
    responses((status = 200, description = "The session", body = SessionView), ReadProblems),
    security(("sessionToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Visitor(session): Visitor,
    StrictQuery(query): StrictQuery<WaitQuery>,
) -> Result<Json<SessionView>, Problem> {
    let session = waited(&app, session, query.checked()?).await?;
    Ok(Json(SessionView::for_visitor(&session)))
}

/// A session of the same visitor, as the same browser tab has it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OtherSessionBody {
    #[schema(value_type = String, example = "sess_01h2xcejqtf2nbrexx3vqjhp41")]
    session_id: SessionId,
    session_token: String,
}

/// Whether two sessions are one user's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SameUserView {
    same_user: bool,
}

/// Compare a session's user with another's.
///
/// Whether both are authenticated sessions of one agent and one `userId`: so that a page that is loaded again goes on with
/// a conversation only for the user whose it was. Who that is, is not told. False where the other session has ended, was
/// revoked, or is not the token's.
#[utoipa::path(post, operation_id = "compareUsers", path = "/v1/sessions/{sessionId}/same-user", tag = "visitor",
    params(("sessionId" = String, Path)), request_body = OtherSessionBody,
    responses((status = 200, description = "The same user's, or not", body = SameUserView), WriteProblems),
    security(("sessionToken" = [])))]
pub(crate) async fn same_user(
    State(app): State<Arc<App>>,
    Visitor(session): Visitor,
    _: NoQuery,
    StrictJson(body): StrictJson<OtherSessionBody>,
) -> Result<Json<SameUserView>, Problem> {
    let same_user = app.sessions.is_same_user(&session, body.session_id, &body.session_token).await?;
    Ok(Json(SameUserView { same_user }))
}

/// The session that was just begun, as it is once settled, or after the wait.
async fn come_of(
    app: &App,
    session: Session,
    settling: Settling,
    wait: Duration,
) -> Result<Session, Problem> {
    let deadline = Instant::now() + wait;
    let told = timeout_at(deadline, app.sessions.settled(session.id, settling));
    let told = app.stopping.run_until_cancelled(told).await;
    match told {
        Some(Ok(Ok(Some(settled)))) => Ok(settled),
        Some(Ok(Err(refusal))) => Err(refusal.into()),
        // Revoked meanwhile, or the time is over: it is read, and so is on disk before it is answered.
        _ => {
            let session = app.sessions.session(session.id).await?;
            waited(app, session, deadline.saturating_duration_since(Instant::now())).await
        }
    }
}

/// The session as it is once settled, or after the wait.
async fn waited(app: &App, session: Session, wait: Duration) -> Result<Session, Problem> {
    if session.status.is_settled() || wait.is_zero() {
        return Ok(session);
    }
    until_settled(app, session.id, wait).await?;
    Ok(app.sessions.session(session.id).await?)
}
