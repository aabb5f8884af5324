//! Who finds the words: a model, or a few sentences that are built in.

mod builtin;
mod model;

use tokio_rustls::TlsConnector;
use url::Url;
use zeroize::Zeroizing;

use crate::http::BadUrl;
use crate::identity::Who;
use crate::limits::Patience;
use crate::talk::{self, Line};

pub(crate) use model::Failure;

/// Who answers.
#[derive(Default)]
pub enum Answerer {
    /// A few sentences about a shop, so that everything can be tried without a model. It knows whether somebody is
    /// verified, and tells nothing about them.
    #[default]
    BuiltIn,
    /// A model behind an OpenAI-compatible endpoint.
    Model(Box<Model>),
}

/// A model behind an OpenAI-compatible endpoint.
pub struct Model {
    /// What `/chat/completions` is below, such as `http://127.0.0.1:11434/v1`.
    pub base_url: Url,
    /// The model's name there.
    pub name: String,
    /// Sent as a bearer token; local models mostly need none.
    pub key: Option<Zeroizing<String>>,
    /// The business's own instructions; a few general sentences if there are none.
    pub instructions: Option<String>,
    /// How long it is waited for.
    pub patience: Patience,
}

/// The same, ready to be asked.
pub(crate) enum Ready {
    BuiltIn,
    Model(Box<model::Endpoint>),
}

impl Ready {
    pub(crate) fn new(answerer: Answerer, tls: &TlsConnector) -> Result<Self, BadModel> {
        match answerer {
            Answerer::BuiltIn => Ok(Self::BuiltIn),
            Answerer::Model(model) => Ok(Self::Model(Box::new(model::Endpoint::new(*model, tls)?))),
        }
    }

    pub(crate) fn is_exposed(&self) -> bool {
        matches!(self, Self::Model(endpoint) if endpoint.is_exposed())
    }

    /// Begins to answer what is open.
    pub(crate) fn answer<'a>(&'a self, who: &Who, said: &'a [Line]) -> Pieces<'a> {
        match self {
            Self::BuiltIn => {
                let question: Vec<_> = talk::open(said).map(|line| line.text.as_str()).collect();
                Pieces::BuiltIn(builtin::Pieces::new(&question.join("\n"), who.is_verified()))
            }
            Self::Model(endpoint) => Pieces::Model(Box::new(endpoint.ask(who, said))),
        }
    }
}

/// A model that cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadModel {
    Url(BadUrl),
    Key,
}

/// An answer, piece by piece.
pub(crate) enum Pieces<'a> {
    BuiltIn(builtin::Pieces),
    Model(Box<model::Pieces<'a>>),
}

impl Pieces<'_> {
    /// The next piece; `None` after the last. It may be given up and asked again.
    pub(crate) async fn next(&mut self) -> Option<Result<String, Failure>> {
        match self {
            Self::BuiltIn(pieces) => pieces.next().await.map(Ok),
            Self::Model(pieces) => pieces.next().await,
        }
    }
}
