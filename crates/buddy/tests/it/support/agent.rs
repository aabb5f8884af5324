//! `buddy agent` as a process.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::{Agent, Model};

/// What the stub of a model is asked for.
pub(crate) const MODEL: &str = "tea-7b";
pub(crate) const MODEL_KEY: &str = "sk-test-model-key-0123456789";

/// A running agent; killed when dropped.
pub(crate) struct RunningAgent {
    process: Child,
    directory: TempDir,
}

impl RunningAgent {
    /// One that answers with the built-in sentences.
    pub(crate) fn start(server: SocketAddr, agent: &Agent) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), server, agent, &[])
    }

    /// One that answers with this model.
    pub(crate) fn with_model(server: SocketAddr, agent: &Agent, model: &Model, system: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let mut arguments = vec!["--base-url".to_owned(), model.base_url(), "--model".into(), MODEL.into()];
        if let Some(pem) = &model.ca_pem {
            arguments.extend(["--ca".to_owned(), file("ca.pem", pem)]);
        }
        if let Some(system) = system {
            arguments.extend(["--system".to_owned(), file("system.txt", system)]);
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Self::start_in(directory, server, agent, &arguments)
    }

    fn start_in(directory: TempDir, server: SocketAddr, agent: &Agent, arguments: &[&str]) -> Self {
        let log = File::create(log_in(directory.path())).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_buddy"))
            .args(["agent", "--log", "trace", "--server", &format!("http://{server}")])
            .args(arguments)
            .env_clear()
            .env("BUDDY_API_KEY", &agent.key)
            .env("OPENAI_API_KEY", MODEL_KEY)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = || std::fs::read_to_string(log_in(directory.path())).unwrap_or_default();
        assert!(line.starts_with("buddy agent answers sessions of http://"), "{line}{}", log());
        Self { process, directory }
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_in(self.directory.path())).unwrap()
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM, the wait for the end, and the log.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        self.terminate();
        self.wait()
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.process.wait().unwrap();
        (status, self.log())
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn log_in(directory: &Path) -> std::path::PathBuf {
    directory.join("stderr.log")
}
