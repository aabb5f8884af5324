//! What the demo prints: colours on a terminal, plain text in a pipe.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use buddy_core::reason::Reason;
use buddy_shop::{Shop, Visit};
use serde_json::Value;

use super::client::text;
use super::trace::Step;

/// The headers worth a look; the rest is what every HTTP client sends.
const SHOWN_HEADERS: [&str; 5] = [
    "x-platform-signature",
    "x-platform-request-id",
    "x-platform-attempt",
    "x-platform-deadline-ms",
    "traceparent",
];
/// What may be known of a user, in the documents' order.
pub(super) const FACTS: [&str; 4] = ["userId", "email", "role", "customAttributes"];
/// In the order in which they happen.
const PHASES: [&str; 6] = ["queue", "dns", "connect", "tls", "headers", "body"];

/// All that is to be told of one session.
pub(super) struct Told {
    /// Where the endpoint was.
    pub(super) url: String,
    pub(super) visits: Vec<Visit>,
    pub(super) resolution: Value,
    pub(super) identity: Value,
    /// What the visitor's own call was answered, if that is known here.
    pub(super) visitor: Option<Value>,
}

pub(super) struct Printer {
    colours: bool,
}

#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Green,
    Yellow,
    Cyan,
}

impl Ink {
    /// SGR parameters, ECMA-48 section 8.3.117.
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

impl Printer {
    /// Colours if a person is watching and has not asked for none (no-color.org).
    #[expect(
        clippy::disallowed_methods,
        reason = "NO_COLOR is no setting of Buddy's, but every terminal program's"
    )]
    pub(super) fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: io::stdout().is_terminal() && !unwanted }
    }

    /// `page`: where a browser sees it.
    pub(super) fn opening(&self, address: SocketAddr, shop: &Shop, page: Option<&str>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", self.ink(Ink::Bold, "Buddy demo: who is the visitor of this chat?"))?;
        if let Some(page) = page {
            writeln!(out, "  open      {}", self.ink(Ink::Green, page))?;
        }
        writeln!(out, "  Buddy     http://{address}")?;
        writeln!(
            out,
            "  the shop  {}  (real TLS, throw-away authority)",
            shop.url(buddy_shop::Manner::Honest)
        )?;
        writeln!(
            out,
            "  The page holds no user data. Buddy asks the shop, signed; only the agent's software is told."
        )?;
        out.flush()
    }

    /// Less than what is said in passing.
    pub(super) fn quietly(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout().lock(), "  {}", self.ink(Ink::Dim, text))
    }

    /// The scenes are over, and the page goes on.
    pub(super) fn browser_next(&self, page: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out)?;
        writeln!(out, "{}", self.ink(Ink::Bold, &format!("Now yours: {page}")))?;
        writeln!(out, "  Each session of that page is told here too. Ctrl-C ends the demo.")?;
        out.flush()
    }

    pub(super) fn closing(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out)?;
        writeln!(
            out,
            "{}",
            self.ink(
                Ink::Bold,
                "In every case the chat went on at once. Next: `buddy serve`, and README.md."
            )
        )
    }

    pub(super) fn scene(&self, title: &str, told: &Told) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out)?;
        writeln!(out, "{}", self.ink(Ink::Bold, title))?;
        let attempts = told.resolution["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        for (index, attempt) in attempts.iter().enumerate() {
            if attempts.len() > 1 {
                writeln!(out, "  {}", self.ink(Ink::Dim, &format!("attempt {}", attempt["number"])))?;
            }
            self.sent(&mut out, &told.url, told.visits.get(index))?;
            self.came_back(&mut out, told.visits.get(index), attempt)?;
            writeln!(out, "  {} {}", self.ink(Ink::Cyan, "took"), took(attempt))?;
        }
        self.known(&mut out, told)?;
        out.flush()
    }

    /// What another site's page has tried.
    pub(super) fn attack(&self, session_id: &str, steps: &[Step]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let title = format!("In the browser: another site's page ({session_id})");
        writeln!(out)?;
        writeln!(out, "{}", self.ink(Ink::Bold, &title))?;
        for Step { does, refused_by, outcome } in steps {
            let refused = refused_by.map_or_else(String::new, |by| format!("refused by {by}: "));
            writeln!(out, "  {does}")?;
            writeln!(out, "       {}{outcome}", self.ink(Ink::Green, &refused))?;
        }
        out.flush()
    }

    fn sent(&self, out: &mut impl Write, url: &str, visit: Option<&Visit>) -> io::Result<()> {
        writeln!(out, "  {} POST {url}", self.ink(Ink::Cyan, "sent"))?;
        let Some(visit) = visit else { return Ok(()) };
        for (name, value) in visit.headers.iter().filter(|(name, _)| SHOWN_HEADERS.contains(&name.as_str())) {
            writeln!(out, "       {}", self.ink(Ink::Dim, &format!("{name}: {value}")))?;
        }
        writeln!(out, "       {}", visit.body)
    }

    fn came_back(&self, out: &mut impl Write, visit: Option<&Visit>, attempt: &Value) -> io::Result<()> {
        let label = self.ink(Ink::Cyan, "came back");
        match visit.and_then(|visit| visit.answer.as_ref()) {
            Some((status, body)) => writeln!(out, "  {label} {status} {body}"),
            None => writeln!(out, "  {label} nothing: {}", text(attempt, "reason")),
        }
    }

    fn known(&self, out: &mut impl Write, told: &Told) -> io::Result<()> {
        let status = text(&told.identity, "status");
        let ink = if status == "authenticated" { Ink::Green } else { Ink::Yellow };
        writeln!(
            out,
            "  {} {}{}",
            self.ink(Ink::Cyan, "the agent knows"),
            self.ink(ink, status),
            facts(&told.identity)
        )?;
        if let Some(visitor) = &told.visitor {
            writeln!(out, "  {} {}", self.ink(Ink::Cyan, "the browser knows"), text(visitor, "status"))?;
        }
        let error = &told.identity["error"];
        if let Ok(reason) = text(error, "reason").parse::<Reason>() {
            writeln!(
                out,
                "  {} {} · {reason}",
                self.ink(Ink::Cyan, "error"),
                self.ink(ink, text(error, "code"))
            )?;
            writeln!(out, "       {}", reason.mend())?;
        }
        Ok(())
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if self.colours && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", ink.code())
        } else {
            text.to_owned()
        }
    }
}

/// The verified facts.
fn facts(identity: &Value) -> String {
    let facts = FACTS.into_iter().filter_map(|name| {
        let fact = &identity["identity"][name];
        (!fact.is_null()).then(|| format!(" · {name} {fact}"))
    });
    facts.collect()
}

fn took(attempt: &Value) -> String {
    let total = attempt["durationMs"].as_f64().unwrap_or_default();
    let phases = PHASES.iter().filter_map(|phase| {
        let millis = attempt["phases"][format!("{phase}Ms")].as_f64()?;
        Some(format!("{phase} {millis:.1}"))
    });
    let phases: Vec<_> = phases.collect();
    format!("{total:.1} ms: {}", phases.join(" · "))
}
