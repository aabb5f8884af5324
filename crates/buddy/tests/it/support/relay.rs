//! A way to a server that can be cut, lead elsewhere, and lose answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Default)]
struct Way {
    to: Mutex<Option<SocketAddr>>,
    /// Changed to cut what is open.
    cuts: watch::Sender<usize>,
    /// Answers to writes that are still to be lost, and that were.
    to_lose: AtomicUsize,
    lost: watch::Sender<usize>,
}

/// A running relay.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    way: Arc<Way>,
    relaying: JoinHandle<()>,
}

impl Relay {
    /// Leads to a server, or for now to nobody.
    pub(crate) async fn open(to: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(Way { to: Mutex::new(to), ..Way::default() });
        let way_of_all = Arc::clone(&way);
        let relaying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, Arc::clone(&way_of_all)));
            }
        });
        Self { address, way, relaying }
    }

    /// Cuts what is open, and leads to this server, or to nobody.
    pub(crate) fn lead(&self, to: Option<SocketAddr>) {
        *self.way.to.lock().unwrap() = to;
        self.way.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The next so many writes reach the server, and their answers are lost.
    pub(crate) fn lose(&self, answers: usize) {
        self.way.to_lose.store(answers, Ordering::SeqCst);
    }

    /// Ends once so many answers were lost.
    pub(crate) async fn has_lost(&self, answers: usize) {
        self.way.lost.subscribe().wait_for(|lost| *lost >= answers).await.unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.relaying.abort();
        self.lead(None);
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own way to their own server")]
async fn relay(client: TcpStream, way: Arc<Way>) {
    let mut cuts = way.cuts.subscribe();
    let Some(to) = *way.to.lock().unwrap() else { return };
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let losing = AtomicBool::new(false);
    let there = async {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
            let one_less = |left: usize| left.checked_sub(1);
            if bytes.starts_with(b"POST /v1/sessions/")
                && way.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
            {
                losing.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
            if losing.load(Ordering::SeqCst) {
                way.lost.send_modify(|lost| *lost += 1);
                return;
            }
            if to_client.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = cuts.changed() => {}
    }
}
