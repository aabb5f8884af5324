//! `buddy doctor` on a database that nodes share: what is good is green, what is not is named, and nothing is changed.

use std::fs;

use buddy_cluster::Cluster;
use serde_json::json;

use super::doctor::look;
use crate::support::{Answer, Endpoint, Setup};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ANOTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn node(url: &str, ca_pem: Option<&str>) -> Setup {
    Setup::new(ca_pem).env("BUDDY_DATABASE_URL", url).env("BUDDY_MASTER_KEY", MASTER_KEY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_node_is_green_before_its_first_start_and_beside_it() {
    let cluster = Cluster::shared();
    let database = cluster.create_database(None);
    let endpoint = Endpoint::open(|_| Answer::With(401, String::new())).await;
    let setup = node(&cluster.url(&database), Some(&endpoint.ca_pem));
    let looked = look(&setup, &[]).await;
    looked.says("database", "ok", "no tables yet: the first start makes them; 0 nodes alive");
    looked.says(
        "key_files",
        "ok",
        "from BUDDY_MASTER_KEY, nothing is sealed yet; admin token: from BUDDY_ADMIN_TOKEN",
    );
    looked.says("disk", "ok", "does not exist yet, and can be written");
    assert_eq!(looked.status, Some(0));
    assert!(!setup.data_dir().exists());

    let buddy = setup.start();
    buddy.agent(&endpoint.url(), json!({})).await;
    let listen = buddy.address.to_string();
    // The second look sees as many nodes as the first: who looks is none.
    for _ in 0..2 {
        let looked = look(buddy.setup(), &["--listen", &listen]).await;
        looked.says("config", "ok", &format!("keeps its data in postgres://127.0.0.1/{database}"));
        looked.says(
            "database",
            "ok",
            &format!("postgres://127.0.0.1/{database}, without TLS; schema 1; 1 node alive"),
        );
        looked.says("key_files", "ok", "opens the database");
        looked.says("clock", "ok", "the database's clock; agrees with the Date header of localhost");
        looked.says("dns", "ok", "1 host resolved");
        looked.says("egress", "ok", "connected to 1 host");
        assert!(!looked.report.to_string().contains(MASTER_KEY));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_other_nodes_do_not_have_are_named() {
    let url = Cluster::shared().url(&Cluster::shared().create_database(None));
    let own = node(&url, None).env("BUDDY_MASTER_KEY", "").env("BUDDY_ADMIN_TOKEN", "").start();
    let looked = look(own.setup(), &[]).await;
    looked.says(
        "key_files",
        "warn",
        "master key: in master.key, opens the database; admin token: in admin.token",
    );
    let mend = looked.finding("key_files")["mend"].as_str().unwrap();
    assert!(
        mend.starts_with("Set BUDDY_MASTER_KEY and BUDDY_ADMIN_TOKEN to the same on every node"),
        "{mend}"
    );

    let another = node(&url, None).env("BUDDY_MASTER_KEY", ANOTHER_KEY);
    look(&another, &[]).await.says("key_files", "fail", "BUDDY_MASTER_KEY does not open the data");
    let none = node(&url, None).env("BUDDY_MASTER_KEY", "");
    look(&none, &[]).await.says("key_files", "fail", "has no master key yet");
    assert!(!none.data_dir().exists());
    let given = fs::read_to_string(own.data_dir().join("master.key")).unwrap();
    let same = none.env("BUDDY_MASTER_KEY", given.trim());
    look(&same, &[]).await.says("key_files", "ok", "opens the database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_nodes_cannot_work_with_is_named() {
    let cluster = Cluster::shared();
    let database = cluster.create_database(None);
    let buddy = node(&cluster.url(&database), None).start();
    cluster.run(&format!("ALTER DATABASE {database} CONNECTION LIMIT 31"));
    let looked = look(buddy.setup(), &[]).await;
    looked.says("database", "warn", "it takes 31 connections of this user, and 2 nodes may need 32");
    let listen = buddy.address.to_string();
    look(buddy.setup(), &["--listen", &listen]).await.says("database", "ok", "31 connections at most");
    cluster.run(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
    look(buddy.setup(), &[]).await.says("database", "fail", "it takes no writes");
    let missing = node(&cluster.url("missing"), None);
    look(&missing, &[]).await.says("database", "fail", "\"missing\" does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_silent_is_not_waited_for() {
    let cluster = Cluster::start();
    let setup = node(&cluster.url(&cluster.create_database(None)), None);
    cluster.freeze();
    let looked = look(&setup, &[]).await;
    cluster.thaw();
    looked.says("database", "fail", "it does not answer to new connections");
    looked.says("key_files", "ok", "from BUDDY_MASTER_KEY; admin token");
    looked.says("clock", "warn", "not compared");
    cluster.stop();
    look(&setup, &[]).await.says("database", "fail", "Connection refused");
}
