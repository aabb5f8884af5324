//! `buddy agent`: answers an agent's sessions from a terminal, with a model or without.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use buddy_agent::{Agent, AgentError, AgentSettings, Answerer, INSTRUCTIONS_BYTES_MAX, Model, Patience};
use buddy_core::secret::TokenKind;
use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use url::Url;
use zeroize::Zeroizing;

use super::print::show;
use super::serve::stop_signal;
use super::{Misused, block_on, secret_env};
use crate::logs;

/// What is worth knowing beside the flags.
pub(super) const HELP: &str = "\
Secrets are read from environment variables only, whose names are given here. Run one for each key:
two would answer everything twice.

  export BUDDY_API_KEY=bpk_…
  buddy agent
  buddy agent --base-url http://127.0.0.1:11434/v1 --model llama3.2";

/// Where a model's key is looked for if nothing else is said, as other programs do.
const MODEL_KEY_ENV: &str = "OPENAI_API_KEY";
/// Roots for some hosts, not a copy of every authority there is.
const CA_BYTES_MAX: usize = 1024 * 1024;

/// What `buddy agent` is told.
#[expect(clippy::doc_markdown, reason = "these are the help's texts, and help is no Markdown")]
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Where Buddy is.
    #[arg(long, value_name = "URL", env = "BUDDY_SERVER", default_value = "http://127.0.0.1:8700")]
    server: Url,
    /// The environment variable that holds the agent's API key.
    #[arg(long, value_name = "VARIABLE", default_value = "BUDDY_API_KEY")]
    key_env: String,
    /// The model's name; without one a few built-in sentences answer.
    #[arg(long, value_name = "NAME", requires = "base_url")]
    model: Option<String>,
    /// What /chat/completions is below at an OpenAI-compatible endpoint, such as
    /// http://127.0.0.1:11434/v1.
    #[arg(long, value_name = "URL", requires = "model")]
    base_url: Option<Url>,
    /// The environment variable that holds the model's key [default: OPENAI_API_KEY, if it is set].
    #[arg(long, value_name = "VARIABLE", requires = "model")]
    model_key_env: Option<String>,
    /// A file with your own instructions to the model.
    #[arg(long, value_name = "FILE", requires = "model")]
    system: Option<PathBuf>,
    /// A PEM file of further root certificates, for Buddy and for the model.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How much is logged: off, error, warn, info, debug or trace. Never what is said, or by whom.
    #[arg(long, value_name = "LEVEL", env = "BUDDY_LOG", default_value = "info")]
    log: LevelFilter,
}

/// Answers until SIGTERM or SIGINT.
pub(super) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let agent = Agent::new(settings(flags)?).map_err(|error| named(flags, &error))?;
    logs::init(flags.log);
    block_on(answer(flags, agent))?
}

async fn answer(flags: &Flags, agent: Agent) -> Result<(), Box<dyn Error>> {
    let stop = CancellationToken::new();
    let (signalled, told) = (stop_signal()?, stop.clone());
    let with = flags.model.as_deref().unwrap_or("a few built-in sentences");
    show(&format!("buddy agent answers sessions of {} with {with}; Ctrl-C ends it", flags.server))?;
    let watch = tokio::spawn(async move {
        signalled.await;
        told.cancel();
    });
    let ended = agent.run(stop).await;
    watch.abort();
    Ok(ended?)
}

fn settings(flags: &Flags) -> Result<AgentSettings, Misused> {
    let roots_pem = flags.ca.as_deref().map(|path| read("--ca", path, CA_BYTES_MAX)).transpose()?;
    Ok(AgentSettings {
        server: flags.server.clone(),
        api_key: api_key(&flags.key_env)?,
        answerer: answerer(flags)?,
        roots_pem,
    })
}

fn api_key(variable: &str) -> Result<Zeroizing<String>, Misused> {
    let prefix = TokenKind::ApiKey.prefix();
    let key = secret_env::value(variable, "the agent's API key")
        .map_err(|error| Misused(format!("--key-env: {error}")))?;
    if key.starts_with(prefix) {
        return Ok(key);
    }
    let must = format!("an API key of the agent, {prefix}…, made with POST /v1/agents/{{agentId}}/api-keys");
    Err(Misused(format!("--key-env: {variable}: must hold {must}.")))
}

fn answerer(flags: &Flags) -> Result<Answerer, Misused> {
    let (Some(base_url), Some(name)) = (flags.base_url.clone(), flags.model.clone()) else {
        return Ok(Answerer::BuiltIn);
    };
    Ok(Answerer::Model(Box::new(Model {
        base_url,
        name,
        key: model_key(flags.model_key_env.as_deref())?,
        instructions: flags.system.as_deref().map(instructions).transpose()?,
        patience: Patience::default(),
    })))
}

/// One that was asked for must be there; a local model needs none.
fn model_key(variable: Option<&str>) -> Result<Option<Zeroizing<String>>, Misused> {
    let what = "the model's key";
    match variable {
        Some(name) => secret_env::value(name, what)
            .map(Some)
            .map_err(|error| Misused(format!("--model-key-env: {error}"))),
        None => Ok(secret_env::value(MODEL_KEY_ENV, what).ok()),
    }
}

fn instructions(path: &Path) -> Result<String, Misused> {
    let wrong = |must: &str| Misused(format!("--system {}: must be {must}.", path.display()));
    let text = String::from_utf8(read("--system", path, INSTRUCTIONS_BYTES_MAX)?);
    let text = text.map_err(|_| wrong("text in UTF-8"))?;
    if text.trim().is_empty() { Err(wrong("your instructions, and is empty")) } else { Ok(text) }
}

/// A file that is no larger than this.
fn read(flag: &str, path: &Path, bytes_max: usize) -> Result<Vec<u8>, Misused> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Misused(format!("{flag} {}: {error}.", path.display())))?;
    if bytes.len() > bytes_max {
        let most = bytes_max / 1024;
        return Err(Misused(format!("{flag} {}: must be at most {most} KiB.", path.display())));
    }
    Ok(bytes)
}

/// The error with the flag that leads to it. A URL is not shown: it may hold a password.
fn named(flags: &Flags, error: &AgentError) -> Misused {
    Misused(match error {
        AgentError::Server(bad) => format!("--server: {bad}."),
        AgentError::Model(bad) => format!("--base-url: {bad}."),
        AgentError::Roots(bad) => {
            let path = flags.ca.as_deref().unwrap_or(Path::new(""));
            format!("--ca {}: {bad}.", path.display())
        }
        AgentError::KeyUnsendable => format!("--key-env: {}: has characters that no key has.", flags.key_env),
        AgentError::ModelKeyUnsendable => {
            let name = flags.model_key_env.as_deref().unwrap_or(MODEL_KEY_ENV);
            format!("--model-key-env: {name}: has characters that no key has.")
        }
        AgentError::KeyRefused | AgentError::Refused { .. } => error.to_string(),
    })
}
