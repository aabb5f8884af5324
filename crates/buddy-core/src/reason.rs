//! Why a session has no user: stable codes, finer reasons, and for each one sentence that says what to do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The stable code of an identity failure. Each has one page of the docs, served at `/e/<CODE>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// An attempt as a whole took longer than the agent's `timeoutMs`, twice.
    Timeout,
    /// No whole answer, or a status other than 2xx.
    Failed,
    /// A 2xx answer whose body is not an identity.
    BadResponse,
    /// The agent has no enabled callback; nobody was asked.
    NotConfigured,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 4] = [Self::Timeout, Self::Failed, Self::BadResponse, Self::NotConfigured];

    /// The code as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "AUTH_CALLBACK_TIMEOUT",
            Self::Failed => "AUTH_CALLBACK_FAILED",
            Self::BadResponse => "AUTH_CALLBACK_BAD_RESPONSE",
            Self::NotConfigured => "AUTH_NOT_CONFIGURED",
        }
    }

    /// What a visitor's browser may be told: nothing of the endpoint, no address, no status.
    pub fn visitor_message(self) -> &'static str {
        match self {
            Self::Timeout => "The site did not say in time who you are; the chat goes on as a guest.",
            Self::Failed => "The site could not be asked who you are; the chat goes on as a guest.",
            Self::BadResponse => "The site's answer could not be understood; the chat goes on as a guest.",
            Self::NotConfigured => "This chat does not identify visitors; it goes on as a guest.",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or(Unknown)
    }
}

/// Not one of the words that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known code or reason")]
pub struct Unknown;

macro_rules! reasons {
    ($($variant:ident = $name:literal, $code:ident, $happened:literal => $to_do:literal;)*) => {
        /// Finer than [`Code`] and as stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = concat!($happened, ": ", $to_do)] $variant,)*
        }

        impl Reason {
            /// All reasons, in the order of the docs.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The reason as it is written everywhere.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code this reason belongs to.
            pub fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)* }
            }

            /// What happened, as the begin of a sentence. Never an address, a body or a secret.
            pub fn happened(self) -> &'static str {
                match self { $(Self::$variant => $happened,)* }
            }

            /// What to do about it, as the end of that sentence.
            pub fn to_do(self) -> &'static str {
                match self { $(Self::$variant => $to_do,)* }
            }

            /// The whole sentence: what happened and what to do.
            pub fn mend(self) -> &'static str {
                match self { $(Self::$variant => concat!($happened, ": ", $to_do),)* }
            }
        }
    };
}

reasons! {
    TimeoutQueue = "timeout_queue", Timeout, "All of this agent's callback slots were busy for the whole time" => "make the endpoint faster, or raise maxConcurrent.";
    TimeoutDns = "timeout_dns", Timeout, "The endpoint's name was not resolved in time" => "check the name servers of its domain.";
    TimeoutConnect = "timeout_connect", Timeout, "No TCP connection came about in time" => "check that the endpoint's port is open to the internet and no firewall drops packets.";
    TimeoutTls = "timeout_tls", Timeout, "The TLS handshake did not finish in time" => "check the load on the endpoint's TLS server or proxy.";
    TimeoutHeaders = "timeout_headers", Timeout, "The endpoint took the request but did not begin to answer in time" => "make the user look-up faster, or raise timeoutMs.";
    TimeoutBody = "timeout_body", Timeout, "The endpoint began to answer but did not finish in time" => "send the whole body at once.";
    NotHttps = "not_https", Failed, "The callback URL is not HTTPS" => "serve the endpoint over https:// and configure that URL.";
    DnsFailed = "dns_failed", Failed, "The endpoint's name has no address" => "check the host in the callback URL and its DNS records.";
    AddressBlocked = "address_blocked", Failed, "The endpoint's name or address is not public" => "use a public address, or let the operator open the network with egress-allow.";
    ConnectFailed = "connect_failed", Failed, "The endpoint refused the connection or cannot be reached" => "check that it runs and listens on the URL's port.";
    TlsFailed = "tls_failed", Failed, "The TLS handshake failed" => "check that the certificate is valid, is for this host, and is sent with its chain.";
    ConnectionLost = "connection_lost", Failed, "The connection ended before the whole answer was there" => "look for a crash or a closing proxy at the endpoint.";
    Redirect = "redirect", Failed, "The endpoint answered with a redirect, and none is followed" => "configure the final URL, and let no login page stand before it.";
    HttpStatus = "http_status", Failed, "The endpoint answered with an error status" => "401 or 403 mostly means that the signature did not match; for others see the endpoint's log.";
    HeadersTooLarge = "headers_too_large", Failed, "The answer's headers are over 16 KiB or 64 lines" => "send fewer.";
    ProtocolError = "protocol_error", Failed, "The answer is not proper HTTP/1.1" => "check that the URL's port speaks HTTPS and no proxy mangles the answer.";
    BadUrl = "bad_url", Failed, "The callback URL cannot be called" => "configure one such as `https://host/path`, without credentials, spaces or a fragment.";
    Overloaded = "overloaded", Failed, "Too many callbacks of this agent were waiting already" => "make the endpoint faster, or raise maxConcurrent.";
    Interrupted = "interrupted", Failed, "The callback was interrupted by a fault in Buddy" => "a new session tries again; tell the operator if it recurs.";
    NotJson = "not_json", BadResponse, "The body is not JSON in UTF-8" => "answer with a JSON object such as {\"userId\":\"42\"}.";
    Html = "html", BadResponse, "The body is an HTML page" => "let the endpoint answer by itself, with no login page or error page before it.";
    NotAnObject = "not_an_object", BadResponse, "The body is JSON but no object" => "answer with an object such as {\"userId\":\"42\"}.";
    DuplicateMember = "duplicate_member", BadResponse, "The answer has a member of the same name twice in one object" => "send each once.";
    TooDeep = "too_deep", BadResponse, "The answer is nested deeper than 32 levels" => "flatten customAttributes.";
    TooLarge = "too_large", BadResponse, "The answer is over 64 KiB" => "send fewer customAttributes.";
    EmptyBody = "empty_body", BadResponse, "The body is empty" => "answer 204 when nobody is signed in, else a JSON object with a userId.";
    ContentEncoding = "content_encoding", BadResponse, "The answer is compressed" => "switch compression off for the endpoint.";
    NoUserId = "no_user_id", BadResponse, "The answer has no userId" => "send one, or answer 204 when nobody is signed in.";
    InvalidUserId = "invalid_user_id", BadResponse, "The answer's userId is not one" => "it must be an integer or a string of 1 to 256 characters, not blank, without control characters.";
    NotConfigured = "not_configured", NotConfigured, "The agent has no enabled callback" => "configure its URL and secret.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(Unknown)
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_and_ends_in_a_sentence() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            assert!(reason.mend().ends_with('.'), "{reason}");
        }
        assert_eq!("nonsense".parse::<Reason>(), Err(Unknown));
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
    }

    #[test]
    fn timeouts_and_only_they_are_named_so() {
        for reason in Reason::ALL {
            assert_eq!(reason.code() == Code::Timeout, reason.as_str().starts_with("timeout_"), "{reason}");
        }
    }
}
