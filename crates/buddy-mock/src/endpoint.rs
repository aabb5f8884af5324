//! An endpoint that behaves as it is told to, on a real socket.

use std::error::Error;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use buddy_shop::certificate::Authority;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::behaviour::{Act, Behaviour};
use crate::certificate::{Certificate, tls};
use crate::door::{Deaf, Door, Shut};
use crate::play::play;

/// What there is to tell of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole request was read.
    Asked {
        /// The connection it came over, counted from 1.
        connection: usize,
        /// The session that it was about, if it was one of Buddy's.
        session_id: Option<String>,
        /// `X-Platform-Attempt`.
        attempt: Option<String>,
    },
    /// Nothing more will be done with a connection.
    Ended {
        /// Counted from 1.
        connection: usize,
        /// How many requests were read from it.
        asked: usize,
    },
    /// Somebody called the address that no answer should lead to.
    Trapped,
}

/// A running endpoint; it ends when it is dropped.
pub struct Endpoint {
    address: SocketAddr,
    stage: Arc<Stage>,
    watching: JoinHandle<()>,
    entrance: Mutex<Entrance>,
}

/// Whether anybody is let in.
enum Entrance {
    Closed(Door),
    Open(JoinHandle<()>),
    /// It could not be opened.
    Broken,
}

impl Entrance {
    /// Lets everybody in, if nobody is yet.
    fn open(&mut self, stage: &Arc<Stage>) -> io::Result<()> {
        if matches!(self, Self::Open(_)) {
            return Ok(());
        }
        let Self::Closed(door) = mem::replace(self, Self::Broken) else { return Ok(()) };
        *self = Self::Open(tokio::spawn(serve(door.open()?, Arc::clone(stage))));
        Ok(())
    }
}

/// What the connections of an endpoint have in common.
pub(crate) struct Stage {
    manner: Mutex<Manner>,
    user_id: Option<String>,
    /// The address of the tripwire.
    pub(crate) trap: SocketAddr,
    trapped: AtomicUsize,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

/// How the endpoint behaves at present.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) behaviour: &'static Behaviour,
    pub(crate) tls: Arc<ServerConfig>,
}

impl Manner {
    fn of(
        behaviour: &'static Behaviour,
        authority: &Authority,
        ip: IpAddr,
        trap: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let certificate = match behaviour.act {
            Act::Handshake(certificate) => certificate,
            _ => Certificate::Good,
        };
        Ok(Self { behaviour, tls: tls(certificate, authority, ip, trap)? })
    }
}

impl Endpoint {
    /// Opens an endpoint. Its users are called `user_id`, or else after the session; `tell` is told what happens.
    pub async fn open(
        authority: &Authority,
        listen: SocketAddr,
        behaviour: &'static Behaviour,
        user_id: Option<String>,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, Box<dyn Error>> {
        let door = match behaviour.act {
            Act::Deaf => Door::Deaf(Deaf::listen(listen)?),
            _ => Door::Shut(Shut::bind(listen)?),
        };
        let address = reached_at(door.address()?);
        let tripwire = TcpListener::bind((address.ip(), 0)).await?;
        let trap = tripwire.local_addr()?;
        let manner = Manner::of(behaviour, authority, address.ip(), trap)?;
        let stage = Arc::new(Stage {
            manner: Mutex::new(manner),
            user_id,
            trap,
            trapped: AtomicUsize::new(0),
            tell: Box::new(tell),
        });
        let mut entrance = Entrance::Closed(door);
        if behaviour.lets_in() {
            entrance.open(&stage)?;
        }
        let watching = tokio::spawn(watch(tripwire, Arc::clone(&stage)));
        Ok(Self { address, stage, watching, entrance: Mutex::new(entrance) })
    }

    /// Behaves so from now on: new connections at once, open ones from their next request. A port that has let
    /// anybody in does so for good.
    pub fn behave(&self, behaviour: &'static Behaviour, authority: &Authority) -> Result<(), Box<dyn Error>> {
        let manner = Manner::of(behaviour, authority, self.address.ip(), self.stage.trap)?;
        *self.stage.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
        if behaviour.lets_in() {
            self.entrance.lock().unwrap_or_else(PoisonError::into_inner).open(&self.stage)?;
        }
        Ok(())
    }

    /// The URL to configure as an agent's callback.
    pub fn url(&self) -> String {
        format!("https://{}/buddy/identity", self.address)
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often the address was called that no answer should lead to.
    pub fn trapped(&self) -> usize {
        self.stage.trapped.load(Ordering::SeqCst)
    }

    /// The address that no answer should lead to.
    pub fn trap(&self) -> SocketAddr {
        self.stage.trap
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.watching.abort();
        if let Entrance::Open(serving) = self.entrance.get_mut().unwrap_or_else(PoisonError::into_inner) {
            serving.abort();
        }
    }
}

impl Stage {
    pub(crate) fn manner(&self) -> Manner {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn tell(&self, event: Event) {
        (self.tell)(event);
    }

    /// Who the user of a session is.
    pub(crate) fn user_id(&self, session_id: Option<&str>) -> String {
        let named = self.user_id.clone();
        named.unwrap_or_else(|| user_of(session_id.unwrap_or("nobody-knows-whom")))
    }
}

/// Who an endpoint without a `user_id` says is the user of a session: somebody else for each.
pub fn user_of(session_id: &str) -> String {
    format!("user-of-{session_id}")
}

/// One that listens everywhere is reached at home.
fn reached_at(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Ends with all of its connections.
async fn serve(listener: TcpListener, stage: Arc<Stage>) {
    let mut connections = JoinSet::new();
    let mut connection = 0;
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connection += 1;
                connections.spawn(entertain(connection, stream, Arc::clone(&stage)));
            }
            Some(_) = connections.join_next() => {}
            else => return,
        }
    }
}

async fn entertain(connection: usize, stream: TcpStream, stage: Arc<Stage>) {
    // Else a byte at a time would be gathered into more.
    let _ = stream.set_nodelay(true);
    let asked = play(connection, stream, &stage).await;
    stage.tell(Event::Ended { connection, asked });
}

async fn watch(tripwire: TcpListener, stage: Arc<Stage>) {
    while tripwire.accept().await.is_ok() {
        stage.trapped.fetch_add(1, Ordering::SeqCst);
        stage.tell(Event::Trapped);
    }
}
