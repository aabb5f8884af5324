//! One HTTP/1.1 connection, driven by whoever uses it.
//!
//! Nothing is spawned: the protocol's state and the socket belong to the exchange, so that an exchange which
//! is given up closes its socket at once.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use buddy_core::limits::ANSWER_BYTES_MAX;
use buddy_core::reason::Reason;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::fault::Fault;
use crate::limits::{HEAD_BYTES_MAX, HEAD_LINES_MAX};
use crate::policy::Policy;
use crate::target::Target;
use crate::wire::{Socket, Stream};

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// A connection, with all that it may be reused for.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Driver>,
    /// What ended it, where no request or body was there to be told.
    ended_by: Option<hyper::Error>,
    socket: Arc<Socket>,
    opened: Instant,
    target: Target,
    policy: Arc<Policy>,
}

impl Connection {
    /// Speaks HTTP/1.1 over a stream that was dialled for `target` under `policy`. Boxed: it is large, and handed on from
    /// pool to exchange and back for each session.
    pub(crate) async fn open(
        stream: Stream,
        target: Target,
        policy: Arc<Policy>,
    ) -> Result<Box<Self>, Fault> {
        let socket = Arc::clone(stream.socket());
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(HEAD_LINES_MAX)
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Fault::of_http(error, Reason::ProtocolError))?;
        let opened = Instant::now();
        Ok(Box::new(Self { sender, driver: Some(driver), ended_by: None, socket, opened, target, policy }))
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Fault> {
        let socket = Arc::clone(&self.socket);
        hyper::ext::on_informational(&mut request, move |_| socket.count_informational());
        let mut answer = pin!(self.sender.send_request(request));
        let answer = poll_fn(|cx| {
            poll_driver(&mut self.driver, &mut self.ended_by, cx);
            if self.socket.is_only_informing() {
                return Poll::Ready(Err(Reason::ProtocolError.into()));
            }
            answer.as_mut().poll(cx).map_err(|error| Fault::of_http(error, Reason::ProtocolError))
        })
        .await?;
        // Another protocol was never asked for.
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Reason::ProtocolError.into());
        }
        Ok(answer)
    }

    /// Reads a body to its end: refused by its announced length first, then by count.
    pub(crate) async fn read(&mut self, mut body: Incoming) -> Result<Bytes, Fault> {
        if body.size_hint().lower() > ANSWER_BYTES_MAX as u64 {
            return Err(Reason::TooLarge.into());
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = self.next_frame(&mut body).await {
            // Chunks of a byte come by the thousand without a wait between them.
            tokio::task::consume_budget().await;
            let Ok(data) = frame.map_err(|error| self.body_fault(error))?.into_data() else {
                continue;
            };
            if whole.len() + data.len() > ANSWER_BYTES_MAX {
                return Err(Reason::TooLarge.into());
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    async fn next_frame(&mut self, body: &mut Incoming) -> Option<hyper::Result<http_body::Frame<Bytes>>> {
        poll_fn(|cx| {
            poll_driver(&mut self.driver, &mut self.ended_by, cx);
            Pin::new(&mut *body).poll_frame(cx)
        })
        .await
    }

    /// The connection's own end says more than what the body was told of it.
    fn body_fault(&mut self, error: hyper::Error) -> Fault {
        Fault::of_http(self.ended_by.take().unwrap_or(error), Reason::TooLarge)
    }

    /// Whether nothing of an answer came since the request was sent.
    pub(crate) fn is_unanswered(&self) -> bool {
        !self.socket.has_answered()
    }

    /// Whether the last exchange left it clean: whole answer read, not a byte more, both sides staying.
    ///
    /// Polled with a waker that wakes nobody, so that an idle connection holds on to no finished task.
    pub(crate) fn settle(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        poll_driver(&mut self.driver, &mut self.ended_by, &mut nobody);
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Takes it into use again, if it is still open and silent.
    pub(crate) fn wake(&mut self) -> bool {
        self.socket.begin_again();
        self.socket.is_quiet()
    }

    /// Made for the same place under the same rules.
    pub(crate) fn serves(&self, target: &Target, policy: &Arc<Policy>) -> bool {
        self.target.same_origin(target) && Arc::ptr_eq(&self.policy, policy)
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// Takes leave of the endpoint, as far as that needs no waiting.
    pub(crate) fn close(self: Box<Self>) {
        let Self { sender, mut driver, mut ended_by, .. } = *self;
        drop(sender);
        poll_driver(&mut driver, &mut ended_by, &mut Context::from_waker(Waker::noop()));
    }
}

/// An ended driver is dropped: only then does it tell a request that it had not taken up.
fn poll_driver(driver: &mut Option<Driver>, ended_by: &mut Option<hyper::Error>, cx: &mut Context<'_>) {
    let Some(running) = driver else { return };
    if let Poll::Ready(end) = Pin::new(running).poll(cx) {
        *ended_by = end.err();
        *driver = None;
    }
}
