//! One POST and its answer: every phase timed, every size bounded, every await under one deadline.

use std::fmt;

use buddy_core::reason::Reason;
use buddy_core::resolution::Phases;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::fault::Fault;
use crate::limits::DRAIN_WAIT;
use crate::pool::{Pool, Way};
use crate::target::{Destination, Target};
use crate::wire::Stream;
use crate::{Shared, dial};

/// What is sent, by POST.
#[derive(Clone)]
pub struct Request {
    /// All headers but `Host` and `Content-Length`, which follow from the target and the body.
    pub headers: HeaderMap,
    /// Every byte of the body.
    pub body: Bytes,
    /// The header that is to say how many whole milliseconds are left at the moment of sending.
    pub deadline_header: HeaderName,
    /// Dial, even where an idle connection waits: a retry is not to meet the same fault again.
    pub fresh_connection: bool,
}

/// All that is to be known of one exchange.
#[derive(Debug)]
pub struct Exchange {
    /// Where the time went; of the connection that was used in the end. `queue` has the wait for a place to dial; any
    /// other wait is the caller's to add.
    pub phases: Phases,
    /// The answer, if any, came over a connection that had been used before.
    pub reused_connection: bool,
    /// The answer's status if its head came, whatever became of the body.
    pub status: Option<u16>,
    /// The whole answer, or why there is none.
    pub result: Result<Answer, Reason>,
}

/// A whole answer. Only that of a 2xx has its body: of any other status nothing but the status counts.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Encoding`, all its values joined by `, `.
    pub content_encoding: Option<String>,
    /// `Date`, as it was sent.
    pub date: Option<String>,
    /// Every byte of the body, at most 64 KiB.
    pub body: Bytes,
}

/// Without the body: it says who somebody is.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, content_encoding, date, body } = self;
        f.debug_struct("Answer")
            .field("status", status)
            .field("content_encoding", content_encoding)
            .field("date", date)
            .field("body_bytes", &body.len())
            .finish()
    }
}

/// What an exchange is busy with, and so what a timeout is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Waiting for a place to dial.
    Place,
    Dns,
    Connect,
    Tls,
    Headers,
    Body,
}

