//! Where the database is: `postgres://user:password@host:port/database?sslmode=…`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How the server has to show who it is. There is no encryption without that: it would keep out those alone who only
/// listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No TLS.
    Plain,
    /// A certificate that a trusted root vouches for, of any name.
    Authority,
    /// And of this host's name.
    Full,
}

/// The address of a database, and how it is to be trusted. Never shows its password.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// A PEM file of the roots that are trusted, in place of the machine's.
    pub(super) roots: Option<PathBuf>,
}

/// The text is no address of a database. What it must be, in which nothing of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDatabaseUrl {
    /// Another scheme.
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    /// A parameter that this version does not know.
    #[error(
        "may have the parameters sslmode, sslrootcert, host, port, user, password, dbname and target_session_attrs, each once"
    )]
    Parameter,
    /// No such `sslmode`.
    #[error("the parameter sslmode must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// No host, no user or no database is named.
    #[error("must name a user, a host and a database: postgres://user:password@host/database")]
    Incomplete,
    /// Whatever else is wrong.
    #[error(
        "must be read as a URL: write postgres://user:password@host:port/database, with what is special in a password percent-encoded"
    )]
    Unreadable,
}

/// Parameters that are passed on.
const PASSED_ON: [&str; 6] = ["host", "port", "user", "password", "dbname", "target_session_attrs"];

impl DatabaseUrl {
    /// How the server has to show who it is.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// All its hosts are this machine, by name, by address, or by a socket.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        self.config.get_hosts().iter().all(is_this_machine)
    }
}

impl FromStr for DatabaseUrl {
    type Err = BadDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, BadDatabaseUrl> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(BadDatabaseUrl::Scheme);
        }
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let mut seen = Vec::new();
        let (mut ssl_mode, mut roots, mut passed_on) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(BadDatabaseUrl::Parameter)?;
            if seen.contains(&name) {
                return Err(BadDatabaseUrl::Parameter);
            }
            seen.push(name);
            match name {
                "sslmode" => ssl_mode = Some(value),
                "sslrootcert" => roots = Some(PathBuf::from(decoded(value)?)),
                _ if PASSED_ON.contains(&name) => passed_on.push(pair),
                _ => return Err(BadDatabaseUrl::Parameter),
            }
        }
        let rest = format!("{address}?{}", passed_on.join("&"));
        let mut config = Config::from_str(&rest).map_err(|_| BadDatabaseUrl::Unreadable)?;
        let named = config.get_user().is_some() && config.get_dbname().is_some();
        if !named || config.get_hosts().is_empty() {
            return Err(BadDatabaseUrl::Incomplete);
        }
        let trust = trust_for(ssl_mode, config.get_hosts())?;
        config.ssl_mode(if trust == Trust::Plain { SslMode::Disable } else { SslMode::Require });
        Ok(Self { config, trust, roots })
    }
}

/// `require` is as strict as `verify-full`, and `prefer` never falls back to plain text: not the database, whoever is on
/// the way would choose it. A socket is on this machine, and a server does not speak TLS on one.
fn trust_for(ssl_mode: Option<&str>, hosts: &[Host]) -> Result<Trust, BadDatabaseUrl> {
    let asked = match ssl_mode {
        None | Some("prefer") if hosts.iter().all(is_this_machine) => Trust::Plain,
        Some("disable") => Trust::Plain,
        None | Some("prefer" | "require" | "verify-full") => Trust::Full,
        Some("verify-ca") => Trust::Authority,
        Some(_) => return Err(BadDatabaseUrl::SslMode),
    };
    let sockets_only = hosts.iter().all(|host| matches!(host, Host::Unix(_)));
    Ok(if sockets_only { Trust::Plain } else { asked })
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn decoded(value: &str) -> Result<String, BadDatabaseUrl> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| digit.map(char::from));
        let [Some(high), Some(low)] = digits.map(|digit| digit.and_then(|digit| digit.to_digit(16))) else {
            return Err(BadDatabaseUrl::Unreadable);
        };
        bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
    }
    String::from_utf8(bytes).map_err(|_| BadDatabaseUrl::Unreadable)
}

/// Hosts and the database's name: what an operator may read in a log.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (number, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}")?,
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self}, {:?})", self.trust)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(text: &str) -> Result<Trust, BadDatabaseUrl> {
        text.parse::<DatabaseUrl>().map(|url| url.trust)
    }

    #[test]
    fn a_server_elsewhere_has_to_show_who_it_is_unless_that_is_switched_off() {
        for (rest, expected) in [
            ("db.example/buddy", Trust::Full),
            ("db.example/buddy?sslmode=prefer", Trust::Full),
            ("db.example/buddy?sslmode=require", Trust::Full),
            ("db.example/buddy?sslmode=verify-full", Trust::Full),
            ("db.example/buddy?sslmode=verify-ca", Trust::Authority),
            ("db.example/buddy?sslmode=disable", Trust::Plain),
            ("192.0.2.7/buddy", Trust::Full),
            ("localhost/buddy", Trust::Plain),
            ("127.0.0.1:5433/buddy", Trust::Plain),
            ("[::1]/buddy", Trust::Plain),
            ("localhost/buddy?sslmode=require", Trust::Full),
            ("localhost,db.example/buddy", Trust::Full),
            ("%2Frun%2Fpostgresql/buddy?sslmode=require", Trust::Plain),
        ] {
            assert_eq!(trust(&format!("postgres://buddy@{rest}")), Ok(expected), "{rest}");
        }
        let url: DatabaseUrl =
            "postgresql:///buddy?host=/run/postgresql&user=ada&sslrootcert=/etc/my%20roots.pem"
                .parse()
                .unwrap();
        assert_eq!((url.trust, url.roots), (Trust::Plain, Some("/etc/my roots.pem".into())));
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_a_sentence_that_repeats_nothing_of_it() {
        use BadDatabaseUrl::{Incomplete, Parameter, Scheme, SslMode, Unreadable};
        for (text, expected) in [
            ("mysql://buddy:hush@db/buddy", Scheme),
            ("", Scheme),
            ("postgres://buddy:hush@db/buddy?sslmode=allow", SslMode),
            ("postgres://buddy:hush@db/buddy?sslmode=hush", SslMode),
            ("postgres://buddy:hush@db/buddy?sslkey=hush", Parameter),
            ("postgres://buddy:hush@db/buddy?options=hush", Parameter),
            ("postgres://buddy:hush@db/buddy?sslmode", Parameter),
            ("postgres://buddy:hush@db/buddy?sslmode=disable&sslmode=require", Parameter),
            ("postgres://buddy:hush@db/buddy?sslrootcert=%zz", Unreadable),
            ("postgres://buddy:hush@db:hush/buddy", Unreadable),
            ("postgres://buddy:hush@db", Incomplete),
            ("postgres://db/buddy", Incomplete),
            ("postgres:///buddy?user=hush", Incomplete),
        ] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(refused, expected, "{text}");
            assert!(!refused.to_string().contains("hush") && !refused.to_string().contains('\n'));
        }
    }

    #[test]
    fn neither_user_nor_password_are_ever_shown() {
        let url: DatabaseUrl =
            "postgres://anna:hush@db.example,[::1]/buddy?sslmode=verify-ca".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example,::1/buddy");
        let shown = format!("{url} {url:?}");
        assert!(!shown.contains("hush") && !shown.contains("anna"), "{shown}");
    }
}
