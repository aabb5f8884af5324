//! What the tests stand on: a running server, a client that holds every answer against the OpenAPI document, and
//! endpoints behind real TLS.

mod agent;
mod api;
mod balancer;
mod demo;
mod endpoint;
mod example;
mod express;
mod model;
mod openapi;
mod place;
mod receiver;
mod relay;
mod scrape;
mod server;
mod stream;
mod tail;

pub(crate) use agent::{MODEL, MODEL_KEY, RunningAgent};
pub(crate) use api::{Api, Reply};
pub(crate) use balancer::Balancer;
pub(crate) use demo::{Browser, Demo};
pub(crate) use endpoint::{Answer, Endpoint, Seen};
pub(crate) use example::Example;
pub(crate) use express::Express;
pub(crate) use model::{Model, Says};
pub(crate) use openapi::GOLDEN;
pub(crate) use receiver::{Post, Receiver, Takes, Told};
pub(crate) use relay::Relay;
pub(crate) use server::{ADMIN_TOKEN, Buddy, Setup};
pub(crate) use stream::{Event, Stream};
pub(crate) use tail::RunningTail;

use serde_json::{Value, json};

/// The clock of an endpoint that the tests play.
#[expect(clippy::disallowed_methods, reason = "a customer's endpoint reads its own clock")]
pub(crate) fn unix_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An agent with a callback and a key, ready for sessions.
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Agent {
    pub(crate) fn path(&self) -> String {
        format!("/v1/agents/{}", self.id)
    }

    /// The business's proof that it has bound the session.
    pub(crate) fn ticket(&self, session: &Session) -> String {
        buddy_verify::ticket(&self.secret, &session.id).expect("a session id")
    }
}

impl Buddy {
    /// An agent whose endpoint is at `url`; `callback` has further members of its settings.
    pub(crate) async fn agent(&self, url: &str, callback: Value) -> Agent {
        let agent = self.bare_agent().await;
        let mut settings = json!({"url": url, "secret": agent.secret});
        for (name, value) in callback.as_object().expect("an object of settings") {
            settings[name] = value.clone();
        }
        let path = format!("/v1/agents/{}/callback", agent.id);
        self.operator("PUT", &path, Some(settings)).await.expect_status(200);
        agent
    }

    /// An agent without a callback.
    pub(crate) async fn bare_agent(&self) -> Agent {
        let new = json!({"name": "Test", "allowedOrigins": ["https://shop.example"]});
        let id = self.operator("POST", "/v1/agents", Some(new)).await.expect_status(201).text("agentId");
        let keys = format!("/v1/agents/{id}/api-keys");
        let key = self.operator("POST", &keys, Some(json!({}))).await.expect_status(201).text("key");
        Agent { id, key, secret: "test-secret-0123456789".to_owned() }
    }

    /// Begins a session as a visitor and waits for its end.
    pub(crate) async fn session(&self, agent: &Agent) -> Session {
        let body = json!({"agentId": agent.id});
        let begun = self.api.call("POST", "/v1/sessions?wait=30", None, Some(body)).await.expect_status(201);
        Session::of(begun)
    }

    /// Begins a session as a visitor, to be identified later.
    pub(crate) async fn session_to_identify(&self, agent: &Agent) -> Session {
        let body = json!({"agentId": agent.id, "identify": false});
        Session::of(self.api.call("POST", "/v1/sessions", None, Some(body)).await.expect_status(201))
    }

    /// What the agent's software is told of the session.
    pub(crate) async fn identity(&self, agent: &Agent, session: &Session) -> Value {
        let path = format!("/v1/sessions/{}/identity?wait=30", session.id);
        self.api.call("GET", &path, Some(&agent.key), None).await.expect_status(200).json
    }

    /// The session's only resolution.
    pub(crate) async fn resolution(&self, agent: &Agent, session: &Session) -> Value {
        let path = format!("/v1/agents/{}/resolutions?sessionId={}", agent.id, session.id);
        let page = self.operator("GET", &path, None).await.expect_status(200).json;
        let resolutions = page["resolutions"].as_array().expect("a list");
        assert_eq!(resolutions.len(), 1, "{page}");
        resolutions[0].clone()
    }

    /// A call with the session's token; `call` is what follows the session's path.
    pub(crate) async fn visitor(
        &self,
        method: &str,
        session: &Session,
        call: &str,
        body: Option<Value>,
    ) -> Reply {
        self.api.call(method, &(session.path() + call), Some(&session.token), body).await
    }

    /// A call with the agent's API key.
    pub(crate) async fn software(
        &self,
        method: &str,
        agent: &Agent,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        self.api.call(method, path, Some(&agent.key), body).await
    }

    pub(crate) async fn operator(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.api.call(method, path, Some(ADMIN_TOKEN), body).await
    }
}

/// A session as its visitor has it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) view: Value,
}

impl Session {
    pub(crate) fn of(begun: Reply) -> Self {
        Self { id: begun.text("sessionId"), token: begun.text("sessionToken"), view: begun.json }
    }

    pub(crate) fn path(&self) -> String {
        format!("/v1/sessions/{}", self.id)
    }
}
