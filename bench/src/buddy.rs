//! `buddy serve` as it is released, on a data dir of its own.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use buddy_store::Durability;
use serde_json::json;
use tempfile::TempDir;

use crate::Failure;
use crate::client::Client;
use crate::process::Process;
use crate::rig::{Rig, start};

pub(crate) const ADMIN_TOKEN: &str = "bat_bench-admin-token-0123456789";
/// 32 bytes in base64; what is sealed here is worth nothing.
pub(crate) const MASTER_KEY: &str = "YmVuY2gtbWFzdGVyLWtleS0wMTIzNDU2Nzg5MDEyMzQ=";
/// What the endpoint verifies.
pub(crate) const SECRET: &str = "buddy-bench-secret";

/// Where a server keeps what it has, and its log; gone with the last who has it.
#[derive(Clone)]
pub(crate) struct DataDir(pub(crate) Rc<TempDir>);

impl DataDir {
    pub(crate) fn empty(rig: &Rig) -> Result<Self, Failure> {
        let directory = Self(Rc::new(rig.folder()?));
        std::fs::create_dir(directory.data())?;
        std::fs::set_permissions(directory.data(), Permissions::from_mode(0o700))?;
        Ok(directory)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }
}

/// Begins to start it.
pub(crate) fn spawn(
    rig: &Rig,
    directory: &DataDir,
    durability: Durability,
    database: Option<&str>,
) -> Result<Process, Failure> {
    let prepare = settings(rig, directory, durability, database);
    rig.platform(&rig.programs.buddy, prepare, &directory.log())
}

/// The same as on a machine with several cores, on which it has a thread for each; all of them on the platform's one core once
/// it listens.
pub(crate) fn spawn_threads(
    rig: &Rig,
    directory: &DataDir,
    durability: Durability,
) -> Result<(Process, SocketAddr), Failure> {
    let prepare = settings(rig, directory, durability, None);
    let line = rig.core.command_everywhere(&rig.programs.buddy);
    let mut process = start(&line, prepare, &directory.log())?;
    let address = process.announced()?;
    rig.core.confine(process.id())?;
    Ok((process, address))
}

fn settings(
    rig: &Rig,
    directory: &DataDir,
    durability: Durability,
    database: Option<&str>,
) -> impl FnOnce(&mut Command) {
    let durability = match durability {
        Durability::Normal => "normal",
        Durability::Full => "full",
    };
    move |command: &mut Command| {
        command
            .arg("serve")
            .env_clear()
            .env("BUDDY_LISTEN", "127.0.0.1:0")
            .env("BUDDY_DATA_DIR", directory.data())
            .env("BUDDY_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("BUDDY_MASTER_KEY", MASTER_KEY)
            .env("BUDDY_DURABILITY", durability)
            .env("BUDDY_EGRESS_CA", rig.ca())
            .env("BUDDY_EGRESS_ALLOW", "127.0.0.0/8")
            // All sessions come from one address.
            .env("BUDDY_SESSIONS_PER_MINUTE", "0")
            .env("BUDDY_AGENT_SESSIONS_PER_MINUTE", "0");
        if let Some(url) = database {
            command.env("BUDDY_DATABASE_URL", url);
        }
    }
}

/// Makes an agent whose callback goes to `url`; its id.
pub(crate) async fn agent(
    client: &Client,
    url: &str,
    max_concurrent: Option<u32>,
) -> Result<String, Failure> {
    let agent = client.call("POST", "/v1/agents", Some(ADMIN_TOKEN), &json!({"name": "Bench"})).await?;
    let id = agent["agentId"].as_str().ok_or("no agentId")?;
    configure(client, id, url, max_concurrent).await?;
    Ok(id.to_owned())
}

/// Says where an agent's callback goes.
pub(crate) async fn configure(
    client: &Client,
    agent_id: &str,
    url: &str,
    max_concurrent: Option<u32>,
) -> Result<(), Failure> {
    let callback = json!({"url": url, "secret": SECRET, "maxConcurrent": max_concurrent});
    client.call("PUT", &format!("/v1/agents/{agent_id}/callback"), Some(ADMIN_TOKEN), &callback).await?;
    Ok(())
}
