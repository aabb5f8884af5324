//! Where settings come from: the command line, the environment, `buddy.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Settings, WrongSetting, parse};

/// Read from the working directory unless `--config` names another.
const DEFAULT_FILE: &str = "buddy.toml";

/// Every setting but the secrets, which a command line would show to every user of the machine.
pub(super) const IN_FILE: [&str; 19] = [
    "listen",
    "data_dir",
    "database_url",
    "public_url",
    "egress_allow",
    "egress_allow_http",
    "egress_ca",
    "sessions_per_minute",
    "agent_sessions_per_minute",
    "trusted_proxies",
    "max_connections",
    "max_pending",
    "drain_seconds",
    "log",
    "otlp_endpoint",
    "otlp_sample",
    "otlp_trust_proxies",
    "durability",
    "config",
];

/// Settings on the command line. Each is also an environment variable (`BUDDY_` and the name in capitals) and a
/// line of buddy.toml (the name with _); a flag beats the variable, the variable beats the file.
#[expect(clippy::doc_markdown, reason = "these are the help's texts, and help is no Markdown")]
#[derive(Args, Debug, Default)]
pub(crate) struct Flags {
    /// Read settings from this file instead of ./buddy.toml [env: BUDDY_CONFIG].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8700] [env: BUDDY_LISTEN].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where SQLite and the key file are kept [default: ./buddy-data] [env: BUDDY_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// A PostgreSQL database, for several nodes; SQLite in the data dir otherwise [env: BUDDY_DATABASE_URL].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How browsers reach this server [default: http:// and the listening address] [env: BUDDY_PUBLIC_URL].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// CIDRs, separated by commas, that callbacks may reach though they are not public [env: BUDDY_EGRESS_ALLOW].
    #[arg(long, value_name = "CIDR,…")]
    egress_allow: Option<String>,
    /// Allow plain HTTP, to addresses within --egress-allow only [env: BUDDY_EGRESS_ALLOW_HTTP].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    egress_allow_http: Option<String>,
    /// A PEM file of further root certificates for callbacks [env: BUDDY_EGRESS_CA].
    #[arg(long, value_name = "FILE")]
    egress_ca: Option<String>,
    /// Session starts of strangers per client address and minute; 0 is no limit [default: 120]
    /// [env: BUDDY_SESSIONS_PER_MINUTE].
    #[arg(long, value_name = "N")]
    sessions_per_minute: Option<String>,
    /// Session starts of strangers per agent and minute; 0 is no limit [default: 60000, and none where
    /// --sessions-per-minute is 0] [env: BUDDY_AGENT_SESSIONS_PER_MINUTE].
    #[arg(long, value_name = "N")]
    agent_sessions_per_minute: Option<String>,
    /// CIDRs, separated by commas, of proxies in front whose X-Forwarded-For says who the client is
    /// [env: BUDDY_TRUSTED_PROXIES].
    #[arg(long, value_name = "CIDR,…")]
    trusted_proxies: Option<String>,
    /// Connections that clients may have open at once; more wait to be accepted [default: 10000]
    /// [env: BUDDY_MAX_CONNECTIONS].
    #[arg(long, value_name = "N")]
    max_connections: Option<String>,
    /// Sessions that may be pending at once; beyond it 503 [default: 50000] [env: BUDDY_MAX_PENDING].
    #[arg(long, value_name = "N")]
    max_pending: Option<String>,
    /// Seconds after SIGTERM in which requests are still taken while /readyz says no, for a load balancer to look
    /// elsewhere [default: 0] [env: BUDDY_DRAIN_SECONDS].
    #[arg(long, value_name = "N")]
    drain_seconds: Option<String>,
    /// error, warn, info, debug or trace [default: info] [env: BUDDY_LOG].
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Send traces by OTLP/HTTP to this URL, such as http://127.0.0.1:4318; none are made otherwise
    /// [env: BUDDY_OTLP_ENDPOINT].
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// The share of sessions that are traced, 0 to 1 [default: 1] [env: BUDDY_OTLP_SAMPLE].
    #[arg(long, value_name = "SHARE")]
    otlp_sample: Option<String>,
    /// Continue a traceparent that comes through --trusted-proxies: they set it, or take a visitor's away
    /// [env: BUDDY_OTLP_TRUST_PROXIES].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    otlp_trust_proxies: Option<String>,
    /// full: a session that was answered survives a power cut; normal: a crash of the server only, and faster
    /// [default: full] [env: BUDDY_DURABILITY].
    #[arg(long, value_name = "full|normal")]
    durability: Option<String>,
}

