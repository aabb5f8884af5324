//! Why an exchange failed: told by the error's type, never by its text.

use std::error::Error;
use std::fmt;
use std::io;

use buddy_core::reason::Reason;

use crate::wire::OverBudget;

/// A reason, and what is behind it for the operator's own log.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    cause: Option<Box<dyn Error + Send + Sync>>,
    /// Nothing of the request was written.
    pub(crate) unsent: bool,
}

impl Fault {
    pub(crate) fn new(reason: Reason, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason, cause: Some(cause.into()), unsent: false }
    }

    /// What ended the exchange of a request and its answer. `too_much`: the reason when the endpoint sent
    /// more than the wire's budget.
    pub(crate) fn of_http(error: hyper::Error, too_much: Reason) -> Self {
        let unsent = error.is_canceled();
        Self { unsent, ..Self::new(reason_of(&error, too_much), error) }
    }

    /// What is behind it, if anything is known of that.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self { reason, cause: None, unsent: false }
    }
}

/// Each cause in turn, as far down as it is known.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = self.cause();
        while let Some(error) = next {
            write!(f, "{error}")?;
            next = error.source();
            if next.is_some() {
                f.write_str(": ")?;
            }
        }
        Ok(())
    }
}

fn reason_of(error: &hyper::Error, too_much: Reason) -> Reason {
    if find::<OverBudget>(error).is_some() {
        return too_much;
    }
    // An alert after the handshake: in TLS 1.3 a demanded client certificate is missed only now.
    if find::<rustls::Error>(error).is_some() {
        return Reason::TlsFailed;
    }
    if error.is_parse_too_large() {
        return Reason::HeadersTooLarge;
    }
    if error.is_parse() {
        return Reason::ProtocolError;
    }
    if error.is_incomplete_message() || error.is_closed() {
        return Reason::ConnectionLost;
    }
    if error.is_canceled() {
        let behind = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
        return behind.map_or(Reason::ConnectionLost, |source| reason_of(source, too_much));
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        // Chunked framing that is none.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) | None => Reason::ProtocolError,
        Some(_) => Reason::ConnectionLost,
    }
}

/// The first error of a type among an error and its causes. What an `io::Error` carries is looked into too.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(carried) => Some(carried as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
