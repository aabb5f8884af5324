//! Callback URLs against the rules, with a host that was read by hand.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use buddy_core::reason::Reason;
use buddy_egress::address::{Class, classify};
use buddy_egress::{Egress, EgressSettings};
use url::{Host, Url};

const URL_BYTES_MAX: usize = 2_048;
/// Under these no host is public.
const SPECIAL_ZONES: &str = "localhost local internal intranet lan home.arpa corp private test invalid onion i2p alt \
                             arpa localdomain svc";

/// As a server that faces the internet has it.
static CLOSED: LazyLock<Egress> = LazyLock::new(|| egress(&[], false));
/// All that an operator can open.
static OPENED: LazyLock<Egress> = LazyLock::new(|| egress(&["0.0.0.0/0", "::/0"], true));

fn egress(allow: &[&str], allow_http: bool) -> Egress {
    let allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
    // Nobody is asked: only the text of a URL is judged here. So no name server of this machine matters.
    let name_servers = Some(vec![([127, 0, 0, 1], 53).into()]);
    let settings = EgressSettings { allow, allow_http, name_servers, ..EgressSettings::default() };
    Egress::new(settings).expect("good settings")
}

/// `data` is the URL as an operator would type it.
pub fn target(data: &[u8]) -> bool {
    let Ok(raw) = std::str::from_utf8(data) else { return false };
    let closed = stored(&CLOSED, raw);
    let opened = stored(&OPENED, raw);
    let literal = host_of(raw).and_then(address_of);
    if let Ok(url) = &closed {
        assert_well_formed(raw, url, &["https"]);
        assert_eq!(stored(&CLOSED, url).as_ref(), Ok(url), "what was stored is taken again, unchanged");
        assert_eq!(opened.as_ref(), Ok(url), "opening a network refuses nothing");
        if let Some(address) = literal {
            assert_eq!(classify(address), Class::Public, "{address}");
        } else {
            assert_public_name(url);
            assert_no_longer_public_within_a_zone(url);
        }
    }
    if let Ok(url) = &opened {
        assert_well_formed(raw, url, &["https", "http"]);
        assert_eq!(stored(&OPENED, url).as_ref(), Ok(url), "what was stored is taken again, unchanged");
        assert_ne!(literal.map(classify), Some(Class::Never), "{literal:?}");
    }
    if let (Err(Reason::AddressBlocked), Some(address)) = (closed, literal) {
        assert_ne!(classify(address), Class::Public, "{address}");
    }
    opened.is_ok()
}

fn stored(egress: &Egress, raw: &str) -> Result<String, Reason> {
    egress.target(raw).map(|target| target.as_str().to_owned())
}

fn assert_well_formed(raw: &str, stored: &str, schemes: &[&str]) {
    assert!(raw.len() <= URL_BYTES_MAX && stored.len() <= URL_BYTES_MAX);
    for text in [raw, stored] {
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{text:?}");
    }
    let url = Url::parse(stored).expect("what is stored is a URL");
    assert!(schemes.contains(&url.scheme()), "{stored}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{stored}");
    assert_ne!(url.port_or_known_default(), None, "{stored}");
    let written = host_of(raw).expect("what is taken has a host");
    let meant = match url.host().expect("what is stored has a host") {
        Host::Ipv4(address) => Err(address.into()),
        Host::Ipv6(address) => Err(IpAddr::from(address)),
        Host::Domain(name) => Ok(name.to_owned()),
    };
    let read = match address_of(written) {
        Some(address) => Err(address),
        None => Ok(bare(written).to_ascii_lowercase()),
    };
    assert_eq!(meant, read, "the host that is called is the one that was written: {raw:?}");
}

/// A name that some host on the internet may have.
fn assert_public_name(url: &str) {
    let name = host_of(url).expect("what is stored has a host");
    let labels: Vec<&str> = name.split('.').collect();
    assert!(labels.len() >= 2 && name.len() <= 253, "{name}");
    for label in &labels {
        assert!((1..=63).contains(&label.len()), "{name}");
        assert!(label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')), "{name}");
        assert!(!label.starts_with('-') && !label.ends_with('-'), "{name}");
    }
    assert!(number(labels[labels.len() - 1]).is_none(), "a name that ends in a number is an address: {name}");
    for zone in SPECIAL_ZONES.split(' ') {
        assert!(name != zone && !name.ends_with(&format!(".{zone}")), "{name}");
    }
}

/// The same name within one of the zones is public no more, unless the operator has opened a network.
fn assert_no_longer_public_within_a_zone(url: &str) {
    let name = host_of(url).expect("what is stored has a host");
    let zones: Vec<&str> = SPECIAL_ZONES.split(' ').collect();
    let within = format!("{name}.{}", zones[url.len() % zones.len()]);
    if within.len() <= 253 {
        let url = format!("https://{within}/");
        assert_eq!(stored(&CLOSED, &url), Err(Reason::AddressBlocked), "{url}");
        assert_eq!(stored(&OPENED, &url).as_ref(), Ok(&url));
    }
}

/// The host between `://` and the port or path, brackets included; none where somebody else's rules would be needed.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    Some(&authority[..end]).filter(|host| !host.is_empty())
}

fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The address that a host spells: IPv6 in brackets, or IPv4 in any way that C libraries have ever read it.
fn address_of(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[') {
        return Some(IpAddr::V6(inner.strip_suffix(']')?.parse().ok()?));
    }
    let numbers: Vec<u64> = bare(host).split('.').map(number).collect::<Option<_>>()?;
    let (last, leading) = numbers.split_last()?;
    let octets_left = 4_u32.checked_sub(u32::try_from(leading.len()).ok()?).filter(|left| *left > 0)?;
    let leading_fit = leading.iter().all(|octet| *octet <= 255);
    if !leading_fit || *last >= 1 << (8 * octets_left) {
        return None;
    }
    let high = leading.iter().fold(0, |bits, octet| bits << 8 | octet);
    let bits = high << (8 * octets_left) | last;
    Some(IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).ok()?)))
}

/// Decimal, `0` octal or `0x` hexadecimal; a bare `0x` is zero. `u64::MAX` is any number too large for an address.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.is_empty() {
        return (radix == 16).then_some(0);
    }
    // A sign is no digit, though the standard library takes one.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some(u64::from_str_radix(digits, radix).unwrap_or(u64::MAX))
}
