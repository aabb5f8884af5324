//! The hosts of the callbacks: looked up and connected to as callbacks would be, all at once, and nothing is signed.

use buddy_core::reason::Reason;
use buddy_core::time::UnixMillis;
use buddy_egress::{Addresses, Egress, Head, Peek};
use futures_util::future::join_all;
use http::HeaderValue;
use http::header::DATE;
use jiff::fmt::rfc2822;
use tokio::time::Instant;
use url::Url;

use super::HOST_TIME;
use crate::ambient::Ambient;

/// A report is read by eyes; where these can be reached, so can others.
const HOSTS_MAX: usize = 16;
/// Who asks, for the host's own log.
pub(super) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Buddy/", env!("CARGO_PKG_VERSION"), " doctor"));

/// What was seen of the hosts.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) hosts: Vec<Host>,
    /// How many there are.
    pub(super) all: usize,
}

/// What was seen of one.
#[derive(Debug)]
pub(super) struct Host {
    /// With its port, where that is not the usual one.
    pub(super) name: String,
    pub(super) addresses: Result<Addresses, Reason>,
    /// Where its name led somewhere.
    pub(super) peek: Option<Peek>,
    pub(super) date: Option<Date>,
}

/// A clock that was read.
#[derive(Clone, Debug)]
pub(super) struct Date {
    pub(super) host: String,
    /// How many seconds it is ahead of ours.
    pub(super) ahead: i64,
}

impl Date {
    /// Of the head of an answer that has just come.
    pub(super) fn of(host: &str, head: Option<&Head>, now: UnixMillis) -> Option<Self> {
        let date = head?.headers.get(DATE)?.to_str().ok()?;
        let told = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
        Some(Self { host: host.to_owned(), ahead: told.as_second() - now.seconds() })
    }
}

impl Host {
    /// Its name leads to addresses that may be dialled.
    pub(super) fn resolves(&self) -> bool {
        let found = self.addresses.as_ref().ok().and_then(|found| found.result.as_ref().ok());
        found.is_some_and(|found| found.iter().all(|(_, refused)| refused.is_none()))
    }
}

impl Looked {
    pub(super) fn dates(&self) -> Vec<Date> {
        self.hosts.iter().filter_map(|host| host.date.clone()).collect()
    }

    /// Where not all were looked at.
    pub(super) fn of_how_many(&self) -> String {
        let looked = self.hosts.len();
        if looked == self.all { looked.to_string() } else { format!("{looked} (of {})", self.all) }
    }
}

/// Each host once.
pub(super) async fn look(egress: &Egress, urls: Vec<String>, ambient: &Ambient) -> Looked {
    let mut origins: Vec<Url> = Vec::new();
    for url in urls {
        let Ok(mut origin) = Url::parse(&url) else { continue };
        origin.set_path("/");
        origin.set_query(None);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    let all = origins.len();
    origins.truncate(HOSTS_MAX);
    let hosts = join_all(origins.iter().map(|origin| look_at(egress, origin, ambient))).await;
    Looked { hosts, all }
}

async fn look_at(egress: &Egress, origin: &Url, ambient: &Ambient) -> Host {
    let name = authority(origin);
    let target = match egress.target(origin.as_str()) {
        Ok(target) => target,
        Err(reason) => return Host { name, addresses: Err(reason), peek: None, date: None },
    };
    let addresses = Ok(egress.addresses(&target, Instant::now() + HOST_TIME).await);
    let mut host = Host { name, addresses, peek: None, date: None };
    if host.resolves() {
        let peek = egress.peek(&target, USER_AGENT, Instant::now() + HOST_TIME).await;
        host.date = Date::of(&host.name, peek.head.as_ref(), ambient.now()).filter(|_| target.is_secure());
        host.peek = Some(peek);
    }
    host
}

/// Host and port as the URL has them.
pub(super) fn authority(url: &Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

/// The names of some, for a sentence.
pub(super) fn listed(texts: &[String]) -> String {
    /// A sentence with more is not read.
    const SHOWN: usize = 3;
    let shown = texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
