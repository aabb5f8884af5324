//! `kill -9` of one of three nodes under load.

use std::sync::Arc;

use serde_json::json;

use super::scene::{Begun, CountingEndpoint, Visitors, all_end_well, node, shared_database};
use crate::support::{Api, Balancer};

/// A node is killed when so many sessions were answered.
const ANSWERED_AT_KILL: usize = 600;
/// Then it goes on until so many were.
const ANSWERED_AT_END: usize = 1200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_is_lost_with_a_node_and_the_endpoint_is_never_asked_by_two() {
    let endpoint = CountingEndpoint::open().await;
    let database = shared_database();
    let start = || node(&database, &endpoint.ca_pem).start();
    let (first, second, third) = (start(), start(), start());
    let balancer = Balancer::open([first.address, second.address, third.address]).await;
    let agent = Arc::new(first.agent(&endpoint.url, json!({"timeoutMs": 1000})).await);

    let mut visitors = Visitors::come(Api::without_keep_alive(balancer.address), agent.clone());
    let mut sessions = Vec::new();
    let mut killed = None;
    let mut doomed = Some(second);
    while sessions.len() < ANSWERED_AT_END {
        match visitors.next().await {
            Begun::Session(session) => sessions.push(session),
            Begun::Refused(reply) => panic!("no node refuses anybody: {reply:?}"),
            Begun::Cut(why) => assert!(killed.is_some(), "no connection is cut before the kill: {why}"),
        }
        if sessions.len() == ANSWERED_AT_KILL
            && let Some(node) = doomed.take()
        {
            balancer.remove(node.address);
            killed = Some(node.kill());
        }
    }
    for begun in visitors.stop().await {
        if let Begun::Session(session) = begun {
            sessions.push(session);
        }
    }

    all_end_well(&third, &agent, &sessions).await;
    assert!(endpoint.two_at_once().is_empty(), "asked by two at once: {:?}", endpoint.two_at_once());
    let mut taken_over = 0.0;
    for node in [&first, &third] {
        taken_over += node.scrape().await.value("buddy_sessions_taken_over_total");
    }
    assert!(taken_over > 0.0, "some were pending at the kill and were taken over");
}
