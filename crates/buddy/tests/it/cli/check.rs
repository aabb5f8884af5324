//! `buddy check`: each wrong endpoint is named, a right one is green, and nobody's data is shown.

use std::net::SocketAddr;
use std::process::Output;

use buddy_mock::Behaviour;
use buddy_shop::certificate::Authority;
use buddy_verify::{VerifyError, verify};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Answer, Endpoint, Seen, Setup, unix_now};

const SECRET: &str = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx";

fn signature(seen: &Seen) -> Option<&str> {
    seen.headers.get("x-platform-signature").map(|value| value.to_str().unwrap())
}

fn verified(seen: &Seen) -> Result<(), VerifyError> {
    verify(&seen.body, signature(seen), &[SECRET], unix_now()).map(drop)
}

/// Verified as it should be but for one thing, which `forgive` lets pass.
fn but_for(forgive: VerifyError) -> impl Fn(&Seen) -> Answer {
    move |seen| match verified(seen) {
        Err(error) if error != forgive => unauthorized(),
        _ => nobody(),
    }
}

/// Verified, and then answered with this.
fn then(answer: impl Fn() -> Answer) -> impl Fn(&Seen) -> Answer {
    move |seen| if verified(seen).is_ok() { answer() } else { unauthorized() }
}

fn nobody() -> Answer {
    Answer::With(204, String::new())
}

fn unauthorized() -> Answer {
    Answer::With(401, String::new())
}

/// Signed over the body as this writes it again.
fn over(seen: &Seen, written: impl Fn(&Value) -> String) -> Answer {
    let body = written(&serde_json::from_slice(&seen.body).unwrap());
    let expected = hmac(SECRET.as_bytes(), body.as_bytes());
    if signature(seen) == Some(expected.as_str()) { nobody() } else { unauthorized() }
}

fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}

/// The members in the order of the wire.
fn compact(body: &Value) -> String {
    format!(
        r#"{{"sessionId":{},"agentId":{},"timestamp":{}}}"#,
        body["sessionId"], body["agentId"], body["timestamp"]
    )
}

/// A finished check.
struct Checked {
    status: Option<i32>,
    report: Value,
}

impl Checked {
    fn of(output: &Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout);
        Self { status: output.status.code(), report: report.unwrap_or_else(|_| panic!("no JSON: {stderr}")) }
    }

    /// The names of the findings that came out so.
    fn that(&self, verdict: &str) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let that = findings.iter().filter(|finding| finding["verdict"] == verdict);
        that.map(|finding| finding["check"].as_str().unwrap()).collect()
    }

    #[track_caller]
    fn says(&self, check: &str, words: &str) {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("no {check} in {:#}", self.report));
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(words), "{check}: {message}");
        assert_eq!(finding["mend"].is_null(), finding["verdict"] == "pass", "{finding:#}");
    }
}

fn run(setup: &Setup, url: &str, flags: &[&str]) -> Output {
    setup.run(&[&["check", url, "--secret-env", "BUDDY_TEST_SECRET"], flags].concat())
}

fn setup(ca_pem: Option<&str>) -> Setup {
    Setup::new(ca_pem).env("BUDDY_TEST_SECRET", SECRET)
}

