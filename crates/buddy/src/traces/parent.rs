//! Who called, by the W3C's `traceparent`.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceId, TraceState};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Of version 00, which is the only one.
const TRACEPARENT_BYTES: usize = 55;
const TRACEPARENT: &str = "traceparent";

/// The one `traceparent` of a request, if it is well-formed. Its `tracestate` is for other vendors, and goes no further:
/// what it would go to is a customer's endpoint.
pub(super) fn of(headers: &HeaderMap) -> Option<SpanContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    if value.len() != TRACEPARENT_BYTES {
        return None;
    }
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    let span = context.span();
    let parent = span.span_context();
    let plain = |parent: &SpanContext| {
        SpanContext::new(
            parent.trace_id(),
            parent.span_id(),
            parent.trace_flags(),
            true,
            TraceState::default(),
        )
    };
    parent.is_valid().then(|| plain(parent))
}

/// What the endpoint is sent: level 1, with no flag but whether spans are made.
pub(super) fn traceparent(trace_id: TraceId, span_id: SpanId, sampled: bool) -> String {
    format!("00-{trace_id}-{span_id}-{:02x}", u8::from(sampled))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(values: &[&str]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, value.parse().unwrap());
        }
        headers.insert("tracestate", "vendor=word".parse().unwrap());
        of(&headers)
    }

    #[test]
    fn one_well_formed_header_is_a_parent_and_its_state_is_dropped() {
        let parent = read(&[GOOD]).unwrap();
        assert_eq!(traceparent(parent.trace_id(), parent.span_id(), parent.is_sampled()), GOOD);
        assert!(parent.is_remote() && parent.trace_state().header().is_empty());
        assert!(!read(&[&GOOD.replace("-01", "-00")]).unwrap().is_sampled());
    }

    #[test]
    fn anything_else_is_none() {
        let zeros = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        for values in [
            &[][..],
            &[""],
            &["nonsense"],
            &[GOOD, GOOD],
            &[&GOOD[..54]],
            &[&GOOD.to_uppercase()],
            &[&GOOD.replace("00-4", "ff-4")],
            &[&GOOD.replace("00f067aa0ba902b7", "0000000000000000")],
            &[&zeros],
            &[&(GOOD.to_owned() + "-more")],
        ] {
            assert!(read(values).is_none(), "{values:?}");
        }
    }
}
