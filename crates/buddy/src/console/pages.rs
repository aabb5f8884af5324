//! From one stretch of a list to the next.

use url::form_urlencoded::Serializer;

/// Where the links below a list lead.
pub(super) struct Pages {
    /// To the newest, from any other stretch.
    pub(super) first: Option<String>,
    pub(super) next: Option<String>,
}

impl Pages {
    /// `kept` has the parameters that stay from one stretch to the next; empty ones are left out.
    pub(super) fn new(path: &str, kept: &[(&str, &str)], cursor: Option<&str>, next: Option<&str>) -> Self {
        Self {
            first: cursor.map(|_| link(path, kept)),
            next: next.map(|next| link(path, &[kept, &[("cursor", next)]].concat())),
        }
    }
}

/// A path with a query of those parameters that say something.
pub(super) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let said = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(said).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_leads_on_with_what_was_asked() {
        let first = Pages::new("/console", &[("search", "a&b c")], None, Some("agt_1"));
        assert_eq!(first.first, None);
        assert_eq!(first.next.as_deref(), Some("/console?search=a%26b+c&cursor=agt_1"));
        let last = Pages::new("/console", &[("search", "")], Some("agt_1"), None);
        assert_eq!((last.first.as_deref(), last.next), (Some("/console"), None));
    }
}
