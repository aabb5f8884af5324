//! A resolution in one line of columns.

use std::fmt::Write;

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Resolution};

use crate::cli::operator::{outcome_style, phase_style};
use crate::said;

/// What the columns do not say themselves.
pub(super) const LEGEND: &str = "times are in UTC; q queue, d DNS, c connect, t TLS, f first byte, b body.";

/// Columns of a line on a terminal that has fewer than the wide ones.
const NARROW: usize = 79;
/// Columns of a line elsewhere, also where no terminal says how many there are.
const WIDE: usize = 120;
/// `sess_` and what follows it.
const SESSION: usize = 31;
/// The longest: `12.34 s`, `9.9 ms`.
const TOOK: usize = 7;
/// `×2`, or `×3` where the next secret was tried too.
const ATTEMPTS: usize = 2;
/// The end of an agent's id, by which it is told from others: `…` and so many.
const AGENT_TAIL: usize = 6;
/// A bar that is shorter says nothing.
const BAR_MIN: usize = 5;

/// How wide the columns are.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Milliseconds and codes, too.
    wide: bool,
    /// Whose it is.
    agent: bool,
    time: &'static str,
    what: usize,
    bar: usize,
}

impl Layout {
    /// For a terminal of so many columns, or for no terminal; `agent`: with whose it is.
    pub(super) fn new(columns: Option<usize>, agent: bool) -> Self {
        let wide = columns.is_none_or(|columns| columns >= WIDE);
        // `failed`, the longest reason, and its code; or a mark and the longest reason.
        let (all, time, time_columns, what) =
            if wide { (WIDE, "%H:%M:%S.%3f", 12, 50) } else { (NARROW, "%H:%M:%S", 8, 19) };
        let agent_columns = if agent { AGENT_TAIL + 2 } else { 0 };
        let others =
            [time_columns, SESSION, what, ATTEMPTS, TOOK].map(|column| column + 1).iter().sum::<usize>();
        let bar = all.saturating_sub(others + agent_columns);
        Self { wide, agent, time, what, bar: if bar < BAR_MIN { 0 } else { bar } }
    }

    /// The line, in colours.
    pub(super) fn line(self, resolution: &Resolution) -> String {
        let Resolution { session_id, agent_id, outcome, started_at, duration, attempts, .. } = resolution;
        let mut line = said::written(*started_at, self.time);
        if self.agent {
            let id = agent_id.to_string();
            let _ = write!(line, " …{}", &id[id.len() - AGENT_TAIL..]);
        }
        let style = outcome_style(*outcome);
        let what = format!("{:1$}", self.what(resolution), self.what);
        let sent = if attempts.is_empty() { "– ".to_owned() } else { format!("×{}", attempts.len()) };
        let took = said::took(*duration);
        let _ = write!(line, " {session_id} {style}{what}{style:#} {sent} {took:>TOOK$}");
        if self.bar > 0 && !attempts.is_empty() {
            let _ = write!(line, " {}", bar(attempts, self.bar));
        }
        line.trim_end().to_owned()
    }

    fn what(self, Resolution { outcome, reason, .. }: &Resolution) -> String {
        match (self.wide, outcome, reason) {
            (true, _, Some(reason)) => format!("{outcome} {reason} {}", reason.code()),
            (true, _, None) => outcome.to_string(),
            (false, Outcome::Failed, reason) => format!("✗ {}", reason.map_or("failed", Reason::as_str)),
            (false, Outcome::Authenticated, _) => format!("✓ {outcome}"),
            (false, Outcome::Nobody, _) => format!("· {outcome}"),
        }
    }
}

/// Where the time went: all phases of all sendings one after another, each column with the letter of the phase that its
/// middle lies in.
fn bar(attempts: &[Attempt], columns: usize) -> String {
    let phases: Vec<_> = attempts.iter().flat_map(|attempt| attempt.phases.reached()).collect();
    let whole: u128 = phases.iter().map(|(_, micros)| u128::from(*micros)).sum();
    let mut bar = String::new();
    if whole == 0 {
        return bar;
    }
    for column in 0..columns {
        // In halves of a column, of the whole time each.
        let middle = (2 * column as u128 + 1) * whole;
        let mut until = 0;
        let phase = phases.iter().find(|(_, micros)| {
            until += u128::from(*micros) * 2 * columns as u128;
            middle < until
        });
        let (phase, _) = phase.expect("the last phase ends where the time does");
        let style = phase_style(phase);
        let _ = write!(bar, "{style}{}{style:#}", letter(phase));
    }
    bar
}

