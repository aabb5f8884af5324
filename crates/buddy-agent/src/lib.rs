//! A reference agent: what a business runs beside Buddy so that somebody answers.
//!
//! It listens to all sessions of its agent, reads who the visitor is, and lets a reply grow from a model behind an
//! OpenAI-compatible endpoint, or from a few sentences that are built in. Like every customer's program it knows
//! nothing of Buddy but the HTTP API.

mod answerer;
mod api;
mod chance;
mod desk;
mod http;
mod identity;
mod limits;
mod listen;
mod prompt;
mod reply;
mod talk;
mod turn;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use answerer::{BadModel, Ready};
use api::Buddy;
use desk::Desk;
use turn::Clerk;

pub use answerer::{Answerer, Model};
pub use http::{BadRoots, BadUrl};
pub use limits::{INSTRUCTIONS_BYTES_MAX, Patience};

/// What an agent needs to know.
pub struct AgentSettings {
    /// Where Buddy is, such as `http://127.0.0.1:8700`.
    pub server: Url,
    /// An API key of the agent, `bpk_…`.
    pub api_key: Zeroizing<String>,
    /// Who answers.
    pub answerer: Answerer,
    /// PEM of root certificates beside Mozilla's, for Buddy and for the model.
    pub roots_pem: Option<Vec<u8>>,
}

/// Why an agent cannot begin, or cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// The server's URL is none.
    #[error("the server's URL {0}")]
    Server(BadUrl),
    /// The model's base URL is none.
    #[error("the model's base URL {0}")]
    Model(BadUrl),
    /// The further roots cannot be read.
    #[error("the file of root certificates {0}")]
    Roots(#[from] BadRoots),
    /// What is given for a key has characters that no key has.
    #[error("the API key has characters that no key has")]
    KeyUnsendable,
    /// The same of the model's.
    #[error("the model's key has characters that no key has")]
    ModelKeyUnsendable,
    /// Buddy does not take the key, or not any more.
    #[error("the server refuses the API key: make one with POST /v1/agents/{{agentId}}/api-keys.")]
    KeyRefused,
    /// The server does not let the agent listen, for another reason.
    #[error(
        "the server answers {status} {code} to GET /v1/messages/stream: is this the URL of a Buddy server?"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Buddy's stable code, if it is one of its answers.
        code: String,
    },
}

impl From<BadModel> for AgentError {
    fn from(bad: BadModel) -> Self {
        match bad {
            BadModel::Url(bad) => Self::Model(bad),
            BadModel::Key => Self::ModelKeyUnsendable,
        }
    }
}

/// An agent that answers all sessions that its key is good for. One key, one agent: two would answer everything twice.
pub struct Agent {
    buddy: Arc<Buddy>,
    answerer: Ready,
}

impl Agent {
    /// Connects to nobody yet.
    pub fn new(settings: AgentSettings) -> Result<Self, AgentError> {
        let AgentSettings { server, api_key, answerer, roots_pem } = settings;
        let tls = http::tls(roots_pem.as_deref())?;
        let client = http::Client::new(server, &tls).map_err(AgentError::Server)?;
        let buddy = Arc::new(Buddy::new(client, &api_key).ok_or(AgentError::KeyUnsendable)?);
        let answerer = Ready::new(answerer, &tls)?;
        Ok(Self { buddy, answerer })
    }

    /// Answers until it is told to stop; the replies under way are then ended, within some seconds. An unreachable
    /// server is waited for. Fails once the server will not have it.
    pub async fn run(self, stop: CancellationToken) -> Result<(), AgentError> {
        let Self { buddy, answerer } = self;
        for (what, exposed) in [("server", buddy.is_exposed()), ("model", answerer.is_exposed())] {
            if exposed {
                tracing::warn!(
                    "plain HTTP to the {what} on another machine: keys, and what users say, can be read on the way"
                );
            }
        }
        // A server that will not have the agent ends the turns too, and not those of whoever runs it.
        let stop = stop.child_token();
        let mut desk = Desk::new(Clerk::new(Arc::clone(&buddy), answerer), stop.clone());
        let ended = listen::listen(&buddy, &mut desk, &stop).await;
        stop.cancel();
        desk.close().await;
        ended
    }
}
