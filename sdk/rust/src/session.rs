//! The session endpoint: your page says which session it has begun, your cookie says whose it is.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::request::{BODY_BYTES_MAX, Request};
use crate::secret::Secret;
use crate::ticket::ticket;
use crate::verify::VerifyError;

/// The rules of `POST /buddy/session`: [`check`](Self::check) the request, see who is signed in, bind the session to them in
/// your store, and answer what the [`Claim`] makes of it; or [`Answer::nobody`].
#[derive(Clone, Debug)]
pub struct Endpoint {
    secret: Secret,
    agent_id: Option<String>,
}

/// A session that somebody says is theirs: no ticket before the store agrees.
#[derive(Clone)]
pub struct Claim {
    session_id: String,
    ticket: String,
}

impl Endpoint {
    /// An endpoint that makes tickets with this secret: of two the current one.
    ///
    /// # Errors
    /// [`VerifyError::BadSecret`], before any request comes.
    pub fn new(secret: impl Into<String>) -> Result<Self, VerifyError> {
        Ok(Self { secret: Secret::new(secret.into())?, agent_id: None })
    }

    /// The same for this agent's sessions only.
    #[must_use]
    pub fn for_agent(self, agent_id: impl Into<String>) -> Self {
        Self { agent_id: Some(agent_id.into()), ..self }
    }

    /// Whether a page of this site asks, and about which session.
    ///
    /// # Errors
    /// The first reason to refuse it: answer with that.
    pub fn check(&self, request: &Request<'_>) -> Result<Claim, Refusal> {
        if request.method != "POST" {
            return Err(Refusal::MethodNotAllowed);
        }
        if !is_own_page(request) {
            return Err(Refusal::CrossSite);
        }
        if !request.header("Content-Type").is_some_and(|value| is_json(&value)) {
            return Err(Refusal::UnsupportedMediaType);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let body: Value = serde_json::from_slice(request.body).map_err(|_| Refusal::BodyNotJson)?;
        let (session_id, agent_id) = body.as_object().and_then(members).ok_or(Refusal::BodyIncomplete)?;
        let claim = self.claim(session_id)?;
        if self.agent_id.as_ref().is_some_and(|served| served != agent_id) {
            return Err(Refusal::WrongAgent);
        }
        Ok(claim)
    }

    /// The claim of a session whose id came another way than in a POST of JSON. That no other site's page asks, or reads the
    /// ticket, is then for you to see to.
    ///
    /// # Errors
    /// [`Refusal::BadSessionId`].
    pub fn claim(&self, session_id: &str) -> Result<Claim, Refusal> {
        let ticket = ticket(self.secret.as_ref(), session_id)?;
        Ok(Claim { session_id: session_id.to_owned(), ticket })
    }
}

impl Claim {
    /// The session.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The ticket, if the session is that user's now, as [`BindingStore::bind`](crate::BindingStore::bind) says.
    ///
    /// # Errors
    /// [`Refusal::SessionTaken`]. Whoever lures a user into binding a foreign session, and asks for a ticket himself, gets none:
    /// with one he would be taken for that user.
    pub fn ticket(self, is_bound: bool) -> Result<String, Refusal> {
        if is_bound { Ok(self.ticket) } else { Err(Refusal::SessionTaken) }
    }

    /// The answer: the ticket or the refusal.
    pub fn answer(self, is_bound: bool) -> Answer {
        match self.ticket(is_bound) {
            Ok(ticket) => Answer::json(&json!({"ticket": ticket})),
            Err(refusal) => refusal.into(),
        }
    }
}

/// Without the ticket.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

/// Whether a page of this host asks, as its browser says in headers that no page can change. Every browser of today sends one.
fn is_own_page(request: &Request<'_>) -> bool {
    match (request.header("Sec-Fetch-Site"), request.header("Origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => request.header("Host").is_some_and(|host| is_of_host(&origin, &host)),
        (None, None) => true,
    }
}

/// Whether an origin is of this host and port. The scheme may differ: TLS may end at a proxy.
fn is_of_host(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

/// Members that are not known are passed over: a later version may add some.
fn members(body: &Map<String, Value>) -> Option<(&str, &str)> {
    Some((body.get("sessionId")?.as_str()?, body.get("agentId")?.as_str()?))
}
