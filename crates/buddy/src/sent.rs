//! The requests of a resolution as they were sent, and as a curl command that sends one again. Of a signature only the
//! begin was kept, and of a secret nothing is shown.

use buddy_core::callback::request::{DEADLINE_HEADER, body};
use buddy_core::callback::signature::SIGNATURE_HEADER;
use buddy_core::resolution::{Attempt, Resolution, Signed};
use buddy_core::time::UnixMillis;
use url::Url;

use crate::ambient::Ambient;
use crate::curl::{self, quoted};
use crate::identify::request::Sending;
use crate::said;

/// What stands where something was not kept.
const NOT_KEPT: &str = "…";

/// One request.
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The requests that were signed, in their order; `url` is the endpoint as it is configured now.
pub(crate) fn requests(resolution: &Resolution, url: &str, ambient: &Ambient) -> Vec<Sent> {
    let attempts = resolution.attempts.iter();
    let sent = attempts.filter_map(|attempt| Some((attempt, attempt.signed.as_ref()?)));
    sent.map(|(attempt, signed)| request(resolution, attempt, signed, url, ambient)).collect()
}

fn request(
    resolution: &Resolution,
    attempt: &Attempt,
    signed: &Signed,
    url: &str,
    ambient: &Ambient,
) -> Sent {
    let at = UnixMillis(signed.timestamp.saturating_mul(1000));
    let body = body(resolution.session_id, resolution.agent_id, at);
    let mut lines = vec![format!("POST {} HTTP/1.1", path(url)), format!("host: {}", said::host(url))];
    for (name, value) in headers(resolution, attempt.number, ambient) {
        let value = match name.as_str() {
            SIGNATURE_HEADER => format!("{}{NOT_KEPT}", signed.signature_begin),
            DEADLINE_HEADER => NOT_KEPT.to_owned(),
            "traceparent" => format!("00-{}-{NOT_KEPT}-00", resolution.id.uuid().simple()),
            _ => value,
        };
        lines.push(format!("{name}: {value}"));
    }
    lines.extend([format!("content-length: {}", body.len()), String::new(), body]);
    Sent { name: format!("Attempt {}", attempt.number), text: lines.join("\n") }
}

fn headers(resolution: &Resolution, number: u8, ambient: &Ambient) -> Vec<(String, String)> {
    let signature = Some("$SIGNATURE".to_owned());
    let sending = Sending { body: String::new(), signature, id: resolution.id, number, traceparent: None };
    curl::headers(sending, 0, ambient)
}

fn path(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url[url::Position::BeforePath..].to_owned())
}

/// The command asks about the same session anew; the secret comes from the shell that runs it.
pub(crate) fn command(resolution: &Resolution, url: &str, timeout_ms: u32, ambient: &Ambient) -> String {
    let body = body(resolution.session_id, resolution.agent_id, UnixMillis(0));
    // The body ends in its timestamp, which is to be that of the moment.
    let before = body.strip_suffix("0}").unwrap_or(&body);
    let headers = headers(resolution, 1, ambient).into_iter().map(|(name, value)| match name.as_str() {
        SIGNATURE_HEADER => format!("\"{name}: $SIGNATURE\""),
        DEADLINE_HEADER => quoted(&format!("{name}: {timeout_ms}")),
        _ => quoted(&format!("{name}: {value}")),
    });
    let curl = curl::command(url, headers, "--data-raw \"$BODY\"");
    format!(
        "BODY='{before}'$(date +%s)'}}'\n\
         SIGNATURE=$(printf %s \"$BODY\" | buddy sign --secret-env BUDDY_SECRET --body - --signature-only)\n{curl}"
    )
}
