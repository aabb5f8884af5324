//! A sample shop: the endpoint that a customer of Buddy writes, behind real TLS with a throw-away authority.
//!
//! [`endpoint`] is the part worth reading: it is what an integrator would write. The rest makes it run on one
//! machine, and lets the demo and the tests look over its shoulder.

pub mod certificate;
pub mod endpoint;
pub mod serve;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use endpoint::{Accounts, User};

/// How the shop answers at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should: the user, or 204.
    Honest,
    /// It takes the request and never answers.
    Slow,
    /// A login page, as a proxy before it would answer.
    Broken,
}

impl Manner {
    /// The path of an endpoint that behaves so.
    pub fn path(self) -> &'static str {
        match self {
            Self::Honest => "/buddy/identity",
            Self::Slow => "/buddy/slow",
            Self::Broken => "/buddy/broken",
        }
    }
}

/// One request as the shop saw it, and its answer.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Method and path.
    pub line: String,
    /// Every header, as it came.
    pub headers: Vec<(String, String)>,
    /// The body, as it came.
    pub body: String,
    /// What was answered, once it was.
    pub answer: Option<(u16, String)>,
}

/// A shop that runs until it is dropped.
pub struct Shop {
    address: SocketAddr,
    ca_pem: String,
    accounts: Arc<Accounts>,
    visits: Arc<Mutex<Vec<Visit>>>,
    serving: JoinHandle<()>,
}

impl Shop {
    /// Opens the shop on a free port of the loopback. `secret` is what it shares with Buddy.
    pub async fn open(secret: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let authority = certificate::Authority::new()?;
        let tls = authority.server_config("localhost")?;
        let accounts = Arc::new(Accounts::new(secret)?);
        let visits = Arc::new(Mutex::new(Vec::new()));
        let router = serve::router(accounts.clone(), visits.clone());
        let serving = tokio::spawn(serve::run(listener, tls, router));
        Ok(Self { address, ca_pem: authority.pem(), accounts, visits, serving })
    }

    /// The authority that signed the shop's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The URL of an endpoint.
    pub fn url(&self, manner: Manner) -> String {
        format!("https://localhost:{}{}", self.address.port(), manner.path())
    }

    /// What the shop's own session endpoint does when its page asks: notes who is signed in, and makes the ticket, or refuses.
    pub fn bind(&self, session_id: &str, user: User) -> Result<String, buddy_verify::Refusal> {
        self.accounts.bind(session_id, user)
    }

    /// All requests so far.
    pub fn visits(&self) -> Vec<Visit> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
