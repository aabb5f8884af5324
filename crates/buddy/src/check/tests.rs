//! Where the lines between the verdicts are. Whole checks against real endpoints are in `tests/it`.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_core::time::UnixMillis;
use buddy_egress::{CertificateFault, Egress, EgressSettings, Trouble, ValidUntil};

use super::probe::{Reply, Said};
use super::{Check, Findings, Means, Subject, Verdict, latency, reach, run_within};
use crate::ambient::{Ambient, Clock, SystemRandom};
use crate::config::loopback;

const NOW: i64 = 1_717_000_000;
const TIMEOUT: Duration = Duration::from_secs(3);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        UnixMillis(NOW * 1000)
    }
}

/// What is found by what is done, as check, verdict and message.
fn found(look: impl FnOnce(&mut Findings<'_>)) -> Vec<(Check, Verdict, String)> {
    let egress = Egress::new(EgressSettings::default()).unwrap();
    let ambient = Ambient::new(Stopped, SystemRandom);
    let means = Means { egress: &egress, ambient: &ambient, progress: &|_| {} };
    let mut findings = Findings { means, found: Vec::new(), ahead_seconds: None };
    look(&mut findings);
    for finding in &findings.found {
        assert_eq!(finding.mend.is_none(), finding.verdict == Verdict::Pass, "{finding:?}");
    }
    findings.found.into_iter().map(|finding| (finding.check, finding.verdict, finding.message)).collect()
}

#[track_caller]
fn assert_verdict(found: &[(Check, Verdict, String)], check: Check, verdict: Verdict, words: &str) {
    let [(found_check, found_verdict, message)] = found else { panic!("one finding, not {found:?}") };
    assert_eq!((*found_check, *found_verdict), (check, verdict), "{message}");
    assert!(message.contains(words), "{message}");
}

fn reply(took_ms: u64, said: Said) -> Reply {
    Reply { said, took: Duration::from_millis(took_ms), reused_connection: false, ahead_seconds: None }
}

#[test]
fn times_are_well_below_half_of_the_timeout() {
    for (slowest, late, verdict, words) in [
        (10, 0, Verdict::Pass, "median 10 ms, p95 10 ms of 3000 ms (10 requests)"),
        (1500, 0, Verdict::Pass, "median 10 ms, p95 1500 ms"),
        (1501, 0, Verdict::Warn, "p95 1501 ms"),
        (3000, 1, Verdict::Fail, "1 took longer than timeoutMs"),
    ] {
        let mut replies: Vec<_> = (0..9).map(|_| reply(10, Said::Nobody)).collect();
        let said = if late > 0 { Said::NoAnswer(Reason::TimeoutHeaders) } else { Said::Nobody };
        replies.push(reply(slowest, said));
        let found = found(|findings| latency::judge_times(findings, TIMEOUT, &replies));
        assert_verdict(&found, Check::Latency, verdict, words);
    }
}

#[test]
fn one_connection_used_again_is_keep_alive() {
    let fresh = || reply(1, Said::Nobody);
    let reused = Reply { reused_connection: true, ..fresh() };
    let none = found(|findings| latency::judge_reuse(findings, &[fresh(), fresh()]));
    assert_verdict(&none, Check::KeepAlive, Verdict::Warn, "0 of 2 requests");
    let some = found(|findings| latency::judge_reuse(findings, &[fresh(), reused]));
    assert_verdict(&some, Check::KeepAlive, Verdict::Pass, "1 of 2 requests");
}

#[test]
fn a_clock_may_be_a_minute_off() {
    for (ahead, verdict, words) in [
        (Some(0), Verdict::Pass, "0 seconds ahead"),
        (Some(60), Verdict::Pass, "60 seconds ahead"),
        (Some(-1), Verdict::Pass, "1 second behind"),
        (Some(61), Verdict::Fail, "61 seconds ahead"),
        (Some(-61), Verdict::Fail, "61 seconds behind"),
        (None, Verdict::Warn, "no answer had a Date header"),
    ] {
        let found = found(|findings| {
            findings.ahead_seconds = ahead;
            findings.judge_clock();
        });
        assert_verdict(&found, Check::Clock, verdict, words);
    }
}

#[test]
fn a_certificate_has_two_weeks_left() {
    const DAY: i64 = 24 * 3600;
    for (left, verdict, words) in [
        (90 * DAY, Verdict::Pass, "valid for another 90 days"),
        (14 * DAY, Verdict::Pass, "14 days"),
        (14 * DAY - 1, Verdict::Warn, "13 days"),
        (DAY, Verdict::Warn, "1 day"),
    ] {
        let found = found(|findings| reach::judge_end(findings, ValidUntil(NOW + left)));
        assert_verdict(&found, Check::Certificate, verdict, words);
    }
    let expired = Trouble {
        reason: Reason::TlsFailed,
        certificate: Some(CertificateFault::Expired(Some(NOW - 3 * DAY))),
    };
    let found = found(|findings| reach::judge_trouble(findings, expired));
    assert_eq!(found[0].1, Verdict::Pass, "a server answers: {found:?}");
    assert_verdict(&found[1..], Check::Certificate, Verdict::Fail, "it expired 3 days ago");
}

#[tokio::test]
async fn a_check_ends_when_its_time_is_over() {
    // Connections are taken by the system, and nobody ever reads from them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings =
        EgressSettings { allow: loopback().to_vec(), allow_http: true, ..EgressSettings::default() };
    let egress = Egress::new(settings).unwrap();
    let ambient = Ambient::new(Stopped, SystemRandom);
    let subject = Subject {
        url: format!("http://{}/", silent.local_addr().unwrap()),
        secret: ambient.callback_secret(),
        next_secret: None,
        agent_id: ambient.id(),
        timeout_ms: 10_000,
        session_id: None,
    };
    let means = Means { egress: &egress, ambient: &ambient, progress: &|_| {} };
    let report = run_within(Duration::from_millis(20), means, &subject).await;
    assert!(!report.ok);
    let latency = report.findings.iter().find(|finding| finding.check == Check::Latency).unwrap();
    assert_eq!(latency.message, "the check had no more time after 20 ms; the rest was not tried");
}

#[test]
fn a_report_is_in_one_order_and_ok_unless_something_failed() {
    let egress = Egress::new(EgressSettings::default()).unwrap();
    let ambient = Ambient::new(Stopped, SystemRandom);
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let telling = told.clone();
    let progress = move |check| telling.lock().unwrap().push(check);
    let means = Means { egress: &egress, ambient: &ambient, progress: &progress };
    let mut findings = Findings { means, found: Vec::new(), ahead_seconds: None };
    findings.begin(Check::Latency);
    findings.pass(Check::Latency, "fast");
    findings.warn(Check::Reach, "plain", "mend it");
    let report = super::Report::of(findings.found);
    assert!(report.ok);
    let order: Vec<_> = report.findings.iter().map(|finding| finding.check).collect();
    assert_eq!(order, [Check::Reach, Check::Latency]);
    assert_eq!(*told.lock().unwrap(), [Check::Latency]);
    assert_eq!((report.count(Verdict::Warn), report.count(Verdict::Fail)), (1, 0));
}
