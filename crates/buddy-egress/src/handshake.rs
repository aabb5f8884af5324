//! As far as the TLS handshake and no further: is the endpoint there, and is its certificate good?

use buddy_core::reason::Reason;
use buddy_core::resolution::Phases;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::time::{Instant, timeout_at};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::Shared;
use crate::exchange::{Progress, reach};
use crate::fault::{Fault, find};
use crate::pool::Pool;
use crate::target::Target;
use crate::wire::Stream;

/// What became of a handshake.
#[derive(Debug)]
pub struct Handshake {
    /// Where the time went.
    pub phases: Phases,
    /// When the certificates that were shown end; `None` over plain HTTP.
    pub result: Result<Option<ValidUntil>, Trouble>,
}

/// The first end among the certificates that an endpoint showed, in unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidUntil(pub i64);

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// As a session's resolution would name it.
    pub reason: Reason,
    /// What is wrong with the certificate, if that is it.
    pub certificate: Option<CertificateFault>,
}

/// Why a certificate is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its time is over; since when, in unix seconds, where that is known.
    Expired(Option<i64>),
    /// Its time has not begun.
    NotYetValid,
    /// It is for other hosts.
    OtherHost,
    /// No authority that is believed stands behind it, or the chain between is not sent.
    UnknownIssuer,
    /// Anything else.
    Other,
}

/// Resolves, dials and shakes hands as a callback would, and closes.
pub(crate) async fn run(shared: &Shared, target: &Target, deadline: Instant) -> Handshake {
    let mut progress = Progress::new();
    let opened = open(shared, target, &mut progress, deadline).await;
    Handshake { phases: progress.into_phases(), result: opened.map(|(_, valid_until)| valid_until) }
}

/// The same, and leaves the connection open.
pub(crate) async fn open(
    shared: &Shared,
    target: &Target,
    progress: &mut Progress,
    deadline: Instant,
) -> Result<(Stream, Option<ValidUntil>), Trouble> {
    let opened = match timeout_at(deadline, reach(shared, target, progress)).await {
        Ok(opened) => opened,
        Err(_) => Err(progress.timeout(&Pool::new(0))),
    };
    let stream = opened.map_err(|fault| trouble(&fault))?;
    let valid_until = stream.certificates().and_then(valid_until);
    Ok((stream, valid_until))
}

/// One that cannot be read is passed over: it was believed a moment ago.
fn valid_until(chain: &[CertificateDer<'_>]) -> Option<ValidUntil> {
    let ends = chain.iter().filter_map(|der| {
        let certificate = Certificate::from_der(der).ok()?;
        let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
        i64::try_from(end.as_secs()).ok()
    });
    ends.min().map(ValidUntil)
}

fn trouble(fault: &Fault) -> Trouble {
    let invalid = fault.cause().and_then(find::<rustls::Error>).and_then(|error| match error {
        rustls::Error::InvalidCertificate(fault) => Some(certificate_fault(fault)),
        _ => None,
    });
    Trouble { reason: fault.reason, certificate: invalid }
}

fn certificate_fault(error: &CertificateError) -> CertificateFault {
    let seconds = |time: &UnixTime| i64::try_from(time.as_secs()).ok();
    match error {
        CertificateError::Expired => CertificateFault::Expired(None),
        CertificateError::ExpiredContext { not_after, .. } => CertificateFault::Expired(seconds(not_after)),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::OtherHost
        }
        // A signature that does not fit is that of another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateFault::UnknownIssuer,
        _ => CertificateFault::Other,
    }
}
