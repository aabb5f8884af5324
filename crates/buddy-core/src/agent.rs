//! An agent, its settings and its callback's settings, each valid by construction.

use crate::id::{AgentId, KeyId};
use crate::limits::{
    AGENT_NAME_CHARS_MAX, ALLOWED_ORIGINS_MAX, KEY_LABEL_CHARS_MAX, MAX_CONCURRENT_MAX, ORIGIN_BYTES_MAX,
    ROTATION_OVERLAP_SECONDS_MAX, SESSION_TTL_SECONDS_MAX, SESSION_TTL_SECONDS_MIN, TIMEOUT_MS_MAX,
    TIMEOUT_MS_MIN,
};
use crate::secret::CallbackSecret;
use crate::time::UnixMillis;

/// A setting that cannot be taken, and what it must be instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {must}")]
pub struct BadSetting {
    /// The member of the request, as the API writes it.
    pub member: &'static str,
    /// What it must be.
    pub must: String,
}

impl BadSetting {
    pub(crate) fn new(member: &'static str, must: impl Into<String>) -> Self {
        Self { member, must: must.into() }
    }
}

/// One chat agent of one business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// What the operator calls it.
    pub name: String,
    /// Where its widget may be embedded: serialised origins, such as `https://shop.example`.
    pub allowed_origins: Vec<String>,
    /// How long its sessions live.
    pub session_ttl_seconds: u32,
    /// When it was made.
    pub created_at: UnixMillis,
}

impl Agent {
    /// Names of the settings that are other than `before`, as the API writes them; all where there was none.
    pub fn settings_other_than(&self, before: Option<&Self>) -> Vec<&'static str> {
        let differs = |same: fn(&Self, &Self) -> bool| before.is_none_or(|before| !same(self, before));
        differing([
            ("name", differs(|one, other| one.name == other.name)),
            ("allowedOrigins", differs(|one, other| one.allowed_origins == other.allowed_origins)),
            ("sessionTtlSeconds", differs(|one, other| one.session_ttl_seconds == other.session_ttl_seconds)),
        ])
    }
}

fn differing<const N: usize>(settings: [(&'static str, bool); N]) -> Vec<&'static str> {
    settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// A name of 1–200 characters that is not blank, without control characters.
pub fn check_name(name: &str) -> Result<(), BadSetting> {
    check_label("name", name, AGENT_NAME_CHARS_MAX)
}

/// A key's label: as a name is.
pub fn check_key_label(label: &str) -> Result<(), BadSetting> {
    check_label("label", label, KEY_LABEL_CHARS_MAX)
}

fn check_label(member: &'static str, text: &str, max: usize) -> Result<(), BadSetting> {
    let good = !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
    let must = || {
        BadSetting::new(
            member,
            format!("must be 1 to {max} characters, not blank, without control characters."),
        )
    };
    if good { Ok(()) } else { Err(must()) }
}

/// At most 50 origins, each as a browser writes it in `Origin`; doubles are folded.
pub fn check_origins(origins: Vec<String>) -> Result<Vec<String>, BadSetting> {
    let member = "allowedOrigins";
    if origins.len() > ALLOWED_ORIGINS_MAX {
        return Err(BadSetting::new(member, format!("must have at most {ALLOWED_ORIGINS_MAX} entries.")));
    }
    let mut checked: Vec<String> = Vec::with_capacity(origins.len());
    for (index, origin) in origins.into_iter().enumerate() {
        if !is_origin(&origin) {
            let must = format!(
                "entry {index} must be an origin as a browser writes it: http:// or https://, the host in lower case, a port only if it is not the default, nothing after it; such as https://shop.example."
            );
            return Err(BadSetting::new(member, must));
        }
        if !checked.contains(&origin) {
            checked.push(origin);
        }
    }
    Ok(checked)
}

/// The ASCII serialisation of an origin, RFC 6454 section 6.2, for http and https.
fn is_origin(text: &str) -> bool {
    let (rest, default_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, "443"),
        (_, Some(rest)) => (rest, "80"),
        _ => return false,
    };
    let (host, port) = match rest
        .rfind(']')
        .map_or_else(|| rest.find(':'), |end| rest[end..].find(':').map(|at| at + end))
    {
        Some(colon) => (&rest[..colon], Some(&rest[colon + 1..])),
        None => (rest, None),
    };
    let port_good = port.is_none_or(|port| {
        port != default_port
            && !port.starts_with('0')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
    });
    text.len() <= ORIGIN_BYTES_MAX && port_good && is_origin_host(host)
}

fn is_origin_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == inner);
    }
    let label_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
            })
    };
    host.split('.').all(label_good)
}

/// 60–604,800 seconds.
pub fn check_session_ttl(seconds: u32) -> Result<u32, BadSetting> {
    check_range("sessionTtlSeconds", seconds, SESSION_TTL_SECONDS_MIN, SESSION_TTL_SECONDS_MAX)
}

