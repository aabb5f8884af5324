//! The database is gone for a while.

use std::sync::Arc;
use std::time::Duration;

use buddy_cluster::Cluster;
use serde_json::json;
use tokio::time::timeout;

use super::scene::{Begun, CountingEndpoint, Visitors, all_end_well, node};
use crate::support::{Api, Balancer, Buddy};

/// Sessions that are answered before it is gone, and after it is back.
const ANSWERED: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_a_node_says_so_and_afterwards_nothing_is_lost() {
    let endpoint = CountingEndpoint::open().await;
    let cluster = Cluster::start();
    let database = cluster.url(&cluster.create_database(None));
    let start = || node(&database, &endpoint.ca_pem).start();
    let nodes = [start(), start()];
    let balancer = Balancer::open(nodes.iter().map(|node| node.address)).await;
    let agent = Arc::new(nodes[0].agent(&endpoint.url, json!({"timeoutMs": 1000})).await);

    let mut visitors = Visitors::come(Api::without_keep_alive(balancer.address), agent.clone());
    let mut sessions = Vec::new();
    while sessions.len() < ANSWERED {
        match visitors.next().await {
            Begun::Session(session) => sessions.push(session),
            other => panic!("all is well: {}", told(&other)),
        }
    }
    let stop = tokio::task::spawn_blocking(move || {
        cluster.stop();
        cluster
    });
    let cluster = stop.await.unwrap();
    // Until each node has given up some of what it had, so that the outage is a long one.
    let has_given_up = |node: &Buddy| {
        let log = node.log();
        log.contains("given up") || log.contains("could not be stored")
    };
    let given_up = async {
        while !nodes.iter().all(has_given_up) {
            match visitors.next().await {
                Begun::Session(session) => sessions.push(session),
                Begun::Refused(reply) => {
                    let reply = reply.expect_problem(503, "UNAVAILABLE");
                    assert!(reply.headers.contains_key("retry-after"));
                }
                Begun::Cut(_) => {}
            }
        }
    };
    timeout(Duration::from_mins(1), given_up).await.expect("each node has something pending");
    for node in &nodes {
        node.api.call("GET", "/readyz", None, None).await.expect_status(503);
        node.api.call("GET", "/healthz", None, None).await.expect_status(200);
        let given_up = node.log().matches("given up: the database could not be told").count();
        let scrape = node.scrape().await;
        scrape.expect(&["buddy_tenure 0", "buddy_draining 0"]);
        assert!(scrape.value(r#"buddy_store_failures_total{kind="unavailable"}"#) > 0.0);
        // Those are not all: what was not on disk yet is given up without a word.
        assert!(scrape.value("buddy_sessions_given_up_total") >= f64::from(u32::try_from(given_up).unwrap()));
    }
    let start = tokio::task::spawn_blocking(move || {
        cluster.start_again();
        cluster
    });
    let _cluster = start.await.unwrap();
    let answered_before = sessions.len();
    let healed = async {
        while sessions.len() < answered_before + ANSWERED {
            if let Begun::Session(session) = visitors.next().await {
                sessions.push(session);
            }
        }
    };
    timeout(Duration::from_mins(1), healed).await.expect("it heals by itself");
    sessions.extend(visitors.stop().await.into_iter().filter_map(|begun| match begun {
        Begun::Session(session) => Some(session),
        _ => None,
    }));

    all_end_well(&nodes[1], &agent, &sessions).await;
    assert!(endpoint.two_at_once().is_empty(), "asked by two at once: {:?}", endpoint.two_at_once());
    for node in &nodes {
        is_ready(node).await;
    }
}

async fn is_ready(node: &Buddy) {
    node.api.call("GET", "/readyz", None, None).await.expect_status(200);
    let scrape = node.scrape().await;
    scrape.expect(&["buddy_tenure 1", "buddy_postgres_pool_waiting 0"]);
    assert!(scrape.value("buddy_clock_offset_seconds").abs() < 10.0, "it is ready");
}

fn told(begun: &Begun) -> String {
    match begun {
        Begun::Session(session) => session.id.clone(),
        Begun::Refused(reply) => format!("{reply:?}"),
        Begun::Cut(why) => why.clone(),
    }
}
