//! One agent's sessions alone, and beside 500 that hang on another agent's endpoint, in turns.
//!
//! Open loop: sessions begin at fixed moments whatever became of the ones before, and a latency counts from the
//! intended moment to the settled session.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::Failure;
use crate::client::Client;
use crate::endpoint::{Endpoint, Manner};
use crate::server::{Agent, DataDir, Server};

/// Sessions a second of the agent that is watched.
const PER_SECOND: u32 = 30;
/// How long each half of a round lasts: the hung sessions' two attempts, and their retry in the middle.
const HALF: Duration = Duration::from_secs(20);
/// Sessions that hang on the other agent's endpoint.
const HUNG: usize = 500;
/// The longest time there is, so that all of them hang for the whole of a half.
const HUNG_TIMEOUT_MS: u32 = 10_000;
const TIMEOUT_MS: u32 = 3_000;
/// Between rounds: what hung is settled, and a little.
const SETTLE: Duration = Duration::from_secs(3);

#[expect(clippy::print_stdout, reason = "a benchmark is what it prints")]
pub(crate) async fn run(binary: &str, rounds: usize) -> Result<(), Failure> {
    let healthy = Endpoint::open(Manner::FiveMilliseconds).await?;
    let hung = Endpoint::open(Manner::Hang).await?;
    let server = Server::start(binary, DataDir::empty()?, &[&healthy, &hung])?;
    let client = Arc::new(Client::new(server.address));
    let watched = server.agent(&client, &healthy, TIMEOUT_MS).await?;
    let other = server.agent(&client, &hung, HUNG_TIMEOUT_MS).await?;

    // Warms connections, caches and the database.
    open_loop(&client, &watched, Duration::from_secs(3)).await?;
    println!("| round | alone p50 | p99 | beside {HUNG} hung p50 | p99 | p99 ratio | resident MiB |");
    println!("|---|---|---|---|---|---|---|");
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let alone = open_loop(&client, &watched, HALF).await?;
        hang(&client, &other).await?;
        let beside = open_loop(&client, &watched, HALF).await?;
        let resident = server.resident_kib()? / 1024;
        sleep(SETTLE).await;
        let ratio = beside.p99() / alone.p99();
        ratios.push(ratio);
        println!(
            "| {round} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | {ratio:.2} | {resident} |",
            alone.p50(),
            alone.p99(),
            beside.p50(),
            beside.p99()
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median p99 ratio {:.2}", ratios[ratios.len() / 2]);
    Ok(())
}

/// Milliseconds, sorted.
struct Latencies(Vec<f64>);

impl Latencies {
    fn p50(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn p99(&self) -> f64 {
        self.0[self.0.len() * 99 / 100]
    }
}

async fn open_loop(client: &Arc<Client>, agent: &Agent, time: Duration) -> Result<Latencies, Failure> {
    let mut pace = interval(Duration::from_secs(1) / PER_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    let end = Instant::now() + time;
    loop {
        let intended = pace.tick().await;
        if intended >= end {
            break;
        }
        let (client, id) = (Arc::clone(client), agent.id.clone());
        running.spawn(async move { session(&client, &id, intended).await });
    }
    let mut millis = Vec::new();
    while let Some(done) = running.join_next().await {
        millis.push(done??.as_secs_f64() * 1000.0);
    }
    millis.sort_by(f64::total_cmp);
    Ok(Latencies(millis))
}

async fn session(client: &Client, agent_id: &str, intended: Instant) -> Result<Duration, Failure> {
    let body = json!({"agentId": agent_id});
    let begun = client.call("POST", "/v1/sessions?wait=10", None, &body).await?;
    if begun["status"] != "authenticated" {
        return Err(format!("a wrong answer: {begun}").into());
    }
    Ok(intended.elapsed())
}

/// Begins the sessions that hang, as fast as they are answered.
async fn hang(client: &Arc<Client>, agent: &Agent) -> Result<(), Failure> {
    let mut sessions = JoinSet::new();
    for _ in 0..HUNG {
        let (client, body) = (Arc::clone(client), json!({"agentId": agent.id}));
        sessions.spawn(async move { client.call("POST", "/v1/sessions", None, &body).await });
    }
    while let Some(begun) = sessions.join_next().await {
        begun??;
    }
    Ok(())
}