/// How far an exchange has come. Kept outside its futures, so that it outlives their being given up.
pub(crate) struct Progress {
    phases: Phases,
    phase: Option<(Phase, Instant)>,
    reused: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { phases: Phases::default(), phase: None, reused: false }
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.leave();
        self.phase = Some((phase, Instant::now()));
    }

    fn leave(&mut self) {
        let Some((phase, since)) = self.phase.take() else { return };
        let phases = &mut self.phases;
        let total = match phase {
            Phase::Place => &mut phases.queue,
            Phase::Dns => &mut phases.dns,
            Phase::Connect => &mut phases.connect,
            Phase::Tls => &mut phases.tls,
            Phase::Headers => &mut phases.headers,
            Phase::Body => &mut phases.body,
        };
        *total = Some(total.unwrap_or(0) + micros(since));
    }

    /// The times of the phases that were gone through.
    pub(crate) fn into_phases(mut self) -> Phases {
        self.leave();
        self.phases
    }

    /// What running out of time now is called. Who had to wait for a place for most of it ran out by what held up
    /// those who had one.
    pub(crate) fn timeout(&self, pool: &Pool) -> Fault {
        let (phase, spent) = self.phase.map_or((Phase::Dns, 0), |(phase, since)| (phase, micros(since)));
        let waited = self.phases.queue.unwrap_or(0) > spent;
        Fault::from(match phase {
            Phase::Place => pool.dials_time_out_as(),
            Phase::Dns | Phase::Connect | Phase::Tls if waited => pool.dials_time_out_as(),
            Phase::Dns => pool.dial_timed_out(Reason::TimeoutDns),
            Phase::Connect => pool.dial_timed_out(Reason::TimeoutConnect),
            Phase::Tls => pool.dial_timed_out(Reason::TimeoutTls),
            Phase::Headers => Reason::TimeoutHeaders,
            Phase::Body => Reason::TimeoutBody,
        })
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Asks once. What goes wrong is in the exchange that is returned; the deadline is never overrun.
pub(crate) async fn run(
    shared: &Shared,
    pool: &Pool,
    target: &Target,
    request: &Request,
    deadline: Instant,
) -> Exchange {
    let mut progress = Progress::new();
    let mut status = None;
    let head = timeout_at(deadline, ask(shared, pool, target, request, deadline, &mut progress)).await;
    let result = match head {
        Err(_) => Err(progress.timeout(pool)),
        Ok(Err(fault)) => Err(fault),
        Ok(Ok((connection, response))) => {
            status = Some(response.status().as_u16());
            progress.enter(Phase::Body);
            if response.status().is_success() {
                let whole = timeout_at(deadline, finish(connection, response, pool)).await;
                whole.unwrap_or_else(|_| Err(progress.timeout(pool)))
            } else {
                Ok(dismiss(connection, response, pool, deadline).await)
            }
        }
    };
    let result = result.map_err(|fault| {
        tracing::debug!(?target, reason = %fault.reason, cause = %fault, "an exchange failed");
        fault.reason
    });
    let reused_connection = progress.reused;
    Exchange { phases: progress.into_phases(), reused_connection, status, result }
}

/// As far as the head of the answer, over an idle connection if there is one. A wait for a place to dial is one in
/// the queue.
async fn ask(
    shared: &Shared,
    pool: &Pool,
    target: &Target,
    request: &Request,
    deadline: Instant,
    progress: &mut Progress,
) -> Result<(Box<Connection>, Response<Incoming>), Fault> {
    let mut fresh = request.fresh_connection;
    loop {
        let way = if let Some(way) = pool.at_once(target, &shared.policy, fresh) {
            way
        } else {
            progress.enter(Phase::Place);
            pool.next(target, &shared.policy, fresh).await
        };
        let mut connection = match way {
            Way::Idle(connection) => {
                progress.reused = true;
                connection
            }
            // Boxed: it is rare, and the future of an exchange is there for each session.
            Way::Dial(_place) => {
                Box::pin(open(shared, target, progress)).await.inspect(|_| pool.dial_succeeded())?
            }
        };
        progress.enter(Phase::Headers);
        match connection.send(compose(target, request, deadline)).await {
            Ok(response) => return Ok((connection, response)),
            // The endpoint was closing it while we sent: the only case in which anything is sent again.
            Err(fault) if progress.reused && (fault.unsent || is_unheard(&fault, &connection)) => {
                *progress = Progress::new();
                fresh = true;
            }
            Err(fault) => return Err(fault),
        }
    }
}

fn is_unheard(fault: &Fault, connection: &Connection) -> bool {
    fault.reason == Reason::ConnectionLost && connection.is_unanswered()
}

async fn open(shared: &Shared, target: &Target, progress: &mut Progress) -> Result<Box<Connection>, Fault> {
    let stream = reach(shared, target, progress).await?;
    Connection::open(stream, target.clone(), shared.policy.clone()).await
}

/// Look-up, connect, TLS: resolved once, dialled as it was checked.
pub(crate) async fn reach(
    shared: &Shared,
    target: &Target,
    progress: &mut Progress,
) -> Result<Stream, Fault> {
    let addresses = match &target.destination {
        Destination::Address(address) => vec![*address],
        Destination::Name(name) => {
            progress.enter(Phase::Dns);
            shared.lookup.addresses(name).await?
        }
    };
    progress.enter(Phase::Connect);
    let socket = dial::connect(&shared.policy, target, &addresses).await?;
    if target.secure {
        progress.enter(Phase::Tls);
    }
    dial::secure(&shared.tls, target, socket).await
}

/// The request as it goes out now: what is left of the time is known only at the moment of sending.
fn compose(target: &Target, request: &Request, deadline: Instant) -> http::Request<Full<Bytes>> {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    let left = u64::try_from(left).unwrap_or(u64::MAX);
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = Method::POST;
    *message.uri_mut() = Uri::from(target.path.clone());
    let headers = message.headers_mut();
    // With those three that are set here.
    headers.reserve(request.headers.len() + 3);
    headers.insert(HOST, target.host.clone());
    for (name, value) in &request.headers {
        headers.append(name.clone(), value.clone());
    }
    headers.insert(HOST, target.host.clone());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    headers.insert(request.deadline_header.clone(), HeaderValue::from(left));
    message
}

/// Reads the whole of a 2xx.
async fn finish(
    mut connection: Box<Connection>,
    response: Response<Incoming>,
    pool: &Pool,
) -> Result<Answer, Fault> {
    let (head, body) = response.into_parts();
    if !is_framed_plainly(&head.headers) {
        return Err(Reason::ProtocolError.into());
    }
    let body = connection.read(body).await?;
    pool.put(connection);
    Ok(answer(head.status, &head.headers, body))
}

/// Any other status is final once its head is there; its body only decides whether the connection is kept.
async fn dismiss(
    mut connection: Box<Connection>,
    response: Response<Incoming>,
    pool: &Pool,
    deadline: Instant,
) -> Answer {
    let (head, body) = response.into_parts();
    let enough = deadline.min(Instant::now() + DRAIN_WAIT);
    let drained = timeout_at(enough, connection.read(body)).await;
    if is_framed_plainly(&head.headers) && matches!(drained, Ok(Ok(_))) {
        pool.put(connection);
    }
    answer(head.status, &head.headers, Bytes::new())
}

/// Two lengths that disagree, or a coding that hides the end, are how one answer is smuggled into another
/// (RFC 9112, section 6.1).
fn is_framed_plainly(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return true };
    codings.next().is_none()
        && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
        && !headers.contains_key(CONTENT_LENGTH)
}

fn answer(status: http::StatusCode, headers: &HeaderMap, body: Bytes) -> Answer {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let codings = headers.get_all(CONTENT_ENCODING).iter().map(text).collect::<Vec<_>>();
    Answer {
        status: status.as_u16(),
        content_encoding: (!codings.is_empty()).then(|| codings.join(", ")),
        date: headers.get(DATE).map(text),
        body,
    }
}
