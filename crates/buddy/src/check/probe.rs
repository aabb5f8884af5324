//! One request of the check, as a callback would be sent, and what was said to it.

use std::time::Duration;

use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::callback::request::body;
use buddy_core::callback::signature::sign;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::identity::Identity;
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::Warning;
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;
use buddy_egress::{Egress, Exchange, Pool, Target};
use jiff::fmt::rfc2822;
use tokio::time::Instant;

use crate::ambient::Ambient;
use crate::identify::request::{Sending, compose};

/// A request to be tried.
pub(super) struct Probe {
    pub(super) body: String,
    pub(super) signature: Option<String>,
}

/// What an endpoint says to a request.
pub(super) enum Said {
    User(Identity, Vec<Warning>),
    Nobody,
    /// 401 or 403.
    Refused(u16),
    /// Any other status that is neither 2xx nor 3xx.
    Status(u16),
    /// A 2xx that identifies nobody.
    Unusable(u16, Reason),
    Redirect(u16),
    NoAnswer(Reason),
}

impl Said {
    /// It took the request for Buddy's.
    pub(super) fn accepted(&self) -> bool {
        matches!(self, Self::User(..) | Self::Nobody | Self::Unusable(..))
    }

    pub(super) fn timed_out(&self) -> bool {
        matches!(self, Self::NoAnswer(reason) if reason.code() == Code::Timeout)
    }

    /// Why nobody is identified by it, if something is wrong.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::User(..) | Self::Nobody => None,
            Self::Refused(_) | Self::Status(_) => Some(Reason::HttpStatus),
            Self::Redirect(_) => Some(Reason::Redirect),
            Self::Unusable(_, reason) | Self::NoAnswer(reason) => Some(*reason),
        }
    }

    /// What was seen, to stand after "was" or "It was".
    pub(super) fn seen(&self) -> String {
        match self {
            Self::User(identity, _) => format!("answered 200 with a usable identity ({})", shape(identity)),
            Self::Nobody => "answered 204, nobody is signed in".into(),
            Self::Refused(status) | Self::Status(status) => format!("answered {status}"),
            Self::Redirect(status) => format!("answered {status}, a redirect"),
            Self::Unusable(status, reason) => {
                format!("answered {status}, and the answer cannot be used: {reason}")
            }
            Self::NoAnswer(reason) => format!("not answered: {reason}"),
        }
    }
}

/// Which members there are, and nothing of what they say.
fn shape(identity: &Identity) -> String {
    let members = [
        Some("userId"),
        identity.email().map(|_| "email"),
        identity.role().map(|_| "role"),
        identity.custom_attributes().map(|_| "customAttributes"),
    ];
    members.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A request's answer and its times.
pub(super) struct Reply {
    pub(super) said: Said,
    pub(super) took: Duration,
    pub(super) reused_connection: bool,
    /// How far the endpoint's clock is ahead, in seconds, if it told the time.
    pub(super) ahead_seconds: Option<i64>,
}

/// Whom to ask and how.
pub(super) struct Prober<'a> {
    pub(super) egress: &'a Egress,
    pub(super) ambient: &'a Ambient,
    pub(super) pool: Pool,
    pub(super) target: Target,
    pub(super) timeout: Duration,
    pub(super) agent_id: AgentId,
}

impl Prober<'_> {
    /// A session id that no endpoint can know.
    pub(super) fn unknown_session(&self) -> SessionId {
        self.ambient.id()
    }

    pub(super) fn now(&self) -> UnixMillis {
        self.ambient.now()
    }

    /// The body of a callback about this session.
    pub(super) fn body(&self, session_id: SessionId, at: UnixMillis) -> String {
        body(session_id, self.agent_id, at)
    }

    /// Asks about a session as Buddy would.
    pub(super) async fn ask(&self, session_id: SessionId, secret: &CallbackSecret) -> Reply {
        self.ask_with(self.body(session_id, self.now()), secret).await
    }

    /// Sends a body that is rightly signed.
    pub(super) async fn ask_with(&self, body: String, secret: &CallbackSecret) -> Reply {
        let signature = Some(sign(secret, body.as_bytes()));
        self.send(Probe { body, signature }).await
    }

    pub(super) async fn send(&self, probe: Probe) -> Reply {
        let begun = Instant::now();
        let Probe { body, signature } = probe;
        let sending = Sending { body, signature, id: self.ambient.id(), number: 1, traceparent: None };
        let request = compose(sending, self.ambient);
        let exchange = self.egress.exchange(&self.pool, &self.target, request, begun + self.timeout).await;
        Reply {
            took: begun.elapsed(),
            reused_connection: exchange.reused_connection,
            ahead_seconds: self.ahead(&exchange),
            said: said(&exchange),
        }
    }

    fn ahead(&self, exchange: &Exchange) -> Option<i64> {
        let date = exchange.result.as_ref().ok()?.date.as_deref()?;
        let told = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
        Some(told.as_second() - self.now().seconds())
    }
}

fn said(exchange: &Exchange) -> Said {
    let answer = match &exchange.result {
        Ok(answer) => answer,
        Err(reason) => {
            return match exchange.status {
                // The head of a 2xx came, and then too much of a body.
                Some(status) if reason.code() == Code::BadResponse => Said::Unusable(status, *reason),
                _ => Said::NoAnswer(*reason),
            };
        }
    };
    let status = answer.status;
    let content_encoding = answer.content_encoding.as_deref();
    match judge(&Answer { status, content_encoding, body: &answer.body }) {
        Verdict::Authenticated { identity, warnings } => Said::User(identity, warnings),
        Verdict::Nobody => Said::Nobody,
        Verdict::Failed(Reason::Redirect) => Said::Redirect(status),
        Verdict::Failed(Reason::HttpStatus) if matches!(status, 401 | 403) => Said::Refused(status),
        Verdict::Failed(Reason::HttpStatus) => Said::Status(status),
        Verdict::Failed(reason) => Said::Unusable(status, reason),
    }
}
