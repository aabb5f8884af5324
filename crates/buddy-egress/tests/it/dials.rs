//! How many connections of one pool may be on their way at once.

use buddy_core::reason::Reason;
use buddy_egress::limits::DIALS_MAX;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::support::{
    AMPLE, OK, SHORT, answer_all, ask, assert_user, egress, good_tls, raw_site, request, tls_site,
    until_closed,
};

#[tokio::test]
async fn an_endpoint_that_never_shakes_hands_is_dialled_by_so_many_at_once_and_no_more() {
    let site = raw_site("127.0.0.1", |_, line| until_closed(line)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let url = site.https();
    let exchanges = join_all((0..3 * DIALS_MAX).map(|_| ask(&egress, &pool, &url, SHORT))).await;
    // Those who had no place at the begin waited for one until somebody's time was up, and then theirs was too: for
    // the same reason.
    for exchange in &exchanges {
        assert_eq!(exchange.result.as_ref().err(), Some(&Reason::TimeoutTls), "{exchange:?}");
    }
    let half = u64::try_from(SHORT.as_micros() / 2).expect("a short time");
    let waited = exchanges.iter().filter(|exchange| exchange.phases.queue.is_some_and(|spent| spent > half));
    assert_eq!(waited.count(), 2 * DIALS_MAX);
}

#[tokio::test]
async fn who_waits_for_a_place_takes_a_connection_that_comes_back() {
    let site = tls_site(good_tls(), |_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let url = site.https();
    let exchanges = join_all((0..20 * DIALS_MAX).map(|_| ask(&egress, &pool, &url, AMPLE))).await;
    exchanges.iter().for_each(assert_user);
    let dialled = exchanges.iter().filter(|exchange| !exchange.reused_connection).count();
    assert_eq!(site.accepted(), dialled);
    assert!(dialled < exchanges.len() / 2, "{dialled} of {} were dialled", exchanges.len());
}

#[tokio::test]
async fn a_fresh_connection_is_dialled_even_by_one_who_waited() {
    let site = tls_site(good_tls(), |_, line| answer_all(line, OK)).await;
    let egress = egress();
    let pool = egress.pool(crate::support::IDLE_MAX);
    let target = egress.target(&site.https()).expect("a good URL");
    let retry = || {
        let mut request = request();
        request.fresh_connection = true;
        egress.exchange(&pool, &target, request, Instant::now() + AMPLE)
    };
    let exchanges = join_all((0..3 * DIALS_MAX).map(|_| retry())).await;
    assert!(exchanges.iter().all(|exchange| !exchange.reused_connection));
    assert_eq!(site.accepted(), exchanges.len());
}
