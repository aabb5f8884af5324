//! What is measured: Buddy, and what would be used in its place.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use buddy_store::Durability;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::Failure;
use crate::buddy::{self, DataDir};
use crate::client::Client;
use crate::process::Process;
use crate::rig::Rig;

/// The most callbacks at once that an agent can be given: above any number of connections here.
pub(crate) const MAX_CONCURRENT_MAX: u32 = 1_024;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Limit,
    LimitStored,
    BuddyNormal,
    BuddyFull,
    BuddyThreads,
    AxumReqwest,
    NodeUndici,
    NodeFetch,
}

impl Platform {
    /// Its line in a table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::LimitStored => "limit + SQLite, normal",
            Self::BuddyNormal => "Buddy, normal",
            Self::BuddyFull => "Buddy, full",
            Self::BuddyThreads => "Buddy, full, on two threads",
            Self::AxumReqwest => "axum + reqwest",
            Self::NodeUndici => "Node.js, http + undici",
            Self::NodeFetch => "Node.js, fastify + fetch",
        }
    }

    /// Starts it, with an agent for each URL, and waits until it listens.
    pub(crate) async fn start(
        self,
        rig: &Rig,
        urls: &[String],
        max_concurrent: Option<u32>,
    ) -> Result<Running, Failure> {
        let directory = DataDir::empty(rig)?;
        let mut running = match self {
            Self::BuddyNormal => Running::buddy(rig, &directory, Durability::Normal, None)?,
            Self::BuddyFull => Running::buddy(rig, &directory, Durability::Full, None)?,
            Self::BuddyThreads => Running::buddy_on_threads(rig, &directory, Durability::Full)?,
            _ => return self.peer(rig, urls),
        };
        let client = Client::new(running.address);
        for url in urls {
            running.agents.push(buddy::agent(&client, url, max_concurrent).await?);
        }
        Ok(running)
    }

    fn peer(self, rig: &Rig, urls: &[String]) -> Result<Running, Failure> {
        let folder = rig.folder()?;
        let agents: Vec<_> = (0..urls.len()).map(|number| format!("agt_{number}")).collect();
        let callbacks: Map<_, _> =
            agents.iter().cloned().zip(urls.iter().cloned().map(Value::from)).collect();
        let file = folder.path().join("agents.json");
        std::fs::write(&file, Value::from(callbacks).to_string())?;
        let log = folder.path().join("log");
        let mut process = match self {
            Self::NodeUndici => node(rig, "http-undici.js", &file, &log)?,
            Self::NodeFetch => node(rig, "fastify-fetch.js", &file, &log)?,
            Self::AxumReqwest => rust(rig, "axum-reqwest", &file, None, &log)?,
            Self::LimitStored => rust(rig, "limit", &file, Some(&folder.path().join("sessions.db")), &log)?,
            Self::Limit | Self::BuddyNormal | Self::BuddyFull | Self::BuddyThreads => {
                rust(rig, "limit", &file, None, &log)?
            }
        };
        Ok(Running { address: process.announced()?, agents, process, _folder: Rc::new(folder) })
    }
}

fn rust(
    rig: &Rig,
    name: &str,
    agents: &Path,
    database: Option<&Path>,
    log: &Path,
) -> Result<Process, Failure> {
    let prepare = |command: &mut Command| {
        command.arg("--agents").arg(agents).arg("--ca").arg(rig.ca());
        if let Some(database) = database {
            command.arg("--database").arg(database);
        }
    };
    rig.platform(&rig.programs.peers.join(name), prepare, log)
}

fn node(rig: &Rig, script: &str, agents: &Path, log: &Path) -> Result<Process, Failure> {
    let script = rig.programs.sources.join("node").join(script);
    let prepare = |command: &mut Command| {
        command.arg(script).arg(agents).env("NODE_EXTRA_CA_CERTS", rig.ca()).env("NODE_ENV", "production");
    };
    rig.platform(Path::new("node"), prepare, log)
}

/// One that runs, until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// Those whose sessions it can be asked for.
    pub(crate) agents: Vec<String>,
    _folder: Rc<TempDir>,
}

impl Running {
    /// Buddy on a data dir that may have agents already, or on a PostgreSQL.
    pub(crate) fn buddy(
        rig: &Rig,
        directory: &DataDir,
        durability: Durability,
        database: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut process = buddy::spawn(rig, directory, durability, database)?;
        let address = process.announced()?;
        Ok(Self { address, process, agents: Vec::new(), _folder: Rc::clone(&directory.0) })
    }

    /// The same with several threads, on the one core that it has.
    pub(crate) fn buddy_on_threads(
        rig: &Rig,
        directory: &DataDir,
        durability: Durability,
    ) -> Result<Self, Failure> {
        let (process, address) = buddy::spawn_threads(rig, directory, durability)?;
        Ok(Self { address, process, agents: Vec::new(), _folder: Rc::clone(&directory.0) })
    }

    /// Where a session begins, and is answered once it is settled; the peers always wait.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/sessions?wait=10", self.address)
    }
}
