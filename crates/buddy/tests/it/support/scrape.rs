//! What a server tells Prometheus.

use super::Buddy;

/// One scrape.
pub(crate) struct Scrape(String);

impl Buddy {
    pub(crate) async fn scrape(&self) -> Scrape {
        let reply = self.api.call("GET", "/metrics", None, None).await.expect_status(200);
        Scrape(String::from_utf8(reply.body.to_vec()).unwrap())
    }
}

impl Scrape {
    /// It has these lines.
    #[track_caller]
    pub(crate) fn expect(&self, lines: &[&str]) {
        for line in lines {
            assert!(self.0.lines().any(|other| other == *line), "{line} is not in\n{}", self.0);
        }
    }

    /// The value of a series, which is named with its labels.
    #[track_caller]
    pub(crate) fn value(&self, series: &str) -> f64 {
        let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.0.lines().find_map(value).unwrap_or_else(|| panic!("{series} is not in\n{}", self.0))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}
