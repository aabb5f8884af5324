//! The bytes of one connection: counted where they leave the socket, and again where TLS hands them on.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use rustls::pki_types::CertificateDer;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::limits::{INFORMATIONAL_MAX, WIRE_BYTES_MAX};

/// Where tokio hears of each arrival anew (epoll, kqueue), and not only of what is still there.
const TELLS_OF_EACH_ARRIVAL: bool =
    cfg!(any(target_os = "linux", target_os = "android", target_vendor = "apple"));

/// More was read for one exchange than any honest answer needs.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint sent more than {WIRE_BYTES_MAX} bytes or {INFORMATIONAL_MAX} informational answers")]
pub(crate) struct OverBudget;

/// A socket and its counters, shared by the layers above and by the pool, which looks at it while it is idle.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    wire_read: AtomicUsize,
    answer_read: AtomicUsize,
    informational: AtomicUsize,
    unbounded: AtomicBool,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream) -> Arc<Self> {
        let [wire_read, answer_read, informational] = [0; 3].map(AtomicUsize::new);
        Arc::new(Self { tcp, wire_read, answer_read, informational, unbounded: AtomicBool::new(false) })
    }

    /// A new exchange begins on a connection that was used before.
    pub(crate) fn begin_again(&self) {
        self.wire_read.store(0, Ordering::Relaxed);
        self.answer_read.store(0, Ordering::Relaxed);
        self.informational.store(0, Ordering::Relaxed);
    }

    /// From now on what is read is for its reader to bound.
    pub(crate) fn lift_budget(&self) {
        self.unbounded.store(true, Ordering::Relaxed);
    }

    /// An informational answer came before the real one.
    pub(crate) fn count_informational(&self) {
        self.informational.fetch_add(1, Ordering::Relaxed);
    }

    /// More of them came than are borne.
    pub(crate) fn is_only_informing(&self) -> bool {
        self.informational.load(Ordering::Relaxed) > INFORMATIONAL_MAX
    }

    /// At least one byte of an answer came since the exchange began.
    pub(crate) fn has_answered(&self) -> bool {
        self.answer_read.load(Ordering::Relaxed) > 0
    }

    /// Open, with nothing to read: neither an end nor a byte that nobody asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = SockRef::from(&self.tcp).peek(&mut byte);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    #[cfg(test)]
    pub(crate) fn local(&self) -> std::net::SocketAddr {
        self.tcp.local_addr().expect("a connected socket")
    }

    /// Reads what is there. What does not fill the buffer was all: that is noted as if a further read had found nothing, which
    /// saves it.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut all = None;
        let read = self.tcp.try_io(Interest::READABLE, || {
            let read = (&*SockRef::from(&self.tcp)).read(buffer)?;
            if TELLS_OF_EACH_ARRIVAL && (1..buffer.len()).contains(&read) {
                all = Some(read);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(read)
        });
        all.map_or(read, Ok)
    }

    fn count(&self, read: usize) -> io::Result<()> {
        let total = self.wire_read.fetch_add(read, Ordering::Relaxed) + read;
        // hyper reads on through informational answers without coming back to us: it is stopped here.
        let over = total > WIRE_BYTES_MAX && !self.unbounded.load(Ordering::Relaxed);
        let over = over || self.is_only_informing();
        if over { Err(io::Error::other(OverBudget)) } else { Ok(()) }
    }
}

/// The raw end of a connection.
pub(crate) struct Wire(pub(crate) Arc<Socket>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &self.0;
        loop {
            ready!(socket.tcp.poll_read_ready(cx))?;
            match socket.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(socket.count(read));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.tcp.poll_write_ready(cx))?;
            match self.0.tcp.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.0.tcp).shutdown(std::net::Shutdown::Write))
    }
}

/// What HTTP is spoken over.
pub(crate) enum Stream {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

impl Stream {
    pub(crate) fn socket(&self) -> &Arc<Socket> {
        match self {
            Self::Plain(wire) => &wire.0,
            Self::Tls(tls) => &tls.get_ref().0.0,
        }
    }

    /// What the endpoint showed of itself, its own certificate first; nothing over plain HTTP.
    pub(crate) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.get_ref().1.peer_certificates(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let done = match &mut *self {
            Self::Plain(wire) => Pin::new(wire).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        };
        self.socket().answer_read.fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        done
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(wire) => Pin::new(wire).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(wire) => Pin::new(wire).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(wire) => Pin::new(wire).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn pair() -> (Arc<Socket>, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stream, accepted) = futures_util::future::join(
            #[expect(clippy::disallowed_methods, reason = "the other end of a test's own listener")]
            TcpStream::connect(listener.local_addr().unwrap()),
            listener.accept(),
        )
        .await;
        (Socket::new(stream.unwrap()), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn a_socket_is_quiet_until_a_byte_or_the_end_comes() {
        let (socket, mut peer) = pair().await;
        assert!(socket.is_quiet());
        peer.write_all(b"x").await.unwrap();
        socket.tcp.readable().await.unwrap();
        assert!(!socket.is_quiet(), "a byte");
        let (socket, peer) = pair().await;
        drop(peer);
        socket.tcp.readable().await.unwrap();
        assert!(!socket.is_quiet(), "the end");
    }

    #[tokio::test]
    async fn what_comes_after_a_read_that_took_all_is_read_too_and_so_is_the_end() {
        let (socket, mut peer) = pair().await;
        let mut wire = Wire(socket);
        let mut buffer = [0; 64];
        for _ in 0..3 {
            peer.write_all(b"some").await.unwrap();
            assert_eq!(wire.read(&mut buffer).await.unwrap(), 4);
        }
        // Both are there before the first of them is read.
        peer.write_all(b"last").await.unwrap();
        drop(peer);
        assert_eq!(wire.read(&mut buffer).await.unwrap(), 4);
        assert_eq!(wire.read(&mut buffer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn the_budget_is_of_one_exchange() {
        let (socket, _peer) = pair().await;
        assert!(socket.count(WIRE_BYTES_MAX).is_ok());
        assert!(socket.count(1).is_err());
        socket.begin_again();
        assert!(socket.count(WIRE_BYTES_MAX).is_ok());
    }

    #[tokio::test]
    async fn nothing_more_is_read_after_too_many_informational_answers() {
        let (socket, _peer) = pair().await;
        for _ in 0..INFORMATIONAL_MAX {
            socket.count_informational();
            assert!(socket.count(1).is_ok());
        }
        socket.count_informational();
        assert!(socket.count(1).is_err());
        socket.begin_again();
        assert!(socket.count(1).is_ok());
    }
}
