//! `buddy demo`: a real server, a sample shop's endpoint behind real TLS, and one session for each thing that can
//! happen, told step by step.

mod client;
mod print;
mod scenes;

use std::error::Error;
use std::path::PathBuf;

use buddy_core::secret::TokenKind;
use buddy_shop::Shop;
use buddy_store::MasterKey;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::ambient::Ambient;
use crate::app::{self, Started};
use crate::cli::block_on;
use crate::config::Settings;
use crate::server;
use client::Client;
use print::Printer;

/// Runs the demo to its end; nothing of it stays on the machine.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    block_on(show())?
}

async fn show() -> Result<(), Box<dyn Error>> {
    let ambient = Ambient::system();
    let data_dir = Scratch::new(&ambient);
    let secret = ambient.callback_secret();
    let shop = Shop::open(secret.expose()).await?;
    let admin_token = ambient.token(TokenKind::Admin);
    let settings = settings(&ambient, &data_dir, &shop, admin_token.expose());
    let listener = TcpListener::bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let Started { app, .. } = app::start(settings, address, ambient)?;
    let (stop, told_to_stop) = oneshot::channel::<()>();
    let server = tokio::spawn(server::run(app, listener, async move {
        // Told to stop, or the demo has failed: the end is the same.
        let _ = told_to_stop.await;
    }));
    let printer = Printer::for_stdout();
    printer.opening(address, &shop)?;
    let client = Client::new(address);
    let shown = scenes::play_all(&client, &shop, admin_token.expose(), secret.expose(), &printer).await;
    drop(stop);
    server.await?;
    shown?;
    printer.closing()?;
    Ok(())
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
