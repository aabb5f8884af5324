//! What the operator sees of a host before any session is at stake: its addresses, its certificate, and the head of an
//! answer to a question that asks nothing.

use std::net::{IpAddr, SocketAddr};

use buddy_core::reason::Reason;
use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use crate::Shared;
use crate::connection::Connection;
use crate::exchange::{Phase, Progress};
use crate::fault::Fault;
use crate::handshake::{self, Handshake};
use crate::target::{Destination, Target};
use crate::wire::Stream;

/// Every address of a host, and which of them are refused.
#[derive(Debug)]
pub struct Addresses {
    /// How long the look-up took, in microseconds; `None` where the URL has an address and no name.
    pub dns: Option<u64>,
    /// Each address, with why it is never dialled if so; or why there is none.
    pub result: Result<Vec<(IpAddr, Option<Reason>)>, Reason>,
}

/// What became of a question.
#[derive(Debug)]
pub struct Peek {
    /// As far as TLS. Its phases have the whole.
    pub handshake: Handshake,
    /// The head of the answer, if there was one.
    pub head: Option<Head>,
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// All headers, at most 64 lines and 16 KiB.
    pub headers: HeaderMap,
}

/// Looks a host up as a callback would, and dials nothing.
pub(crate) async fn addresses(shared: &Shared, target: &Target, deadline: Instant) -> Addresses {
    let mut progress = Progress::new();
    let found = match &target.destination {
        Destination::Address(address) => Ok(vec![*address]),
        Destination::Name(name) => {
            progress.enter(Phase::Dns);
            match timeout_at(deadline, shared.lookup.addresses(name)).await {
                Ok(found) => found.map_err(|fault| fault.reason),
                Err(_) => Err(Reason::TimeoutDns),
            }
        }
    };
    let admitted = |address| {
        let socket = SocketAddr::new(address, target.port);
        (address, shared.policy.admit(socket, target.secure).err())
    };
    let result = found.map(|found| found.into_iter().map(admitted).collect());
    Addresses { dns: progress.into_phases().dns, result }
}

/// Sends a HEAD over a connection of its own: unsigned, without a body, and as far as the head of the answer.
pub(crate) async fn run(
    shared: &Shared,
    target: &Target,
    user_agent: HeaderValue,
    deadline: Instant,
) -> Peek {
    let mut progress = Progress::new();
    let (stream, result) = match handshake::open(shared, target, &mut progress, deadline).await {
        Ok((stream, valid_until)) => (Some(stream), Ok(valid_until)),
        Err(trouble) => (None, Err(trouble)),
    };
    let mut head = None;
    if let Some(stream) = stream {
        progress.enter(Phase::Headers);
        let asked = timeout_at(deadline, ask(shared, target, user_agent, stream)).await;
        head = asked.ok().and_then(Result::ok);
    }
    Peek { handshake: Handshake { phases: progress.into_phases(), result }, head }
}

async fn ask(
    shared: &Shared,
    target: &Target,
    user_agent: HeaderValue,
    stream: Stream,
) -> Result<Head, Fault> {
    let mut connection = Connection::open(stream, target.clone(), shared.policy.clone()).await?;
    let mut message = http::Request::new(Full::new(Bytes::new()));
    *message.method_mut() = Method::HEAD;
    *message.uri_mut() = Uri::from(target.path.clone());
    let headers = message.headers_mut();
    headers.insert(HOST, target.host.clone());
    headers.insert(USER_AGENT, user_agent);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let (head, body) = connection.send(message).await?.into_parts();
    drop(body);
    connection.close();
    Ok(Head { status: head.status.as_u16(), headers: head.headers })
}