/// A setting's text, and where it was found.
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) from: String,
}

impl Given {
    pub(super) fn wrong(&self, must: impl Into<String>) -> WrongSetting {
        WrongSetting { setting: self.from.clone(), must: must.into() }
    }
}

/// What was given for each setting, by its name in the file.
pub(super) type AllGiven = BTreeMap<&'static str, Given>;

/// Reads all settings. `env` looks a variable up; an empty one counts as not set.
pub(crate) fn load(flags: Flags, env: impl Fn(&str) -> Option<String>) -> Result<Settings, WrongSetting> {
    let env = |name: &str| env(name).filter(|text| !text.is_empty());
    parse::settings(&all_given(flags, env)?, env)
}

/// The same for a command that is for SQLite alone: where a PostgreSQL database is named, `instead` says what is.
pub(crate) fn load_for_sqlite(
    flags: Flags,
    env: impl Fn(&str) -> Option<String>,
    instead: &str,
) -> Result<Settings, WrongSetting> {
    let env = |name: &str| env(name).filter(|text| !text.is_empty());
    let given = all_given(flags, env)?;
    match given.get("database_url") {
        Some(url) => Err(url.wrong(instead)),
        None => parse::settings(&given, env),
    }
}

fn all_given(flags: Flags, env: impl Fn(&str) -> Option<String>) -> Result<AllGiven, WrongSetting> {
    let file = flags.config.clone().or_else(|| env("BUDDY_CONFIG").map(PathBuf::from));
    let mut given = match file {
        Some(path) => from_file(&path, &read(&path)?)?,
        None if Path::new(DEFAULT_FILE).exists() => {
            from_file(Path::new(DEFAULT_FILE), &read(Path::new(DEFAULT_FILE))?)?
        }
        None => AllGiven::new(),
    };
    for name in IN_FILE {
        let variable = format!("BUDDY_{}", name.to_uppercase());
        if let Some(text) = env(&variable) {
            given.insert(name, Given { text, from: variable });
        }
    }
    for (name, text) in from_flags(flags) {
        if let Some(text) = text {
            let from = format!("--{}", name.replace('_', "-"));
            given.insert(name, Given { text, from });
        }
    }
    Ok(given)
}

fn read(path: &Path) -> Result<String, WrongSetting> {
    std::fs::read_to_string(path).map_err(|error| WrongSetting {
        setting: path.display().to_string(),
        must: format!("cannot be read: {error}."),
    })
}

fn from_flags(flags: Flags) -> [(&'static str, Option<String>); 18] {
    [
        ("listen", flags.listen),
        ("data_dir", flags.data_dir),
        ("database_url", flags.database_url),
        ("public_url", flags.public_url),
        ("egress_allow", flags.egress_allow),
        ("egress_allow_http", flags.egress_allow_http),
        ("egress_ca", flags.egress_ca),
        ("sessions_per_minute", flags.sessions_per_minute),
        ("agent_sessions_per_minute", flags.agent_sessions_per_minute),
        ("trusted_proxies", flags.trusted_proxies),
        ("max_connections", flags.max_connections),
        ("max_pending", flags.max_pending),
        ("drain_seconds", flags.drain_seconds),
        ("log", flags.log),
        ("otlp_endpoint", flags.otlp_endpoint),
        ("otlp_sample", flags.otlp_sample),
        ("otlp_trust_proxies", flags.otlp_trust_proxies),
        ("durability", flags.durability),
    ]
}

fn from_file(path: &Path, text: &str) -> Result<AllGiven, WrongSetting> {
    let shown = path.display();
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The message's first line; the rest of toml's report is a picture of the file.
        let what = error.message().lines().next().unwrap_or("it is not TOML").to_owned();
        WrongSetting { setting: shown.to_string(), must: format!("is not TOML: {what}.") }
    })?;
    let mut given = AllGiven::new();
    for (key, value) in table {
        let from = format!("`{key}` in {shown}");
        let Some(name) = IN_FILE.into_iter().find(|name| *name == key && key != "config") else {
            let known =
                IN_FILE.iter().filter(|name| **name != "config").copied().collect::<Vec<_>>().join(", ");
            return Err(WrongSetting { setting: from, must: format!("is no setting; there are {known}.") });
        };
        let text = as_text(value).ok_or_else(|| WrongSetting {
            setting: from.clone(),
            must: "must be a text, a number, a boolean or a list of texts.".into(),
        })?;
        given.insert(name, Given { text, from });
    }
    Ok(given)
}

fn as_text(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}
