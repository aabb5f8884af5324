//! `buddy mock-endpoint`: what it prints is all that a person needs to try an agent against it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use buddy_mock::Behaviour;
use serde_json::json;

use super::refused;
use crate::support::Setup;

#[test]
fn the_list_has_every_behaviour_what_it_does_and_what_it_leads_to() {
    let output = Setup::new(None).run(&["mock-endpoint", "--list"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<_> = list.lines().filter(|line| line.starts_with("  ")).collect();
    let behaviours: Vec<_> = Behaviour::all().collect();
    assert_eq!(rows.len(), behaviours.len());
    for (row, behaviour) in rows.iter().zip(behaviours) {
        let mut columns = row.trim_start().split("  ").map(str::trim).filter(|column| !column.is_empty());
        assert_eq!(columns.next(), Some(behaviour.name));
        assert_eq!(columns.next(), Some(behaviour.expect.to_string().as_str()));
        assert_eq!(columns.next(), Some(behaviour.does));
    }
    assert!(list.contains("drip-body") && list.contains("AUTH_CALLBACK_TIMEOUT · timeout_body"), "{list}");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_ones() {
    for (name, nearest) in
        [("drip-bdoy", "drip-body"), ("honset", "honest"), ("redirect", "redirect-to-login")]
    {
        let message = refused(&Setup::new(None).run(&["mock-endpoint", "--behave", name]));
        assert!(message.contains(&format!("`{name}`")) && message.contains("--list"), "{message}");
        assert!(message.contains(nearest), "{message}");
    }
}

#[test]
fn what_cannot_be_opened_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, value) in [("--listen", address.as_str()), ("--ca-out", "nowhere/ca.pem")] {
        let output = Setup::new(None).run(&["mock-endpoint", "--behave", "honest", flag, value]);
        let message = refused(&output);
        assert!(message.starts_with(&format!("buddy: {flag} {value}: ")), "{message}");
    }
    let output = Setup::new(None).run(&["mock-endpoint"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--behave"), "{output:?}");
}

#[tokio::test]
async fn a_server_that_is_started_as_it_says_meets_what_it_promises() {
    let setup = Setup::new(None);
    let mut mock = Mock::start(&setup, &["--behave", "no-user-id"]);
    let ca = mock.told("ca file:").to_owned();
    let mode = std::fs::metadata(&ca).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else needs it");
    let expected = "AUTH_CALLBACK_BAD_RESPONSE · no_user_id, after 1 attempt";
    assert_eq!(mock.told("expect:"), expected);

    let settings = mock.opening.iter().find(|line| line.ends_with(" buddy serve")).expect("a command");
    let settings = settings.trim().strip_suffix(" buddy serve").unwrap();
    let server = settings.split(' ').fold(Setup::new(None), |server, setting| {
        let (name, value) = setting.split_once('=').expect("a variable");
        server.env(name, value)
    });
    let buddy = server.start();
    let agent = buddy.agent(mock.told("url:"), json!({})).await;
    let session = buddy.session(&agent).await;
    let told = buddy.identity(&agent, &session).await;
    let met = format!(
        "{} · {}, after 1 attempt",
        told["error"]["code"].as_str().unwrap(),
        told["error"]["reason"].as_str().unwrap()
    );
    assert_eq!(met, expected);
    assert_eq!(mock.next_line(), format!("connection 1: asked about {}, attempt 1", session.id));

    mock.end();
    assert!(!Path::new(&ca).exists(), "a temporary file goes with its process");
}

#[tokio::test]
async fn the_user_and_the_file_are_as_they_were_asked_for() {
    let setup = Setup::new(None);
    let arguments = ["--behave", "honest", "--user-id", "ada \"1\"", "--ca-out", "it's the ca.pem"];
    let mut mock = Mock::start(&setup, &arguments);
    assert_eq!(mock.told("ca file:"), r"'it'\''s the ca.pem'");
    let pem = std::fs::read_to_string(setup.path().join("it's the ca.pem")).unwrap();
    let buddy = Setup::new(Some(&pem)).start();
    let agent = buddy.agent(mock.told("url:"), json!({})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(buddy.identity(&agent, &session).await["identity"]["userId"], "ada \"1\"");
    assert!(mock.next_line().contains(&session.id));
    mock.end();
    assert!(setup.path().join("it's the ca.pem").exists(), "a file that was asked for stays");
}

/// A running mock endpoint; killed when dropped.
struct Mock {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// What it says before the first request.
    opening: Vec<String>,
}

impl Mock {
    fn start(setup: &Setup, arguments: &[&str]) -> Self {
        let mut command = setup.command(&[&["mock-endpoint"], arguments].concat());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut opening = Vec::new();
        while !opening.last().is_some_and(|line: &String| line.ends_with("What comes:")) {
            opening.push(line(&mut stdout));
        }
        Self { process, stdout, opening }
    }

    /// What follows a label in the opening.
    #[track_caller]
    fn told(&self, label: &str) -> &str {
        let line = self.opening.iter().find_map(|line| line.strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label} in {:?}", self.opening)).trim()
    }

    fn next_line(&mut self) -> String {
        line(&mut self.stdout)
    }

    /// SIGTERM, and a good end.
    fn end(&mut self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success(), "{rest}");
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[track_caller]
fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    assert!(stdout.read_line(&mut line).unwrap() > 0, "it has ended");
    line.trim_end().to_owned()
}
