//! Buddy tells a chat agent who its visitor is, without a user's data or token in the page.
//!
//! This is the front door and the wiring; the rules are in `buddy-core`, the way out to customers in
//! `buddy-egress`, the disk in `buddy-store`. Inside: http and cli → agents, sessions, messages, API keys →
//! identify →
//! egress, store, core; never back.

mod agents;
mod ambient;
mod api_keys;
mod app;
mod audit;
mod check;
pub mod cli;
mod config;
mod console;
mod curl;
mod demo;
mod doctor;
mod error_pages;
mod explanation;
mod frameworks;
mod housekeeping;
mod http;
mod identify;
mod listening;
mod logs;
mod messages;
mod metrics;
mod nodes;
mod open_files;
mod refusal;
mod resolutions;
mod said;
mod sent;
mod server;
mod sessions;
mod spans;
mod stats;
#[cfg(test)]
mod testing;
mod traces;
