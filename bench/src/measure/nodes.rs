//! A node on PostgreSQL beside one on SQLite, and what nodes that share one need of each other.

use std::time::Duration;

use buddy_store::Durability;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cpu;
use crate::Failure;
use crate::buddy::{DataDir, agent};
use crate::client::Client;
use crate::database::Database;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::platform::{MAX_CONCURRENT_MAX, Running};
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "PostgreSQL, and several nodes";
pub(crate) const HOW: &str = "\
One node on SQLite and one on PostgreSQL 15, as in *CPU per session*. The database runs beside the load and the endpoint, on the \
other core, with its own settings but for `shared_buffers` and `max_connections`; its CPU time is that of all its processes. Sessions a second are \
bounded by that core: wrk, the endpoint and the database share it.";
const HOW_TOGETHER: &str = "\
Two nodes on one PostgreSQL. *Heard*: a session is begun at one node, both are asked with `?wait=10`, and the endpoint answers after \
50 ms: how much later the other node answers than the one that identifies it. *Taken over*: a node is killed (`kill -9`) with a \
session pending, and the other one is asked with `?wait=30`: from the kill to the answer, less the second in which the endpoint answers.";

/// What a record calls its lines.
pub(crate) const TOGETHER: &str = "two nodes";
pub(crate) const POSTGRES_FULL: &str = "Buddy, PostgreSQL, full";
/// The database's CPU time for each session, in microseconds.
pub(crate) const DATABASE_OF_FEW: &str = "database32";
/// In seconds.
pub(crate) const TAKEN_OVER: &str = "taken_over";
/// In milliseconds.
pub(crate) const HEARD_P50: &str = "heard_p50";
const HEARD_P99: &str = "heard_p99";
const HEARD_MAX: &str = "heard_max";

/// How long the endpoint takes about sessions that are heard of.
const HEARD_DELAY_MILLIS: u32 = 50;
const HEARD_SESSIONS: u32 = 300;
/// And about one that is taken over: it is asked about when its node is killed, and within the first attempt's time.
const TAKEN_DELAY: Duration = Duration::from_secs(1);
/// Until the endpoint has been asked.
const ASKED_LOOKS: usize = 200;
const LOOK_EVERY: Duration = Duration::from_millis(10);

struct Level {
    connections: u32,
    cpu: &'static str,
    database: &'static str,
    per_second: &'static str,
}

const FEW: Level =
    Level { connections: 32, cpu: "cpu32", database: "database32", per_second: "per_second32" };
const MANY: Level =
    Level { connections: 256, cpu: "cpu256", database: "database256", per_second: "per_second256" };

const SQLITE: &str = "Buddy, SQLite, full";
const KINDS: [(&str, Durability, bool); 4] = [
    ("Buddy, SQLite, normal", Durability::Normal, false),
    (SQLITE, Durability::Full, false),
    ("Buddy, PostgreSQL, normal", Durability::Normal, true),
    (POSTGRES_FULL, Durability::Full, true),
];

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let (endpoint, database) = (Endpoint::start(rig)?, Database::start());
    let mut all = Vec::new();
    for number in 1..=rounds {
        let mut round = Vec::new();
        for (name, durability, on_postgres) in KINDS {
            say(format_args!("nodes, round {number}: {name}"));
            let database = on_postgres.then_some(&database);
            let line = alone(rig, &endpoint, name, durability, database).await;
            round.push(line.map_err(|error| format!("{name}: {error}"))?);
        }
        say(format_args!("nodes, round {number}: {TOGETHER}"));
        round.push(together(rig, &endpoint, &database).await?);
        all.push(round);
    }
    Ok(all)
}

async fn alone(
    rig: &Rig,
    endpoint: &Endpoint,
    name: &str,
    durability: Durability,
    database: Option<&Database>,
) -> Result<Line, Failure> {
    let url = database.map(Database::empty);
    let mut running = Running::buddy(rig, &DataDir::empty(rig)?, durability, url.as_deref())?;
    let client = Client::new(running.address);
    running.agents.push(agent(&client, &endpoint.delayed(0), Some(MAX_CONCURRENT_MAX)).await?);
    let mut line = Line::new(name);
    for level in [FEW, MANY] {
        let before = database.map(Database::cpu_micros).transpose()?;
        let verified = endpoint.counts().await?.verified;
        let cost = cpu::cost(rig, endpoint, &running, level.connections).await?;
        line = line.with(level.cpu, cost.cpu_micros).with(level.per_second, cost.per_second);
        if let (Some(before), Some(database)) = (before, database) {
            // With what warmed it up, by the sessions of both.
            let sessions = endpoint.counts().await?.verified - verified;
            line = line.with(level.database, (database.cpu_micros()? - before) / sessions);
        }
    }
    Ok(line)
}