/// 100–10,000 milliseconds.
pub fn check_timeout_ms(timeout_ms: u32) -> Result<u32, BadSetting> {
    check_range("timeoutMs", timeout_ms, TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)
}

/// 1–1,024 callbacks at once.
pub fn check_max_concurrent(max_concurrent: u32) -> Result<u32, BadSetting> {
    check_range("maxConcurrent", max_concurrent, 1, MAX_CONCURRENT_MAX)
}

/// 0 (at once) to 30 days.
pub fn check_overlap(seconds: u32) -> Result<u32, BadSetting> {
    check_range("overlapSeconds", seconds, 0, ROTATION_OVERLAP_SECONDS_MAX)
}

fn check_range(member: &'static str, value: u32, min: u32, max: u32) -> Result<u32, BadSetting> {
    let must = || BadSetting::new(member, format!("must be {min} to {max}."));
    if (min..=max).contains(&value) { Ok(value) } else { Err(must()) }
}

/// Where and how an agent's endpoint is asked. Its secrets are in [`CallbackSecrets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The endpoint, serialised as it was parsed.
    pub url: String,
    /// The time of one attempt as a whole.
    pub timeout_ms: u32,
    /// Callbacks at once.
    pub max_concurrent: u32,
    /// No callback without a valid ticket.
    pub require_ticket: bool,
    /// Off: sessions are anonymous, `AUTH_NOT_CONFIGURED`.
    pub enabled: bool,
}

impl Callback {
    /// Names of the settings that are other than `before`, as the API writes them; all where there was none.
    pub fn settings_other_than(&self, before: Option<&Self>) -> Vec<&'static str> {
        let differs = |same: fn(&Self, &Self) -> bool| before.is_none_or(|before| !same(self, before));
        differing([
            ("url", differs(|one, other| one.url == other.url)),
            ("timeoutMs", differs(|one, other| one.timeout_ms == other.timeout_ms)),
            ("maxConcurrent", differs(|one, other| one.max_concurrent == other.max_concurrent)),
            ("requireTicket", differs(|one, other| one.require_ticket == other.require_ticket)),
            ("enabled", differs(|one, other| one.enabled == other.enabled)),
        ])
    }
}

/// The secret that signs, and while a rotation is open the one that will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackSecrets {
    /// Signs.
    pub current: CallbackSecret,
    /// When the current secret was set or became current.
    pub created_at: UnixMillis,
    /// The rotation that is open, if one is.
    pub rotation: Option<Rotation>,
}

/// An open rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The secret that will sign.
    pub next: CallbackSecret,
    /// When it becomes current if the endpoint has not shown before that it holds it.
    pub overlap_ends_at: UnixMillis,
}

impl CallbackSecrets {
    /// The secrets as they count at this moment: an overlap that has ended made the next secret current.
    #[must_use]
    pub fn at(self, now: UnixMillis) -> Self {
        match self.rotation {
            Some(rotation) if rotation.overlap_ends_at <= now => {
                Self { current: rotation.next, created_at: rotation.overlap_ends_at, rotation: None }
            }
            _ => self,
        }
    }

    /// The secrets after the endpoint has shown that it holds the next one.
    #[must_use]
    pub fn promoted(self, now: UnixMillis) -> Self {
        match self.rotation {
            Some(rotation) => Self { current: rotation.next, created_at: now, rotation: None },
            None => self,
        }
    }
}

/// A platform API key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose software it is for.
    pub agent_id: AgentId,
    /// What the operator calls it.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<UnixMillis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        for good in [
            "https://shop.example",
            "http://localhost:3000",
            "https://shop.example:8443",
            "http://127.0.0.1:5173",
            "https://[::1]:8443",
            "https://xn--bcher-kva.example",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "https://",
            "shop.example",
            "https://shop.example/",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:0443",
            "https://shop.example:99999",
            "https://shop.example:",
            "https://u@shop.example",
            "ftp://shop.example",
            "https://a..b",
            "https://bücher.example",
            "https://[::0001]",
            "https://*.shop.example",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_double_origin_is_folded_and_too_many_are_refused() {
        let twice = vec!["https://a.example".to_owned(); 2];
        assert_eq!(check_origins(twice).unwrap(), ["https://a.example"]);
        let many = (0..51).map(|n| format!("https://a{n}.example")).collect();
        assert!(check_origins(many).is_err());
    }

    #[test]
    fn an_ended_overlap_makes_the_next_secret_current() {
        let secret = |text| CallbackSecret::parse(text).unwrap();
        let open = CallbackSecrets {
            current: secret("current-secret-0"),
            created_at: UnixMillis(0),
            rotation: Some(Rotation { next: secret("next-secret-0000"), overlap_ends_at: UnixMillis(10) }),
        };
        assert_eq!(open.clone().at(UnixMillis(9)), open);
        let ended = open.at(UnixMillis(10));
        assert_eq!(ended.current.expose(), "next-secret-0000");
        assert_eq!(ended.created_at, UnixMillis(10));
        assert!(ended.rotation.is_none());
    }
}
