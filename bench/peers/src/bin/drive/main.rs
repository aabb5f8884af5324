//! The load: sessions at fixed moments (`open`), or so many at once (`closed`). One thread, HTTP/1.1 with keep-alive.
//!
//! What was measured is printed as one JSON object, times in microseconds.

mod client;
mod load;
mod seen;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use buddy_bench_peers::{Failure, callback, tls};
use bytes::Bytes;
use clap::{Parser, Subcommand};
use hyper::Uri;
use tokio::task::LocalSet;

use crate::client::{Client, Request};
use crate::seen::Seen;

/// The session of a direct call: any will do, for the endpoint keeps none.
const SESSION_ID: &str = "sess_0123456789abcdef01234567";

#[derive(Parser)]
struct Options {
    /// What is called; the host is an address
    #[arg(long)]
    url: Uri,
    /// Whose sessions, in turns
    #[arg(long, value_delimiter = ',', required = true)]
    agents: Vec<String>,
    /// Call the endpoint itself, signed as a peer does; whom to trust, in PEM
    #[arg(long)]
    direct: Option<PathBuf>,
    /// What a right answer has in it
    #[arg(long)]
    expect: String,
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Sessions begin at fixed moments, whatever became of the ones before, and a latency counts from the intended moment
    Open {
        /// Sessions a second
        #[arg(long)]
        rate: u32,
        /// Before anything is counted
        #[arg(long, value_parser = seconds)]
        warm: Duration,
        /// What is counted
        #[arg(long, value_parser = seconds)]
        seconds: Duration,
    },
    /// So many connections, each with one session at a time, until this program is ended or the time is over
    Closed {
        #[arg(long)]
        connections: u32,
        /// The time within which they begin, one after another
        #[arg(long, value_parser = seconds)]
        ramp: Duration,
        /// A connection begins its next session no sooner than this after its last
        #[arg(long, value_parser = seconds, default_value = "0")]
        cycle: Duration,
        #[arg(long, value_parser = seconds)]
        seconds: Duration,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is needed")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let Options { url, agents, direct, expect, load } = Options::parse();
    let authority = url.authority().ok_or("the URL has no host")?;
    let address: SocketAddr = authority.as_str().parse()?;
    let path = url.path_and_query().ok_or("the URL has no path")?.to_string();
    let requests = agents.iter().map(|agent_id| request(agent_id, direct.is_some())).collect();
    let tls = direct.as_deref().map(tls::connector).transpose()?;
    let client = Rc::new(Client::new(address, tls, path, requests, expect));
    let seen = LocalSet::new().run_until(run(&client, load)).await?;
    println!("{}", seen.to_json());
    Ok(())
}

async fn run(client: &Rc<Client>, load: Load) -> Result<Seen, Failure> {
    match load {
        Load::Open { rate, warm, seconds } => load::open(client, rate, warm, seconds).await,
        Load::Closed { connections, ramp, cycle, seconds } => {
            load::closed(client, connections, ramp, cycle, seconds).await
        }
    }
}

fn request(agent_id: &str, direct: bool) -> Request {
    if direct {
        let body = callback::body(SESSION_ID, agent_id, callback::unix_millis() / 1_000);
        let signature = callback::sign(&callback::key(), body.as_bytes());
        Request { body: Bytes::from(body), signature: Some(signature) }
    } else {
        Request { body: Bytes::from(format!(r#"{{"agentId":"{agent_id}"}}"#)), signature: None }
    }
}
