//! The widget's and the console's files, in the binary: compressed once, known by their content.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Bytes of the digest that tell one version of a file from another: 64 bits, for a handful of releases.
const TAG_BYTES: usize = 8;

/// The type of a script.
pub(crate) const SCRIPT: &str = "text/javascript; charset=utf-8";
/// The type of a style sheet.
pub(crate) const STYLE: &str = "text/css; charset=utf-8";
/// For a path that has the content's tag in it.
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// One file as it is sent.
pub(crate) struct Asset {
    plain: Bytes,
    gzip: Bytes,
    content_type: HeaderValue,
    cache: HeaderValue,
    /// Hex; changes with the content.
    pub(crate) tag: String,
}

impl Asset {
    pub(crate) fn new(content: &'static [u8], content_type: &'static str, cache: &'static str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).expect("a Vec takes all");
        let gzip = encoder.finish().expect("a Vec takes all");
        Self {
            plain: Bytes::from_static(content),
            gzip: gzip.into(),
            content_type: HeaderValue::from_static(content_type),
            cache: HeaderValue::from_static(cache),
            tag: hex::encode(&Sha256::digest(content)[..TAG_BYTES]),
        }
    }

    /// The answer to a GET with these headers.
    pub(crate) fn answer(&self, request: &HeaderMap, more: &[(HeaderName, HeaderValue)]) -> Response {
        let gzip = takes_gzip(request);
        // A strong tag names one sequence of bytes (RFC 9110 section 8.8.1): each encoding has its own.
        let etag = format!("\"{}{}\"", self.tag, if gzip { "-gzip" } else { "" });
        let mut response = if has(request, &etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let body = if gzip { &self.gzip } else { &self.plain };
            let mut response = body.clone().into_response();
            response.headers_mut().insert(CONTENT_TYPE, self.content_type.clone());
            if gzip {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, HeaderValue::from_str(&etag).expect("hex is header text"));
        headers.insert(CACHE_CONTROL, self.cache.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.extend(more.iter().cloned());
        response
    }
}

/// The caller has this version (RFC 9110 section 13.1.2; a weak tag is as good for a GET).
fn has(request: &HeaderMap, etag: &str) -> bool {
    let mut tags = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.any(|list| list.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}

/// RFC 9110 section 12.5.3; a weight of zero is a no.
fn takes_gzip(request: &HeaderMap) -> bool {
    let mut lists = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.any(|list| {
        list.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for good in ["gzip", "br, gzip;q=0.5", "deflate,GZIP", "gzip; q=1.0"] {
            assert!(takes_gzip(&request(ACCEPT_ENCODING, good)), "{good}");
        }
        for bad in ["br", "gzip;q=0", "identity", "", "gzip;q=0.000", "x-gzip"] {
            assert!(!takes_gzip(&request(ACCEPT_ENCODING, bad)), "{bad}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_version_that_the_browser_has_is_not_sent_again() {
        let asset = Asset::new(b"let a;", "text/javascript", "no-cache");
        let first = asset.answer(&HeaderMap::new(), &[]);
        let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
        for have in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}")] {
            let again = asset.answer(&request(IF_NONE_MATCH, &have), &[]);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{have}");
            assert_eq!(again.headers()[ETAG], etag);
        }
        let mut other = request(IF_NONE_MATCH, &etag);
        other.extend(request(ACCEPT_ENCODING, "gzip"));
        assert_eq!(asset.answer(&other, &[]).status(), StatusCode::OK, "these bytes it does not have");
    }
}
