//! `buddy demo`: a real server, a sample shop with the chat in its page, and what becomes of each session, told step by step: five
//! sessions in the terminal, then those of a browser as they happen.

mod acts;
mod attacker;
mod board;
mod browser;
mod client;
mod follow;
mod print;
mod scenes;
mod stage;
mod trace;

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use buddy_agent::{AgentSettings, Answerer};
use buddy_core::secret::TokenKind;
use buddy_shop::Shop;
use buddy_store::MasterKey;
use clap::Args;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use crate::ambient::Ambient;
use crate::app::{self, Started};
use crate::cli::block_on;
use crate::cli::serve::stop_signal;
use crate::config::Settings;
use crate::server;
use board::Board;
use client::{Client, text};
use print::Printer;

/// What goes wrong in the demo's own hands.
type Failure = Box<dyn Error + Send + Sync>;

/// Beside the server's own 8700: easily told to whoever sits at another screen.
const PORT: u16 = 8710;

/// What `buddy demo` is told.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Tell the five sessions in the terminal, without a page, and end.
    #[arg(long)]
    once: bool,
    /// Do not open the page in a browser.
    #[arg(long)]
    no_open: bool,
    /// The page's port; 0 takes one that is free [default: 8710, or a free one where that is taken].
    #[arg(long, conflicts_with = "once")]
    port: Option<u16>,
}

/// Runs the demo to its end; nothing of it stays on the machine.
pub(crate) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    block_on(show(flags))?
}

async fn show(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let stop = stop_signal()?;
    let ambient = Ambient::system();
    let data_dir = Scratch::new(&ambient);
    let (board, begun) = Board::new();
    let board = Arc::new(board);
    let secret = ambient.callback_secret();
    let tell = board.clone();
    let shop = Shop::open(secret.expose(), move |event| tell.note(event)).await?;
    let admin_token = ambient.token(TokenKind::Admin).expose().to_owned();
    let settings = settings(&ambient, &data_dir, &shop, &admin_token);
    let listener = TcpListener::bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let Started { app, .. } = app::start_alone(settings, address, ambient)?;
    let stopping = CancellationToken::new();
    let server = tokio::spawn(server::run(app, listener, stopping.clone().cancelled_owned()));
    let client = Client::new(address);
    let printer = Printer::for_stdout();
    let secret = secret.expose().to_owned();
    let backstage = Arc::new(Backstage { address, client, shop, board, admin_token, secret, printer });
    let shown = tokio::select! {
        () = stop => Ok(()),
        shown = backstage.show(flags, begun) => shown,
    };
    // Told to stop, or the demo has failed: the end is the same.
    stopping.cancel();
    server.await?;
    shown.map_err(|failure| -> Box<dyn Error> { failure })
}

/// What the demo has in its hands: Buddy as its operator, the shop, and what is known of each session.
struct Backstage {
    address: SocketAddr,
    client: Client,
    shop: Shop,
    board: Arc<Board>,
    admin_token: String,
    secret: String,
    printer: Printer,
}

/// An agent and the key of its own software.
struct Agent {
    id: String,
    key: String,
}

impl Backstage {
    async fn show(self: &Arc<Self>, flags: &Flags, begun: UnboundedReceiver<String>) -> Result<(), Failure> {
        if flags.once {
            self.printer.opening(self.address, &self.shop, None)?;
            scenes::play_all(self).await?;
            return Ok(self.printer.closing()?);
        }
        let listener = listen(flags.port).await?;
        let mut stage = stage::open(self, listener).await?;
        self.printer.opening(self.address, &self.shop, Some(&stage.url))?;
        if !flags.no_open {
            browser::open(&stage.url, &self.printer)?;
        }
        let told = async {
            scenes::play_all(self).await?;
            self.printer.browser_next(&stage.url)?;
            follow::sessions(self, &stage.agent, begun).await
        };
        let answering = self.answering_agent(&stage.agent)?.run(CancellationToken::new());
        tokio::select! {
            told = told => told,
            answered = answering => Ok(answered?),
            served = stage.serving.join_next() => Ok(served.unwrap_or(Ok(Ok(())))??),
        }
    }

    /// Whoever answers what the page's visitors write.
    fn answering_agent(&self, agent: &Agent) -> Result<buddy_agent::Agent, Failure> {
        Ok(buddy_agent::Agent::new(AgentSettings {
            server: Url::parse(&format!("http://{}", self.address))?,
            api_key: Zeroizing::new(agent.key.clone()),
            answerer: Answerer::BuiltIn,
            roots_pem: None,
        })?)
    }

    /// A new agent with this callback, for pages of these origins.
    async fn agent(&self, name: &str, origins: &[&str], callback: Value) -> Result<Agent, Failure> {
        let new = json!({"name": name, "allowedOrigins": origins});
        let agent = self.operator("POST", "/v1/agents", Some(new)).await?;
        let id = text(&agent, "agentId").to_owned();
        self.operator("PUT", &format!("/v1/agents/{id}/callback"), Some(callback)).await?;
        let key = self.operator("POST", &format!("/v1/agents/{id}/api-keys"), None).await?;
        Ok(Agent { id, key: text(&key, "key").to_owned() })
    }

    async fn operator(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        self.client.call(method, path, Some(&self.admin_token), body).await
    }

    /// A page's wish could not be met: the terminal says why.
    fn failed(&self, failure: &Failure) -> StatusCode {
        // Whoever has closed the terminal is not told.
        let _ = self.printer.quietly(&failure.to_string());
        StatusCode::BAD_GATEWAY
    }

    /// What was done to identify this session, or null if nobody was asked.
    async fn resolution(&self, agent_id: &str, session_id: &str) -> Result<Value, Failure> {
        let path = format!("/v1/agents/{agent_id}/resolutions?sessionId={session_id}");
        let mut page = self.operator("GET", &path, None).await?;
        Ok(page["resolutions"][0].take())
    }
}

/// The page's listener. A port that was asked for and is taken is an error; the usual one is not worth one.
async fn listen(port: Option<u16>) -> Result<TcpListener, Failure> {
    let loopback = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => loopback(port).await.map_err(|error| {
            format!("--port {port}: {error}; give another one, or 0 for any that is free.").into()
        }),
        None => match loopback(PORT).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(loopback(0).await?),
            listener => Ok(listener?),
        },
    }
}

/// Real settings: the throw-away authority is believed, and keys are this run's own.
fn settings(ambient: &Ambient, data_dir: &Scratch, shop: &Shop, admin_token: &str) -> Settings {
    Settings {
        admin_token: Some(Zeroizing::new(admin_token.to_owned())),
        master_keys: vec![MasterKey::from_bytes(ambient.bytes())],
        egress_ca: Some(shop.ca_pem().as_bytes().to_vec()),
        ..Settings::for_this_process(data_dir.0.clone())
    }
}

/// A directory that is removed with all in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(ambient: &Ambient) -> Self {
        let name = format!("buddy-demo-{}", hex::encode(ambient.bytes::<8>()));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What could not be removed is sealed under a key that is gone.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
