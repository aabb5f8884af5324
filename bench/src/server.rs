//! `buddy serve` as it is released, on a data dir of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::Failure;
use crate::client::Client;
use crate::endpoint::Endpoint;

const ADMIN_TOKEN: &str = "bat_bench-admin-token-0123456789";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    _directory: TempDir,
}

pub(crate) struct Agent {
    pub(crate) id: String,
}

impl Server {
    pub(crate) fn start(binary: &str, endpoints: &[&Endpoint]) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let ca = directory.path().join("ca.pem");
        std::fs::write(&ca, endpoints.iter().map(|endpoint| endpoint.ca_pem.as_str()).collect::<String>())?;
        let log = std::fs::File::create(directory.path().join("stderr.log"))?;
        let mut process = Command::new(binary)
            .arg("serve")
            .env_clear()
            .env("BUDDY_LISTEN", "127.0.0.1:0")
            .env("BUDDY_DATA_DIR", directory.path().join("data"))
            .env("BUDDY_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("BUDDY_EGRESS_CA", &ca)
            .env("BUDDY_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
            .env("BUDDY_SESSIONS_PER_MINUTE", "0")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default().parse()?;
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
