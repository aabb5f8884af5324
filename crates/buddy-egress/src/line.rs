//! A connection to a server that the program's own operator has named: found, checked and secured as any other, and
//! then theirs to speak over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::Shared;
use crate::exchange::Progress;
use crate::handshake::{self, Trouble};
use crate::target::Target;
use crate::wire::Stream;

/// What HTTP/1.1 is spoken over; closed when dropped. How much is read is for its caller to bound.
pub struct Line(Stream);

impl Line {
    pub(crate) async fn open(shared: &Shared, target: &Target, deadline: Instant) -> Result<Self, Trouble> {
        let (stream, _) = handshake::open(shared, target, &mut Progress::new(), deadline).await?;
        // The budget is of one exchange with a customer's endpoint; a stream of events has no end.
        stream.socket().lift_budget();
        Ok(Self(stream))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
