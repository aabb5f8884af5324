//! Endpoints that Buddy is to get along with.

use super::{CHUNKED, UNBOUNDED};
use crate::behaviour::Expect::{Nobody, User, UserId};
use crate::behaviour::Step::{
    Answer, AnswerWith, Close, IgnoreFirstAttempt, Json, JsonInChunks, Repeat, Say,
};
use crate::behaviour::{Act, Behaviour};
use crate::certificate::Certificate;

/// 64 KiB, less what the rest of that answer takes.
const FILLER: usize = 65_536 - "{\"userId\":\"the-largest\",\"f\":\"\"}".len();

pub(super) const GOOD: &[Behaviour] = &[
    Behaviour::http("honest", "Answers who the session's user is.", User, &[Answer]),
    Behaviour::http(
        "nobody",
        "Answers 204: nobody is signed in.",
        Nobody,
        &[Say("HTTP/1.1 204 No Content\r\n\r\n")],
    ),
    Behaviour::new(
        "integer-id",
        "Answers a userId that is an integer.",
        UserId("90071992547409931"),
        Act::Whole("200 OK", "{\"userId\": 90071992547409931}"),
    ),
    Behaviour::new(
        "bom",
        "Begins its JSON with a byte order mark.",
        UserId("42"),
        Act::Whole("200 OK", "\u{feff}{\"userId\":\"42\"}"),
    ),
    Behaviour::new(
        "wrong-attributes",
        "Answers a user whose email, role and attributes are of the wrong types: they are dropped, with warnings.",
        UserId("42"),
        Act::Whole("200 OK", "{\"userId\":\"42\",\"email\":7,\"role\":[1],\"customAttributes\":\"gold\"}"),
    ),
    Behaviour::http(
        "chunked",
        "Sends each byte of its answer as a chunk.",
        User,
        &[Say(CHUNKED), JsonInChunks],
    ),
    Behaviour::new(
        "created",
        "Answers 201 with a user.",
        UserId("42"),
        Act::Whole("201 Created", "{\"userId\":\"42\"}"),
    ),
    Behaviour::http(
        "largest",
        "Answers exactly 64 KiB.",
        UserId("the-largest"),
        &[
            Say("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n{\"userId\":\"the-largest\",\"f\":\""),
            Repeat(b"x", FILLER),
            Say("\"}"),
        ],
    ),
    Behaviour::http(
        "five-hints",
        "Sends five informational answers before its own.",
        User,
        &[Repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n", 5), Answer],
    ),
    Behaviour::http(
        "http-1.0",
        "Answers in HTTP/1.0, and closes.",
        User,
        &[Say("HTTP/1.0 200 OK\r\n\r\n"), Json, Close],
    ),
    Behaviour::http(
        "no-length",
        "Ends its answer by closing the connection.",
        User,
        &[Say(UNBOUNDED), Json, Close],
    ),
    Behaviour::http(
        "connection-close",
        "Says that it will close, and does.",
        User,
        &[AnswerWith("Connection: close\r\n"), Close],
    ),
    Behaviour::http(
        "closes-after-answer",
        "Closes after each answer without having said so.",
        User,
        &[Answer, Close],
    ),
    Behaviour::http(
        "slow-once",
        "Never answers the first attempt, and answers the second.",
        User,
        &[IgnoreFirstAttempt, Answer],
    )
    .in_attempts(2),
    Behaviour::http(
        "links-everywhere",
        "Answers well, with headers that invite to call another address: Location, Refresh, Alt-Svc, Link.",
        User,
        &[AnswerWith(
            "Location: https://{trap}/\r\nContent-Location: https://{trap}/\r\nRefresh: 0; url=https://{trap}/\r\n\
             Alt-Svc: http/1.1=\"{trap}\"\r\nLink: <https://{trap}/>; rel=preload\r\n",
        )],
    ),
    Behaviour::new("tls-1.2", "Speaks nothing newer than TLS 1.2.", User, Act::Handshake(Certificate::Tls12)),
    Behaviour::new(
        "certificate-with-links",
        "Has a certificate that invites to fetch a revocation list, a status and an issuer.",
        User,
        Act::Handshake(Certificate::Linking),
    ),
];
