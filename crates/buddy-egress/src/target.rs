//! A URL that may be called, or the reason why not.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use buddy_core::reason::Reason;
use http::HeaderValue;
use http::uri::PathAndQuery;
use rustls::pki_types::ServerName;
use url::{Host, Position, Url};

use crate::limits::{AUTHORITY_BYTES_MAX, LABEL_BYTES_MAX, NAME_BYTES_MAX, URL_BYTES_MAX};
use crate::policy::Policy;

/// Names under these never lead to a public host: special use (RFC 6761 and its registry), or what private
/// networks use as if it were.
const SPECIAL_NAMES: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "corp",
    "private",
    "test",
    "invalid",
    "onion",
    "i2p",
    "alt",
    "arpa",
    "localdomain",
    "svc",
];

/// A URL that was checked. The request line, `Host`, SNI and the certificate's name all come from this one
/// parsed value, so that no two of them can disagree.
#[derive(Clone)]
pub struct Target {
    url: String,
    pub(crate) secure: bool,
    pub(crate) destination: Destination,
    pub(crate) port: u16,
    pub(crate) path: PathAndQuery,
    pub(crate) host: HeaderValue,
    pub(crate) server_name: ServerName<'static>,
}

/// What is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Address(IpAddr),
    Name(String),
}

impl Target {
    /// The URL in its serialised form: what is to be stored.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// It is called over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// A connection made for the one serves the other.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.port == other.port && self.destination == other.destination
    }

    /// Reads a URL by the rules, in their order; the first that fails is the reason.
    pub(crate) fn parse(raw: &str, policy: &Policy) -> Result<Self, Reason> {
        check_text(raw, policy)?;
        let mut url = Url::parse(raw).map_err(|_| Reason::BadUrl)?;
        if url.fragment().is_some() {
            return Err(Reason::BadUrl);
        }
        let port = url.port_or_known_default().ok_or(Reason::BadUrl)?;
        let secure = url.scheme() == "https";
        // The enum, never the host as text: an IPv6 address keeps its brackets there and parses as none.
        let destination = match url.host().ok_or(Reason::BadUrl)? {
            Host::Ipv4(address) => Destination::Address(address.into()),
            Host::Ipv6(address) => Destination::Address(address.into()),
            Host::Domain(name) => Destination::Name(bare_name(name)?.to_owned()),
        };
        let server_name = match &destination {
            Destination::Address(address) => {
                policy.admit(SocketAddr::new(*address, port), secure)?;
                ServerName::from(*address)
            }
            Destination::Name(name) => {
                check_name(name, policy)?;
                url.set_host(Some(name)).map_err(|_| Reason::BadUrl)?;
                ServerName::try_from(name.clone()).map_err(|_| Reason::BadUrl)?
            }
        };
        // Escaping makes a path up to three times as long, and what is stored is read by these rules again.
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(Reason::BadUrl);
        }
        Ok(Self {
            secure,
            destination,
            port,
            path: url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| Reason::BadUrl)?,
            host: url[Position::BeforeHost..Position::AfterPort].parse().map_err(|_| Reason::BadUrl)?,
            server_name,
            url: url.into(),
        })
    }
}

/// Shows where it leads, not the path and query: they may hold what the business keeps to itself.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// What is checked of the text itself, since the parser would mend it silently.
fn check_text(raw: &str, policy: &Policy) -> Result<(), Reason> {
    let unseen = |byte: u8| byte <= b' ' || byte == 0x7f || byte == b'\\' || !byte.is_ascii();
    if raw.len() > URL_BYTES_MAX || raw.bytes().any(unseen) {
        return Err(Reason::BadUrl);
    }
    let (scheme, rest) = raw.split_once("://").ok_or(Reason::BadUrl)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !is_scheme(scheme) || !(1..=AUTHORITY_BYTES_MAX).contains(&authority.len()) {
        return Err(Reason::BadUrl);
    }
    let speaks = |wanted: &str| scheme.eq_ignore_ascii_case(wanted);
    let spoken = speaks("https") || (policy.allow_http && speaks("http"));
    if !spoken {
        return Err(Reason::NotHttps);
    }
    if authority.contains(['%', '@']) {
        return Err(Reason::BadUrl);
    }
    Ok(())
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    let tail = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(tail)
}

