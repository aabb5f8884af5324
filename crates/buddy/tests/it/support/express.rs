//! The endpoint of `tests/endpoints/express`, as a real Node process behind TLS.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use buddy_shop::certificate::Authority;
use serde_json::Value;
use tempfile::TempDir;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/endpoints/express");

pub(crate) struct Express {
    pub(crate) ca_pem: String,
    port: u64,
    process: Child,
    stdout: BufReader<ChildStdout>,
    _keys: TempDir,
}

impl Express {
    /// Starts it with further variables of its environment.
    pub(crate) fn start(secret: &str, env: &[(&str, &str)]) -> Self {
        let modules = std::path::Path::new(DIRECTORY).join("node_modules/express");
        assert!(modules.exists(), "run scripts/test, or `npm ci` in tests/endpoints/express");
        let authority = Authority::new().unwrap();
        let (certificate, key) = authority.pem_for("localhost").unwrap();
        let keys = tempfile::tempdir().unwrap();
        let (certificate_path, key_path) = (keys.path().join("cert.pem"), keys.path().join("key.pem"));
        std::fs::write(&certificate_path, certificate).unwrap();
        std::fs::write(&key_path, key).unwrap();
        let mut process = Command::new("node")
            .arg("server.mjs")
            .current_dir(DIRECTORY)
            .env("TLS_CERT", &certificate_path)
            .env("TLS_KEY", &key_path)
            .env("SECRET", secret)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let port = line(&mut stdout)["listening"].as_u64().expect("its port");
        Self { ca_pem: authority.pem(), port, process, stdout, _keys: keys }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/buddy/identity", self.port)
    }

    /// What it says of its next request.
    pub(crate) fn next_request(&mut self) -> Value {
        line(&mut self.stdout)
    }

    /// Ends it; nothing listens at its port any more.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends it, and says what it had yet to say.
    pub(crate) fn stop_and_read_rest(mut self) -> Vec<Value> {
        self.stop();
        let rest = (&mut self.stdout).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        rest.collect()
    }
}

impl Drop for Express {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("a line of JSON, not {line:?}"))
}
