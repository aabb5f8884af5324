//! Times, durations and the like as people read them.

use buddy_core::time::UnixMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

/// `24 Nov 17:31:30.123`.
pub(crate) fn moment(time: UnixMillis) -> String {
    written(time, "%d %b %H:%M:%S.%3f")
}

/// `24 Nov 2026, 17:31 UTC`.
pub(crate) fn minute(time: UnixMillis) -> String {
    written(time, "%d %b %Y, %H:%M UTC")
}

/// In UTC, in the manner of `strftime`.
pub(crate) fn written(time: UnixMillis, format: &str) -> String {
    // Outside of jiff's years no stored time lies; the epoch is a visible wrong answer, not a panic.
    let timestamp = Timestamp::from_millisecond(time.0).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// `0.4 ms`, `12 ms`, `3.02 s`: three digits at most, or a few more of seconds.
pub(crate) fn took(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// A URL's host, with its port if it is not the usual one.
pub(crate) fn host(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        Some(format!("{}{port}", url.host_str()?))
    });
    host.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        for (micros, expected) in [
            (0, "0.0 ms"),
            (449, "0.4 ms"),
            (9_999, "9.9 ms"),
            (12_345, "12 ms"),
            (999_999, "999 ms"),
            (3_020_000, "3.02 s"),
            (61_009_999, "61.00 s"),
        ] {
            assert_eq!(took(micros), expected);
        }
        let time = UnixMillis(1_717_000_000_999);
        assert_eq!(moment(time), "29 May 16:26:40.999");
        assert_eq!(minute(time), "29 May 2024, 16:26 UTC");
    }

    #[test]
    fn a_host_is_told_with_a_port_of_its_own() {
        assert_eq!(host("https://shop.example/buddy?x=1"), "shop.example");
        assert_eq!(host("https://[::1]:8443/"), "[::1]:8443");
    }
}
