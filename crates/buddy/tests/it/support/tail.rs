//! `buddy tail` as a process.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use super::Setup;

/// Longer than any of its waits between two tries, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running tail; killed when dropped.
pub(crate) struct RunningTail {
    process: Child,
    printed: Lines<BufReader<ChildStdout>>,
    notices: Lines<BufReader<ChildStderr>>,
    _setup: Setup,
}

impl RunningTail {
    /// One that has begun to follow.
    pub(crate) async fn start(server: SocketAddr, arguments: &[&str]) -> Self {
        let setup = Setup::new(None).env("BUDDY_SERVER", &format!("http://{server}"));
        let mut command = Command::from(setup.command(&[&["tail"], arguments].concat()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let notices = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut tail = Self { process, printed, notices, _setup: setup };
        let notice = tail.notice().await;
        assert!(notice.starts_with("buddy: following agt_"), "{notice}");
        assert!(notice.ends_with(&format!(" at http://{server}; Ctrl-C ends it.")), "{notice}");
        if !arguments.contains(&"--json") {
            assert!(tail.notice().await.starts_with("buddy: times are in UTC"));
        }
        tail
    }

    /// The next line on standard output.
    pub(crate) async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.printed.next_line()).await.expect("a line in time");
        line.unwrap().expect("it goes on")
    }

    /// The next line on standard error.
    pub(crate) async fn notice(&mut self) -> String {
        let line = timeout(PATIENCE, self.notices.next_line()).await.expect("a notice in time");
        line.unwrap().expect("it goes on")
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.process.id().expect("it runs").to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Waits for the end, before which nothing more is printed.
    pub(crate) async fn ends(mut self) -> ExitStatus {
        assert_eq!(self.printed.next_line().await.unwrap(), None);
        assert_eq!(self.notices.next_line().await.unwrap(), None);
        timeout(PATIENCE, self.process.wait()).await.expect("an end in time").unwrap()
    }
}
