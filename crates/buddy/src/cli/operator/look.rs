//! Colours, which say nothing that the text beside them does not.

use anstyle::{AnsiColor, Style};
use buddy_core::resolution::Outcome;

/// Of an outcome.
pub(in crate::cli) fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Authenticated => coloured(AnsiColor::Green),
        Outcome::Nobody => Style::new(),
        Outcome::Failed => coloured(AnsiColor::Red),
    }
}

/// Of a phase, by its name in the API.
pub(in crate::cli) fn phase_style(phase: &str) -> Style {
    coloured(match phase {
        "queue" => AnsiColor::BrightBlack,
        "dns" => AnsiColor::Magenta,
        "connect" => AnsiColor::Cyan,
        "tls" => AnsiColor::Yellow,
        "headers" => AnsiColor::Blue,
        _ => AnsiColor::Green,
    })
}

fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into()))
}
