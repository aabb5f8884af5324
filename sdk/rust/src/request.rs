//! A request, whatever the framework: what the endpoints look at.

use std::borrow::Cow;

/// The largest body an endpoint reads. A callback has some 130 bytes: nothing larger is ever Buddy's, or the page's.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request as it came.
#[derive(Clone)]
pub struct Request<'a> {
    /// `POST`, if all is well.
    pub method: &'a str,
    /// Every header line: name, in any letters, and value.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// The **raw** body, before any parsing. Reading may stop after [`BODY_BYTES_MAX`]` + 1` bytes: it is refused then.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A header's value; of one that came more than once, all values with commas between, as RFC 9110 says in 5.3. Two
    /// values are thus never taken for one, whichever a proxy has looked at.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut values = self.headers.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        let first = String::from_utf8_lossy(values.next()?.1);
        Some(values.fold(first, |joined, (_, value)| joined + ", " + String::from_utf8_lossy(value)))
    }
}
