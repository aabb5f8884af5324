//! The accept loop: bounded connections, bounded heads, and an end that lets every request finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use buddy_core::limits::{ATTEMPTS_MAX, TIMEOUT_MS_MAX};
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::App;
use crate::http::Front;
use crate::http::limit::Peer;
use crate::{housekeeping, nodes};

/// A head that takes longer is not meant to end.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request's head, cookies of a large site included.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Two attempts of the longest time, and a second to store what came of them.
const DRAIN_TIME: Duration = Duration::from_millis(ATTEMPTS_MAX as u64 * TIMEOUT_MS_MAX as u64 + 1000);
/// Connections that may wait in the kernel to be accepted; tokio asks for as many.
const BACKLOG_MAX: usize = 1024;
/// One that waits is there at once.
const BACKLOG_TIME: Duration = Duration::from_millis(5);
/// A balancer that has just connected sends its request by then.
const FIRST_BYTES_TIME: Duration = Duration::from_millis(500);
/// After an accept failed for lack of files or memory: long enough for some to be freed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` ends, then finishes what is pending and closes the store.
pub(crate) async fn run(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let recovery = tokio::spawn(take_up_pending(app.clone()));
    let housekeeping = tokio::spawn(housekeeping::run(app.clone(), app.stopping.clone()));
    let nodes = tokio::spawn(nodes::run(app.clone(), app.stopping.clone()));
    let connections = GracefulShutdown::new();
    let front = Arc::new(Front::new(&app));
    tokio::select! {
        () = accept(&app, &listener, &front, &connections) => {}
        () = stopped(&app, stop) => {}
    }
    take_what_waits(&app, &listener, &front, &connections).await;
    drop(listener);
    if !app.drain.is_zero() {
        // One that has sent nothing yet would be closed as idle, with its request on the way.
        tokio::time::sleep(FIRST_BYTES_TIME).await;
    }
    tracing::info!("stopping: no new connections, what is pending is finished");
    app.stopping.cancel();
    let drained = async {
        connections.shutdown().await;
        app.identifier.drained().await;
    };
    if timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("not everything was finished in time; what is pending is taken up at the next start");
    }
    recovery.abort();
    let _ = housekeeping.await;
    let _ = nodes.await;
    app.health.close().await;
    app.traces.close().await;
    tracing::info!("stopped");
}

/// Ends when the server is to take no more connections: for a while after it was told to stop, it does, so that a load
/// balancer finds it not ready, and no request is sent to a port that is closed.
async fn stopped(app: &App, stop: impl Future<Output = ()>) {
    stop.await;
    app.draining.cancel();
    if !app.drain.is_zero() {
        tracing::info!(seconds = app.drain.as_secs(), "stopping soon: not ready, and still answering");
        tokio::time::sleep(app.drain).await;
    }
}

async fn take_up_pending(app: Arc<App>) {
    match app.identifier.recover().await {
        Ok(0) => {}
        Ok(sessions) => tracing::info!(sessions, "sessions that were pending at the last end are identified"),
        Err(error) => tracing::error!(%error, "pending sessions could not be read; housekeeping tries again"),
    }
}

async fn accept(app: &App, listener: &TcpListener, front: &Arc<Front>, connections: &GracefulShutdown) {
    let places = Arc::new(Semaphore::new(app.max_connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let place = places.clone().acquire_owned().await.expect("the places are never closed");
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        spawn_serving(app, stream, address, front, connections, place);
    }
}

/// Connections that the kernel has taken already, and whose requests would be lost with the listener.
async fn take_what_waits(
    app: &App,
    listener: &TcpListener,
    front: &Arc<Front>,
    connections: &GracefulShutdown,
) {
    for _ in 0..BACKLOG_MAX {
        // What does not come at once is for whoever listens next; tokio may need a second look to know.
        let Ok(Ok((stream, address))) = timeout(BACKLOG_TIME, listener.accept()).await else { return };
        spawn_serving(app, stream, address, front, connections, ());
    }
}

/// Serves it in the background, counted, with what is held for as long as it is open.
fn spawn_serving(
    app: &App,
    stream: TcpStream,
    address: SocketAddr,
    front: &Arc<Front>,
    connections: &GracefulShutdown,
    held: impl Send + 'static,
) {
    let serving = serve(stream, Peer(address.ip()), Arc::clone(front), connections.watcher());
    let counted = app.metrics.connection();
    tokio::spawn(async move {
        serving.await;
        drop((held, counted));
    });
}

async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::error!(%error, "a connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn serve(stream: TcpStream, peer: Peer, front: Arc<Front>, watcher: Watcher) {
    // Only a hint to the kernel; without it answers are later, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| front.answer(request, peer).map(Ok::<_, Infallible>));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever ends a connection ends it alone; its requests were answered or are of no use any more.
    let _ = watcher.watch(connection).await;
}
