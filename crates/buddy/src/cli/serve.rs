//! `buddy serve`.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use buddy_store::DatabaseUrl;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::block_on;
use crate::ambient::Ambient;
use crate::app::{self, Started};
use crate::config::{Flags, Settings, WrongSetting, load, load_for_sqlite};
use crate::{logs, open_files, server};

/// Runs the server until SIGTERM or SIGINT.
pub(super) fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    let mut settings = settings(flags)?;
    logs::init(settings.log);
    settings.max_connections.most =
        open_files::connections(&settings.max_connections, settings.max_pending, open_files::raise_limit())?;
    block_on(serve(settings))?
}

/// What was set by flags, variables and file.
pub(super) fn settings(flags: Flags) -> Result<Settings, WrongSetting> {
    check_variables()?;
    load(flags, variable)
}

/// The same for a command that is for SQLite alone.
pub(super) fn settings_for_sqlite(flags: Flags, instead: &str) -> Result<Settings, WrongSetting> {
    check_variables()?;
    load_for_sqlite(flags, variable, instead)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable of ours that cannot be read would else be passed over: with another data dir, or a new key.
fn check_variables() -> Result<(), WrongSetting> {
    let unread = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .find(|(name, value)| name.starts_with("BUDDY_") && value.to_str().is_none());
    unread.map_or(Ok(()), |(setting, _)| Err(WrongSetting { setting, must: "must be text in UTF-8.".into() }))
}

async fn serve(settings: Settings) -> Result<(), Box<dyn Error>> {
    let stop = stop_signal()?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("--listen (BUDDY_LISTEN) {}: {error}.", settings.listen))?;
    let listen = listener.local_addr()?;
    let data_dir = settings.data_dir.clone();
    let database = settings.database.as_ref().map(DatabaseUrl::to_string);
    let Started { app, admin_token_path } = app::start(settings, listen, Ambient::system()).await?;
    announce(listen, &data_dir, database.as_deref(), admin_token_path.as_deref());
    server::run(app, listener, stop).await;
    Ok(())
}

/// What the operator needs to know, for eyes; the log has it too. Nobody need be reading it.
fn announce(listen: SocketAddr, data_dir: &Path, database: Option<&str>, admin_token_path: Option<&Path>) {
    let database = database.map_or_else(String::new, |database| format!("database: {database}\n"));
    let token =
        admin_token_path.map_or_else(String::new, |path| format!("admin token: in {}\n", path.display()));
    let lines =
        format!("buddy listens on http://{listen}\ndata dir: {}\n{database}{token}", data_dir.display());
    let _ = io::stdout().lock().write_all(lines.as_bytes());
    tracing::info!(%listen, version = env!("CARGO_PKG_VERSION"), "serving");
}

/// Ends at SIGTERM or SIGINT.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