async fn together(rig: &Rig, endpoint: &Endpoint, database: &Database) -> Result<Line, Failure> {
    let url = database.empty();
    let start = || Running::buddy(rig, &DataDir::empty(rig)?, Durability::Full, Some(&url));
    let (here, there) = (start()?, start()?);
    let (at_here, at_there) = (Client::new(here.address), Client::new(there.address));

    let heard_of = agent(&at_here, &endpoint.delayed(HEARD_DELAY_MILLIS), None).await?;
    let mut later = Vec::new();
    for _ in 0..rig.as_many(HEARD_SESSIONS) {
        let session = Session::begin(&at_here, &heard_of).await?;
        let (first, second) = tokio::join!(session.settled(&at_here, 10), session.settled(&at_there, 10));
        // The other node may well be the faster one of the two to answer.
        later.push(second?.saturating_duration_since(first?).as_secs_f64() * 1e3);
    }
    later.sort_by(f64::total_cmp);
    let of_100 = |percent: usize| later[(later.len() - 1) * percent / 100];

    let millis = u32::try_from(TAKEN_DELAY.as_millis())?;
    let taken_over = agent(&at_here, &endpoint.delayed(millis), None).await?;
    let session = Session::begin(&at_here, &taken_over).await?;
    let mut looks = 0;
    while endpoint.counts().await?.pending < 1.0 {
        looks += 1;
        if looks > ASKED_LOOKS {
            return Err("the endpoint was not asked".into());
        }
        sleep(LOOK_EVERY).await;
    }
    let killed = Instant::now();
    drop(here);
    let settled = session.settled(&at_there, 30).await?;
    let seconds = settled.duration_since(killed).saturating_sub(TAKEN_DELAY).as_secs_f64();
    Ok(Line::new(TOGETHER)
        .with(HEARD_P50, of_100(50))
        .with(HEARD_P99, of_100(99))
        .with(HEARD_MAX, of_100(100))
        .with(TAKEN_OVER, seconds))
}

/// One that was begun, and that nobody waits for yet.
struct Session {
    id: String,
    token: String,
}

impl Session {
    async fn begin(node: &Client, agent_id: &str) -> Result<Self, Failure> {
        let begun = node.call("POST", "/v1/sessions", None, &json!({"agentId": agent_id})).await?;
        let text = |member: &str| begun[member].as_str().map(str::to_owned).ok_or("no session");
        Ok(Self { id: text("sessionId")?, token: text("sessionToken")? })
    }

    /// When the node has answered that its user is known.
    async fn settled(&self, node: &Client, wait: u8) -> Result<Instant, Failure> {
        let path = format!("/v1/sessions/{}?wait={wait}", self.id);
        let answer = node.call("GET", &path, Some(&self.token), &Value::Null).await?;
        if answer["status"] == "authenticated" { Ok(Instant::now()) } else { Err(answer.to_string().into()) }
    }
}

pub(crate) fn tables(record: &Record) -> String {
    let [few, many] = [FEW, MANY].map(|level| {
        let columns = [
            Column { title: "CPU µs", shows: Shows::Value(level.cpu), digits: 1 },
            Column {
                title: "to SQLite, full",
                shows: Shows::Ratio { figure: level.cpu, to: SQLITE },
                digits: 2,
            },
            Column { title: "the database's CPU µs", shows: Shows::Value(level.database), digits: 1 },
            Column { title: "sessions/s", shows: Shows::Value(level.per_second), digits: 0 },
        ];
        let alone = record.only(|line| line != TOGETHER);
        table(&alone, &format!("{} connections", level.connections), &columns)
    });
    let column = |title, figure, digits| Column { title, shows: Shows::Value(figure), digits };
    let columns = [
        column("heard, p50, ms", HEARD_P50, 1),
        column("p99", HEARD_P99, 1),
        column("slowest", HEARD_MAX, 1),
        column("taken over after, s", TAKEN_OVER, 1),
    ];
    let together = table(&record.only(|line| line == TOGETHER), "", &columns);
    format!("{few}\n{many}\n{HOW_TOGETHER}\n\n{together}")
}
