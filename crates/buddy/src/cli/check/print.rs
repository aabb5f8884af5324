//! The report as a person reads it: a line a finding, then what to do about each that is not fine.

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::AnsiColor;

use crate::check::{Finding, Report, Verdict};
use crate::cli::print::{bold, folded, sum};
use crate::frameworks::Framework;

/// Text that is given a line of its own is folded here.
const WIDTH: usize = 96;

/// Prints it; in colours on a terminal only.
pub(super) fn report(url: &str, report: &Report, framework: Option<Framework>) -> io::Result<()> {
    let mut out = AutoStream::auto(io::stdout().lock());
    writeln!(out, "buddy check {url}\n")?;
    let titles = report.findings.iter().map(|finding| finding.check.title().chars().count());
    let width = titles.max().unwrap_or_default();
    for Finding { check, verdict, message, .. } in &report.findings {
        writeln!(out, "  {}  {:width$}  {message}", coloured(*verdict), check.title())?;
    }
    writeln!(out, "\n{}", sum(report.count(Verdict::Fail), report.count(Verdict::Warn)))?;
    for finding in &report.findings {
        mend(&mut out, finding, framework)?;
    }
    if let Some(framework) = framework.filter(|_| report.findings.iter().any(of_the_endpoint)) {
        writeln!(out, "\nAll of it in {framework}, by the SDK ({}):\n", framework.file())?;
        lines(&mut out, &framework.endpoint())?;
    } else if report.findings.iter().any(of_the_endpoint) {
        writeln!(out, "\nWith --framework NAME you see the lines for yours: {}.", Framework::names())?;
    }
    out.flush()
}

fn mend(out: &mut impl Write, finding: &Finding, framework: Option<Framework>) -> io::Result<()> {
    let Finding { check, verdict, message, mend: Some(mend) } = finding else { return Ok(()) };
    writeln!(out, "\n{}  {}: {}", coloured(*verdict), check.as_str(), check.title())?;
    for line in folded(&capitalised(message), WIDTH).into_iter().chain(folded(mend, WIDTH)) {
        writeln!(out, "      {line}")?;
    }
    if let Some((framework, text)) =
        framework.and_then(|framework| Some((framework, framework.lines(*check)?)))
    {
        writeln!(out, "\n      In {framework}:\n")?;
        lines(out, text)?;
    }
    Ok(())
}

fn lines(out: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(out, "{}", format!("          {line}").trim_end()))
}

/// It is for the code of the endpoint to mend.
fn of_the_endpoint(finding: &Finding) -> bool {
    finding.verdict != Verdict::Pass && Framework::Express.lines(finding.check).is_some()
}

fn coloured(verdict: Verdict) -> String {
    let colour = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Fail => AnsiColor::Red,
    };
    bold(colour, verdict.as_str())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
