//! Endpoints that are not who they say they are, or say it in the wrong way.

use crate::behaviour::Expect::Failed;
use crate::behaviour::Step::{Bytes, Close, Forever, Reset, Say};
use crate::behaviour::{Act, Behaviour};
use crate::certificate::Certificate;

/// A handshake that ends in its failure.
const fn handshake(name: &'static str, does: &'static str, certificate: Certificate) -> Behaviour {
    Behaviour::new(name, does, Failed("tls_failed"), Act::Handshake(certificate))
}

pub(super) const CERTIFICATES: &[Behaviour] = &[
    handshake("wrong-name", "Has a certificate for another name.", Certificate::WrongName),
    handshake("expired", "Has a certificate that has expired.", Certificate::Expired),
    handshake("not-yet-valid", "Has a certificate that is not valid yet.", Certificate::Early),
    handshake("self-signed", "Has a certificate that it signed itself.", Certificate::SelfSigned),
    handshake(
        "unknown-authority",
        "Has a certificate of an authority that nobody knows.",
        Certificate::Foreign,
    ),
    handshake("huge-certificate-chain", "Sends a mebibyte of certificates.", Certificate::Huge),
    handshake(
        "wants-client-certificate",
        "Asks for a certificate of Buddy's own.",
        Certificate::WantsClients,
    ),
    handshake("http-2-only", "Speaks nothing but HTTP/2.", Certificate::Http2Only),
    Behaviour::new(
        "tls-garbage",
        "Answers the handshake with noise.",
        Failed("tls_failed"),
        Act::Bare(&[Bytes(b"\x00\x01\x02\x03\xfc\xfd\xfe\xff garbage\r\n")]),
    ),
    Behaviour::new(
        "tls-garbage-endless",
        "Answers the handshake with records that never end it.",
        Failed("tls_failed"),
        // Handshake messages of a type that there is not.
        Act::Bare(&[Forever("\x16\x03\x03\0\x08\x63\0\0\x04yyyy")]),
    ),
    Behaviour::new(
        "plain-http-on-tls-port",
        "Speaks plain HTTP where TLS is expected.",
        Failed("tls_failed"),
        Act::Bare(&[Say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), Close]),
    ),
    Behaviour::new(
        "closes-in-handshake",
        "Hangs up in the handshake.",
        Failed("tls_failed"),
        Act::Bare(&[Close]),
    ),
    Behaviour::new(
        "resets-in-handshake",
        "Resets the connection in the handshake.",
        Failed("tls_failed"),
        Act::Bare(&[Reset]),
    ),
];
