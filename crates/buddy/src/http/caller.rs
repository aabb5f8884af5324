//! Who calls: a visitor, an agent's software, the operator. A handler takes the caller it is for as an argument.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::secret::{TokenHash, TokenKind};
use buddy_core::session::Session;

use super::json::Ids;
use super::limit::ClientAddress;
use super::problem::Problem;
use crate::app::App;
use crate::audit::By;
use crate::traces;

/// A visitor, with the session that the token is for.
pub(crate) struct Visitor(pub(crate) Session);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts, TokenKind::Session)?.to_owned();
        let Ids(id) = Ids::<SessionId>::from_request_parts(parts, app).await?;
        let session = app.sessions.of_visitor(id, &token).await?;
        session.map(Self).ok_or_else(|| {
            Problem::unauthenticated(
                "The token is not this session's; send the sessionToken that came with its sessionId.",
            )
        })
    }
}

/// The software of this agent, by one of its keys.
pub(crate) struct AgentSoftware {
    pub(crate) agent_id: AgentId,
    pub(crate) key: TokenHash,
}

impl FromRequestParts<Arc<App>> for AgentSoftware {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts, TokenKind::ApiKey)?;
        let key = app.api_keys.presented(token).await?;
        key.map(|key| Self { agent_id: key.agent_id, key: TokenHash::of(token) }).ok_or_else(|| {
            Problem::unauthenticated(
                "The API key is not known; make one with POST /v1/agents/{agentId}/api-keys.",
            )
        })
    }
}

/// Whoever begins a session: a stranger's browser, or the agent's software with its key.
pub(crate) enum Beginner {
    Stranger,
    Server(AgentId),
}

impl FromRequestParts<Arc<App>> for Beginner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(Self::Stranger);
        }
        let AgentSoftware { agent_id, .. } = AgentSoftware::from_request_parts(parts, app).await?;
        traces::called_by_software();
        Ok(Self::Server(agent_id))
    }
}

/// One side of a conversation, with the session that it is of.
pub(crate) enum Party {
    Visitor(Session),
    Agent(Session),
}

impl FromRequestParts<Arc<App>> for Party {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let either = || {
            Problem::unauthenticated(
                "This call takes a session token or an agent's API key: send Authorization: Bearer bst_… or bpk_….",
            )
        };
        let token = any_bearer(parts).map_err(|_| either())?;
        if token.starts_with(TokenKind::Session.prefix()) {
            let Visitor(session) = Visitor::from_request_parts(parts, app).await?;
            Ok(Self::Visitor(session))
        } else if token.starts_with(TokenKind::ApiKey.prefix()) {
            let AgentSoftware { agent_id, .. } = AgentSoftware::from_request_parts(parts, app).await?;
            let Ids(id) = Ids::<SessionId>::from_request_parts(parts, app).await?;
            Ok(Self::Agent(app.sessions.of_agent(agent_id, id).await?))
        } else {
            Err(either())
        }
    }
}

/// The operator, and from where.
pub(crate) struct Operator(pub(crate) By);

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        // The operator may have set a token of another form than those made here.
        let token = any_bearer(parts)?.to_owned();
        if app.admin_token.matches(&TokenHash::of(&token)) {
            let client = ClientAddress::from_request_parts(parts, app).await?;
            return Ok(Self(By::admin(client.ip())));
        }
        Err(expected(TokenKind::Admin, &token))
    }
}

fn bearer(parts: &Parts, kind: TokenKind) -> Result<&str, Problem> {
    let token = any_bearer(parts).map_err(|_| missing(kind))?;
    if token.starts_with(kind.prefix()) { Ok(token) } else { Err(expected(kind, token)) }
}

/// RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
fn any_bearer(parts: &Parts) -> Result<&str, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing(TokenKind::Admin)) };
    let text = value.to_str().map_err(|_| missing(TokenKind::Admin))?;
    let (scheme, token) = text.split_once(' ').ok_or_else(|| missing(TokenKind::Admin))?;
    let token = token.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(missing(TokenKind::Admin))
    }
}

fn missing(kind: TokenKind) -> Problem {
    let (name, prefix) = (name(kind), kind.prefix());
    Problem::unauthenticated(format!("This call takes {name}: send Authorization: Bearer {prefix}…"))
}

fn expected(kind: TokenKind, sent: &str) -> Problem {
    let kinds = [TokenKind::Session, TokenKind::ApiKey, TokenKind::Admin];
    match kinds.into_iter().find(|other| *other != kind && sent.starts_with(other.prefix())) {
        Some(other) => Problem::unauthenticated(format!(
            "This call takes {} ({}…), and {} was sent.",
            name(kind),
            kind.prefix(),
            name(other)
        )),
        None => Problem::unauthenticated(format!("The token is not {} that is known here.", name(kind))),
    }
}

fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Session => "a session token",
        TokenKind::ApiKey => "an agent's API key",
        TokenKind::Admin => "the admin token",
    }
}
