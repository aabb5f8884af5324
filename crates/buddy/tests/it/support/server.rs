//! `buddy serve` as a process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

use super::Api;
use super::place::Place;

pub(crate) const ADMIN_TOKEN: &str = "bat_test-admin-token-0123456789";

/// How a server is to be started.
pub(crate) struct Setup {
    directory: TempDir,
    env: Vec<(String, String)>,
    undisturbed: bool,
    one_core: bool,
}

impl Setup {
    /// Callbacks may reach the loopback and believe this authority; strangers are not limited.
    pub(crate) fn new(ca_pem: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut setup = Self { directory, env: Vec::new(), undisturbed: false, one_core: false };
        if let Some(pem) = ca_pem {
            let path = setup.path().join("ca.pem");
            std::fs::write(&path, pem).unwrap();
            setup = setup.env("BUDDY_EGRESS_CA", path.to_str().unwrap());
        }
        setup
            .env("BUDDY_LISTEN", "127.0.0.1:0")
            .env("BUDDY_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("BUDDY_EGRESS_ALLOW", "127.0.0.0/8,::1/128")
            .env("BUDDY_SESSIONS_PER_MINUTE", "0")
    }

    /// Sets a variable, or sets it anew.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No other server of the tests runs meanwhile.
    pub(crate) fn undisturbed(self) -> Self {
        Self { undisturbed: true, ..self }
    }

    /// It sees a machine with one core.
    pub(crate) fn on_one_core(self) -> Self {
        Self { one_core: true, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join("buddy-data")
    }

    /// Everything that servers of this set-up have logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("stderr.log")).unwrap()
    }

    /// The command, with no variable of ours but those of this set-up.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_buddy");
        let mut command = if self.one_core {
            let mut command = Command::new("/usr/bin/taskset");
            command.args(["--cpu-list", &first_core(), program]);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).env_clear().envs(self.env.iter().cloned()).current_dir(self.path());
        command
    }

    pub(crate) fn start(self) -> Buddy {
        self.start_with(&[])
    }

    /// Starts it with further arguments.
    pub(crate) fn start_with(self, arguments: &[&str]) -> Buddy {
        let place = if self.undisturbed { Place::alone() } else { Place::among_others() };
        let log = self.path().join("stderr.log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.command(&[&["serve"], arguments].concat());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("buddy listens on http://") else {
            let log = std::fs::read_to_string(self.path().join("stderr.log")).unwrap_or_default();
            panic!("the server did not start: {line}{log}");
        };
        let address: SocketAddr = address.parse().unwrap();
        Buddy {
            api: Api::new(address),
            address,
            process,
            stdout,
            setup: self,
            first_line: line,
            _place: place,
        }
    }

    /// Runs a command to its end. A server that was not to start is killed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut printed = Vec::new();
        stdout.read_until(b'\n', &mut printed).unwrap();
        if printed.starts_with(b"buddy listens") {
            process.kill().unwrap();
        }
        stdout.read_to_end(&mut printed).unwrap();
        Output { stdout: printed, ..process.wait_with_output().unwrap() }
    }
}

/// The first core that the tests may use.
fn first_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    cores.trim().split([',', '-']).next().unwrap().to_owned()
}

/// A running server; killed when dropped.
pub(crate) struct Buddy {
    pub(crate) api: Api,
    pub(crate) address: SocketAddr,
    process: Child,
    /// Held open: whoever starts a server reads what it says.
    stdout: BufReader<ChildStdout>,
    first_line: String,
    setup: Setup,
    _place: Place,
}

impl Buddy {
    /// A server for endpoints under this authority.
    pub(crate) fn start(ca_pem: &str) -> Self {
        Setup::new(Some(ca_pem)).start()
    }

    /// A server that calls nobody.
    pub(crate) fn alone() -> Self {
        Setup::new(None).start()
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        self.setup.log()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.setup.data_dir()
    }

    /// Its resident memory now.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// SIGKILL; what is left is a set-up over the same data.
    pub(crate) fn kill(mut self) -> Setup {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.into_setup()
    }

    /// How it was started.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM, the wait for the end, and everything that it has printed.
    pub(crate) fn stop(mut self) -> (ExitStatus, String, Setup) {
        self.terminate();
        let mut printed = std::mem::take(&mut self.first_line);
        self.stdout.read_to_string(&mut printed).unwrap();
        let (status, setup) = self.wait();
        (status, printed, setup)
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> (ExitStatus, Setup) {
        let status = self.process.wait().unwrap();
        (status, self.into_setup())
    }

    fn into_setup(mut self) -> Setup {
        // The process has ended; its directory lives on in the set-up.
        std::mem::replace(
            &mut self.setup,
            Setup {
                directory: tempfile::tempdir().unwrap(),
                env: Vec::new(),
                undisturbed: false,
                one_core: false,
            },
        )
    }
}

impl Drop for Buddy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
