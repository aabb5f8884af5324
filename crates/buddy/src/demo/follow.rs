//! Follows each session that the page begins: waits until it is settled, tells of it, and has the agent's software say hello.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::client::text;
use super::print::Told;
use super::trace::{Settled, Trace};
use super::{Agent, Backstage, Failure};

/// The longest that one call waits.
const WAIT_SECONDS: u8 = 30;
/// A session that its page has not had identified after as many waits is not followed any more.
const WAITS_MAX: u8 = 10;

const HELLO_SIGNED_IN: &str =
    "Welcome back! You're signed in, so I can look after your own orders. How can I help?";
const HELLO_GUEST: &str = "Hello! You're here as a guest, and that is fine. How can I help?";

/// Follows what is begun, until something fails.
pub(super) async fn sessions(
    backstage: &Arc<Backstage>,
    agent: &Arc<Agent>,
    mut begun: UnboundedReceiver<String>,
) -> Result<(), Failure> {
    let mut following = JoinSet::new();
    loop {
        tokio::select! {
            Some(session_id) = begun.recv() => {
                let (backstage, agent) = (backstage.clone(), agent.clone());
                following.spawn(async move { backstage.follow(&agent, &session_id).await });
            }
            Some(followed) = following.join_next() => followed??,
            else => return Ok(()),
        }
    }
}

impl Backstage {
    async fn follow(&self, agent: &Agent, session_id: &str) -> Result<(), Failure> {
        let is_visitors = |trace: &Trace| trace.agent_id == agent.id && trace.attack.is_none();
        if self.board.look(session_id, is_visitors) != Some(true) {
            return Ok(());
        }
        let Some(identity) = self.identity(agent, session_id).await? else { return Ok(()) };
        let resolution = self.resolution(&agent.id, session_id).await?;
        self.say_hello(agent, session_id, text(&identity, "status")).await?;
        let who = self.board.look(session_id, Trace::who).unwrap_or_default();
        let (url, visits) = (self.board.url(), self.board.visits(session_id));
        let told = Told { url, visits, resolution, identity, visitor: None };
        self.printer.scene(&format!("In the browser: {who} ({session_id})"), &told)?;
        let Told { identity, resolution, .. } = told;
        self.board.settled(session_id, Settled { identity, resolution });
        Ok(())
    }

    /// What the agent's software is told once it is settled. `None`: there is no such session, or it is never identified.
    pub(super) async fn identity(&self, agent: &Agent, session_id: &str) -> Result<Option<Value>, Failure> {
        let path = format!("/v1/sessions/{session_id}/identity?wait={WAIT_SECONDS}");
        for _ in 0..WAITS_MAX {
            let (status, identity) = self.client.ask("GET", &path, Some(&agent.key), None).await?;
            if !status.is_success() {
                return Ok(None);
            }
            if ["authenticated", "anonymous"].contains(&text(&identity, "status")) {
                return Ok(Some(identity));
            }
        }
        Ok(None)
    }

    /// As the agent's software would: it knows whether somebody is signed in, and says nothing of who.
    async fn say_hello(&self, agent: &Agent, session_id: &str, status: &str) -> Result<(), Failure> {
        let hello = if status == "authenticated" { HELLO_SIGNED_IN } else { HELLO_GUEST };
        let path = format!("/v1/sessions/{session_id}/messages");
        // A session that has ended meanwhile needs no hello.
        self.client.ask("POST", &path, Some(&agent.key), Some(json!({"text": hello}))).await?;
        Ok(())
    }
}