/// The name without the dot that makes it absolute, if it is one that the DNS can hold.
fn bare_name(name: &str) -> Result<&str, Reason> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let good = name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label);
    if good { Ok(name) } else { Err(Reason::BadUrl) }
}

fn is_label(label: &str) -> bool {
    let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn check_name(name: &str, policy: &Policy) -> Result<(), Reason> {
    let public = name.contains('.') && !SPECIAL_NAMES.iter().any(|zone| is_within(name, zone));
    if policy.is_own_host(name) || !(public || policy.opens_special_names()) {
        return Err(Reason::AddressBlocked);
    }
    Ok(())
}

fn is_within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Reason::{AddressBlocked, BadUrl, NotHttps};

    fn policy(allow: &[&str], allow_http: bool) -> Policy {
        Policy {
            allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
            allow_http,
            own_hosts: vec!["buddy.example.com".into(), "Chat.Example.org.".into()],
            own_addresses: vec!["198.41.0.4:8700".parse().unwrap(), "0.0.0.0:8701".parse().unwrap()],
        }
    }

    fn read(url: &str, policy: &Policy) -> Result<String, Reason> {
        Target::parse(url, policy).map(|target| target.as_str().to_owned())
    }

    #[test]
    fn a_public_url_is_taken_in_its_serialised_form() {
        for (url, stored, host, path) in [
            ("https://shop.example.com", "https://shop.example.com/", "shop.example.com", "/"),
            ("HTTPS://Shop.Example.COM/a", "https://shop.example.com/a", "shop.example.com", "/a"),
            ("https://shop.example.com./a", "https://shop.example.com/a", "shop.example.com", "/a"),
            ("https://shop.example.com:443/a", "https://shop.example.com/a", "shop.example.com", "/a"),
            ("https://shop.example.com:80", "https://shop.example.com:80/", "shop.example.com:80", "/"),
            (
                "https://a.example:8443?x=1&y=%20",
                "https://a.example:8443/?x=1&y=%20",
                "a.example:8443",
                "/?x=1&y=%20",
            ),
            ("https://a.example/b/../c/./d", "https://a.example/c/d", "a.example", "/c/d"),
            ("https://a.example/%2e%2e/c", "https://a.example/c", "a.example", "/c"),
            (
                "https://a.example/a|b^c{d}`e'\"<>",
                "https://a.example/a|b^c%7Bd%7D%60e'%22%3C%3E",
                "a.example",
                "/a|b^c%7Bd%7D%60e'%22%3C%3E",
            ),
            ("https://a.example/?{|}`^'", "https://a.example/?{|}`^%27", "a.example", "/?{|}`^%27"),
            ("https://a.example/a@b%zz?c@d", "https://a.example/a@b%zz?c@d", "a.example", "/a@b%zz?c@d"),
            (
                "https://xn--bcher-kva.example/",
                "https://xn--bcher-kva.example/",
                "xn--bcher-kva.example",
                "/",
            ),
            (
                "https://_x.under_score.example/",
                "https://_x.under_score.example/",
                "_x.under_score.example",
                "/",
            ),
            ("https://8.8.8.8/", "https://8.8.8.8/", "8.8.8.8", "/"),
            ("https://0x8.010.2056/", "https://8.8.8.8/", "8.8.8.8", "/"),
            (
                "https://[2606:4700::1111]:8443/x",
                "https://[2606:4700::1111]:8443/x",
                "[2606:4700::1111]:8443",
                "/x",
            ),
            ("https://[2606:4700:0:0::1111]", "https://[2606:4700::1111]/", "[2606:4700::1111]", "/"),
        ] {
            let target =
                Target::parse(url, &policy(&[], false)).unwrap_or_else(|reason| panic!("{url}: {reason}"));
            assert_eq!(target.as_str(), stored, "{url}");
            assert_eq!(target.host, host, "{url}");
            assert_eq!(target.path, path, "{url}");
            let again = Target::parse(stored, &policy(&[], false)).unwrap();
            assert_eq!(again.as_str(), stored, "what is stored reads back as itself");
        }
    }

    #[test]
    fn what_is_no_callable_url_is_refused() {
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX));
        let label = format!("https://{}.example/", "x".repeat(LABEL_BYTES_MAX + 1));
        let name = format!("https://{}example/", "abcdefg.".repeat(32));
        for url in [
            "",
            "https",
            "https:",
            "https:/a.example/",
            "https:a.example",
            "https:///a.example/",
            "https://",
            "https://?x",
            "https://#",
            "//a.example/",
            "a.example/cb",
            "://a.example",
            "1ttps://a.example/",
            "ht tps://a.example/",
            "https ://a.example/",
            " https://a.example/",
            "https://a.example/ ",
            "https://a.example/a b",
            "https://a.exa\tmple/",
            "https://a.exa\nmple/",
            "https://a.example/\r\nHost: b",
            "https://a.example/\0",
            "https://a.example/\u{7f}",
            "https://a.example\\b",
            "https:\\\\a.example\\",
            "https://bücher.example/",
            "https://１２７.0.0.1/",
            "https://a。example/",
            "https://a.example/é",
            "https://user@a.example/",
            "https://user:secret@a.example/",
            "https://@a.example/",
            "https://a.example%2f/",
            "https://127.0.0.1%00.a.example/",
            "https://[::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[::1/",
            "https://[::g]/",
            "https://::1/",
            "https://a.example:99999/",
            "https://a.example:x/",
            "https://a.example:-1/",
            "https://a.example/#",
            "https://a.example/#top",
            "https://a.example#",
            "https://a..example/",
            "https://.a.example/",
            "https://a.example../",
            "https://-a.example/",
            "https://a-.example/",
            "https://a.-example/",
            "https://a!b.example/",
            "https://a*.example/",
            "https://a,b.example/",
            "https://a|b.example/",
            "https://1.2.3.256/",
            "https://1.2.3.4.5/",
            "https://0x1ffffffff/",
            "https://a.example.1/",
            &long,
            &label,
            &name,
        ] {
            assert_eq!(read(url, &policy(&[], false)), Err(BadUrl), "{url:?}");
            assert_eq!(read(url, &policy(&["0.0.0.0/0", "::/0"], true)), Err(BadUrl), "{url:?}, all opened");
        }
    }

    #[test]
    fn a_url_is_as_long_as_it_is_when_stored() {
        let stored_bytes = |braces| "https://a.example/".len() + "%7B".len() * braces;
        for braces in [676, 677] {
            let url = format!("https://a.example/{}", "{".repeat(braces));
            let taken = read(&url, &policy(&[], false)).map(|stored| stored.len());
            let fits = stored_bytes(braces) <= URL_BYTES_MAX;
            assert_eq!(taken, if fits { Ok(stored_bytes(braces)) } else { Err(BadUrl) }, "{braces}");
        }
    }

    #[test]
    fn a_host_and_port_longer_than_any_name_and_port_are_not_read() {
        let name = format!("{}example", "abcdefg.".repeat(30));
        let longest = format!("https://{}.{name}.:65535/", "x".repeat(NAME_BYTES_MAX - name.len() - 1));
        assert_eq!(longest.len(), "https:///".len() + AUTHORITY_BYTES_MAX);
        assert!(read(&longest, &policy(&[], false)).is_ok());
        // Octal, so that all but the first bound take it.
        for (zeros, taken) in [(200, true), (300, false)] {
            let url = format!("https://{}10.8.8.8/", "0".repeat(zeros));
            assert_eq!(read(&url, &policy(&[], false)).is_ok(), taken, "{zeros}");
        }
    }

    #[test]
    fn another_scheme_is_not_https() {
        for url in [
            "http://a.example/",
            "HTTP://8.8.8.8/",
            "ftp://a.example/",
            "ws://a.example/",
            "file://a/b",
            "httpss://a.example/",
        ] {
            assert_eq!(read(url, &policy(&["0.0.0.0/0"], false)), Err(NotHttps), "{url}");
        }
        for url in ["ftp://a.example/", "ws://a.example/", "gopher://127.0.0.1/"] {
            assert_eq!(read(url, &policy(&["0.0.0.0/0"], true)), Err(NotHttps), "{url}");
        }
    }

    #[test]
    fn plain_http_stays_within_what_the_operator_opened() {
        let policy = policy(&["10.0.0.0/8"], true);
        assert_eq!(read("http://10.1.2.3:3000/cb", &policy), Ok("http://10.1.2.3:3000/cb".into()));
        assert_eq!(read("http://shop.internal/cb", &policy), Ok("http://shop.internal/cb".into()));
        assert_eq!(read("http://8.8.8.8/", &policy), Err(NotHttps));
        assert_eq!(read("http://127.0.0.1/", &policy), Err(AddressBlocked));
        assert_eq!(read("http://169.254.169.254/", &policy), Err(AddressBlocked));
    }

    #[test]
    fn a_literal_address_that_is_not_public_is_blocked_however_it_is_spelled() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "10.0.0.1",
            "0xa000001",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "198.18.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[fc00::1]",
            "[fd00::1]",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(read(&url, &policy(&[], false)), Err(AddressBlocked), "{host}");
            assert!(read(&url, &policy(&["0.0.0.0/0", "::/0"], false)).is_ok(), "{host}, opened");
        }
    }

    #[test]
    fn what_no_setting_opens_stays_blocked() {
        for host in [
            "0.0.0.0",
            "0",
            "0x0",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "4294967295",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:8.8.8.8]",
            "[::7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::8.8.8.8]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "[fd00:42::42]",
            "[2a00::5efe:7f00:1]",
            "[5f00::1]",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(read(&url, &policy(&["0.0.0.0/0", "::/0"], true)), Err(AddressBlocked), "{host}");
        }
    }

    #[test]
    fn a_name_that_is_never_public_needs_an_opened_network() {
        for host in [
            "localhost",
            "shop",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
            "a.intranet",
            "a.lan",
            "a.home.arpa",
            "a.corp",
            "a.private",
            "a.test",
            "a.invalid",
            "a.onion",
            "a.i2p",
            "a.alt",
            "1.in-addr.arpa",
            "localhost.localdomain",
            "shop.default.svc",
            "localhost.",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(read(&url, &policy(&[], false)), Err(AddressBlocked), "{host}");
            assert!(read(&url, &policy(&["10.0.0.0/8"], false)).is_ok(), "{host}, opened");
        }
        for host in ["mylocalhost.example", "local.example", "atest.com", "internal.example.com", "svc.io"] {
            assert!(read(&format!("https://{host}/"), &policy(&[], false)).is_ok(), "{host}");
        }
    }

    #[test]
    fn we_are_no_target_of_our_own() {
        let open = policy(&["0.0.0.0/0"], false);
        for url in [
            "https://buddy.example.com/",
            "https://BUDDY.example.com.:444/",
            "https://chat.example.org/",
            "https://198.41.0.4:8700/",
            "https://127.0.0.1:8701/",
            "https://127.9.9.9:8701/",
        ] {
            assert_eq!(read(url, &open), Err(AddressBlocked), "{url}");
        }
        for url in ["https://a.buddy.example.com/", "https://198.41.0.4/", "https://127.0.0.1:8700/"] {
            assert!(read(url, &open).is_ok(), "{url}");
        }
    }

    #[test]
    fn nothing_of_the_path_is_shown_for_debugging() {
        let target = Target::parse("https://a.example/secret?token=1", &policy(&[], false)).unwrap();
        let shown = format!("{target:?}");
        assert!(
            shown.contains("a.example") && !shown.contains("secret") && !shown.contains("token"),
            "{shown}"
        );
    }
}
