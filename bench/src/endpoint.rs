//! The business's endpoint, as a program of its own.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::Failure;
use crate::client::Client;
use crate::process::Process;
use crate::rig::Rig;

pub(crate) struct Endpoint {
    address: SocketAddr,
    counts: Client,
    _process: Process,
    _folder: TempDir,
}

/// What it has counted since it began, and what is pending now.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    /// Calls whose signature was right.
    pub(crate) verified: f64,
    /// Calls whose signature was wrong.
    pub(crate) refused: f64,
    /// TLS connections.
    pub(crate) connections: f64,
    /// Calls that wait for their answer.
    pub(crate) pending: f64,
}

impl Endpoint {
    pub(crate) fn start(rig: &Rig) -> Result<Self, Failure> {
        let folder = rig.folder()?;
        let mut command = Command::new(rig.programs.peers.join("endpoint"));
        command.arg("--certificate").arg(rig.certificate()).arg("--key").arg(rig.key());
        let mut process = Process::start(command, &folder.path().join("log"))?;
        let (address, counts) = (process.announced()?, Client::new(process.announced()?));
        Ok(Self { address, counts, _process: process, _folder: folder })
    }

    /// Where it answers after so many milliseconds.
    pub(crate) fn delayed(&self, millis: u32) -> String {
        format!("https://{}/d/{millis}", self.address)
    }

    /// Where it never answers.
    pub(crate) fn hanging(&self) -> String {
        format!("https://{}/hang", self.address)
    }

    pub(crate) async fn counts(&self) -> Result<Counts, Failure> {
        let counts = self.counts.call("GET", "/", None, &Value::Null).await?;
        let count = |name: &str| counts[name].as_f64().ok_or_else(|| format!("no count of {name}"));
        Ok(Counts {
            verified: count("verified")?,
            refused: count("refused")?,
            connections: count("connections")?,
            pending: count("pending")?,
        })
    }
}
