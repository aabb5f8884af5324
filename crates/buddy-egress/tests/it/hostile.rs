//! Endpoints that mean no good: each exchange ends in time, with the right reason.

use std::time::Duration;

use buddy_core::reason::Reason;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::support::{
    AMPLE, Line, OK, SHORT, ask, ask_once, assert_failed, assert_user, egress, good_tls, plain_site,
    raw_site, read_request, tls_site, until_closed, write,
};

/// After the request: these bytes, and then the end or nothing more.
async fn scripted(answer: Vec<u8>, hangs_up: bool) -> String {
    let site = plain_site(move |_, mut line| {
        let answer = answer.clone();
        async move {
            read_request(&mut line).await;
            write(&mut line, answer).await;
            if !hangs_up {
                until_closed(line).await;
            }
        }
    })
    .await;
    site.http()
}

const HEAD: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Whether the endpoint hangs up after its answer, or stays and says nothing more.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    HangsUp,
    Stays,
}
use Then::{HangsUp, Stays};

async fn each_fails_at_once(rows: impl IntoIterator<Item = (&'static str, String, Then)>, expected: Reason) {
    for (what, answer, then) in rows {
        let url = scripted(answer.into_bytes(), then == HangsUp).await;
        let begun = Instant::now();
        assert_failed(&ask_once(&url, AMPLE).await, expected, what);
        assert!(begun.elapsed() < AMPLE / 2, "{what} is found out, not waited out");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_a_lost_connection() {
    let rows = [
        ("nothing at all", String::new(), HangsUp),
        ("half a head", "HTTP/1.1 20".into(), HangsUp),
        ("half a body", format!("{HEAD}Content-Length: 9\r\n\r\nabc"), HangsUp),
        ("half a chunk", format!("{CHUNKED}9\r\nabc"), HangsUp),
        ("no last chunk", format!("{CHUNKED}3\r\nabc\r\n"), HangsUp),
    ];
    each_fails_at_once(rows, Reason::ConnectionLost).await;
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let rows = [
        ("another protocol", "SSH-2.0-OpenSSH_9.6\r\n".into(), Stays),
        ("nonsense", "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\r\n\r\n".into(), Stays),
        ("HTTP/0.9", "<html>\n".into(), HangsUp),
        ("HTTP/2", "HTTP/2 200 OK\r\n\r\n".into(), Stays),
        ("a status that is none", "HTTP/1.1 abc OK\r\n\r\n".into(), Stays),
        ("a switch", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".into(), Stays),
        ("six hints and an answer", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(6) + OK, Stays),
    ];
    each_fails_at_once(rows, Reason::ProtocolError).await;
}

#[tokio::test]
async fn a_body_whose_end_is_in_doubt_is_a_protocol_error() {
    let both = "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let rows = [
        ("two lengths", format!("{HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"), Stays),
        ("a length that is none", format!("{HEAD}Content-Length: -2\r\n\r\n{{}}"), Stays),
        ("a length and chunks", format!("{HEAD}{both}"), Stays),
        ("a coding that hides the end", format!("{HEAD}Transfer-Encoding: gzip\r\n\r\nx"), HangsUp),
        ("two codings", format!("{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), Stays),
        ("a chunk size that is none", format!("{CHUNKED}zz\r\n"), Stays),
        ("a chunk size that overflows", format!("{CHUNKED}{}\r\n", "f".repeat(17)), Stays),
        ("a chunk longer than its size", format!("{CHUNKED}1\r\nabc\r\n0\r\n\r\n"), Stays),
    ];
    each_fails_at_once(rows, Reason::ProtocolError).await;
}

#[tokio::test]
async fn a_head_over_its_bounds_is_headers_too_large() {
    let lines = |count: usize| format!("{HEAD}{}\r\n", "X: y\r\n".repeat(count));
    let rows = [
        ("16 KiB and more", format!("{HEAD}X: {}\r\n\r\n", "y".repeat(16 * 1024)), Stays),
        ("65 lines", lines(65), Stays),
        ("10,000 lines", lines(10_000), Stays),
        ("10 MiB", format!("{HEAD}X: {}\r\n\r\n", "y".repeat(10 << 20)), Stays),
    ];
    each_fails_at_once(rows, Reason::HeadersTooLarge).await;
}

#[tokio::test]
async fn a_body_over_its_bounds_is_too_large() {
    let big = "x".repeat(65_537);
    // Not half of the allowed body, but in more framing than the wire's budget has room for.
    let tiny_chunks = "001;\r\na\r\n".repeat(25_000);
    let rows = [
        ("announced", format!("{HEAD}Content-Length: 65537\r\n\r\n"), Stays),
        ("announced beyond all reason", format!("{HEAD}Content-Length: 9223372036854775807\r\n\r\n"), Stays),
        ("in a chunk", format!("{CHUNKED}10001\r\n{big}\r\n0\r\n\r\n"), Stays),
        ("up to the end", format!("{HEAD}\r\n{big}"), HangsUp),
        ("in chunks of a byte", format!("{CHUNKED}{tiny_chunks}0\r\n\r\n"), Stays),
    ];
    each_fails_at_once(rows, Reason::TooLarge).await;
}

#[tokio::test]
async fn what_is_just_within_the_bounds_is_an_answer() {
    let big = "x".repeat(65_536);
    let filler = 16 * 1024 - "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: \r\n\r\n".len();
    for (what, answer, length) in [
        ("64 KiB, announced", format!("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n{big}"), 65_536),
        ("64 KiB, in a chunk", format!("{CHUNKED}10000\r\n{big}\r\n0\r\n\r\n"), 65_536),
        (
            "64 header lines",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{}\r\n{{}}", "X: y\r\n".repeat(63)),
            2,
        ),
        (
            "a head of 16 KiB",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: {}\r\n\r\n{{}}", "y".repeat(filler)),
            2,
        ),
        ("five hints", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(5) + OK, 15),
        (
            "a length said twice",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}".into(),
            2,
        ),
    ] {
        let url = scripted(answer.into_bytes(), false).await;
        let exchange = ask_once(&url, AMPLE).await;
        let answer = exchange.result.unwrap_or_else(|reason| panic!("{what}: {reason}"));
        assert_eq!(answer.body.len(), length, "{what}");
    }
}

/// Writes the same over and over until the other side has had enough.
async fn endless(first: &'static str, then: &'static str) -> String {
    let site = tls_site(good_tls(), move |_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, first).await;
        let block = then.repeat(64);
        while line.write_all(block.as_bytes()).await.is_ok() {}
    })
    .await;
    site.https()
}

#[tokio::test]
async fn what_never_ends_is_cut_off_at_once() {
    for (what, first, then, expected) in [
        ("informational answers", "", "HTTP/1.1 102 Processing\r\n\r\n", Reason::ProtocolError),
        ("continues", "", "HTTP/1.1 100 Continue\r\n\r\n", Reason::ProtocolError),
        ("header lines", HEAD, "X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", Reason::HeadersTooLarge),
        ("a header line", "HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyy", Reason::HeadersTooLarge),
        ("a body", "HTTP/1.1 200 OK\r\n\r\n", "xxxxxxxxxxxxxxxx", Reason::TooLarge),
        ("chunks", CHUNKED, "8\r\nxxxxxxxx\r\n", Reason::TooLarge),
        (
            "a chunk extension",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            "xxxx",
            Reason::ProtocolError,
        ),
        (
            "trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "X: y\r\n",
            Reason::ProtocolError,
        ),
    ] {
        let url = endless(first, then).await;
        let begun = Instant::now();
        assert_failed(&ask_once(&url, AMPLE).await, expected, what);
        assert!(begun.elapsed() < AMPLE / 2, "{what}");
    }
}

/// One byte each 5 ms, for ever: no wait between two bytes is ever long.
async fn drip(mut line: Line, then: &'static str) {
    let mut ticks = interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for byte in then.bytes().cycle() {
        ticks.tick().await;
        if line.write_all(&[byte]).await.is_err() || line.flush().await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_byte_at_a_time_does_not_outlast_the_deadline() {
    for (what, first, then, expected) in [
        ("in the head", "HTTP/1.1 200 OK\r\nX: ", "y", Reason::TimeoutHeaders),
        ("in informational answers", "HTTP/1.1 103 ", "y", Reason::TimeoutHeaders),
        ("in the body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "x", Reason::TimeoutBody),
        ("in a body without an end", "HTTP/1.1 200 OK\r\n\r\n", "x", Reason::TimeoutBody),
        ("in a chunk size", CHUNKED, "0", Reason::TimeoutBody),
        ("in chunks", CHUNKED, "1\r\nx\r\n", Reason::TimeoutBody),
        (
            "in the trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
            "y",
            Reason::TimeoutBody,
        ),
    ] {
        let site = plain_site(move |_, mut line| async move {
            read_request(&mut line).await;
            write(&mut line, first).await;
            drip(line, then).await;
        })
        .await;
        let begun = Instant::now();
        let exchange = ask_once(&site.http(), SHORT).await;
        assert_failed(&exchange, expected, what);
        assert!(begun.elapsed() < SHORT + Duration::from_secs(2), "{what}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn silence_is_a_timeout_of_the_phase_it_fell_in() {
    let accepting = raw_site("127.0.0.1", |_, stream| until_closed(stream)).await;
    let exchange = ask_once(&accepting.https(), SHORT).await;
    assert_failed(&exchange, Reason::TimeoutTls, "after accept");
    assert!(exchange.phases.tls.is_some_and(|spent| spent >= 200_000), "{:?}", exchange.phases);

    let silent = tls_site(good_tls(), |_, line| until_closed(line)).await;
    let exchange = ask_once(&silent.https(), SHORT).await;
    assert_failed(&exchange, Reason::TimeoutHeaders, "after the handshake");
    assert!(exchange.phases.headers.is_some() && exchange.phases.body.is_none());

    let halting = tls_site(good_tls(), |_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await;
        until_closed(line).await;
    })
    .await;
    let exchange = ask_once(&halting.https(), SHORT).await;
    assert_failed(&exchange, Reason::TimeoutBody, "after the head");
    assert_eq!(exchange.status, Some(200), "the head came");
    assert!(exchange.phases.body.is_some());
}

#[tokio::test]
async fn a_reset_is_a_lost_connection_wherever_it_comes() {
    for first in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"] {
        let site = raw_site("127.0.0.1", move |_, mut stream| async move {
            let mut request = [0; 32];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut request).await.expect("a request");
            stream.write_all(first.as_bytes()).await.expect("room");
            // Unread bytes and no lingering: the kernel sends a reset.
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option that exists");
        })
        .await;
        assert_failed(&ask_once(&site.http(), AMPLE).await, Reason::ConnectionLost, first);
    }
}

#[tokio::test]
async fn the_next_session_is_unharmed() {
    let site = tls_site(good_tls(), |number, mut line| async move {
        read_request(&mut line).await;
        match number {
            0 => write(&mut line, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await,
            1 => write(&mut line, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n").await,
            2 => write(&mut line, "garbage\r\n\r\n").await,
            _ => write(&mut line, OK).await,
        }
        until_closed(line).await;
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for (expected, time) in
        [(Reason::TooLarge, AMPLE), (Reason::TimeoutHeaders, SHORT), (Reason::ProtocolError, AMPLE)]
    {
        assert_failed(&ask(&egress, &pool, &site.https(), time).await, expected, "before");
        assert_eq!(pool.idle(), 0);
    }
    assert_user(&ask(&egress, &pool, &site.https(), AMPLE).await);
}
