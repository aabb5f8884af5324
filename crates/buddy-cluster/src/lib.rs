//! A PostgreSQL of one's own for a test: a cluster in a temporary directory, on a port of the loopback interface, that
//! is gone with the process, however that ends.

mod installed;
mod processes;

use std::fs::Permissions;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use installed::Installed;
use rustix::process::{Pid, Signal, kill_process};

/// Ports that are tried: below those that systems give to whoever asks for any, so that no other program's outgoing
/// connection has one.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Many stores at once, each with a pool.
const CONNECTIONS_MAX: u32 = 600;
/// For a port that another takes between the look and the start.
const STARTS_MAX: u32 = 20;

/// Waits until the process that started it is gone, even if it was killed: then its end of the pipe is closed. Signals
/// meant for the test's process group are not meant for it.
const JANITOR: &str = r#"trap '' INT HUP TERM; cat >/dev/null; "$1/pg_ctl" -D "$2/data" stop -m immediate >/dev/null 2>&1; rm -rf "$2""#;

/// A cluster of one's own. Dropped, it is stopped, and its directory removed.
pub struct Cluster {
    installed: Installed,
    directory: PathBuf,
    port: u16,
    janitor: Child,
    // Closed, it tells the janitor to begin.
    leash: Option<ChildStdin>,
}

/// Whether it waits until the disk has what was committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    Trusted,
    Flushed,
}

/// A certificate and its key, PEM, for a cluster that speaks TLS only.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Cluster {
    /// Starts one that takes anybody. Panics with a sentence that says what to do where there is no PostgreSQL.
    pub fn start() -> Self {
        Self::start_with(None, Disk::Trusted)
    }

    /// Starts one that takes nobody without TLS.
    pub fn start_with_tls(tls: &Tls) -> Self {
        Self::start_with(Some(tls), Disk::Trusted)
    }

    /// Starts one whose commits reach the disk, as those of one that is not for a test do.
    pub fn start_durable() -> Self {
        Self::start_with(None, Disk::Flushed)
    }

    /// The one that a test process has in common.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start_with(tls: Option<&Tls>, disk: Disk) -> Self {
        let installed = Installed::find();
        let directory = tempfile::Builder::new()
            .prefix("buddy-cluster-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary directory")
            .keep();
        installed.give(&directory);
        let mut janitor = installed
            .command("sh")
            .args(["-c", JANITOR, "janitor"])
            .args([&installed.binaries, &directory])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let leash = janitor.stdin.take();
        let mut cluster = Self { installed, directory, port: 0, janitor, leash };
        cluster.make(tls, disk);
        cluster.start_on_some_port();
        cluster
    }

    fn make(&self, tls: Option<&Tls>, disk: Disk) {
        let data = self.data();
        let made = self
            .installed
            .postgres("initdb")
            .args(["--auth=trust", "--username=buddy", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output();
        assert_done("initdb", made);
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nmax_connections = {CONNECTIONS_MAX}\n\
            shared_buffers = '64MB'\n",
            self.directory.display()
        );
        if disk == Disk::Trusted {
            settings.push_str("fsync = off\nfull_page_writes = off\n");
        }
        if let Some(Tls { certificate, key }) = tls {
            self.write("server.crt", certificate);
            self.write("server.key", key);
            settings.push_str("ssl = on\n");
            self.write("pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n");
        }
        self.write("postgresql.auto.conf", &settings);
    }

    /// Writes a file of the data directory, for the cluster's user alone.
    fn write(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        let mut file = std::fs::File::create(&path).expect("a file of the cluster");
        file.set_permissions(Permissions::from_mode(0o600)).expect("its owner's");
        file.write_all(text.as_bytes()).expect("room on the disk");
        self.installed.give(&path);
    }

    fn start_on_some_port(&mut self) {
        for _ in 0..STARTS_MAX {
            self.port = free_port();
            if self.try_start() {
                return;
            }
        }
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        panic!("PostgreSQL does not start: {log}");
    }

    fn try_start(&self) -> bool {
        let output = self
            .installed
            .postgres("pg_ctl")
            .args(["start", "--wait", "--silent", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(self.log())
            .arg("-o")
            .arg(format!("-p {}", self.port))
            // The server inherits them, and whoever reads a pipe to its end would wait for it.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        output.expect("pg_ctl runs").success()
    }

    /// Stops it as a power cut would, until [`Self::start_again`].
    pub fn stop(&self) {
        let stopped = self
            .installed
            .postgres("pg_ctl")
            .args(["stop", "--wait", "--silent", "-m", "immediate", "-D"])
            .arg(self.data())
            .output();
        assert_done("pg_ctl stop", stopped);
    }

    /// Starts it again, on the same port, with all that it has.
    pub fn start_again(&self) {
        assert!(self.try_start(), "PostgreSQL does not start again");
    }

    /// Lets none of its processes run until [`Self::thaw`]: connections stay, and nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets them run again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            send(pid, signal);
        }
    }

    /// The numbers of its processes, the one that starts the others first.
    pub fn processes(&self) -> Vec<i32> {
        let pid_file = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let first: i32 = pid_file.lines().next().and_then(|pid| pid.parse().ok()).expect("its first line");
        let mut all = vec![first];
        all.extend(processes::children_of(first));
        all
    }

    /// Makes a database, of all that `template` has if one is named, and gives its name.
    pub fn create_database(&self, template: Option<&str>) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let template = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.run(&format!("CREATE DATABASE {name}{template}"));
        name
    }

    /// Runs SQL past everything, in the database `postgres`, and gives what it prints.
    pub fn run(&self, sql: &str) -> String {
        let ran = self
            .installed
            .postgres("psql")
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "-h"])
            .arg(&self.directory)
            .args(["-p", &self.port.to_string(), "-U", "buddy", "-d", "postgres", "-c", sql])
            .output();
        assert_done("psql", ran)
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://buddy@127.0.0.1:{}/{database}", self.port)
    }

    /// The same by its socket.
    pub fn socket_url(&self, database: &str) -> String {
        let directory = self.directory.display();
        format!("postgres:///{database}?host={directory}&port={}&user=buddy", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.leash.take());
        // It has done what it can, and nobody is there to be told.
        let _ = self.janitor.wait();
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cluster(127.0.0.1:{})", self.port)
    }
}

fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process has a number");
    // One that has ended meanwhile needs no signal.
    let _ = kill_process(pid, signal);
}

/// What a command printed, if it did what it was asked to.
fn assert_done(what: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("{what} does not run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Processes begin at places of their own, so that two of them seldom try the same.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(7);
    loop {
        let step = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port =
            PORTS.start + u16::try_from(step % u32::from(PORTS.end - PORTS.start)).expect("below the end");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// `path` is there and can be run.
fn is_there(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_keeps_what_it_has_when_it_is_stopped_and_is_gone_when_it_is_dropped() {
        let cluster = Cluster::start();
        let database = cluster.create_database(None);
        cluster.stop();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, cluster.port())).is_ok(), "nobody has its port");
        cluster.start_again();
        let found = cluster.run(&format!("SELECT count(*) FROM pg_database WHERE datname = '{database}'"));
        assert_eq!(found, "1");
        let directory = cluster.directory.clone();
        drop(cluster);
        assert!(!directory.exists());
    }
}
