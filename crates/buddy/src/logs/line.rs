//! How a line of the log is written.

use std::fmt::{self, Debug};
use std::io;

use serde::Serializer;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::with_ids;

/// For eyes: the fields as they come, then the ids of the request and its trace.
#[derive(Default)]
pub(super) struct Text(DefaultFields);

impl<'writer> FormatFields<'writer> for Text {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer.by_ref(), fields)?;
        let mut written = Ok(());
        with_ids(|name, id| written = written.and(write!(writer, " {name}={id}")));
        written
    }
}

/// For machines: one JSON object, its members flat: `timestamp`, `level`, the fields as they come, `request_id`,
/// `trace_id` and `target`.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\"", event.metadata().level())?;
        let mut members = Members { writer: &mut writer, written: Ok(()) };
        event.record(&mut members);
        with_ids(|name, id| members.member(name, |value| value.serialize_str(id)));
        members.member("target", |value| value.serialize_str(event.metadata().target()));
        members.written?;
        writer.write_str("}\n")
    }
}

/// Writes each field as a member. What goes wrong is kept until the end: a visitor cannot tell.
struct Members<'a, 'writer> {
    writer: &'a mut Writer<'writer>,
    written: fmt::Result,
}

type Value<'a, 'writer> = serde_json::Serializer<Utf8<'a, 'writer>>;

impl Members<'_, '_> {
    /// Names are those of fields, written in our own code: nothing in them is to be escaped.
    fn member(&mut self, name: &str, value: impl FnOnce(&mut Value<'_, '_>) -> serde_json::Result<()>) {
        let written = write!(self.writer, ",\"{name}\":")
            .and_then(|()| value(&mut Value::new(Utf8(self.writer))).map_err(|_| fmt::Error));
        self.written = self.written.and(written);
    }
}

impl Visit for Members<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name(), |member| member.serialize_f64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), |member| member.serialize_i64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), |member| member.serialize_u64(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), |member| member.serialize_bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), |member| member.serialize_str(value));
    }

    /// What is told by its `Display` comes here, too.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field.name(), |member| member.collect_str(&format_args!("{value:?}")));
    }
}

/// Lets a serializer, which writes bytes, write the text that they are.
struct Utf8<'a, 'writer>(&'a mut Writer<'writer>);

impl io::Write for Utf8<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use axum::http::HeaderValue;
    use serde_json::{Value, json};
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::logs::{carried_on, of_request};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_is_one_json_object_whatever_is_in_it() {
        let kept = Kept::default();
        let log = tracing_subscriber::fmt().with_writer(kept.clone()).event_format(Json).finish();
        tracing::subscriber::with_default(log, || {
            let odd = "a \"quote\",\na \\, \u{1} and ü";
            tracing::warn!(odd, shown = %odd, debug = ?odd, n = -1, m = 7_u64, x = 0.5, yes = true, "{odd}");
        });
        let text = kept.text();
        assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        let timestamp = line["timestamp"].take();
        assert!(timestamp.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
        let odd = "a \"quote\",\na \\, \u{1} and ü";
        let expected = json!({
            "timestamp": null, "level": "WARN", "message": odd, "odd": odd, "shown": odd, "debug": format!("{odd:?}"),
            "n": -1, "m": 7, "x": 0.5, "yes": true, "target": "buddy::logs::line::tests",
        });
        assert_eq!(line, expected);
    }

    #[tokio::test]
    async fn what_is_logged_of_a_request_carries_its_id_into_the_tasks_that_it_begins() {
        let kept = Kept::default();
        let json = tracing_subscriber::fmt().with_writer(kept.clone()).event_format(Json).finish();
        let _set = tracing::subscriber::set_default(json);
        tracing::info!("outside");
        of_request(HeaderValue::from_static("one"), None, async {
            tracing::info!("inside");
            tokio::spawn(carried_on(async { tracing::info!("beside") })).await.unwrap();
            tokio::spawn(async { tracing::info!("elsewhere") }).await.unwrap();
        })
        .await;
        tokio::spawn(carried_on(async { tracing::info!("of nobody") })).await.unwrap();
        let lines = kept.text();
        let of_one = |line: &str| serde_json::from_str::<Value>(line).unwrap()["request_id"] == "one";
        assert_eq!(
            lines.lines().map(of_one).collect::<Vec<_>>(),
            [false, true, true, false, false],
            "{lines}"
        );
    }

    #[tokio::test]
    async fn a_line_for_eyes_has_the_id_too() {
        let kept = Kept::default();
        let text = tracing_subscriber::fmt().with_writer(kept.clone()).with_ansi(false);
        let _set = tracing::subscriber::set_default(text.fmt_fields(Text::default()).finish());
        of_request(HeaderValue::from_static("one"), None, async { tracing::info!(n = 1, "inside") }).await;
        assert!(kept.text().ends_with("inside n=1 request_id=one\n"), "{}", kept.text());
    }
}
