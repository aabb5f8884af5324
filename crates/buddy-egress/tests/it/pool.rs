//! Connections that are kept, and those that must not be.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::reason::Reason;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::support::{
    AMPLE, OK, SHORT, answer_all, ask, assert_failed, assert_user, egress, good_tls, plain_site,
    read_request, request, tls_site, until_closed, write,
};

#[tokio::test]
async fn an_idle_connection_is_used_again() {
    let site = tls_site(good_tls(), |_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for turn in 0..5 {
        let exchange = ask(&egress, &pool, &site.https(), AMPLE).await;
        assert_user(&exchange);
        assert_eq!(exchange.reused_connection, turn > 0);
        assert_eq!(pool.idle(), 1);
    }
    assert_eq!(site.accepted(), 1);
}

#[tokio::test]
async fn a_pool_does_not_lend_to_another() {
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress();
    let (one, other) = (egress.pool(crate::support::IDLE_MAX), egress.pool(64));
    assert_user(&ask(&egress, &one, &site.http(), AMPLE).await);
    let exchange = ask(&egress, &other, &site.http(), AMPLE).await;
    assert!(!exchange.reused_connection);
    assert_eq!(site.accepted(), 2);
}

#[tokio::test]
async fn a_connection_serves_no_other_place_and_no_other_policy() {
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let other = plain_site(|_, line| answer_all(line, OK)).await;
    let (egress, stricter) = (egress(), egress());
    let pool = egress.pool(crate::support::IDLE_MAX);
    assert_user(&ask(&egress, &pool, &site.http(), AMPLE).await);
    assert!(!ask(&egress, &pool, &other.http(), AMPLE).await.reused_connection);
    assert!(!ask(&stricter, &pool, &site.http(), AMPLE).await.reused_connection);
    assert!(ask(&egress, &pool, &site.http(), AMPLE).await.reused_connection);
}

#[tokio::test]
async fn a_retry_dials_though_a_connection_is_idle() {
    let site = tls_site(good_tls(), |_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let target = egress.target(&site.https()).expect("a good URL");
    for _ in 0..2 {
        let mut request = request();
        request.fresh_connection = true;
        let exchange = egress.exchange(&pool, &target, request, Instant::now() + AMPLE).await;
        assert_user(&exchange);
        assert!(!exchange.reused_connection);
    }
    assert_eq!(site.accepted(), 2);
}

#[tokio::test]
async fn an_endpoint_that_closes_after_each_answer_never_fails_an_exchange() {
    let tls = tls_site(good_tls(), |_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, OK).await;
    })
    .await;
    let plain = plain_site(|_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, OK).await;
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for _ in 0..100 {
        assert_user(&ask(&egress, &pool, &tls.https(), AMPLE).await);
        assert_user(&ask(&egress, &pool, &plain.http(), AMPLE).await);
    }
    assert_eq!((tls.accepted(), plain.accepted()), (100, 100));
}

#[tokio::test]
async fn a_reused_connection_that_closes_without_a_byte_is_replaced_once() {
    // Answers the first request of a connection, and takes the second without a word.
    let site = tls_site(good_tls(), |_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, OK).await;
        read_request(&mut line).await;
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for turn in 1..=5 {
        let exchange = ask(&egress, &pool, &site.https(), AMPLE).await;
        assert_user(&exchange);
        assert!(!exchange.reused_connection, "what is told is of the connection that answered");
        assert!(exchange.phases.connect.is_some() && exchange.phases.tls.is_some());
        assert_eq!(site.accepted(), turn);
    }
}

