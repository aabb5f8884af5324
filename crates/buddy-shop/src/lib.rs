//! A sample shop: a page with the chat in it, and the two endpoints that a customer of Buddy writes.
//!
//! [`endpoint`] and [`pages`] are the parts worth reading: they are what an integrator would write. The rest makes them run on one
//! machine, and lets the demo and the tests look over the shop's shoulder.

pub mod certificate;
mod cookies;
pub mod endpoint;
pub mod guard;
pub mod pages;
pub mod serve;
pub mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use cookies::Cookies;
use endpoint::{Accounts, Outcome};
use pages::{Chat, Front};
use users::Shopper;

/// How the shop answers at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should: the user, or 204.
    Honest,
    /// It takes the request and never answers.
    Slow,
    /// A login page, as a proxy before it would answer.
    Broken,
    /// 500, as after a mistake in its own code.
    Error,
    /// JSON that is cut off in the middle.
    BadJson,
}

impl Manner {
    /// The path of an endpoint that behaves so.
    pub fn path(self) -> &'static str {
        match self {
            Self::Honest => "/buddy/identity",
            Self::Slow => "/buddy/slow",
            Self::Broken => "/buddy/broken",
            Self::Error => "/buddy/error",
            Self::BadJson => "/buddy/bad-json",
        }
    }
}

/// What there is to tell of a shop, at the moment it happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// Buddy asked who a session's user is.
    Asked(Visit),
    /// A page asked for a session to be bound to who is signed in.
    Claimed(Claimed),
}

/// One request for an identity as the shop saw it, and its answer.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Method and path.
    pub line: String,
    /// Every header, as it came.
    pub headers: Vec<(String, String)>,
    /// The body, as it came.
    pub body: String,
    /// What was answered; nothing, where it never will be.
    pub answer: Option<(u16, String)>,
}

/// One request to bind a session, and what became of it.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The body, as it came.
    pub body: String,
    /// The browser sent the shop's cookie along.
    pub with_cookie: bool,
    /// What the shop made of it.
    pub outcome: Outcome,
}

pub(crate) type Tell = Arc<dyn Fn(Event) + Send + Sync>;

/// A shop that runs until it is dropped.
pub struct Shop {
    address: SocketAddr,
    ca_pem: String,
    accounts: Arc<Accounts>,
    cookies: Arc<Cookies>,
    tell: Tell,
    serving: JoinHandle<()>,
}

impl Shop {
    /// Opens the shop's endpoints on a free port of the loopback. `secret` is what it shares with Buddy; `tell` is called
    /// before each answer goes out, and must not wait.
    pub async fn open(
        secret: &str,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let authority = certificate::Authority::new()?;
        let tls = authority.server_config("localhost")?;
        let accounts = Arc::new(Accounts::new(secret)?);
        let tell: Tell = Arc::new(tell);
        let router = serve::router(accounts.clone(), tell.clone());
        let serving = tokio::spawn(serve::run(listener, tls, router));
        Ok(Self { address, ca_pem: authority.pem(), accounts, cookies: Arc::default(), tell, serving })
    }

    /// The authority that signed the shop's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The URL of an endpoint.
    pub fn url(&self, manner: Manner) -> String {
        format!("https://localhost:{}{}", self.address.port(), manner.path())
    }

    /// The shop's pages, with this chat in them.
    pub fn front(&self, chat: Chat) -> Front {
        Front::new(chat, self.accounts.clone(), self.cookies.clone(), self.tell.clone())
    }

    /// What the shop's own session endpoint does when its page asks: notes who is signed in, and makes the ticket, or refuses.
    pub fn bind(&self, session_id: &str, shopper: Shopper) -> Result<String, buddy_verify::Refusal> {
        self.accounts.bind(session_id, shopper)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The shop's clock. It is a customer's program: it has one of its own.
#[expect(clippy::disallowed_methods, reason = "a customer's endpoint reads its own clock")]
pub(crate) fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
