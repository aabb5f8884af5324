//! A load balancer in front of several nodes: each connection to the next of those that are ready.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::interval;

use super::Api;

/// Between two looks at a node's `/readyz`.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Which nodes there are.
#[derive(Default)]
struct Nodes {
    all: Mutex<Vec<Node>>,
    turn: AtomicUsize,
}

#[derive(Clone)]
struct Node {
    address: SocketAddr,
    api: Api,
    ready: bool,
}

impl Nodes {
    /// Those to try, the one whose turn it is first, and last those that are not ready: better a slow answer than none.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let all = self.all.lock().unwrap().clone();
        let (mut ready, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|node| node.ready);
        if !ready.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % ready.len();
            ready.rotate_left(turn);
        }
        ready.into_iter().chain(others).map(|node| node.address).collect()
    }

    async fn look(&self) {
        let all = self.all.lock().unwrap().clone();
        for Node { address, api, .. } in all {
            let request = api.request("GET", "/readyz").body(axum::body::Body::empty()).unwrap();
            let ready = api.try_send(request).await.is_ok_and(|reply| reply.status == 200);
            let mut all = self.all.lock().unwrap();
            if let Some(node) = all.iter_mut().find(|node| node.address == address) {
                node.ready = ready;
            }
        }
    }
}

/// A running balancer.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    nodes: Arc<Nodes>,
    /// Ends with the balancer.
    running: JoinSet<()>,
}

impl Balancer {
    pub(crate) async fn open(nodes: impl IntoIterator<Item = SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let balancer = Self { address, nodes: Arc::default(), running: JoinSet::new() };
        nodes.into_iter().for_each(|node| balancer.add(node));
        balancer.run(listener)
    }

    fn run(mut self, listener: TcpListener) -> Self {
        let nodes = self.nodes.clone();
        self.running.spawn(async move {
            let mut looks = interval(LOOK_EVERY);
            loop {
                looks.tick().await;
                nodes.look().await;
            }
        });
        let nodes = self.nodes.clone();
        self.running.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, nodes.in_turn()));
            }
        });
        self
    }

    /// A node that is ready.
    pub(crate) fn add(&self, address: SocketAddr) {
        self.nodes.all.lock().unwrap().push(Node { address, api: Api::new(address), ready: true });
    }

    pub(crate) fn remove(&self, address: SocketAddr) {
        self.nodes.all.lock().unwrap().retain(|node| node.address != address);
    }
}

/// To the first that takes the connection.
#[expect(clippy::disallowed_methods, reason = "the tests' own way to their own servers")]
async fn pass(mut client: TcpStream, nodes: Vec<SocketAddr>) {
    for node in nodes {
        if let Ok(mut server) = TcpStream::connect(node).await {
            // Either side may be killed.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
