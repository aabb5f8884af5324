//! Every case, by what it is about.

mod answers;
mod bounds;
mod certificates;
mod connections;
mod framing;
mod good;
mod silence;

use crate::behaviour::Behaviour;

/// Cases that are about the same.
#[derive(Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The cases.
    pub behaviours: &'static [Behaviour],
}

/// Every case there is.
pub const GROUPS: &[Group] = &[
    Group { title: "Well behaved, though not always as expected", behaviours: good::GOOD },
    Group { title: "What the answer says", behaviours: answers::ANSWERS },
    Group { title: "Too slow, or silent", behaviours: silence::SILENCE },
    Group { title: "Too much, or without an end", behaviours: bounds::BOUNDS },
    Group { title: "Not proper HTTP/1.1", behaviours: framing::FRAMING },
    Group { title: "TLS and certificates", behaviours: certificates::CERTIFICATES },
    Group { title: "Connections cut, and used again", behaviours: connections::CONNECTIONS },
];

/// The head of an answer in chunks.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/// The head of an answer that ends with its connection.
const UNBOUNDED: &str = "HTTP/1.1 200 OK\r\n\r\n";
/// The head of an answer of 1,000 bytes, which do not come.
const PROMISING: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
/// A good answer to nobody's request.
const UNASKED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"userId\":\"unasked\"}";
