//! What can happen to a session, each played for real through the public API.

use std::error::Error;

use buddy_shop::endpoint::User;
use buddy_shop::{Manner, Shop, Visit};
use serde_json::{Value, json};

use super::client::Client;
use super::print::Printer;

/// Short, so that the slow endpoint does not try the patience of who watches; the default is 3,000.
const TIMEOUT_MS: u32 = 400;

/// One session and what becomes of it.
struct Scene {
    title: &'static str,
    endpoint: Endpoint,
    signed_in: bool,
}

enum Endpoint {
    Shop(Manner),
    /// Nothing listens there.
    Down,
}

const SCENES: [Scene; 5] = [
    Scene {
        title: "Ada is signed in to the shop",
        endpoint: Endpoint::Shop(Manner::Honest),
        signed_in: true,
    },
    Scene { title: "Nobody is signed in", endpoint: Endpoint::Shop(Manner::Honest), signed_in: false },
    Scene { title: "The endpoint is slow", endpoint: Endpoint::Shop(Manner::Slow), signed_in: true },
    Scene { title: "The endpoint is broken", endpoint: Endpoint::Shop(Manner::Broken), signed_in: true },
    Scene { title: "The endpoint is down", endpoint: Endpoint::Down, signed_in: true },
];

/// All that is to be told of one scene.
pub(super) struct Told {
    pub(super) url: String,
    pub(super) visits: Vec<Visit>,
    pub(super) resolution: Value,
    pub(super) identity: Value,
    pub(super) visitor: Value,
}

/// Plays every scene and prints each when it has ended.
pub(super) async fn play_all(
    client: &Client,
    shop: &Shop,
    admin_token: &str,
    secret: &str,
    printer: &Printer,
) -> Result<(), Box<dyn Error>> {
    let stage = Stage { client, shop, admin_token, secret };
    for (index, scene) in SCENES.iter().enumerate() {
        let told = stage.play(scene).await?;
        printer.scene(index + 1, scene.title, &told)?;
    }
    Ok(())
}

struct Stage<'a> {
    client: &'a Client,
    shop: &'a Shop,
    admin_token: &'a str,
    secret: &'a str,
}

impl Stage<'_> {
    async fn play(&self, scene: &Scene) -> Result<Told, Box<dyn Error>> {
        let url = self.url(&scene.endpoint)?;
        let (agent_id, api_key) = self.agent(scene.title, &url).await?;
        let seen_before = self.shop.visits().len();

        // The widget begins a session; the page has the shop bind it to whoever is signed in.
        let begin = json!({"agentId": agent_id, "identify": false});
        let session = self.client.call("POST", "/v1/sessions", None, Some(begin)).await?;
        let (session_id, token) = (text(&session, "sessionId"), text(&session, "sessionToken"));
        let ticket = if scene.signed_in { Some(self.shop.bind(session_id, ada())?) } else { None };

        let body = ticket.map_or_else(|| json!({}), |ticket| json!({"ticket": ticket}));
        let path = format!("/v1/sessions/{session_id}/identify?wait=5");
        let visitor = self.client.call("POST", &path, Some(token), Some(body)).await?;
        let path = format!("/v1/sessions/{session_id}/identity");
        let identity = self.client.call("GET", &path, Some(&api_key), None).await?;
        let resolutions = format!("/v1/agents/{agent_id}/resolutions?sessionId={session_id}");
        let mut resolutions = self.operator("GET", &resolutions, None).await?;
        Ok(Told {
            url,
            visits: self.shop.visits().split_off(seen_before),
            resolution: resolutions["resolutions"][0].take(),
            identity,
            visitor,
        })
    }

    fn url(&self, endpoint: &Endpoint) -> Result<String, Box<dyn Error>> {
        match endpoint {
            Endpoint::Shop(manner) => Ok(self.shop.url(*manner)),
            Endpoint::Down => {
                // A port that was free a moment ago, and that nobody listens on now.
                let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                Ok(format!("https://localhost:{port}/buddy/identity"))
            }
        }
    }

    async fn agent(&self, name: &str, url: &str) -> Result<(String, String), Box<dyn Error>> {
        let new = json!({"name": name, "allowedOrigins": []});
        let agent = self.operator("POST", "/v1/agents", Some(new)).await?;
        let agent_id = text(&agent, "agentId").to_owned();
        let callback = json!({"url": url, "secret": self.secret, "timeoutMs": TIMEOUT_MS});
        self.operator("PUT", &format!("/v1/agents/{agent_id}/callback"), Some(callback)).await?;
        let key = self.operator("POST", &format!("/v1/agents/{agent_id}/api-keys"), None).await?;
        Ok((agent_id, text(&key, "key").to_owned()))
    }

    async fn operator(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Box<dyn Error>> {
        self.client.call(method, path, Some(self.admin_token), body).await
    }
}

fn ada() -> User {
    User {
        user_id: "1815".into(),
        email: "ada@shop.example".into(),
        role: "customer".into(),
        custom_attributes: json!({"plan": "gold", "orders": 36}),
    }
}

/// A member that is a text, or nothing.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}
