//! Connections that end too early, and those that are used again.

use super::{PROMISING, UNASKED, UNBOUNDED};
use crate::behaviour::Expect::{Failed, User};
use crate::behaviour::Step::{Answer, Close, Cut, Flush, Json, Reset, Say};
use crate::behaviour::{Act, Behaviour};

pub(super) const CONNECTIONS: &[Behaviour] = &[
    Behaviour::new(
        "refuses",
        "Refuses every connection, as where nothing runs.",
        Failed("connect_failed"),
        Act::Shut,
    ),
    Behaviour::http(
        "closes-before-answer",
        "Closes when it has the request.",
        Failed("connection_lost"),
        &[Close],
    ),
    Behaviour::http(
        "closes-in-head",
        "Closes in the middle of the headers.",
        Failed("connection_lost"),
        &[Say("HTTP/1.1 200 OK\r\nContent-Le"), Close],
    ),
    Behaviour::http(
        "closes-in-body",
        "Closes in the middle of the body.",
        Failed("connection_lost"),
        &[Say(PROMISING), Say("{\"userId\":"), Close],
    ),
    Behaviour::http(
        "cut-without-goodbye",
        "Ends a body of no announced length with TCP's end alone, as somebody in between could.",
        Failed("connection_lost"),
        &[Say(UNBOUNDED), Json, Cut],
    ),
    Behaviour::http(
        "reset-before-head",
        "Resets the connection when it has the request.",
        Failed("connection_lost"),
        &[Reset],
    ),
    Behaviour::http(
        "reset-before-body",
        "Resets the connection after the headers.",
        Failed("connection_lost"),
        &[Say(PROMISING), Reset],
    ),
    Behaviour::http(
        "reset-in-body",
        "Resets the connection in the middle of the body.",
        Failed("connection_lost"),
        &[Say(PROMISING), Say("{\"userId\":"), Reset],
    ),
    Behaviour::http(
        "reset-after-body",
        "Resets the connection after a whole answer.",
        User,
        &[Answer, Reset],
    ),
    Behaviour::new(
        "closes-reused-before-reading",
        "Closes a connection when a second request comes, without having read it.",
        User,
        Act::CloseUnread,
    ),
    Behaviour::new(
        "closes-reused-after-reading",
        "Reads a connection's second request, and closes without a word.",
        User,
        Act::Later(&[Close]),
    ),
    Behaviour::new(
        "closes-reused-half-way",
        "Reads a connection's second request, and closes within its answer.",
        User,
        Act::Later(&[Say("HTTP/1.1 2"), Close]),
    )
    .reused(Failed("connection_lost"), 1),
    Behaviour::new(
        "silent-when-reused",
        "Answers a connection's first request, and nothing after it.",
        User,
        Act::Later(&[]),
    )
    .reused(User, 2),
    Behaviour::http(
        "late-second-answer",
        "Sends, after its answer, another one that nobody asked for.",
        User,
        &[Answer, Flush, Say(UNASKED)],
    ),
];
