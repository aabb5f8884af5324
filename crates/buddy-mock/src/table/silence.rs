//! Endpoints that make one wait: at every point where one could.

use super::{CHUNKED, PROMISING, UNBOUNDED};
use crate::behaviour::Expect::Timeout;
use crate::behaviour::Step::{Answer, Drip, Late, Say};
use crate::behaviour::{Act, Behaviour};

pub(super) const SILENCE: &[Behaviour] = &[
    Behaviour::new(
        "never-accepts",
        "Answers no connection, not even by refusing it, as behind a firewall.",
        Timeout("timeout_connect"),
        Act::Deaf,
    ),
    Behaviour::new(
        "silent-after-accept",
        "Takes the connection and says nothing, not even TLS.",
        Timeout("timeout_tls"),
        Act::Bare(&[]),
    ),
    Behaviour::new(
        "drip-handshake",
        "Sends its part of the TLS handshake a byte at a time.",
        Timeout("timeout_tls"),
        // A handshake record of 16 KiB with one message as long.
        Act::Bare(&[Say("\x16\x03\x03\x40\0\x02\0\x3f\x7c\x03\x03"), Drip("x")]),
    ),
    Behaviour::new(
        "silent-after-handshake",
        "Does the handshake and says nothing more.",
        Timeout("timeout_headers"),
        Act::Silent,
    ),
    Behaviour::http(
        "silent-after-request",
        "Takes the request and never answers.",
        Timeout("timeout_headers"),
        &[],
    ),
    Behaviour::http(
        "silent-in-head",
        "Stops in the middle of the headers.",
        Timeout("timeout_headers"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Le")],
    ),
    Behaviour::http(
        "silent-after-head",
        "Sends the headers and no body.",
        Timeout("timeout_body"),
        &[Say(PROMISING)],
    ),
    Behaviour::http(
        "silent-in-body",
        "Stops in the middle of the body.",
        Timeout("timeout_body"),
        &[Say(PROMISING), Say("{\"userId\":\"42\"")],
    ),
    Behaviour::http(
        "slow",
        "Answers when the attempt's time is up.",
        Timeout("timeout_headers"),
        &[Late, Answer],
    ),
    Behaviour::http(
        "drip-head",
        "Sends a header a byte at a time.",
        Timeout("timeout_headers"),
        &[Say("HTTP/1.1 200 OK\r\nX: "), Drip("y")],
    ),
    Behaviour::http(
        "drip-1xx",
        "Sends an informational answer a byte at a time.",
        Timeout("timeout_headers"),
        &[Say("HTTP/1.1 103 "), Drip("y")],
    ),
    Behaviour::http(
        "drip-body",
        "Sends the body a byte at a time.",
        Timeout("timeout_body"),
        &[Say(PROMISING), Drip("x")],
    ),
    Behaviour::http(
        "drip-endless-body",
        "Sends a body without an end a byte at a time.",
        Timeout("timeout_body"),
        &[Say(UNBOUNDED), Drip("x")],
    ),
    Behaviour::http(
        "drip-chunk-size",
        "Sends the size of a chunk a byte at a time.",
        Timeout("timeout_body"),
        &[Say(CHUNKED), Drip("0")],
    ),
    Behaviour::http(
        "drip-chunks",
        "Sends chunks of one byte, a byte at a time.",
        Timeout("timeout_body"),
        &[Say(CHUNKED), Drip("1\r\nx\r\n")],
    ),
    Behaviour::http(
        "drip-trailers",
        "Sends a trailer a byte at a time.",
        Timeout("timeout_body"),
        &[Say(CHUNKED), Say("f\r\n{\"userId\":\"42\"}\r\n0\r\nX: "), Drip("y")],
    ),
];