fn letter(phase: &str) -> char {
    // The answer's headers begin with its first byte.
    let name = if phase == "headers" { "first byte" } else { phase };
    name.chars().next().unwrap_or('?')
}

#[cfg(test)]
mod tests {
    use buddy_core::id::new_id;
    use buddy_core::resolution::{Phases, SignedWith};
    use buddy_core::time::UnixMillis;

    use super::*;

    const BEGUN: UnixMillis = UnixMillis(1_717_000_000_123);

    fn attempt(phases: Phases) -> Attempt {
        Attempt {
            number: 1,
            started_at: BEGUN,
            duration: 1,
            status: None,
            reason: None,
            signed_with: SignedWith::Current,
            reused_connection: false,
            phases,
            signed: None,
            shape: None,
        }
    }

    fn resolution(outcome: Outcome, reason: Option<Reason>, attempts: Vec<Attempt>) -> Resolution {
        Resolution {
            id: new_id(BEGUN, [1; 10]),
            session_id: new_id(BEGUN, [2; 10]),
            agent_id: new_id(BEGUN, [3; 10]),
            outcome,
            reason,
            warnings: Vec::new(),
            started_at: BEGUN,
            duration: 12_345_678,
            attempts,
        }
    }

    fn plain(columns: Option<usize>, agent: bool, resolution: &Resolution) -> String {
        let line = Layout::new(columns, agent).line(resolution);
        anstream::adapter::strip_str(&line).to_string()
    }

    #[test]
    fn every_line_fits_its_terminal_and_its_columns_stand_below_each_other() {
        let sent = attempt(Phases { headers: Some(3), ..Phases::default() });
        let mut all: Vec<_> = Reason::ALL
            .iter()
            .map(|reason| resolution(Outcome::Failed, Some(*reason), vec![sent.clone(), sent.clone()]))
            .collect();
        all.push(resolution(Outcome::Authenticated, None, vec![sent.clone()]));
        all.push(resolution(Outcome::Nobody, None, vec![sent]));
        for (columns, agent, width) in
            [(Some(80), false, 79), (Some(80), true, 79), (Some(120), false, 120), (None, true, 120)]
        {
            let lines: Vec<_> = all.iter().map(|resolution| plain(columns, agent, resolution)).collect();
            let column = |line: &str| line.chars().position(|letter| letter == '×');
            for line in &lines {
                assert!(line.chars().count() <= width, "{line}");
                assert!(column(line).is_some() && column(line) == column(&lines[0]), "{line}");
                assert!(line.contains(" 12.34 s"), "{line}");
            }
        }
    }

    #[test]
    fn a_line_says_what_happened_to_which_session_how_often_and_how_long() {
        let (late, dialled) = (
            attempt(Phases { headers: Some(4_000_000), ..Phases::default() }),
            attempt(Phases { queue: Some(1), tls: Some(2_000_000), ..Phases::default() }),
        );
        let failed = resolution(Outcome::Failed, Some(Reason::TimeoutHeaders), vec![dialled, late]);
        let session = failed.session_id.to_string();
        assert_eq!(
            plain(Some(80), false, &failed),
            format!("16:26:40 {session} ✗ timeout_headers   ×2 12.34 s ttfffff"),
        );
        let what = format!("{:50}", "failed timeout_headers AUTH_CALLBACK_TIMEOUT");
        assert_eq!(
            plain(None, false, &failed),
            format!("16:26:40.123 {session} {what} ×2 12.34 s ttttfffffffff"),
        );
    }

    #[test]
    fn where_several_agents_are_followed_each_line_says_whose_it_is() {
        let sent = attempt(Phases { dns: Some(1), ..Phases::default() });
        let good = resolution(Outcome::Authenticated, None, vec![sent]);
        let (session, agent) = (good.session_id.to_string(), good.agent_id.to_string());
        let tail = &agent[agent.len() - 6..];
        assert_eq!(
            plain(Some(80), true, &good),
            format!("16:26:40 …{tail} {session} ✓ authenticated     ×1 12.34 s"),
            "there is no room for a bar",
        );
        assert!(plain(None, true, &good).ends_with(" ×1 12.34 s ddddd"));
    }

    #[test]
    fn what_nobody_was_asked_about_has_no_bar() {
        let nobody = resolution(Outcome::Nobody, None, Vec::new());
        let line = plain(Some(80), false, &nobody);
        assert!(line.ends_with(" · nobody            –  12.34 s"), "{line}");
        let at_once = attempt(Phases { queue: Some(0), ..Phases::default() });
        let line = plain(Some(80), false, &resolution(Outcome::Nobody, None, vec![at_once]));
        assert!(line.ends_with(" ×1 12.34 s"), "{line}");
    }
}
