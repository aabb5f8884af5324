//! Where traces go, and which.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::WrongSetting;
use super::parse::{boolean, or_default};
use super::source::{AllGiven, Given};

/// Of the path by which OTLP/HTTP takes traces, below the receiver's URL.
const TRACES_PATH: [&str; 2] = ["v1", "traces"];
const HEADERS: &str = "BUDDY_OTLP_HEADERS";

/// What an operator sets of traces.
#[derive(Debug)]
pub(crate) struct OtlpSettings {
    /// Where spans are posted.
    pub(crate) url: Url,
    /// Sent with each post, and secret.
    pub(crate) headers: HeaderMap,
    /// The share of sessions that are traced, 0 to 1.
    pub(crate) sample: f64,
    /// The trusted proxies set `traceparent` themselves, or take it away.
    pub(crate) trusts_proxies: bool,
}

/// `None` where no endpoint is named. What is wrong is refused all the same.
pub(super) fn settings(
    given: &AllGiven,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<OtlpSettings>, WrongSetting> {
    let url = given.get("otlp_endpoint").map(endpoint).transpose()?;
    let headers = env(HEADERS).map_or_else(|| Ok(HeaderMap::new()), |text| headers(&text))?;
    let sample = or_default(given.get("otlp_sample"), share, 1.0)?;
    let trusts_proxies = or_default(given.get("otlp_trust_proxies"), boolean, false)?;
    Ok(url.map(|url| OtlpSettings { url, headers, sample, trusts_proxies }))
}

fn endpoint(given: &Given) -> Result<Url, WrongSetting> {
    let must = "must be http:// or https:// with a host, and no user name, query or fragment, such as http://127.0.0.1:4318.";
    let mut url = Url::parse(&given.text).map_err(|_| given.wrong(must))?;
    let good = matches!(url.scheme(), "http" | "https")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !good {
        return Err(given.wrong(must));
    }
    url.path_segments_mut().expect("HTTP has a path").pop_if_empty().extend(TRACES_PATH);
    Ok(url)
}

fn share(given: &Given) -> Result<f64, WrongSetting> {
    let share = given.text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| given.wrong("must be a share of all sessions, 0 to 1, such as 0.05."))
}

/// As `OTEL_EXPORTER_OTLP_HEADERS` has them: pairs separated by commas, their values percent-encoded.
fn headers(text: &str) -> Result<HeaderMap, WrongSetting> {
    let wrong = || WrongSetting {
        setting: HEADERS.into(),
        must: "must be name=value, several separated by commas, values percent-encoded.".into(),
    };
    let mut headers = HeaderMap::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let value: Vec<u8> = percent_decode_str(value.trim()).collect();
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_what_the_path_of_traces_follows() {
        let given = |text: &str| Given { text: text.into(), from: "--otlp-endpoint".into() };
        for (text, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.example/", "https://otlp.example/v1/traces"),
            ("https://otlp.example/tenant", "https://otlp.example/tenant/v1/traces"),
            ("https://otlp.example/tenant/", "https://otlp.example/tenant/v1/traces"),
        ] {
            assert_eq!(endpoint(&given(text)).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn headers_are_pairs_and_their_values_are_not_shown() {
        let read = headers("Authorization=Basic%20dXNlcjpwYXNz, x-tenant = a=b").unwrap();
        assert_eq!(
            (&read["authorization"], &read["x-tenant"]),
            (&"Basic dXNlcjpwYXNz".parse().unwrap(), &"a=b".parse().unwrap())
        );
        assert!(!format!("{read:?}").contains("dXN"), "{read:?}");
        for wrong in ["", "x", "=x", "a b=c", "a=b,", "a=%0a"] {
            assert!(headers(wrong).is_err(), "{wrong}");
        }
    }
}
