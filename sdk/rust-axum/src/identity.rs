//! `POST /buddy/identity`.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use buddy_verify::{Answer, Refusal, User, VerifyError, identity};

use crate::clock::unix_now;
use crate::found::{Error, Found};
use crate::http::{broken_off, failure, plain, receive, response};

/// A handler for [`post`](axum::routing::post), made by [`identity_endpoint`].
pub struct IdentityEndpoint<F> {
    rules: Arc<identity::Endpoint>,
    user_of: Arc<F>,
    on_refused: Arc<dyn Fn(Refusal) + Send + Sync>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// The endpoint that Buddy asks who the user of a session is: 200 with the user, 204 for nobody, 401 to all others.
///
/// `secrets`: one, or two while a rotation is under way. `user_of` is given the session's id.
///
/// # Errors
/// [`VerifyError::NoSecret`] and [`VerifyError::BadSecret`], before any request comes.
pub fn identity_endpoint<S, F, Fut>(
    secrets: impl IntoIterator<Item = S>,
    user_of: F,
) -> Result<IdentityEndpoint<F>, VerifyError>
where
    S: Into<String>,
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Found<User>> + Send + 'static,
{
    Ok(IdentityEndpoint {
        rules: Arc::new(identity::Endpoint::new(secrets)?),
        user_of: Arc::new(user_of),
        on_refused: Arc::new(warn),
        clock: Arc::new(unix_now),
    })
}

impl<F> IdentityEndpoint<F> {
    /// The same for this agent's callbacks only, where several agents share a secret.
    #[must_use]
    pub fn for_agent(self, agent_id: impl Into<String>) -> Self {
        let rules = Arc::unwrap_or_clone(self.rules).for_agent(agent_id);
        Self { rules: Arc::new(rules), ..self }
    }

    /// What to do with each refusal instead of a warning in the log by `tracing`.
    #[must_use]
    pub fn on_refused(self, on_refused: impl Fn(Refusal) + Send + Sync + 'static) -> Self {
        Self { on_refused: Arc::new(on_refused), ..self }
    }

    /// A clock of your own instead of the system's, in unix seconds: for tests.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }
}

impl<F, Fut> IdentityEndpoint<F>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output: Found<User>>,
{
    async fn answer(&self, request: Request) -> Result<Answer, Error> {
        let Some((parts, body)) = receive(request).await? else { return Ok(broken_off()) };
        let callback = match self.rules.check(&plain(&parts, &body), (self.clock)()) {
            Ok(callback) => callback,
            Err(refusal) => {
                (self.on_refused)(refusal);
                return Ok(refusal.into());
            }
        };
        let user = (self.user_of)(callback.session_id).await.found()?;
        Ok(identity::answer(user.as_ref())?)
    }
}

impl<F, Fut, S> Handler<(), S> for IdentityEndpoint<F>
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Found<User>> + Send + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, _state: S) -> Self::Future {
        Box::pin(async move { self.answer(request).await.map_or_else(|error| failure(&error), response) })
    }
}

/// Not derived: that would ask `F` to be `Clone` too.
impl<F> Clone for IdentityEndpoint<F> {
    fn clone(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            user_of: self.user_of.clone(),
            on_refused: self.on_refused.clone(),
            clock: self.clock.clone(),
        }
    }
}

fn warn(refusal: Refusal) {
    tracing::warn!("buddy: refused a callback ({}): {refusal}", refusal.code());
}
