//! `buddy serve`.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::block_on;
use crate::ambient::Ambient;
use crate::app::{self, Started};
use crate::config::{Flags, Settings, load};
use crate::{logs, server};

/// Runs the server until SIGTERM or SIGINT.
pub(super) fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let settings = load(flags, |name| std::env::var(name).ok())?;
    logs::init(settings.log);
    block_on(serve(settings))?
}

async fn serve(settings: Settings) -> Result<(), Box<dyn Error>> {
    let stop = stop_signal()?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("--listen (BUDDY_LISTEN) {}: {error}.", settings.listen))?;
    let listen = listener.local_addr()?;
    let data_dir = settings.data_dir.clone();
    let Started { app, admin_token_path } = app::start(settings, listen, Ambient::system())?;
    announce(listen, &data_dir, admin_token_path.as_deref());
    server::run(app, listener, stop).await;
    Ok(())
}

/// What the operator needs to know, for eyes; the log has it too.
#[expect(clippy::print_stdout, reason = "the start's own lines, on standard output")]
fn announce(listen: SocketAddr, data_dir: &Path, admin_token_path: Option<&Path>) {
    println!("buddy listens on http://{listen}");
    println!("data dir: {}", data_dir.display());
    if let Some(path) = admin_token_path {
        println!("admin token: in {}", path.display());
    }
    tracing::info!(%listen, version = env!("CARGO_PKG_VERSION"), "serving");
}

/// Ends at SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
