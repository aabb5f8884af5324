//! The load: wrk for as many sessions as there can be, the driver for a steady number of them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::Failure;
use crate::platform::Running;
use crate::rig::Rig;

/// Longer than any answer of a peer takes, two attempts of three seconds.
const WRK_TIMEOUT: &str = "10s";

/// What wrk counted.
pub(crate) struct Closed {
    pub(crate) sessions: f64,
    pub(crate) per_second: f64,
}

/// Keeps so many connections busy with sessions of all agents in turns; fails if an answer was wrong.
pub(crate) async fn closed(
    rig: &Rig,
    platform: &Running,
    connections: u32,
    time: Duration,
) -> Result<Closed, Failure> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--timeout", WRK_TIMEOUT, "--connections", &connections.to_string()]);
    wrk.arg("--duration").arg(format!("{}s", time.as_secs()));
    wrk.arg("--script").arg(rig.programs.sources.join("sessions.lua"));
    wrk.arg(platform.url()).arg("--").args(&platform.agents);
    let output = text(wrk).await?;
    let line = output.lines().find_map(|line| line.strip_prefix("JSON ")).ok_or("wrk told nothing")?;
    let told: Value = serde_json::from_str(line)?;
    let number = |name: &str| told[name].as_f64().ok_or_else(|| format!("wrk told no {name}"));
    let (wrong, failed) = (number("wrong")?, number("failed")?);
    if wrong + failed > 0.0 {
        return Err(format!("{wrong} wrong answers, {failed} failed").into());
    }
    let sessions = number("sessions")?;
    Ok(Closed { sessions, per_second: sessions * 1e6 / number("micros")? })
}

/// What the driver saw; times in milliseconds.
pub(crate) struct Seen {
    /// Answers that were wrong, or none at all.
    pub(crate) wrong: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// Who is called by the driver.
pub(crate) enum Callee<'a> {
    /// A platform, for this agent of its.
    Platform(&'a Running, &'a str),
    /// The endpoint itself, as a platform calls it.
    Endpoint(&'a str),
}

impl Seen {
    /// Fails if an answer was wrong.
    pub(crate) fn all_right(self) -> Result<Self, Failure> {
        if self.wrong > 0.0 { Err(format!("{} answers were wrong", self.wrong).into()) } else { Ok(self) }
    }
}

/// Begins so many sessions a second, whatever becomes of them.
pub(crate) async fn open(
    rig: &Rig,
    callee: &Callee<'_>,
    rate: u32,
    warm: Duration,
    time: Duration,
) -> Result<Seen, Failure> {
    let mut drive = driver(rig, callee);
    drive.args(["open", "--rate", &rate.to_string()]);
    drive.arg("--warm").arg(warm.as_secs_f64().to_string());
    drive.arg("--seconds").arg(time.as_secs_f64().to_string());
    let told: Value = serde_json::from_str(&text(drive).await?)?;
    let number =
        |name: &str| told[name].as_f64().ok_or_else(|| Failure::from(format!("the driver told no {name}")));
    if number("right")? < 1.0 {
        return Err(format!("no answer was right: {told}").into());
    }
    let millis = |name: &str| number(name).map(|micros| micros / 1e3);
    Ok(Seen {
        wrong: number("wrong")? + number("failed")?,
        p50: millis("p50")?,
        p99: millis("p99")?,
        p999: millis("p999")?,
        max: millis("max")?,
    })
}

/// Many connections, each with one session at a time.
pub(crate) struct Held<'a> {
    /// Whose sessions, in turns.
    pub(crate) agents: &'a [String],
    pub(crate) connections: u32,
    /// The time within which they begin.
    pub(crate) ramp: Duration,
    /// A connection begins its next session no sooner than this after its last.
    pub(crate) cycle: Duration,
}

/// Holds sessions open until what is returned is dropped, or the time is over.
pub(crate) fn hold(rig: &Rig, platform: &Running, held: &Held<'_>, time: Duration) -> Result<Child, Failure> {
    let mut drive = driver(rig, &Callee::Platform(platform, &held.agents.join(",")));
    drive.args(["closed", "--connections", &held.connections.to_string()]);
    drive.arg("--ramp").arg(held.ramp.as_secs_f64().to_string());
    drive.arg("--cycle").arg(held.cycle.as_secs_f64().to_string());
    drive.arg("--seconds").arg(time.as_secs_f64().to_string());
    Ok(drive.stdout(Stdio::null()).kill_on_drop(true).spawn()?)
}

fn driver(rig: &Rig, callee: &Callee<'_>) -> Command {
    let mut drive = Command::new(rig.programs.peers.join("drive"));
    match callee {
        Callee::Platform(platform, agents) => {
            drive.args(["--url", &platform.url(), "--agents", agents]);
            drive.args(["--expect", r#""status":"authenticated""#]);
        }
        Callee::Endpoint(url) => {
            drive.args(["--url", url, "--agents", "agt_0", "--expect", r#""userId":"user_123""#]);
            drive.arg("--direct").arg(rig.ca());
        }
    }
    drive
}

async fn text(mut command: Command) -> Result<String, Failure> {
    let output = command.kill_on_drop(true).output().await;
    let output = output.map_err(|error| format!("{}: {error}", name(&command)))?;
    if !output.status.success() {
        return Err(format!("{}: {}", name(&command), String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn name(command: &Command) -> String {
    Path::new(command.as_std().get_program()).display().to_string()
}
