//! Endpoints that send more than anybody can want.

use super::{CHUNKED, UNBOUNDED};
use crate::behaviour::Behaviour;
use crate::behaviour::Expect::{BadResponse, Failed};
use crate::behaviour::Step::{Answer, Forever, Repeat, Say};

/// One more than is allowed.
const OVER_64_KIB: usize = 65_537;
const MIB: usize = 1 << 20;

pub(super) const BOUNDS: &[Behaviour] = &[
    Behaviour::http(
        "endless-1xx",
        "Sends informational answers for ever.",
        Failed("protocol_error"),
        &[Forever("HTTP/1.1 102 Processing\r\n\r\n")],
    ),
    Behaviour::http(
        "six-hints",
        "Sends six informational answers before its own.",
        Failed("protocol_error"),
        &[Repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n", 6), Answer],
    ),
    Behaviour::http(
        "endless-header",
        "Sends one header without an end.",
        Failed("headers_too_large"),
        &[Say("HTTP/1.1 200 OK\r\nX: "), Forever("yyyyyyyyyyyyyyyy")],
    ),
    Behaviour::http(
        "endless-headers",
        "Sends header lines for ever.",
        Failed("headers_too_large"),
        &[Say("HTTP/1.1 200 OK\r\n"), Forever("X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")],
    ),
    Behaviour::http(
        "huge-headers",
        "Sends 10 MiB of headers, then a good body.",
        Failed("headers_too_large"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n"),
            Repeat(b"X-Filler: yyyyyyyyyyyyyyyyyyyy\r\n", 10 * MIB / 32),
            Say("\r\n{\"userId\":\"42\"}"),
        ],
    ),
    Behaviour::http(
        "many-headers",
        "Sends 10,000 short headers, then a good body.",
        Failed("headers_too_large"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n"),
            Repeat(b"X: y\r\n", 10_000),
            Say("\r\n{\"userId\":\"42\"}"),
        ],
    ),
    Behaviour::http(
        "65-headers",
        "Sends one header line too many, within 16 KiB.",
        Failed("headers_too_large"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n"),
            Repeat(b"X: y\r\n", 64),
            Say("\r\n{\"userId\":\"42\"}"),
        ],
    ),
    Behaviour::http(
        "too-large",
        "Announces 64 KiB and one byte.",
        BadResponse("too_large"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"), Repeat(b"x", OVER_64_KIB)],
    ),
    Behaviour::http(
        "too-large-chunked",
        "Sends 64 KiB and one byte in a chunk.",
        BadResponse("too_large"),
        &[Say(CHUNKED), Say("10001\r\n"), Repeat(b"x", OVER_64_KIB), Say("\r\n0\r\n\r\n")],
    ),
    Behaviour::http(
        "absurd-content-length",
        "Announces eight exabytes.",
        BadResponse("too_large"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n{")],
    ),
    Behaviour::http(
        "endless-body",
        "Sends a body without an end.",
        BadResponse("too_large"),
        &[Say(UNBOUNDED), Forever("{\"userId\":\"42\"}\n")],
    ),
    Behaviour::http(
        "endless-chunks",
        "Sends chunks for ever.",
        BadResponse("too_large"),
        &[Say(CHUNKED), Forever("8\r\nxxxxxxxx\r\n")],
    ),
    Behaviour::http(
        "tiny-chunks",
        "Wraps a small body in ten times as much framing.",
        BadResponse("too_large"),
        &[Say(CHUNKED), Repeat(b"001;\r\na\r\n", 25_000), Say("0\r\n\r\n")],
    ),
    Behaviour::http(
        "endless-chunk-extensions",
        "Sends the extension of a chunk without an end.",
        Failed("protocol_error"),
        &[Say(CHUNKED), Say("1;"), Forever("x=y;")],
    ),
    Behaviour::http(
        "endless-trailers",
        "Sends trailers for ever.",
        Failed("protocol_error"),
        &[Say(CHUNKED), Say("0\r\n"), Forever("X: y\r\n")],
    ),
];
