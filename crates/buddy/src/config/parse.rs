//! From texts to settings, each refused in one sentence.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use buddy_core::secret::TokenKind;
use buddy_store::{BadDatabaseUrl, DatabaseUrl, Durability, MasterKey};
use ipnet::IpNet;
use tracing::level_filters::LevelFilter;
use url::Url;
use zeroize::Zeroizing;

use super::source::{AllGiven, Given};
use super::{MaxConnections, Settings, WrongSetting, otlp};

const DEFAULT_PORT: u16 = 8700;
const DEFAULT_DATA_DIR: &str = "./buddy-data";
/// Strangers' session starts: an office behind one address passes, a flood does not.
const DEFAULT_SESSIONS_PER_MINUTE: u32 = 120;
/// Strangers' session starts of one agent: a thousand a second, above any one business's own traffic.
const DEFAULT_AGENT_SESSIONS_PER_MINUTE: u32 = 60_000;
/// Sessions pending at once: at some kilobytes in a queue and some tens with a connection, a few hundred megabytes.
const DEFAULT_MAX_PENDING: usize = 50_000;
/// Longer than any load balancer takes to look elsewhere; what supervises the process would kill it.
const DRAIN_SECONDS_MAX: u64 = 300;
/// Shorter could be guessed.
const ADMIN_TOKEN_CHARS_MIN: usize = 16;
/// Longer would not fit a header with room to spare.
const ADMIN_TOKEN_CHARS_MAX: usize = 256;

pub(super) fn settings(
    given: &AllGiven,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Settings, WrongSetting> {
    let get = |name: &str| given.get(name);
    Ok(Settings {
        listen: or_default(get("listen"), listen, SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)))?,
        data_dir: or_default(get("data_dir"), data_dir, PathBuf::from(DEFAULT_DATA_DIR))?,
        database: get("database_url").map(database_url).transpose()?,
        public_url: get("public_url").map(public_url).transpose()?,
        admin_token: env("BUDDY_ADMIN_TOKEN").map(admin_token).transpose()?,
        master_keys: env("BUDDY_MASTER_KEY").map_or_else(|| Ok(Vec::new()), |keys| master_keys(&keys))?,
        egress_allow: or_default(get("egress_allow"), networks, Vec::new())?,
        egress_allow_http: or_default(get("egress_allow_http"), boolean, false)?,
        egress_ca: get("egress_ca").map(pem_file).transpose()?,
        sessions_per_minute: or_default(
            get("sessions_per_minute"),
            sessions_per_minute,
            DEFAULT_SESSIONS_PER_MINUTE,
        )?,
        agent_sessions_per_minute: or_default(
            get("agent_sessions_per_minute"),
            sessions_per_minute,
            default_of_agent(get("sessions_per_minute")),
        )?,
        trusted_proxies: or_default(get("trusted_proxies"), networks, Vec::new())?,
        max_connections: or_default(get("max_connections"), max_connections, MaxConnections::default())?,
        max_pending: or_default(get("max_pending"), above_zero, DEFAULT_MAX_PENDING)?,
        drain: or_default(get("drain_seconds"), drain, Duration::ZERO)?,
        log: or_default(get("log"), log_level, LevelFilter::INFO)?,
        otlp: otlp::settings(given, &env)?,
        durability: or_default(get("durability"), durability, Durability::Full)?,
    })
}

pub(super) fn or_default<T>(
    given: Option<&Given>,
    parse: impl Fn(&Given) -> Result<T, WrongSetting>,
    default: T,
) -> Result<T, WrongSetting> {
    given.map_or(Ok(default), parse)
}

fn listen(given: &Given) -> Result<SocketAddr, WrongSetting> {
    given.text.parse().map_err(|_| given.wrong("must be an address and a port, such as 127.0.0.1:8700."))
}

fn data_dir(given: &Given) -> Result<PathBuf, WrongSetting> {
    if given.text.is_empty() {
        Err(given.wrong("must name a directory."))
    } else {
        Ok(PathBuf::from(&given.text))
    }
}

fn database_url(given: &Given) -> Result<DatabaseUrl, WrongSetting> {
    given.text.parse().map_err(|bad: BadDatabaseUrl| given.wrong(format!("{bad}.")))
}

