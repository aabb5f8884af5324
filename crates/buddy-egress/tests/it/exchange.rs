//! What is sent, what comes back, and how long each part took.

use std::sync::Arc;

use buddy_core::reason::Reason;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{
    AMPLE, Line, OK, answer_all, ask, ask_once, assert_failed, assert_user, egress, good_tls, header,
    plain_site, read_request, request, settings, tls_site, tripwire, until_closed, write,
};

#[tokio::test]
async fn the_request_goes_out_as_the_contract_writes_it() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let site = tls_site(good_tls(), move |_, mut line| {
        let seen = seen.clone();
        async move {
            seen.send(read_request(&mut line).await.expect("a request")).expect("a test that waits");
            write(&mut line, OK).await;
            until_closed(line).await;
        }
    })
    .await;
    let exchange = ask_once(&site.https(), AMPLE).await;
    assert_user(&exchange);
    let request = requests.recv().await.expect("a request");
    let left: u64 = header(&request, "X-Platform-Deadline-Ms").expect("it").parse().expect("a number");
    assert!((1..=20_000).contains(&left), "{left}");
    let expected = format!(
        "POST /cb?x=1 HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Platform-Signature: ab12\r\n\
         Content-Length: 7\r\nX-Platform-Deadline-Ms: {left}\r\n\r\n{{\"a\":1}}",
        site.address
    );
    assert_eq!(request, expected);
}

