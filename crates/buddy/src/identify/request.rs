//! A callback as it is sent: the same for a session and for the endpoint check.

use buddy_core::callback::request::{ATTEMPT_HEADER, DEADLINE_HEADER, REQUEST_ID_HEADER};
use buddy_core::callback::signature::SIGNATURE_HEADER;
use buddy_core::id::ResolutionId;
use buddy_egress::Request;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use crate::ambient::Ambient;

/// What differs from one sending to the next.
pub(crate) struct Sending {
    /// Every byte of the body.
    pub(crate) body: String,
    /// The signature's header; `None` sends none, as only the endpoint check does.
    pub(crate) signature: Option<String>,
    pub(crate) id: ResolutionId,
    /// Which attempt it is, beginning with 1.
    pub(crate) number: u8,
    /// What a trace goes on with, where there is one.
    pub(crate) traceparent: Option<String>,
}

/// The request with all its headers.
pub(crate) fn compose(sending: Sending, ambient: &Ambient) -> Request {
    let Sending { body, signature, id, number, traceparent } = sending;
    let traceparent = traceparent.unwrap_or_else(|| untraced(id, ambient));
    let mut headers = HeaderMap::with_capacity(9);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(signature) = signature {
        headers.insert(HeaderName::from_static(SIGNATURE_HEADER), ascii(&signature));
    }
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Buddy/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), ascii(&id.to_string()));
    headers.insert(HeaderName::from_static(ATTEMPT_HEADER), HeaderValue::from(u16::from(number)));
    headers.insert(HeaderName::from_static("traceparent"), ascii(&traceparent));
    Request {
        headers,
        body: body.into(),
        deadline_header: HeaderName::from_static(DEADLINE_HEADER),
        fresh_connection: number > 1,
    }
}

/// W3C Trace Context, level 1, where nothing is traced here: the resolution is the trace, each sending a span; not sampled.
fn untraced(id: ResolutionId, ambient: &Ambient) -> String {
    let span: [u8; 8] = ambient.id_bytes();
    format!("00-{}-{}-00", id.uuid().simple(), hex::encode(span))
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids, digits and signatures are header text")
}
