//! The server against every endpoint that misbehaves: each session ends in time with the right reason, and nothing
//! of it reaches the next one.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use buddy_mock::endpoint::user_of;
use buddy_mock::{Behaviour, Endpoint, Expect};
use buddy_shop::certificate::Authority;
use futures_util::future::{FutureExt, join_all};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Agent, Buddy, Session, Setup};

/// Where the end comes by the clock: longer than so many handshakes at once take on a loaded machine.
const TIMEOUT_MS: u32 = 1_000;
/// Where it does not.
const AMPLE_MS: u32 = 8_000;
/// What a timeout may take on top of its two attempts.
const GRACE_MS: u32 = 100;
/// Sessions that meet the same misbehaviour at once.
const AT_ONCE: usize = 20;
/// Sessions that meet it one by one, where it lies in a connection's being used again.
const ONE_BY_ONE: usize = 4;
/// Behaviours that are tried at once. Where the clock counts, it is one: the handshakes of another would take
/// more of a small machine's time than the [`GRACE_MS`].
const CASES_AT_ONCE: usize = 3;
/// What the server may keep of two and a half thousand hostile sessions: its caches and pools, and what the
/// allocator holds on to; measured, 25 MiB. One endless answer without a bound would be more.
const GROWTH_KIB_MAX: u64 = 40 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_endpoint_does_its_session_ends_in_time_and_the_next_is_unharmed() {
    let stage = Arc::new(Stage::set().await);
    let honest = Behaviour::find("honest").unwrap();
    assert_eq!(stage.faults(honest).await, Vec::<String>::new());
    let before = stage.buddy.resident_kib();
    let (slow, quick): (Vec<_>, Vec<_>) = Behaviour::all().partition(|behaviour| takes_time(behaviour));
    let mut faults = stage.all_faults(slow, 1).await;
    faults.extend(stage.all_faults(quick, CASES_AT_ONCE).await);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let growth = stage.buddy.resident_kib().saturating_sub(before);
    assert!(growth <= GROWTH_KIB_MAX, "{growth} KiB more than before");
    assert!(stage.proxy.accept().now_or_never().is_none(), "no proxy is used, whatever the environment says");
}

/// One server for all cases; each has an agent and an endpoint of its own.
struct Stage {
    buddy: Buddy,
    authority: Authority,
    /// What every proxy variable points at.
    proxy: TcpListener,
}

impl Stage {
    async fn set() -> Self {
        let authority = Authority::new().unwrap();
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", proxy.local_addr().unwrap());
        let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"];
        let setup = Setup::new(Some(&authority.pem()));
        let setup = variables.into_iter().fold(setup, |setup, name| setup.env(name, &url));
        Self { buddy: setup.undisturbed().start(), authority, proxy }
    }

    async fn all_faults(
        self: &Arc<Self>,
        behaviours: Vec<&'static Behaviour>,
        at_once: usize,
    ) -> Vec<String> {
        let cases = stream::iter(behaviours).map(|behaviour| {
            let stage = Arc::clone(self);
            tokio::spawn(async move { stage.faults(behaviour).await })
        });
        cases.buffer_unordered(at_once).map(Result::unwrap).concat().await
    }

    /// All that is not as promised about one behaviour.
    async fn faults(&self, behaviour: &'static Behaviour) -> Vec<String> {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let endpoint = Endpoint::open(&self.authority, listen, behaviour, None, |_| {}).await.unwrap();
        let timeout_ms = if takes_time(behaviour) { TIMEOUT_MS } else { AMPLE_MS };
        let agent = self.buddy.agent(&endpoint.url(), json!({"timeoutMs": timeout_ms})).await;
        let sessions = self.sessions(&agent, behaviour).await;
        let resolutions = self.resolutions(&agent).await;
        let mut faults = Vec::new();
        for session in &sessions {
            let resolution = &resolutions[&session.id];
            faults.extend(self.fault(behaviour, timeout_ms, &agent, session, resolution).await);
        }
        let reused = resolutions.values().any(first_reused);
        if behaviour.on_reuse.is_some() && !reused {
            faults.push("no connection was used again".to_owned());
        }

        let honest = Behaviour::find("honest").unwrap();
        endpoint.behave(honest, &self.authority).unwrap();
        let next = self.buddy.session(&agent).await;
        let resolution = self.buddy.resolution(&agent, &next).await;
        let fault = self.fault(honest, timeout_ms, &agent, &next, &resolution).await;
        faults.extend(fault.map(|fault| format!("the next session: {fault}")));
        if endpoint.trapped() > 0 {
            faults.push("an address was called that only the answer named".to_owned());
        }
        faults.iter().map(|fault| format!("{}: {fault}", behaviour.name)).collect()
    }

    async fn sessions(&self, agent: &Agent, behaviour: &Behaviour) -> Vec<Session> {
        if !behaviour.is_about_reuse() {
            return join_all((0..AT_ONCE).map(|_| self.buddy.session(agent))).await;
        }
        let one_by_one = stream::iter(0..ONE_BY_ONE).then(|_| self.buddy.session(agent));
        one_by_one.collect().await
    }

    /// By session.
    async fn resolutions(&self, agent: &Agent) -> HashMap<String, Value> {
        let path = format!("{}/resolutions?limit=100", agent.path());
        let page = self.buddy.operator("GET", &path, None).await.expect_status(200).json;
        let rows = page["resolutions"].as_array().unwrap().iter();
        rows.map(|row| (row["sessionId"].as_str().unwrap().to_owned(), row.clone())).collect()
    }

    async fn fault(
        &self,
        behaviour: &Behaviour,
        timeout_ms: u32,
        agent: &Agent,
        session: &Session,
        resolution: &Value,
    ) -> Option<String> {
        let usual = (behaviour.expect, behaviour.attempts);
        let (expect, attempts) = behaviour.on_reuse.filter(|_| first_reused(resolution)).unwrap_or(usual);
        let user = match expect {
            Expect::User => json!(user_of(&session.id)),
            Expect::UserId(id) => json!(id),
            _ => Value::Null,
        };
        let told = self.buddy.identity(agent, session).await;
        let (code, reason) = expect.failure().unzip();
        let status = if user.is_null() { "anonymous" } else { "authenticated" };
        let right = told["identity"]["userId"] == user
            && told["status"] == status
            && session.view["status"] == status
            && session.view["error"]["code"] == json!(code)
            && told["error"]["code"] == json!(code)
            && told["error"]["reason"] == json!(reason)
            && resolution["code"] == json!(code)
            && resolution["reason"] == json!(reason)
            && resolution["attempts"].as_array().unwrap().len() == usize::from(attempts);
        let may_take = if attempts > 1 { 2 * timeout_ms + GRACE_MS } else { timeout_ms };
        let in_time = resolution["durationMs"].as_f64().unwrap() <= f64::from(may_take);
        (!right || !in_time)
            .then(|| format!("not {expect} within {may_take} ms: {told} {resolution} {}", session.view))
    }
}

/// The clock has a part in it.
fn takes_time(behaviour: &Behaviour) -> bool {
    behaviour.attempts > 1 || behaviour.on_reuse.is_some_and(|(_, attempts)| attempts > 1)
}

fn first_reused(resolution: &Value) -> bool {
    resolution["attempts"][0]["reusedConnection"] == true
}