fn public_url(given: &Given) -> Result<Url, WrongSetting> {
    let must =
        "must be http:// or https:// with a host and nothing after it, such as https://chat.example.com.";
    let url = Url::parse(&given.text).map_err(|_| given.wrong(must))?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare { Ok(url) } else { Err(given.wrong(must)) }
}

fn admin_token(text: String) -> Result<Zeroizing<String>, WrongSetting> {
    let text = Zeroizing::new(text);
    let good = (ADMIN_TOKEN_CHARS_MIN..=ADMIN_TOKEN_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good {
        return Ok(text);
    }
    let prefix = TokenKind::Admin.prefix();
    Err(WrongSetting {
        setting: "BUDDY_ADMIN_TOKEN".into(),
        must: format!(
            "must be {ADMIN_TOKEN_CHARS_MIN} to {ADMIN_TOKEN_CHARS_MAX} visible ASCII characters, best {prefix} and 43 random ones."
        ),
    })
}

fn master_keys(text: &str) -> Result<Vec<MasterKey>, WrongSetting> {
    let key = |part: &str| {
        MasterKey::from_base64(part.trim()).map_err(|_| WrongSetting {
            setting: "BUDDY_MASTER_KEY".into(),
            must: "must be 32 bytes in base64 (several separated by commas, the first one seals); `openssl rand -base64 32` makes one.".into(),
        })
    };
    text.split(',').map(key).collect()
}

/// CIDRs or single addresses, separated by commas.
pub(crate) fn networks(given: &Given) -> Result<Vec<IpNet>, WrongSetting> {
    let net = |part: &str| {
        let part = part.trim();
        let net = part.parse::<IpNet>().or_else(|_| part.parse::<std::net::IpAddr>().map(IpNet::from));
        net.map_err(|_| given.wrong(format!("`{part}` is no CIDR; write such as 10.0.0.0/8,fd00::/8.")))
    };
    given.text.split(',').filter(|part| !part.trim().is_empty()).map(net).collect()
}

pub(super) fn boolean(given: &Given) -> Result<bool, WrongSetting> {
    given.text.parse().map_err(|_| given.wrong("must be true or false."))
}

fn pem_file(given: &Given) -> Result<Vec<u8>, WrongSetting> {
    std::fs::read(&given.text)
        .map_err(|error| given.wrong(format!("{} cannot be read: {error}.", given.text)))
}

fn sessions_per_minute(given: &Given) -> Result<u32, WrongSetting> {
    given.text.parse().map_err(|_| given.wrong("must be a whole number; 0 is no limit."))
}

/// Who wants no limit for strangers wants none of the other kind either, unless it is set.
fn default_of_agent(per_client: Option<&Given>) -> u32 {
    if per_client.is_some_and(|given| given.text == "0") { 0 } else { DEFAULT_AGENT_SESSIONS_PER_MINUTE }
}

fn max_connections(given: &Given) -> Result<MaxConnections, WrongSetting> {
    Ok(MaxConnections { most: above_zero(given)?, set_by: Some(given.from.clone()) })
}

fn above_zero(given: &Given) -> Result<usize, WrongSetting> {
    let must = "must be a whole number above 0.";
    given.text.parse().ok().filter(|number| *number > 0).ok_or_else(|| given.wrong(must))
}

fn drain(given: &Given) -> Result<Duration, WrongSetting> {
    let must = format!("must be a whole number of seconds, 0 to {DRAIN_SECONDS_MAX}.");
    let seconds = given.text.parse().ok().filter(|seconds| *seconds <= DRAIN_SECONDS_MAX);
    seconds.map(Duration::from_secs).ok_or_else(|| given.wrong(must))
}

fn log_level(given: &Given) -> Result<LevelFilter, WrongSetting> {
    match given.text.as_str() {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(given.wrong("must be error, warn, info, debug or trace.")),
    }
}

fn durability(given: &Given) -> Result<Durability, WrongSetting> {
    match given.text.as_str() {
        "full" => Ok(Durability::Full),
        "normal" => Ok(Durability::Normal),
        _ => Err(given.wrong("must be full or normal.")),
    }
}