#[tokio::test]
async fn a_replacement_that_fails_too_is_not_replaced() {
    // Only the very first request is answered.
    let site = plain_site(|number, mut line| async move {
        read_request(&mut line).await;
        if number == 0 {
            write(&mut line, OK).await;
            read_request(&mut line).await;
        }
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    assert_user(&ask(&egress, &pool, &site.http(), AMPLE).await);
    let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
    assert_failed(&exchange, Reason::ConnectionLost, "the second connection");
    assert_eq!(site.accepted(), 2);
}

#[tokio::test]
async fn a_reused_connection_that_gave_one_byte_is_not_replaced() {
    let site = plain_site(|_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, OK).await;
        read_request(&mut line).await;
        write(&mut line, "H").await;
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    assert_user(&ask(&egress, &pool, &site.http(), AMPLE).await);
    let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
    assert_failed(&exchange, Reason::ConnectionLost, "half a word");
    assert!(exchange.reused_connection);
    assert_eq!(site.accepted(), 1);
}

#[tokio::test]
async fn a_reused_connection_that_is_silent_is_a_timeout_and_not_replaced() {
    let site = plain_site(|_, mut line| async move {
        read_request(&mut line).await;
        write(&mut line, OK).await;
        until_closed(line).await;
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    assert_user(&ask(&egress, &pool, &site.http(), AMPLE).await);
    let exchange = ask(&egress, &pool, &site.http(), SHORT).await;
    assert_failed(&exchange, Reason::TimeoutHeaders, "silence");
    assert_eq!((site.accepted(), pool.idle()), (1, 0));
}

#[tokio::test]
async fn an_answer_too_many_is_never_the_next_sessions() {
    let doubled = format!("{OK}{}", OK.replace("42", "66"));
    let plain = {
        let doubled = doubled.clone();
        plain_site(move |_, line| {
            let doubled = doubled.clone();
            async move { answer_all(line, &doubled).await }
        })
        .await
    };
    let tls = tls_site(good_tls(), move |_, line| {
        let doubled = doubled.clone();
        async move { answer_all(line, &doubled).await }
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    for turn in 1..=3 {
        for (site, url) in [(&plain, plain.http()), (&tls, tls.https())] {
            let exchange = ask(&egress, &pool, &url, AMPLE).await;
            assert_user(&exchange);
            assert!(!exchange.reused_connection);
            assert_eq!(site.accepted(), turn);
        }
    }
}

#[tokio::test]
async fn bytes_that_come_while_a_connection_is_idle_end_it() {
    for over_tls in [false, true] {
        let (stray, sent) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (wanted, done) = (Arc::clone(&stray), Arc::clone(&sent));
        let handler = move |number, mut line| {
            let (wanted, done) = (Arc::clone(&wanted), Arc::clone(&done));
            async move {
                read_request(&mut line).await;
                write(&mut line, OK).await;
                if number == 0 {
                    wanted.notified().await;
                    write(&mut line, OK.replace("42", "66")).await;
                    done.notify_one();
                }
                until_closed(line).await;
            }
        };
        let (site, url) = if over_tls {
            let site = tls_site(good_tls(), handler).await;
            let url = site.https();
            (site, url)
        } else {
            let site = plain_site(handler).await;
            let url = site.http();
            (site, url)
        };
        let egress = egress();
        let pool = egress.pool(crate::support::IDLE_MAX);
        assert_user(&ask(&egress, &pool, &url, AMPLE).await);
        assert_eq!(pool.idle(), 1);
        stray.notify_one();
        sent.notified().await;
        let exchange = ask(&egress, &pool, &url, AMPLE).await;
        assert_user(&exchange);
        assert!(!exchange.reused_connection);
        assert_eq!(site.accepted(), 2);
    }
}

#[tokio::test]
async fn what_says_that_it_closes_is_not_kept() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n\r\n{}",
    ] {
        let site = plain_site(move |_, mut line| async move {
            read_request(&mut line).await;
            write(&mut line, answer).await;
        })
        .await;
        let egress = egress();
        let pool = egress.pool(crate::support::IDLE_MAX);
        let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
        assert_eq!(&exchange.result.expect("an answer").body[..], b"{}", "{answer:?}");
        assert_eq!(pool.idle(), 0, "{answer:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_four_seconds_without_another_request() {
    let (events, mut closed) = mpsc::unbounded_channel();
    let site = tls_site(good_tls(), move |_, line| {
        let events = events.clone();
        async move {
            answer_all(line, OK).await;
            events.send(Instant::now()).expect("a test that waits");
        }
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    // Twice: the sweeping begins anew once there is something to sweep again.
    for _ in 0..2 {
        assert_user(&ask(&egress, &pool, &site.https(), AMPLE).await);
        tokio::time::pause();
        let begun = Instant::now();
        let end = timeout(Duration::from_mins(1), closed.recv()).await.expect("not kept for a minute");
        let waited = end.expect("its end") - begun;
        assert!((3..=4).contains(&waited.as_secs()), "{waited:?}");
        assert_eq!(pool.idle(), 0);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_dropped_pool_takes_leave_of_its_endpoints() {
    let (events, mut closed) = mpsc::unbounded_channel();
    let site = tls_site(good_tls(), move |_, mut line| {
        let events = events.clone();
        async move {
            read_request(&mut line).await;
            write(&mut line, OK).await;
            events.send(line.read(&mut [0]).await.ok()).expect("a test that waits");
        }
    })
    .await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    assert_user(&ask(&egress, &pool, &site.https(), AMPLE).await);
    drop(pool);
    assert_eq!(closed.recv().await, Some(Some(0)), "an end that TLS announces, not a torn connection");
}

#[tokio::test]
async fn no_connection_is_used_when_it_is_older_than_a_minute() {
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let mut reused = Vec::new();
    for _ in 0..25 {
        let exchange = ask(&egress, &pool, &site.http(), AMPLE).await;
        assert_user(&exchange);
        reused.push(exchange.reused_connection);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3)).await;
        tokio::time::resume();
    }
    // 3 s apart: the connection is used up to 57 s of its age, and the next begins at 60 s.
    assert_eq!(reused.iter().position(|reused| !reused), Some(0));
    assert_eq!(reused.iter().skip(1).position(|reused| !reused), Some(19), "{reused:?}");
    assert_eq!(site.accepted(), 2);
}
