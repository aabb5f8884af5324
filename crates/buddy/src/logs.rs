//! Logs on standard error: text on a terminal, JSON lines elsewhere.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// Crates that are ours. Those of others stay at warnings, whatever is asked for: what they print of a request at
/// finer levels is not ours to vouch for.
const OURS: [&str; 5] = ["buddy", "buddy_agent", "buddy_core", "buddy_egress", "buddy_store"];

/// Sets the process's subscriber; a second call changes nothing.
pub(crate) fn init(level: LevelFilter) {
    let others = level.min(LevelFilter::WARN);
    let filter = OURS.into_iter().fold(EnvFilter::default().add_directive(others.into()), |filter, name| {
        let directive: Directive = format!("{name}={level}").parse().expect("a crate name and a level");
        filter.add_directive(directive)
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only when a subscriber is set already, which is then as good.
    let _ = if std::io::stderr().is_terminal() {
        builder.try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
}
