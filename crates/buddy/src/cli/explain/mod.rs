//! `buddy explain`: the docs' page of a code, a reason's part of it, or a mistake's sentence.

mod page;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};

use buddy_core::callback::mistake::Mistake;
use buddy_core::reason::{Code, Reason};
use clap::Args;

use crate::error_pages::{head, markdown, section};
use page::in_terminal;

/// As many as one looks at.
const NEAREST_MAX: usize = 3;

/// What `buddy explain` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// A code, a reason, or a mistake that `buddy verify` names.
    #[arg(value_name = "WORD", required_unless_present = "list")]
    word: Option<String>,
    /// Show every word there is.
    #[arg(long)]
    list: bool,
}

/// Prints the explanation.
pub(super) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let text = match &flags.word {
        Some(word) if !flags.list => explain(word)?,
        _ => list(),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

fn explain(word: &str) -> Result<String, String> {
    let plain = word.trim().to_ascii_lowercase().replace('-', "_");
    if let Ok(code) = plain.to_ascii_uppercase().parse::<Code>() {
        return Ok(in_terminal(markdown(code)));
    }
    if let Ok(reason) = plain.parse::<Reason>() {
        let code = reason.code();
        let (head, section) = (in_terminal(head(code)), in_terminal(section(reason)));
        return Ok(format!("{head}\n\n{section}\n\nThe whole page: buddy explain {code}"));
    }
    match plain.parse::<Mistake>() {
        Ok(mistake) => Ok(format!(
            "{mistake}\n\n{}\n\nA mistake in signing. Whether a signature shows it: buddy verify\nThe other causes of a 401: buddy explain http_status",
            mistake.mend()
        )),
        Err(_) => Err(unknown(word, &plain)),
    }
}

fn words() -> impl Iterator<Item = &'static str> {
    let codes = Code::ALL.into_iter().map(Code::as_str);
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    codes.chain(reasons).chain(Mistake::ALL.iter().map(|mistake| mistake.as_str()))
}

fn unknown(word: &str, plain: &str) -> String {
    let distance = |known: &str| {
        let known = known.to_ascii_lowercase();
        let within = plain.len() > 2 && known.contains(plain);
        (!within, !(within && known.ends_with(plain)), strsim::damerau_levenshtein(plain, &known))
    };
    let mut nearest: Vec<_> = words().collect();
    nearest.sort_by_key(|known| distance(known));
    nearest.truncate(NEAREST_MAX);
    let nearest = nearest.join(", ");
    format!(
        "no code, reason or mistake is named `{word}`; the nearest names are {nearest}, and --list shows all."
    )
}

fn list() -> String {
    let mut text = String::new();
    let width = words().map(str::len).max().unwrap_or_default();
    for code in Code::ALL {
        let _ = writeln!(text, "{code}");
        for reason in Reason::ALL.iter().filter(|reason| reason.code() == code) {
            let _ = writeln!(text, "  {:width$}  {}", reason.as_str(), reason.mend());
        }
        text.push('\n');
    }
    let _ = writeln!(text, "Mistakes in signing, as buddy verify names them");
    for mistake in Mistake::ALL {
        let _ = writeln!(text, "  {:width$}  {}", mistake.as_str(), mistake.mend());
    }
    text
}