/// Checks an endpoint behind TLS that decides so.
async fn check(flags: &[&str], decide: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Checked {
    let endpoint = Endpoint::open(decide).await;
    let setup = setup(Some(&endpoint.ca_pem));
    let (url, flags) = (endpoint.url(), [&["--json"], flags].concat().join(" "));
    let output =
        tokio::task::spawn_blocking(move || run(&setup, &url, &flags.split(' ').collect::<Vec<_>>()));
    Checked::of(&output.await.unwrap())
}

#[track_caller]
fn assert_only(checked: &Checked, failed: &[&str], warned: &[&str]) {
    assert_eq!(checked.that("fail"), failed, "{:#}", checked.report);
    assert_eq!(checked.that("warn"), warned, "{:#}", checked.report);
    assert_eq!(checked.status, Some(i32::from(!failed.is_empty())));
    assert_eq!(checked.report["ok"], failed.is_empty());
}

#[tokio::test]
async fn a_right_endpoint_is_green() {
    let checked = check(&[], then(nobody)).await;
    assert_only(&checked, &[], &[]);
    assert_eq!(checked.that("pass").len(), 13);
    checked.says("certificate", "valid for another ");
}

const FORGERIES: [&str; 5] =
    ["wrong_signature", "missing_signature", "other_body", "other_secret", "old_request"];

#[tokio::test]
async fn no_verification_at_all_is_named() {
    let checked = check(&[], |_| nobody()).await;
    assert_only(&checked, &FORGERIES, &[]);
    checked.says("wrong_signature", "no signature is verified at all");
}

#[tokio::test]
async fn a_body_that_is_serialised_again_is_named() {
    // As JSON.stringify of a parsed body does it: with Buddy's own bytes nobody would see it.
    let checked = check(&[], |seen| over(seen, compact)).await;
    assert!(checked.that("fail").contains(&"raw_body"), "{:#}", checked.report);
    checked.says("raw_body", "401 to a right signature over a body with spaces");
    // As json.dumps does it.
    let checked =
        check(&[], |seen| over(seen, |body| compact(body).replace(':', ": ").replace(',', ", "))).await;
    assert_only(&checked, &["right_signature"], &[]);
    checked.says("right_signature", "body_spaced");
}

#[tokio::test]
async fn a_missing_signature_that_is_taken_is_named() {
    let checked = check(&[], but_for(VerifyError::MissingHeader)).await;
    assert_only(&checked, &["missing_signature"], &[]);
    checked.says("missing_signature", "a forged request was taken");
}

#[tokio::test]
async fn a_second_secret_that_is_empty_is_named() {
    // As where the variable of the old secret is not set, and its emptiness is taken for one.
    let checked = check(&[], |seen| {
        let by_empty = hmac(b"", &seen.body);
        if verified(seen).is_ok() || signature(seen) == Some(by_empty.as_str()) {
            nobody()
        } else {
            unauthorized()
        }
    })
    .await;
    assert_only(&checked, &["other_secret"], &[]);
    let findings = checked.report["findings"].as_array().unwrap();
    let mend = findings.iter().find(|finding| finding["check"] == "other_secret").unwrap()["mend"].as_str();
    assert!(mend.unwrap().starts_with("The key is empty"), "{mend:?}");
}

#[tokio::test]
async fn an_hour_old_request_that_is_taken_is_named() {
    let checked = check(&[], but_for(VerifyError::Stale)).await;
    assert_only(&checked, &["old_request"], &[]);
}

#[tokio::test]
async fn an_error_for_an_unknown_session_is_named() {
    for status in [500, 404] {
        let checked = check(&[], then(move || Answer::With(status, String::new()))).await;
        assert_only(&checked, &["unknown_session"], &["right_signature"]);
        checked.says("unknown_session", &format!("answered {status}, not 204"));
    }
    // Where the session is said to be known, that is no excuse.
    let session = ["--session-id", "sess_01hz2v6yqefws8h3k5n7p9r1tv"];
    let checked = check(&session, then(|| Answer::With(500, String::new()))).await;
    assert_only(&checked, &["right_signature", "unknown_session"], &[]);
}

#[tokio::test]
async fn a_login_page_is_named_and_nothing_else_is_said_of_the_endpoint() {
    let page = || Answer::With(200, "<!doctype html><title>Please log in</title>".into());
    let checked = check(&[], move |_| page()).await;
    assert_only(&checked, &["right_signature"], &[]);
    checked.says("right_signature", "html; the rest was not tried");
}

#[tokio::test]
async fn a_redirect_is_named() {
    let header = || ("location", "https://shop.example/login".to_owned());
    let checked = check(&[], move |_| Answer::WithHeader(302, header(), String::new())).await;
    assert_only(&checked, &["right_signature"], &[]);
    checked.says("right_signature", "answered 302, a redirect");
}

#[tokio::test]
async fn a_slow_endpoint_is_named() {
    let checked = check(&["--timeout-ms", "1500"], |_| Answer::Hang).await;
    assert_only(&checked, &["right_signature", "latency"], &["clock"]);
    checked.says("right_signature", "timeout_headers");
}

#[tokio::test]
async fn an_answer_without_a_user_id_is_named() {
    let checked = check(&[], then(|| Answer::json(json!({"email": "ada@shop.example"})))).await;
    assert_only(&checked, &["right_signature", "unknown_session"], &[]);
    checked.says("right_signature", "no_user_id");
    assert!(!checked.report.to_string().contains("ada@"));
}

#[tokio::test]
async fn plain_http_is_named() {
    let output = run(&setup(None), "http://127.0.0.1:9/buddy/identity", &["--json"]);
    let checked = Checked::of(&output);
    assert_only(&checked, &["reach"], &[]);
    checked.says("reach", "not_https");
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_named() {
    for (behaviour, words) in [
        ("expired", "it expired "),
        ("not-yet-valid", "it is not valid yet"),
        ("wrong-name", "it is for another host"),
        ("self-signed", "nobody who is believed has signed it"),
        ("unknown-authority", "nobody who is believed has signed it"),
    ] {
        let authority = Authority::new().unwrap();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let behaviour = Behaviour::find(behaviour).unwrap();
        let mock = buddy_mock::Endpoint::open(&authority, listen, behaviour, None, |_| {}).await.unwrap();
        let (setup, url) = (setup(Some(&authority.pem())), mock.url());
        let output = tokio::task::spawn_blocking(move || run(&setup, &url, &["--json"]));
        let checked = Checked::of(&output.await.unwrap());
        assert_only(&checked, &["certificate"], &[]);
        checked.says("certificate", words);
        checked.says("reach", "a server answers there");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_by_five_minutes_is_named() {
    let later = |minutes: i64| jiff::Timestamp::from_second(unix_now() + minutes * 60).unwrap();
    let date = move |minutes| {
        (
            "date",
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&later(minutes)).unwrap(),
        )
    };
    // Its header alone is off, as that of a proxy would be.
    let checked = check(&[], move |seen| {
        let status = if verified(seen).is_ok() { 204 } else { 401 };
        Answer::WithHeader(status, date(5), String::new())
    })
    .await;
    assert_only(&checked, &["clock"], &[]);
    checked.says("clock", "seconds ahead");
    // It judges by that clock, too.
    let checked = check(&[], move |seen| {
        let verdict = verify(&seen.body, signature(seen), &[SECRET], later(-6).as_second());
        Answer::WithHeader(if verdict.is_ok() { 204 } else { 401 }, date(-6), String::new())
    })
    .await;
    assert_only(&checked, &["right_signature", "clock"], &[]);
    checked.says("right_signature", "by its clock, 36");
}

#[tokio::test]
async fn an_endpoint_with_another_secret_or_path_is_named() {
    let checked = check(&[], |seen| {
        match verify(&seen.body, signature(seen), &["another-secret-0123456789"], unix_now()) {
            Ok(_) => nobody(),
            Err(_) => unauthorized(),
        }
    })
    .await;
    assert_only(&checked, &["right_signature"], &[]);
    checked.says("right_signature", "none of the known mistakes");
    let checked = check(&[], |_| Answer::With(404, "not found".into())).await;
    assert_only(&checked, &["right_signature"], &[]);
    checked.says("right_signature", "answered 404, signed or not");
}

#[tokio::test]
async fn a_person_reads_a_line_a_finding_and_the_lines_of_their_framework() {
    let endpoint = Endpoint::open(then(|| Answer::With(500, String::new()))).await;
    let setup = setup(Some(&endpoint.ca_pem));
    let url = endpoint.url();
    let (text, junit) = tokio::task::spawn_blocking(move || {
        (run(&setup, &url, &["--framework", "flask"]), run(&setup, &url, &["--junit"]))
    })
    .await
    .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "no colours but on a terminal: {text}");
    for words in [
        "  fail  unknown session gets 204                answered 500, not 204\n",
        "  pass  wrong signature is refused              answered 401\n",
        "\n1 failed; 1 warning.\n",
        "\nfail  unknown_session: unknown session gets 204\n      Answered 500, not 204.\n      Answer 204",
        "\n      In flask:\n\n          return \"\", 204\n",
        "\nAll of it in flask, by the SDK (examples/flask/shop.py):\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let junit = String::from_utf8(junit.stdout).unwrap();
    assert!(junit.starts_with("<?xml"), "{junit}");
    for words in [
        r#"tests="13" failures="1" errors="0""#,
        r#"name="unknown_session: unknown session gets 204""#,
        r#"<failure message="answered 500, not 204">"#,
    ] {
        assert!(junit.contains(words), "{words:?} is not in {junit}");
    }
    assert_eq!(junit.matches("<testcase").count(), 13);
}

#[test]
fn what_the_check_cannot_begin_with_is_named() {
    for (flags, named) in [
        (&["--timeout-ms", "99"][..], "--timeout-ms"),
        (&["--egress-allow", "10.0.0.0/99"], "--egress-allow"),
        (&["--egress-ca", "nowhere.pem"], "--egress-ca nowhere.pem"),
    ] {
        let message = super::misused(&run(&setup(None), "https://shop.example/", flags));
        assert!(message.contains(named), "{message}");
    }
    let message = super::misused(&run(&Setup::new(None), "https://shop.example/", &[]));
    assert!(message.contains("BUDDY_TEST_SECRET"), "{message}");
    for flags in [&["--framework", "rails"][..], &["--session-id", "x"], &["--json", "--junit"]] {
        let output = run(&setup(None), "https://shop.example/", flags);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
