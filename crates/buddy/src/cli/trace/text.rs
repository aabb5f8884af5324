//! A session as a person reads it: why it ended so and what to do, where the time went, and what was sent. In the
//! console's words.

use std::fmt::Write;

use anstyle::Style;
use buddy_core::reason::Reason;
use buddy_core::resolution::Resolution;
use url::Url;

use super::waterfall;
use crate::ambient::Ambient;
use crate::cli::operator::{Explained, outcome_style};
use crate::cli::print::{folded, shown};
use crate::said;
use crate::sent;
use crate::spans::sending_name;

/// Where there is no terminal that says how wide it is.
const COLUMNS: usize = 80;
/// Narrower, a line is broken by the terminal; wider, it is not read with ease.
const COLUMNS_MIN: usize = 60;
const COLUMNS_MAX: usize = 120;
/// The longest name of a fact, and the space after it.
const NAME: usize = "what to do".len() + 2;
/// A line of a list of resolutions, and of a time in it.
const MOMENT: &str = "%d %b %Y %H:%M:%S.%3f UTC";

/// The endpoint as it is configured now.
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) timeout_ms: u32,
}

/// All that is told.
pub(super) struct Told<'a> {
    /// The newest.
    pub(super) resolution: &'a Resolution,
    pub(super) explained: &'a Explained,
    pub(super) endpoint: Option<&'a Endpoint>,
    /// Those before it, newest first.
    pub(super) earlier: &'a [Resolution],
}

impl Told<'_> {
    /// All of it, in colours, for a terminal of so many columns or for none. `server`: where the page of a code is.
    pub(super) fn text(&self, server: &str, columns: Option<usize>) -> String {
        let columns = columns.unwrap_or(COLUMNS).clamp(COLUMNS_MIN, COLUMNS_MAX);
        let mut text = Text { text: String::new(), columns };
        self.why(&mut text, server);
        self.facts(&mut text);
        let rows = waterfall::rows(self.resolution, columns);
        if !rows.is_empty() {
            text.heading("Where the time went", None);
            text.text.push_str(&rows);
        }
        self.answers(&mut text);
        self.requests(&mut text);
        text.text
    }

    fn why(&self, text: &mut Text, server: &str) {
        let Resolution { session_id, outcome, reason, warnings, .. } = self.resolution;
        let style = outcome_style(*outcome).bold();
        let _ = writeln!(text.text, "{session_id}  {style}{outcome}{style:#}{}\n", code(*reason));
        let Explained { cause, rule, mend, page, .. } = self.explained;
        text.fact("why", &shown(cause));
        if let Some(mend) = mend {
            text.fact("what to do", &shown(mend));
        }
        for warning in warnings {
            text.fact("warning", warning.message());
        }
        text.fact("rule", &shown(&format!("{} → {}", rule.answered, rule.becomes)));
        if let Some(page) = page {
            text.fact("page", &shown(&format!("{server}{page}")));
        }
    }

    fn facts(&self, text: &mut Text) {
        let Resolution { id, agent_id, started_at, duration, .. } = self.resolution;
        let began = format!("{}, took {}", said::written(*started_at, MOMENT), said::took(*duration));
        text.fact("began", &began);
        text.fact("agent", &agent_id.to_string());
        text.fact("request id", &format!("{id}, as in the endpoint’s X-Platform-Request-Id"));
        for Resolution { id, outcome, reason, started_at, .. } in self.earlier {
            let at = said::written(*started_at, MOMENT);
            text.fact("earlier", &format!("{at} {outcome}{}, {id}", code(*reason)));
        }
    }

    fn answers(&self, text: &mut Text) {
        let sendings = self.resolution.attempts.iter().zip(&self.explained.sendings);
        let told = sendings.filter_map(|(attempt, sending)| Some((attempt, sending.answer.as_deref()?)));
        for (index, (attempt, answer)) in told.enumerate() {
            if index == 0 {
                text.heading(
                    "The answer, by its shape",
                    Some("Types and lengths only: no value is kept, or shown."),
                );
            }
            text.fact(&sending_name(attempt), &shown(answer));
        }
    }

    fn requests(&self, text: &mut Text) {
        let Some(Endpoint { url, timeout_ms }) = self.endpoint else { return };
        let ambient = Ambient::system();
        let requests = sent::requests(self.resolution, url.as_str(), &ambient);
        if !requests.is_empty() {
            let about = "Of the signature the begin, and … for what was not kept. The URL is the one that is configured now.";
            text.heading("The request, as sent", Some(about));
        }
        for (index, request) in requests.iter().enumerate() {
            let between = if index > 0 { "\n" } else { "" };
            let _ = writeln!(text.text, "{between}{}\n{}", request.name, request.text);
        }
        let about = "With the secret in the variable BUDDY_SECRET of your shell.";
        text.heading("The same by hand", Some(about));
        let command = sent::command(self.resolution, url.as_str(), *timeout_ms, &ambient);
        let _ = writeln!(text.text, "{command}");
    }
}

