//! The limit: what the work itself costs, with nothing that is not needed.
//!
//! hyper, rustls, one pool of connections with keep-alive, all on one thread. No framework, no validation, no logs. With
//! `--database`, every session is committed to SQLite before it is answered, under a key that begins with the time.

mod origin;
mod sessions;
mod writer;

use std::path::PathBuf;
use std::rc::Rc;

use buddy_bench_peers::{Failure, listen};
use clap::Parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use crate::sessions::Sessions;
use crate::writer::{Durability, Writer};

#[derive(Parser)]
struct Options {
    /// A JSON object: each agent's callback by its id
    #[arg(long)]
    agents: PathBuf,
    /// Whom to trust, in PEM
    #[arg(long)]
    ca: PathBuf,
    /// Keep the sessions in this SQLite file
    #[arg(long)]
    database: Option<PathBuf>,
    /// What an answered session survives
    #[arg(long, value_enum, default_value = "normal", requires = "database")]
    durability: Durability,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let writer = options.database.map(|file| Writer::open(&file, options.durability)).transpose()?;
    let sessions = Rc::new(Sessions::new(&options.agents, &options.ca, writer)?);
    let listener = listen::announced("http").await?;
    LocalSet::new().run_until(serve(listener, sessions)).await
}

async fn serve(listener: TcpListener, sessions: Rc<Sessions>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let sessions = Rc::clone(&sessions);
        spawn_local(async move {
            let service = service_fn(|request| sessions.answer(request));
            // A client that went away ends its own connection, and nothing else.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
