//! What is written first in Rust: axum, and reqwest with its client as it comes. Nothing is stored.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use buddy_bench_peers::{Failure, agents, callback, listen};
use clap::Parser;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Certificate, Client};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

/// The time of one attempt, as Buddy's is unless set.
const TIMEOUT: Duration = Duration::from_secs(3);
/// One attempt, and one more.
const ATTEMPTS: usize = 2;

#[derive(Parser)]
struct Options {
    /// A JSON object: each agent's callback by its id
    #[arg(long)]
    agents: PathBuf,
    /// Whom to trust, in PEM
    #[arg(long)]
    ca: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin {
    agent_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    user_id: String,
    email: Option<String>,
    role: Option<String>,
    custom_attributes: Option<HashMap<String, Value>>,
}

struct App {
    client: Client,
    agents: HashMap<String, String>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let ca = Certificate::from_pem(&std::fs::read(&options.ca)?)?;
    let client = Client::builder().add_root_certificate(ca).build()?;
    let app = App { client, agents: agents::read(&options.agents)? };
    let router = Router::new().route("/v1/sessions", post(begin)).with_state(Arc::new(app));
    Ok(axum::serve(listen::announced("http").await?, router).await?)
}

async fn begin(State(app): State<Arc<App>>, Json(begin): Json<Begin>) -> Json<Value> {
    let mut random = [0; 12];
    aws_lc_rs::rand::fill(&mut random).expect("the system gives random bytes");
    let session_id = format!("sess_{}", hex::encode(random));
    let mut identity = None;
    if let Some(url) = app.agents.get(&begin.agent_id) {
        let body = callback::body(&session_id, &begin.agent_id, callback::unix_millis() / 1_000);
        let mut mac = Hmac::<Sha256>::new_from_slice(callback::SECRET).expect("a key of any length will do");
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        for _ in 0..ATTEMPTS {
            identity = ask(&app.client, url, &body, &signature).await;
            if identity.is_some() {
                break;
            }
        }
    }
    Json(match identity {
        Some(identity) => json!({"sessionId": session_id, "status": "authenticated", "identity": identity}),
        None => json!({"sessionId": session_id, "status": "anonymous"}),
    })
}

async fn ask(client: &Client, url: &str, body: &str, signature: &str) -> Option<Identity> {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header(callback::SIGNATURE, signature)
        .timeout(TIMEOUT)
        .body(body.to_owned());
    request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
}
