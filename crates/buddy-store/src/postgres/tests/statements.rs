//! Every statement, as the server sees it.

use super::super::{inspection, nodes, partitions};
use super::*;

/// The statements of the files whose tables grow with every session, and of the others.
const HOT: &[&[&str]] = &[
    api_keys::ALL,
    audit::ALL,
    callbacks::ALL,
    group::ALL,
    keys::ALL,
    messages::ALL,
    resolutions::ALL,
    sessions::ALL,
    tallies::ALL,
];
const COLD: &[&[&str]] = &[
    agents::ALL,
    changes::ALL,
    deleted_agents::ALL,
    inspection::ALL,
    nodes::ALL,
    partitions::ALL,
    schema::ALL,
];
const HOT_TABLES: [&str; 9] = [
    "api_keys",
    "audit",
    "callbacks",
    "messages",
    "resolutions_",
    "sessions",
    "tally_hours",
    "tally_minutes",
    "agent_counters",
];

#[tokio::test]
async fn every_statement_fits_the_tables() {
    let (_store, database) = node().await;
    let client = raw(&database).await;
    for sql in HOT.iter().chain(COLD).copied().flatten() {
        client.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

#[tokio::test]
async fn no_statement_reads_through_a_hot_table() {
    let (store, database) = node().await;
    let store: Arc<dyn Store> = store;
    let agent_id = with_agent(&store).await;
    identified(&store, agent_id, 1, "ada").await;
    let client = raw(&database).await;
    for setting in pool::PLANNING.split("-c ").skip(1) {
        client.batch_execute(&format!("SET {setting}")).await.unwrap();
    }
    client.batch_execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    let removing = [
        deleted_agents::REMOVE_SESSIONS,
        deleted_agents::REMOVE_MESSAGES,
        deleted_agents::REMOVE_RESOLUTIONS,
        deleted_agents::REMOVE_TALLIES,
    ];
    for sql in HOT.iter().copied().flatten().chain(&removing) {
        let values = client.prepare(sql).await.unwrap().params().len();
        let values = vec!["NULL"; values].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        client.batch_execute(&format!("PREPARE one AS {sql}")).await.unwrap();
        let plan = client.query(&format!("EXPLAIN EXECUTE one{values}"), &[]).await.unwrap();
        client.batch_execute("DEALLOCATE one").await.unwrap();
        for step in plan.iter().map(|row| row.get::<_, String>(0)) {
            let whole_table = HOT_TABLES.iter().any(|table| step.contains(&format!("Seq Scan on {table}")));
            assert!(!whole_table, "{sql}: {step}");
        }
    }
}
