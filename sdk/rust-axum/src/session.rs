//! `POST /buddy/session`.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::response::Response;
use buddy_verify::{Answer, VerifyError, session};

use crate::found::{Error, Found};
use crate::http::{broken_off, failure, plain, receive, response};
use crate::store::AsyncBindingStore;

/// A handler for [`post`](axum::routing::post), made by [`session_endpoint`].
pub struct SessionEndpoint<B, F> {
    rules: Arc<session::Endpoint>,
    store: Arc<B>,
    signed_in: Arc<F>,
}

/// The endpoint that your page asks to bind its session to the user who is signed in: 200 with the ticket, 204 for nobody, or a
/// refusal.
///
/// `secret`: of two, the current one. `signed_in` is given all of the request but its body, and gives the user's id.
///
/// # Errors
/// [`VerifyError::BadSecret`], before any request comes.
pub fn session_endpoint<B, F, Fut>(
    secret: impl Into<String>,
    store: B,
    signed_in: F,
) -> Result<SessionEndpoint<B, F>, VerifyError>
where
    B: AsyncBindingStore,
    F: Fn(Parts) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Found<String>> + Send + 'static,
{
    let rules = Arc::new(session::Endpoint::new(secret)?);
    Ok(SessionEndpoint { rules, store: Arc::new(store), signed_in: Arc::new(signed_in) })
}

impl<B, F> SessionEndpoint<B, F> {
    /// The same for this agent's sessions only.
    #[must_use]
    pub fn for_agent(self, agent_id: impl Into<String>) -> Self {
        let rules = Arc::unwrap_or_clone(self.rules).for_agent(agent_id);
        Self { rules: Arc::new(rules), ..self }
    }
}

impl<B, F, Fut> SessionEndpoint<B, F>
where
    B: AsyncBindingStore,
    F: Fn(Parts) -> Fut,
    Fut: Future<Output: Found<String>>,
{
    async fn answer(&self, request: Request) -> Result<Answer, Error> {
        let Some((parts, body)) = receive(request).await? else { return Ok(broken_off()) };
        let claim = match self.rules.check(&plain(&parts, &body)) {
            Ok(claim) => claim,
            Err(refusal) => return Ok(refusal.into()),
        };
        let Some(user_id) = (self.signed_in)(parts).await.found()? else { return Ok(Answer::nobody()) };
        let is_bound = self.store.bind(claim.session_id(), &user_id).await.map_err(Into::into)?;
        Ok(claim.answer(is_bound))
    }
}

impl<B, F, Fut, S> Handler<(), S> for SessionEndpoint<B, F>
where
    B: AsyncBindingStore,
    F: Fn(Parts) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: Found<String>> + Send + 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, _state: S) -> Self::Future {
        Box::pin(async move { self.answer(request).await.map_or_else(|error| failure(&error), response) })
    }
}

/// Not derived: that would ask `B` and `F` to be `Clone` too.
impl<B, F> Clone for SessionEndpoint<B, F> {
    fn clone(&self) -> Self {
        Self { rules: self.rules.clone(), store: self.store.clone(), signed_in: self.signed_in.clone() }
    }
}