fn code(reason: Option<Reason>) -> String {
    reason.map_or_else(String::new, |reason| format!(", {reason}, {}", reason.code()))
}

/// What is written, and how wide it may be.
struct Text {
    text: String,
    columns: usize,
}

impl Text {
    /// A name and what is to be known under it, folded.
    fn fact(&mut self, name: &str, value: &str) {
        let mut name = name;
        for line in folded(value, self.columns - NAME) {
            let _ = writeln!(self.text, "{name:NAME$}{line}");
            name = "";
        }
    }

    fn heading(&mut self, heading: &str, about: Option<&str>) {
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        let _ = writeln!(self.text, "\n{bold}{heading}{bold:#}");
        for line in about.into_iter().flat_map(|about| folded(about, self.columns)) {
            let _ = writeln!(self.text, "{dim}{line}{dim:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use buddy_core::id::new_id;
    use buddy_core::resolution::{Attempt, Outcome, Phases, Signed, SignedWith, Warning};
    use buddy_core::time::UnixMillis;
    use serde_json::json;

    use super::*;

    const BEGUN: UnixMillis = UnixMillis(1_717_000_000_000);

    fn attempt(number: u8, after_ms: i64, reason: Option<Reason>, phases: Phases) -> Attempt {
        Attempt {
            number,
            started_at: UnixMillis(BEGUN.0 + after_ms),
            duration: phases.reached().map(|(_, micros)| micros).sum(),
            status: None,
            reason,
            signed_with: SignedWith::Current,
            reused_connection: false,
            phases,
            signed: Some(Signed { timestamp: 1_717_000_000, signature_begin: "0123abcd".to_owned() }),
            shape: None,
        }
    }

    fn resolution(outcome: Outcome, attempts: Vec<Attempt>) -> Resolution {
        Resolution {
            id: new_id(BEGUN, [1; 10]),
            session_id: new_id(BEGUN, [2; 10]),
            agent_id: new_id(BEGUN, [3; 10]),
            outcome,
            reason: attempts.last().and_then(|attempt| attempt.reason),
            warnings: Vec::new(),
            started_at: BEGUN,
            duration: attempts.iter().map(|attempt| attempt.duration).sum(),
            attempts,
        }
    }

    fn told(resolution: &Resolution, explained: &serde_json::Value, endpoint: Option<&Endpoint>) -> String {
        let explained = serde_json::from_value(explained.clone()).unwrap();
        let told = Told { resolution, explained: &explained, endpoint, earlier: &[] };
        anstream::adapter::strip_str(&told.text("https://buddy.example", None)).to_string()
    }

    #[test]
    fn a_failure_is_told_with_its_cause_what_to_do_and_both_attempts() {
        let dialled = Phases {
            queue: Some(100),
            dns: Some(200_000),
            connect: Some(300_000),
            tls: Some(499_900),
            headers: Some(2_000_000),
            body: None,
        };
        let waited = Phases { headers: Some(3_000_000), queue: Some(50), ..Phases::default() };
        let late = Some(Reason::TimeoutHeaders);
        let failed =
            resolution(Outcome::Failed, vec![attempt(1, 0, late, dialled), attempt(2, 3000, late, waited)]);
        let explained = json!({
            "cause": "It took too long.", "mend": "Be faster.", "page": "/e/AUTH_CALLBACK_TIMEOUT",
            "rule": {"answered": "an attempt as a whole took longer than timeoutMs", "becomes": "AUTH_CALLBACK_TIMEOUT, after one more attempt"},
            "sendings": [{"number": 1, "timestamp": null, "signatureBegin": null, "answer": null},
                {"number": 2, "timestamp": null, "signatureBegin": null, "answer": null}],
        });
        let (session, agent, id) = (&failed.session_id, &failed.agent_id, &failed.id);
        let expected = format!(
            "\
{session}  failed, timeout_headers, AUTH_CALLBACK_TIMEOUT

why         It took too long.
what to do  Be faster.
rule        an attempt as a whole took longer than timeoutMs →
            AUTH_CALLBACK_TIMEOUT, after one more attempt
page        https://buddy.example/e/AUTH_CALLBACK_TIMEOUT
began       29 May 2024 16:26:40.000 UTC, took 6.00 s
agent       {agent}
request id  {id}, as in the endpoint’s
            X-Platform-Request-Id

Where the time went
              0                                                  6.00 s
Attempt 1: no answer, timeout_headers, took 3.00 s
  queue      │█                                                        │  0.1 ms
  DNS        │█                                                        │  200 ms
  connect    │ ███                                                     │  300 ms
  TLS        │    █████                                                │  499 ms
  first byte │         ███████████████████                             │  2.00 s
Attempt 2: no answer, timeout_headers, took 3.00 s
  queue      │                            █                            │  0.0 ms
  first byte │                            █████████████████████████████│  3.00 s
"
        );
        let told = told(&failed, &explained, None);
        assert_eq!(told, expected, "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    }

    #[test]
    fn what_went_well_is_told_with_what_was_dropped_sent_and_answered() {
        let phases = Phases { headers: Some(1_500), ..Phases::default() };
        let attempt = Attempt { status: Some(200), reused_connection: true, ..attempt(1, 0, None, phases) };
        let good = Resolution {
            warnings: vec![Warning::RoleNotAString],
            ..resolution(Outcome::Authenticated, vec![attempt])
        };
        let explained = json!({
            "cause": "The endpoint named \u{1b}[2J the user.", "mend": null, "page": null,
            "rule": {"answered": "2xx", "becomes": "authenticated"},
            "sendings": [{"number": 1, "timestamp": null, "signatureBegin": null, "answer": "userId: string(8)"}],
        });
        let endpoint =
            Endpoint { url: "https://shop.example/buddy?shop=1".parse().unwrap(), timeout_ms: 3000 };
        let told = told(&good, &explained, Some(&endpoint));
        for part in [
            "  authenticated\n",
            "why         The endpoint named \\u{1b}[2J the user.\n",
            "warning     role was dropped: send a string, null, or leave it out.\n",
            "Attempt 1: 200, took 1.5 ms, over a connection used before\n",
            "\nThe answer, by its shape\n",
            "Attempt 1   userId: string(8)\n",
            "\nThe request, as sent\n",
            "POST /buddy?shop=1 HTTP/1.1\nhost: shop.example\n",
            "x-platform-signature: 0123abcd…\n",
            "\"timestamp\":1717000000}\n",
            "\nThe same by hand\n",
            "curl -i --globoff --http1.1 --url 'https://shop.example/buddy?shop=1'",
        ] {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
        assert!(!told.contains("what to do") && !told.contains("page "), "{told}");
    }

    #[test]
    fn where_nobody_was_asked_there_is_no_waterfall() {
        let explained = json!({"cause": "Nobody.", "mend": null, "page": null, "sendings": [],
            "rule": {"answered": "no ticket", "becomes": "anonymous"}});
        let told = told(&resolution(Outcome::Nobody, Vec::new()), &explained, None);
        assert!(told.contains("  nobody\n\nwhy         Nobody.\n"), "{told}");
        assert!(!told.contains('│') && !told.contains("by its shape"), "{told}");
    }
}
