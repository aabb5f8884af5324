//! A verdict as `buddy verify` prints it, for eyes and for machines.

use std::fmt;

use buddy_core::callback::mistake::{Diagnosis, Finding, Mistake, Shape, first_difference};
use buddy_core::id::{AgentId, SessionId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cli::print::around;

/// What spec/callback.md tells endpoints to allow, either way.
const TOLERANCE_SECONDS: u64 = 300;

/// Another secret that was given.
#[derive(Clone, Copy)]
pub(super) struct Other<'a> {
    /// Its variable's.
    pub(super) name: &'a str,
    /// From before a rotation.
    pub(super) is_old: bool,
}

/// The verdict and all there is to say about it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Judged {
    Right(Right),
    Wrong(Wrong),
}

#[derive(Serialize)]
pub(super) struct Right {
    right: bool,
    /// None for a body that is no callback.
    callback: Option<Callback>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Callback {
    session_id: SessionId,
    agent_id: AgentId,
    timestamp: i64,
    /// Negative for a timestamp that is yet to come.
    age_seconds: i64,
    fresh: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wrong {
    right: bool,
    findings: Vec<Said>,
    /// The variable of the other secret that signed.
    signed_with: Option<String>,
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Said {
    name: &'static str,
    mend: String,
}

/// Where the bytes that were signed and those of the body part.
#[derive(Serialize)]
struct Difference {
    at: usize,
    signed: String,
    body: String,
    #[serde(skip)]
    mark: usize,
}

impl Judged {
    pub(super) fn right(body: &[u8], now: i64) -> Self {
        Self::Right(Right { right: true, callback: Callback::read(body, now) })
    }

    /// `flaw`: the variable of the agent's secret and what is around the secret in it.
    pub(super) fn wrong(
        body: &[u8],
        diagnosis: &Diagnosis<'_>,
        flaw: Option<(&str, Mistake)>,
        others: &[Other<'_>],
    ) -> Self {
        let mut findings: Vec<_> = flaw.map(|flaw| in_variable(flaw, diagnosis)).into_iter().collect();
        let is_flaw = |mistake: &Mistake| flaw.is_some_and(|(_, flaw)| *mistake == flaw);
        let known = if let Diagnosis::Known(finding) = diagnosis { Some(finding) } else { None };
        match diagnosis {
            Diagnosis::Right => {}
            Diagnosis::Known(finding) => {
                findings.extend(finding.signed_with.map(|name| foreign(name, others)));
                findings.extend(finding.shape.map(of_shape));
                let mistakes = finding.mistakes.iter().filter(|mistake| !is_flaw(mistake));
                findings.extend(mistakes.map(|mistake| said(mistake.as_str(), mistake.mend())));
            }
            Diagnosis::Unknown(Some(shape)) => findings.push(of_shape(*shape)),
            Diagnosis::Unknown(None) => findings.push(said("unknown", UNKNOWN)),
        }
        Self::Wrong(Wrong {
            right: false,
            findings,
            signed_with: known.and_then(|finding| finding.signed_with).map(str::to_owned),
            difference: known.and_then(|finding| Difference::of(finding, body)),
        })
    }

    pub(super) fn is_right(&self) -> bool {
        matches!(self, Self::Right(_))
    }
}

const UNKNOWN: &str = "No known mistake leads to this signature: it is of another body or of another secret. Take body and signature from one request, and give more secrets with --other-secret-env.";

fn said(name: &'static str, mend: &str) -> Said {
    Said { name, mend: mend.to_owned() }
}

fn of_shape(shape: Shape) -> Said {
    said(shape.as_str(), &shape.mend())
}

fn in_variable((name, flaw): (&str, Mistake), diagnosis: &Diagnosis<'_>) -> Said {
    let made = match diagnosis {
        Diagnosis::Right => " The signature is right without it.",
        Diagnosis::Known(Finding { mistakes, .. }) if mistakes.contains(&flaw) => {
            " The signature was made with it."
        }
        _ => "",
    };
    said(flaw.as_str(), &format!("{} It is in {name}.{made}", flaw.mend()))
}

fn foreign(name: &str, others: &[Other<'_>]) -> Said {
    if others.iter().any(|other| other.name == name && other.is_old) {
        let mend = "this is the secret from before the rotation. Until the rotation ends let both count.";
        said("old_secret", &format!("The signature is that of {name}: {mend}"))
    } else {
        let mend = "this is not the agent's secret. Let one side use the other's.";
        said("other_secret", &format!("The signature is that of {name}: {mend}"))
    }
}

impl Difference {
    fn of(finding: &Finding<'_>, body: &[u8]) -> Option<Self> {
        let written = finding.signed.as_deref()?;
        let at = first_difference(written, body)?;
        let (signed, body, mark) = around(at, written, body);
        Some(Self { at, signed, body, mark })
    }
}

impl Callback {
    fn read(body: &[u8], now: i64) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Members {
            session_id: SessionId,
            agent_id: AgentId,
            timestamp: i64,
        }
        let Members { session_id, agent_id, timestamp } = serde_json::from_slice(body).ok()?;
        let fresh = timestamp.abs_diff(now) <= TOLERANCE_SECONDS;
        let age_seconds = now.saturating_sub(timestamp);
        Some(Self { session_id, agent_id, timestamp, age_seconds, fresh })
    }

    fn age(&self) -> String {
        let seconds = self.age_seconds.unsigned_abs();
        if self.age_seconds < 0 { format!("{seconds} s ahead") } else { format!("{seconds} s ago") }
    }

    fn freshness(&self) -> String {
        let (age, timestamp) = (self.age_seconds.unsigned_abs(), self.timestamp);
        let beyond = age.saturating_sub(TOLERANCE_SECONDS);
        if self.fresh {
            format!("fresh:      an endpoint that allows {TOLERANCE_SECONDS} s takes it")
        } else if self.age_seconds < 0 {
            format!(
                "stale:      {beyond} s too far ahead; an endpoint that allows {TOLERANCE_SECONDS} s refuses it. Let both clocks be set by NTP."
            )
        } else {
            format!(
                "stale:      {beyond} s too old; an endpoint that allows {TOLERANCE_SECONDS} s refuses it now. As of when it was made: --now {timestamp}"
            )
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right(right) => right.fmt(f),
            Self::Wrong(wrong) => wrong.fmt(f),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(callback) = &self.callback else {
            return f.write_str(
                "right\n  But the body is no callback: it lacks a sessionId, agentId or timestamp of the right form.",
            );
        };
        let Callback { session_id, agent_id, timestamp, .. } = callback;
        let date =
            Timestamp::from_second(*timestamp).map_or_else(|_| String::new(), |time| format!(", {time}"));
        write!(
            f,
            "right\n  session:    {session_id}\n  agent:      {agent_id}\n  timestamp:  {timestamp}{date}, {}\n  {}",
            callback.age(),
            callback.freshness()
        )
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.findings.iter().map(|said| said.name).collect();
        write!(f, "wrong: {}", names.join(", "))?;
        for Said { name, mend } in &self.findings {
            match names.len() {
                1 => write!(f, "\n  {mend}")?,
                _ => write!(f, "\n  {name}: {mend}")?,
            }
        }
        if let Some(Difference { at, signed, body, mark }) = &self.difference {
            let bytes = if *at == 1 { "byte" } else { "bytes" };
            write!(f, "\n  signed: {signed}\n  body:   {body}\n          {:mark$}^ after {at} {bytes}", "")?;
        }
        Ok(())
    }
}
