//! `buddy serve` as it is released, on a data dir of its own.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::Failure;
use crate::client::Client;
use crate::endpoint::Endpoint;

pub(crate) const ADMIN_TOKEN: &str = "bat_bench-admin-token-0123456789";
/// 32 bytes in base64; what is sealed here is worth nothing.
pub(crate) const MASTER_KEY: &str = "YmVuY2gtbWFzdGVyLWtleS0wMTIzNDU2Nzg5MDEyMzQ=";

/// Where a server keeps what it has; gone with it.
pub(crate) struct DataDir(TempDir);

impl DataDir {
    pub(crate) fn empty() -> Result<Self, Failure> {
        let directory = Self(tempfile::tempdir()?);
        std::fs::create_dir(directory.data())?;
        std::fs::set_permissions(directory.data(), Permissions::from_mode(0o700))?;
        Ok(directory)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    _directory: DataDir,
}

pub(crate) struct Agent {
    pub(crate) id: String,
}

impl Server {
    pub(crate) fn start(binary: &str, directory: DataDir, endpoints: &[&Endpoint]) -> Result<Self, Failure> {
        let ca = directory.0.path().join("ca.pem");
        std::fs::write(&ca, endpoints.iter().map(|endpoint| endpoint.ca_pem.as_str()).collect::<String>())?;
        let log = std::fs::File::create(directory.0.path().join("stderr.log"))?;
        let mut command = Command::new(binary);
        command.env_clear();
        if !endpoints.is_empty() {
            command.env("BUDDY_EGRESS_CA", &ca);
        }
        let mut process = command
            .arg("serve")
            .env("BUDDY_LISTEN", "127.0.0.1:0")
            .env("BUDDY_DATA_DIR", directory.data())
            .env("BUDDY_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("BUDDY_MASTER_KEY", MASTER_KEY)
            .env("BUDDY_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
            .env("BUDDY_SESSIONS_PER_MINUTE", "0")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let Ok(address) = line.trim().rsplit('/').next().unwrap_or_default().parse() else {
            let log = std::fs::read_to_string(directory.0.path().join("stderr.log"))?;
            return Err(format!("{binary} did not start: {line}{log}").into());
        };
        Ok(Self { address, process, _directory: directory })
    }

    pub(crate) async fn agent(
        &self,
        client: &Client,
        endpoint: &Endpoint,
        timeout_ms: u32,
    ) -> Result<Agent, Failure> {
        let admin = Some(ADMIN_TOKEN);
        let agent = client.call("POST", "/v1/agents", admin, &json!({"name": "Bench"})).await?;
        let id = agent["agentId"].as_str().ok_or("no agentId")?.to_owned();
        let callback =
            json!({"url": endpoint.url, "secret": "bench-secret-0123456789", "timeoutMs": timeout_ms});
        client.call("PUT", &format!("/v1/agents/{id}/callback"), admin, &callback).await?;
        Ok(Agent { id })
    }

    pub(crate) fn resident_kib(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
