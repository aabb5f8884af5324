//! Nodes are restarted one after another, as for an upgrade.

use std::sync::Arc;

use serde_json::json;

use super::scene::{Begun, CountingEndpoint, Visitors, all_end_well, node, shared_database};
use crate::support::{Api, Balancer};

/// Sessions that are answered between two restarts.
const ANSWERED_BETWEEN: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_request() {
    let endpoint = CountingEndpoint::open().await;
    let database = shared_database();
    let start = || node(&database, &endpoint.ca_pem).start();
    let mut nodes = vec![start(), start(), start()];
    let balancer = Balancer::open(nodes.iter().map(|node| node.address)).await;
    let agent = Arc::new(nodes[0].agent(&endpoint.url, json!({"timeoutMs": 1000})).await);

    let mut visitors = Visitors::come(Api::without_keep_alive(balancer.address), agent.clone());
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let old = nodes.remove(0);
        let address = old.address;
        let mut stopping = tokio::task::spawn_blocking(move || old.stop().0);
        let mut answered_since = 0;
        let mut stopped = false;
        while !stopped || answered_since < ANSWERED_BETWEEN {
            tokio::select! {
                begun = visitors.next() => match begun {
                    Begun::Session(session) => {
                        sessions.push(session);
                        answered_since += 1;
                    }
                    Begun::Refused(reply) => panic!("a request failed: {reply:?}"),
                    Begun::Cut(why) => panic!("a connection was cut: {why}"),
                },
                status = &mut stopping, if !stopped => {
                    assert!(status.unwrap().success());
                    stopped = true;
                    balancer.remove(address);
                    let new = start();
                    balancer.add(new.address);
                    nodes.push(new);
                }
            }
        }
    }
    for begun in visitors.stop().await {
        match begun {
            Begun::Session(session) => sessions.push(session),
            Begun::Refused(reply) => panic!("a request failed: {reply:?}"),
            // The client was ended with its visitors.
            Begun::Cut(_) => {}
        }
    }
    all_end_well(&nodes[0], &agent, &sessions).await;
    assert!(endpoint.two_at_once().is_empty(), "asked by two at once: {:?}", endpoint.two_at_once());
}
