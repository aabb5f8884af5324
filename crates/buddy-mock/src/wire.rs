//! Just enough HTTP to be rude in: one request off the wire, and bytes onto it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a connection is, with TLS or without.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One request as it came over the wire, head and body; `None` at the connection's end, and for what is no
/// request of Buddy's: text with a `Content-Length`.
pub async fn read_request<S: AsyncRead + Unpin + ?Sized>(line: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        if bytes.len() == HEAD_BYTES_MAX {
            return None;
        }
        bytes.push(line.read_u8().await.ok()?);
    }
    let head = String::from_utf8(bytes).ok()?;
    let length = header(&head, "content-length")?.parse::<usize>().ok()?;
    let mut body = vec![0; Some(length).filter(|length| *length <= BODY_BYTES_MAX)?];
    line.read_exact(&mut body).await.ok()?;
    Some(head + std::str::from_utf8(&body).ok()?)
}

/// A callback's head is about 600 bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// A callback's body is about 130 bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The value of a header of a message's head, by its name in any case.
pub fn header<'a>(message: &'a str, wanted: &str) -> Option<&'a str> {
    let mut lines = message.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    })
}

/// A message's body.
pub fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Writes at once, if anybody still listens: a client that has heard enough may be gone already.
pub async fn write<S: AsyncWrite + Unpin + ?Sized>(line: &mut S, bytes: impl AsRef<[u8]>) -> bool {
    line.write_all(bytes.as_ref()).await.is_ok() && line.flush().await.is_ok()
}

/// Waits until the other side has closed.
pub async fn until_closed(mut line: impl AsyncRead + Unpin) {
    let mut sink = [0; 1024];
    while line.read(&mut sink).await.is_ok_and(|read| read > 0) {}
}
