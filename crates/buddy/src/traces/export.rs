//! The way of spans to the receiver: a queue with a bound, and one task that empties it. Whoever makes a span never waits,
//! and never learns what became of it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::collector::{Collector, CollectorError, LastTrouble};
use crate::ambient::Ambient;
use crate::metrics::{Metrics, TraceSpans};

/// Spans that wait: some ten seconds of three hundred sessions a second. Of a kilobyte or so each, with their attributes:
/// sixteen megabytes at most.
const QUEUE_MAX: usize = 16_384;
/// Spans in one post, as the OpenTelemetry SDK has it.
const BATCH_MAX: usize = 512;
/// How long a span waits for others to go with it.
const LINGER: Duration = Duration::from_secs(1);
/// For a batch as a whole, with all its tries: what the protocol's exporters take by default.
const EXPORT_TIME: Duration = Duration::from_secs(10);
/// At the end, for all that waits still: a receiver that hangs does not hold up the end of the server.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// The queue, and the task behind it.
pub(super) struct Exporting {
    spans: Sender<SpanData>,
    ending: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    counts: TraceSpans,
}

impl Exporting {
    /// Begins to post to `url`. Nothing is sent before there is a span.
    pub(super) fn start(
        url: &Url,
        headers: HeaderMap,
        roots_pem: Option<&[u8]>,
        ambient: &Ambient,
        metrics: &Metrics,
    ) -> Result<Self, CollectorError> {
        let (collector, trouble) = Collector::new(url, headers, roots_pem)?;
        let exporter = exporter(url, collector, ambient)?;
        let counts = metrics.trace_spans();
        let (sender, spans) = channel(QUEUE_MAX);
        let ending = CancellationToken::new();
        let receiver = url.origin().ascii_serialization();
        let task =
            Task { exporter, spans, ending: ending.clone(), counts: counts.clone(), trouble, receiver };
        let task = Mutex::new(Some(tokio::spawn(task.run())));
        Ok(Self { spans: sender, ending, task, counts })
    }

    /// Queues the span, or drops it.
    pub(super) fn put(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counts.dropped.increment(1);
        }
    }

    /// Ends once the queue is empty, or after a bound.
    pub(super) async fn close(&self) {
        self.ending.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if timeout(FLUSH_TIME, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("the last spans were not delivered in time, and are dropped");
        }
    }
}

/// Everything that the library would else take from `OTEL_…` variables is set: settings are read in one place.
fn exporter(url: &Url, collector: Collector, ambient: &Ambient) -> Result<SpanExporter, CollectorError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_endpoint(url.as_str())
        .with_protocol(Protocol::HttpBinary)
        .with_compression(Compression::Gzip)
        .with_timeout(EXPORT_TIME)
        .build();
    let mut exporter = exporter.map_err(|error| CollectorError::Exporter(error.to_string()))?;
    let instance = uuid::Builder::from_random_bytes(ambient.id_bytes()).into_uuid().to_string();
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", "buddy"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance),
    ]);
    exporter.set_resource(&resource.build());
    Ok(exporter)
}

struct Task {
    exporter: SpanExporter,
    spans: Receiver<SpanData>,
    ending: CancellationToken,
    counts: TraceSpans,
    trouble: Arc<LastTrouble>,
    /// For the log: scheme, host and port.
    receiver: String,
}

impl Task {
    async fn run(mut self) {
        // What was lost since the receiver took a batch the last time; the log has a line at the begin and at the end.
        let mut lost = 0;
        while let Some(batch) = self.batch().await {
            let count = batch.len() as u64;
            let exported = timeout(EXPORT_TIME, self.exporter.export(batch)).await;
            let cause = match exported {
                Ok(Ok(())) => {
                    self.counts.exported.increment(count);
                    if mem::take(&mut lost) > 0 {
                        tracing::info!(receiver = self.receiver, "traces are delivered again");
                    }
                    continue;
                }
                Ok(Err(error)) => self.trouble.take().unwrap_or_else(|| error.to_string()),
                Err(_) => self.trouble.take().unwrap_or_else(|| "it does not answer in time".to_owned()),
            };
            self.counts.lost.increment(count);
            if lost == 0 {
                tracing::warn!(
                    receiver = self.receiver,
                    cause,
                    "traces are not delivered, and are dropped until they are"
                );
            }
            lost += count;
        }
    }

    /// What goes together: as many as there are within a moment of the first. `None`: it is the end, and all are gone.
    async fn batch(&mut self) -> Option<Vec<SpanData>> {
        let Self { spans, ending, .. } = self;
        let mut batch = Vec::new();
        let mut until = None;
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            let linger = sleep_until(until.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                () = ending.cancelled(), if !spans.is_closed() => spans.close(),
                got = spans.recv_many(&mut batch, room) => {
                    if got == 0 {
                        break;
                    }
                    until.get_or_insert_with(|| Instant::now() + LINGER);
                }
                () = linger, if until.is_some() => break,
            }
        }
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "one".into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: opentelemetry::InstrumentationScope::default(),
        }
    }

    #[tokio::test]
    async fn what_finds_the_queue_full_or_closed_is_dropped_and_counted() {
        let metrics = Metrics::new();
        let url = "http://127.0.0.1:1/v1/traces".parse().unwrap();
        let ambient = Ambient::system();
        let exporting = Exporting::start(&url, HeaderMap::new(), None, &ambient, &metrics).unwrap();
        // The task that would empty it has not had its turn yet.
        for _ in 0..QUEUE_MAX + 3 {
            exporting.put(span());
        }
        let dropped = || {
            let text = metrics.render();
            let line = "buddy_trace_spans_total{result=\"queue_full\"} ";
            text.lines().find_map(|found| found.strip_prefix(line)?.parse::<usize>().ok()).unwrap()
        };
        assert_eq!(dropped(), 3);
        // Nobody is there who would take any of them: the end has a bound.
        exporting.close().await;
        exporting.put(span());
        assert_eq!(dropped(), 4);
    }
}
