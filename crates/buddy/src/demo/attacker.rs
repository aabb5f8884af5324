//! Another site, open in the same browser: it begins a session of its own and tries to have it taken for the visitor's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use buddy_shop::Claimed;
use buddy_shop::endpoint::Outcome;
use buddy_shop::guard::own_pages_only;
use buddy_shop::pages::SESSION_PATH;
use serde::Deserialize;
use serde_json::json;

use super::client::text;
use super::trace::{Settled, Step};
use super::{Agent, Backstage, Failure};

const PAGE: &str = include_str!("attacker/attack.html");
const STYLE: &str = include_str!("attacker/attack.css");
const SCRIPT: &str = include_str!("attacker/attack.js");

/// Sessions of the attacker's that may still go on.
const SESSIONS_KEPT: usize = 20;

/// The other site.
pub(super) struct Attacker {
    backstage: Arc<Backstage>,
    agent: Arc<Agent>,
    /// The shop's origin, which is the stage's too.
    shop: String,
    /// Its sessions and their tokens.
    sessions: Mutex<VecDeque<(String, String)>>,
}

/// A way in which a page can make the browser ask another site.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    Text,
    Json,
    Form,
}

impl Way {
    fn does(self) -> &'static str {
        match self {
            Self::Text => {
                "Its page makes the browser POST that session to the shop as plain text (fetch, no-cors)"
            }
            Self::Json => "Its page tries again as JSON (fetch, cors)",
            Self::Form => "Its page sends a form to the shop, in a hidden frame",
        }
    }
}

/// What the page has seen.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tried {
    session_id: String,
    way: Way,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    session_id: String,
}

impl Attacker {
    pub(super) fn new(backstage: Arc<Backstage>, agent: Arc<Agent>, shop: String) -> Self {
        Self { backstage, agent, shop, sessions: Mutex::default() }
    }

    /// Its pages, to be served at an origin of their own.
    pub(super) fn router(self) -> Router {
        let told = Router::new()
            .route("/tried", post(tried))
            .route("/identify", post(identify))
            .layer(from_fn(own_pages_only));
        Router::new()
            .route("/", get(page))
            .route("/attack.css", get(([(CONTENT_TYPE, "text/css")], STYLE)))
            .route("/attack.js", get(([(CONTENT_TYPE, "text/javascript")], SCRIPT)))
            .merge(told)
            .with_state(Arc::new(self))
    }

    /// From its own server, so that no browser says whose page asks.
    async fn begin(&self) -> Result<String, Failure> {
        let begin = json!({"agentId": self.agent.id, "identify": false});
        let session = self.backstage.client.call("POST", "/v1/sessions", None, Some(begin)).await?;
        let (id, token) = (text(&session, "sessionId").to_owned(), text(&session, "sessionToken").to_owned());
        let step = Step {
            does: "Its server begins a session with Buddy",
            refused_by: None,
            outcome: "Anybody may. A session grants nothing.".to_owned(),
        };
        self.backstage.board.attack_begun(&id, &self.agent.id, step);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() == SESSIONS_KEPT {
            sessions.pop_front();
        }
        sessions.push_back((id.clone(), token));
        Ok(id)
    }

    fn token(&self, session_id: &str) -> Option<String> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().find(|(id, _)| id == session_id).map(|(_, token)| token.clone())
    }

    /// With a ticket that it has made up, then without one.
    async fn identify(&self, session_id: &str, token: &str) -> Result<(), Failure> {
        let Backstage { client, board, .. } = &*self.backstage;
        let path = format!("/v1/sessions/{session_id}/identify?wait=5");
        let made_up = json!({"ticket": "0".repeat(64)});
        let (status, problem) = client.ask("POST", &path, Some(token), Some(made_up)).await?;
        board.attack_goes_on(
            session_id,
            Step {
                does: "Its server makes up a ticket",
                refused_by: (!status.is_success()).then_some("Buddy"),
                outcome: format!("{} {}", status.as_u16(), text(&problem, "code")),
            },
        );
        client.call("POST", &path, Some(token), Some(json!({}))).await?;
        let Some(identity) = self.backstage.identity(&self.agent, session_id).await? else { return Ok(()) };
        let resolution = self.backstage.resolution(&self.agent.id, session_id).await?;
        let is_nobody = text(&identity, "status") == "anonymous";
        let is_asked = resolution["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty());
        let asked = if is_asked { "the shop was asked" } else { "the shop was not even asked" };
        board.attack_goes_on(
            session_id,
            Step {
                does: "Its server goes on without a ticket",
                refused_by: is_nobody.then_some("Buddy"),
                outcome: format!("{}: {asked}.", text(&identity, "status")),
            },
        );
        let steps = board.look(session_id, |trace| trace.attack.clone()).flatten().unwrap_or_default();
        self.backstage.printer.attack(session_id, &steps)?;
        board.settled(session_id, Settled { identity, resolution });
        Ok(())
    }
}

async fn page(State(attacker): State<Arc<Attacker>>) -> Result<Response, StatusCode> {
    let session_id = attacker.begin().await.map_err(|failure| attacker.backstage.failed(&failure))?;
    let shop = &attacker.shop;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {shop}; form-action {shop}; \
         frame-src {shop}; base-uri 'none'; frame-ancestors {shop}"
    );
    let page = PAGE
        .replace("{session}", &session_id)
        .replace("{agent}", &attacker.agent.id)
        .replace("{target}", &format!("{shop}{SESSION_PATH}"));
    let headers = [(CONTENT_SECURITY_POLICY, policy.as_str()), (CACHE_CONTROL, "no-store")];
    Ok((headers, Html(page)).into_response())
}

/// The page has tried one way. What the shop made of it, the shop itself has told.
async fn tried(State(attacker): State<Arc<Attacker>>, Json(tried): Json<Tried>) -> StatusCode {
    let Tried { session_id, way } = tried;
    if attacker.token(&session_id).is_none() {
        return StatusCode::NOT_FOUND;
    }
    let board = &attacker.backstage.board;
    board.attack_tried(&session_id, |claimed| outcome(way, claimed));
    StatusCode::NO_CONTENT
}

async fn identify(State(attacker): State<Arc<Attacker>>, Json(named): Json<Named>) -> StatusCode {
    let Some(token) = attacker.token(&named.session_id) else { return StatusCode::NOT_FOUND };
    match attacker.identify(&named.session_id, &token).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(failure) => attacker.backstage.failed(&failure),
    }
}

/// `claimed`: what came to the shop.
fn outcome(way: Way, claimed: Option<Claimed>) -> Step {
    let does = way.does();
    let Some(claimed) = claimed else {
        let outcome =
            "The browser asked the shop first, and was not told that it may: the POST was never sent.";
        return Step { does, refused_by: Some("the browser"), outcome: outcome.to_owned() };
    };
    let cookie =
        if claimed.with_cookie { "with the shop's cookie" } else { "without the shop's cookie (SameSite)" };
    match claimed.outcome {
        Outcome::Refused(refusal) => Step {
            does,
            refused_by: Some("the shop"),
            outcome: format!("{} {}. It came {cookie}.", refusal.status(), refusal.code()),
        },
        Outcome::Nobody => Step {
            does,
            refused_by: Some("the shop"),
            outcome: format!("204: nobody is signed in. It came {cookie}."),
        },
        Outcome::Bound(_) => {
            Step { does, refused_by: None, outcome: format!("The shop has bound it: it came {cookie}.") }
        }
    }
}
