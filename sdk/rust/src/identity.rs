//! The identity endpoint: Buddy asks who the user of a session is.

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::request::{BODY_BYTES_MAX, Request};
use crate::secret::Secret;
use crate::user::{BadUser, User};
use crate::verify::{Callback, VerifyError, verify_with};

/// The rules of `POST /buddy/identity`: [`check`](Self::check) the request, look the session's user up, [`answer`].
#[derive(Clone, Debug)]
pub struct Endpoint {
    secrets: Vec<Secret>,
    agent_id: Option<String>,
}

impl Endpoint {
    /// An endpoint that takes what any of these secrets signed: one, or two while a rotation is under way.
    ///
    /// # Errors
    /// [`VerifyError::NoSecret`] and [`VerifyError::BadSecret`], before any request comes.
    pub fn new<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, VerifyError> {
        let secrets: Vec<_> =
            secrets.into_iter().map(|secret| Secret::new(secret.into())).collect::<Result<_, _>>()?;
        if secrets.is_empty() { Err(VerifyError::NoSecret) } else { Ok(Self { secrets, agent_id: None }) }
    }

    /// The same for this agent's callbacks only, where several agents share a secret.
    #[must_use]
    pub fn for_agent(self, agent_id: impl Into<String>) -> Self {
        Self { agent_id: Some(agent_id.into()), ..self }
    }

    /// Whether this is Buddy's, at this time in unix seconds.
    ///
    /// # Errors
    /// The first reason to refuse it: answer with that, and write it to the log.
    pub fn check(&self, request: &Request<'_>, now_unix_seconds: i64) -> Result<Callback, Refusal> {
        if request.method != "POST" {
            return Err(Refusal::MethodNotAllowed);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let signature = request.header("X-Platform-Signature");
        let callback = verify_with(request.body, signature.as_deref(), &self.secrets, now_unix_seconds)?;
        match &self.agent_id {
            Some(agent_id) => Ok(callback.for_agent(agent_id)?),
            None => Ok(callback),
        }
    }
}

/// The answer to a callback that was checked: 200 with the user, or 204.
///
/// # Errors
/// Buddy would not take this user: log it, and answer [`Answer::failed`].
pub fn answer(user: Option<&User>) -> Result<Answer, BadUser> {
    let Some(user) = user else { return Ok(Answer::nobody()) };
    user.check()?;
    Ok(Answer::json(user))
}
