//! Answers whose parts do not fit together.

use super::{CHUNKED, UNASKED};
use crate::behaviour::Behaviour;
use crate::behaviour::Expect::{BadResponse, Failed, Timeout, User};
use crate::behaviour::Step::{Answer, Close, Say};

pub(super) const FRAMING: &[Behaviour] = &[
    Behaviour::http(
        "short-content-length",
        "Announces less than it sends.",
        BadResponse("not_json"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "long-content-length",
        "Announces more than it sends, and waits.",
        Timeout("timeout_body"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "long-content-length-closes",
        "Announces more than it sends, and closes.",
        Failed("connection_lost"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"userId\":\"42\"}"), Close],
    ),
    Behaviour::http(
        "negative-content-length",
        "Announces a length below zero.",
        Failed("protocol_error"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: -15\r\n\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "two-lengths",
        "Announces two lengths that disagree.",
        Failed("protocol_error"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\nContent-Length: 16\r\n\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "both-lengths",
        "Announces a length and chunks at once.",
        Failed("protocol_error"),
        &[Say(
            "HTTP/1.1 200 OK\r\nContent-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"userId\":\"42\"}\r\n0\r\n\r\n",
        )],
    ),
    Behaviour::http(
        "unknown-coding",
        "Hides the end of its body in a coding nobody asked for.",
        Failed("protocol_error"),
        &[Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{\"userId\":\"42\"}"), Close],
    ),
    Behaviour::http(
        "bad-chunk-size",
        "Sends a chunk size that is no number.",
        Failed("protocol_error"),
        &[Say(CHUNKED), Say("zz\r\n{\"userId\":\"42\"}\r\n0\r\n\r\n")],
    ),
    Behaviour::http(
        "overflowing-chunk-size",
        "Sends a chunk size beyond 64 bits.",
        Failed("protocol_error"),
        &[Say(CHUNKED), Say("fffffffffffffffff\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "long-chunk",
        "Sends a chunk longer than its size.",
        Failed("protocol_error"),
        &[Say(CHUNKED), Say("1\r\n{\"userId\":\"42\"}\r\n0\r\n\r\n")],
    ),
    Behaviour::http(
        "switching-protocols",
        "Answers 101, to go on in another protocol.",
        Failed("protocol_error"),
        &[Say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")],
    ),
    Behaviour::http(
        "not-http",
        "Greets as another protocol would.",
        Failed("protocol_error"),
        &[Say("SSH-2.0-OpenSSH_9.6\r\n")],
    ),
    Behaviour::http(
        "http-0.9",
        "Answers a page without any head.",
        Failed("protocol_error"),
        &[Say("<html></html>\n"), Close],
    ),
    Behaviour::http(
        "http-2-answer",
        "Calls its answer HTTP/2.",
        Failed("protocol_error"),
        &[Say("HTTP/2 200 OK\r\nContent-Length: 15\r\n\r\n{\"userId\":\"42\"}")],
    ),
    Behaviour::http(
        "two-answers",
        "Sends a second answer that nobody asked for with the first.",
        User,
        &[Answer, Say(UNASKED)],
    ),
];