#[tokio::test]
async fn each_phase_is_timed_and_what_was_not_needed_is_not() {
    let site = tls_site(good_tls(), |_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let first = ask(&egress, &pool, &site.https(), AMPLE).await.phases;
    assert!(first.queue.is_none() && first.dns.is_none(), "{first:?}");
    assert!(first.connect.is_some() && first.tls.is_some_and(|spent| spent > 0), "{first:?}");
    assert!(first.headers.is_some() && first.body.is_some(), "{first:?}");
    let again = ask(&egress, &pool, &site.https(), AMPLE).await.phases;
    assert!(again.connect.is_none() && again.tls.is_none(), "{again:?}");
    assert!(again.headers.is_some() && again.body.is_some(), "{again:?}");
    let plain = plain_site(|_, line| answer_all(line, OK)).await;
    let plain = ask(&egress, &pool, &plain.http(), AMPLE).await.phases;
    assert!(plain.connect.is_some() && plain.tls.is_none() && plain.headers.is_some(), "{plain:?}");
}

#[tokio::test]
async fn an_answer_comes_with_its_coding_and_its_date() {
    let answer = "HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n\
                  Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n\
                  2;x=y\r\nab\r\n1\r\nc\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let site = plain_site(move |_, line| answer_all(line, answer)).await;
    let exchange = ask_once(&site.http(), AMPLE).await;
    assert!(!format!("{exchange:?}").contains("abc"), "who somebody is is not shown for debugging");
    let answer = exchange.result.expect("an answer");
    assert_eq!(answer.status, 201);
    assert_eq!(answer.content_encoding.as_deref(), Some("gzip, br"));
    assert_eq!(answer.date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(&answer.body[..], b"abc");
}

#[tokio::test]
async fn nobody_signed_in_is_an_answer_without_a_body() {
    let site = plain_site(|_, line| answer_all(line, "HTTP/1.1 204 No Content\r\n\r\n")).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for reused in [false, true] {
        let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
        assert_eq!((exchange.status, exchange.reused_connection), (Some(204), reused));
        let answer = exchange.result.expect("an answer");
        assert!(answer.body.is_empty() && answer.content_encoding.is_none() && answer.date.is_none());
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let trip = tripwire("127.0.0.1").await;
    let location = trip.http();
    let site = plain_site(move |_, line| {
        let answer =
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        async move { answer_all(line, &answer).await }
    })
    .await;
    let exchange = ask_once(&site.http(), AMPLE).await;
    assert_eq!(exchange.status, Some(307));
    assert_eq!(exchange.result.expect("an answer").status, 307);
    assert_eq!(trip.accepted(), 0);
}

#[tokio::test]
async fn an_error_status_is_final_whatever_its_body_does() {
    for tail in [
        "Content-Length: 100\r\n\r\nnever the rest",
        "Content-Length: 9999999999\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nnonsense",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\nabc",
        "\r\nno end",
    ] {
        let site = plain_site(move |_, mut line| async move {
            read_request(&mut line).await;
            write(&mut line, format!("HTTP/1.1 503 Busy\r\n{tail}")).await;
            until_closed(line).await;
        })
        .await;
        let begun = Instant::now();
        let egress = egress();
        let pool = egress.pool(crate::support::IDLE_MAX);
        let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
        let answer = exchange.result.unwrap_or_else(|reason| panic!("{tail:?}: {reason}"));
        assert_eq!((answer.status, answer.body.len(), exchange.status), (503, 0, Some(503)), "{tail:?}");
        assert!(begun.elapsed() < AMPLE / 2, "{tail:?}");
        assert_eq!(pool.idle(), 0, "{tail:?}: such a connection is not kept");
    }
}

#[tokio::test]
async fn an_error_status_with_a_small_body_keeps_its_connection() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnope";
    let site = tls_site(good_tls(), move |_, line| answer_all(line, refusal)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for reused in [false, true] {
        let exchange = ask(&egress, &pool, &site.https(), AMPLE).await;
        assert_eq!((exchange.status, exchange.reused_connection), (Some(401), reused));
        assert!(exchange.result.expect("an answer").body.is_empty());
    }
    assert_eq!(site.accepted(), 1);
}

#[tokio::test]
async fn an_exchange_that_is_given_up_closes_its_connection_at_once() {
    let (events, mut seen) = mpsc::unbounded_channel();
    let site = tls_site(good_tls(), move |_, mut line: Line| {
        let events = events.clone();
        async move {
            read_request(&mut line).await;
            events.send("asked").expect("a test that waits");
            until_closed(line).await;
            events.send("closed").expect("a test that waits");
        }
    })
    .await;
    let url = site.https();
    let asking = tokio::spawn(async move { ask_once(&url, AMPLE).await });
    assert_eq!(seen.recv().await, Some("asked"));
    asking.abort();
    assert_eq!(seen.recv().await, Some("closed"));
}

#[tokio::test]
async fn a_deadline_in_the_past_is_a_timeout() {
    let site = plain_site(|_, line| until_closed(line)).await;
    let egress = egress();
    let target = egress.target(&site.http()).expect("a good URL");
    let exchange =
        egress.exchange(&egress.pool(crate::support::IDLE_MAX), &target, request(), Instant::now()).await;
    let reason = exchange.result.expect_err("no time");
    assert_eq!(reason.code(), buddy_core::reason::Code::Timeout, "{reason}");
}

#[tokio::test]
async fn our_own_listening_socket_is_not_dialled() {
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let port = site.address.port();
    for own in [site.address, ([0, 0, 0, 0], port).into(), (std::net::Ipv6Addr::UNSPECIFIED, port).into()] {
        let mut settings = settings();
        settings.own_addresses = vec![own];
        let egress = buddy_egress::Egress::new(settings).expect("good settings");
        assert_eq!(egress.target(&site.http()).err(), Some(Reason::AddressBlocked), "{own}");
    }
    assert_eq!(site.accepted(), 0);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_failed_connect() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let exchange = ask_once(&format!("https://{address}/"), AMPLE).await;
    assert_failed(&exchange, Reason::ConnectFailed, "nobody there");
    assert!(exchange.phases.connect.is_some() && exchange.phases.tls.is_none());
}

#[tokio::test]
async fn many_exchanges_at_once_each_get_their_own_answer() {
    let site = tls_site(good_tls(), |_, mut line| async move {
        while let Some(request) = read_request(&mut line).await {
            let id = header(&request, "x-id").expect("an id").to_owned();
            write(&mut line, format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{id}", id.len())).await;
        }
    })
    .await;
    let egress = egress();
    let pool = Arc::new(egress.pool(crate::support::IDLE_MAX));
    let target = egress.target(&site.https()).expect("a good URL");
    let mut asking = tokio::task::JoinSet::new();
    for id in 0..64_u32 {
        let (egress, pool, target) = (egress.clone(), Arc::clone(&pool), target.clone());
        asking.spawn(async move {
            for turn in 0..4_u32 {
                let mut request = request();
                let id = (id * 100 + turn).to_string();
                request.headers.insert("x-id", id.parse().expect("digits"));
                let exchange = egress.exchange(&pool, &target, request, Instant::now() + AMPLE).await;
                assert_eq!(exchange.result.expect("an answer").body, id);
            }
        });
    }
    while let Some(done) = asking.join_next().await {
        done.expect("no panic");
    }
    assert!(site.accepted() <= 64, "{}", site.accepted());
    assert!(pool.idle() <= 64, "{}", pool.idle());
}
