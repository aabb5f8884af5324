//! `buddy keys` on a database that nodes share: counted and sealed anew beside them, and nothing that is needed is removed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use buddy_cluster::Cluster;
use serde_json::json;

use super::keys::{endpoint, is_whole, said, sealed, told};
use super::refused;
use crate::support::Setup;

fn node(url: &str, ca_pem: &str, keys: &[&str]) -> Setup {
    let setup = Setup::new(Some(ca_pem)).env("BUDDY_DATABASE_URL", url);
    setup.env("BUDDY_MASTER_KEY", &keys.join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_changed_beside_nodes_in_steps_none_of_which_loses_anything() {
    let endpoint = endpoint().await;
    let url = Cluster::shared().url(&Cluster::shared().create_database(None));
    let setup = |keys: &[&str]| node(&url, &endpoint.ca_pem, keys);
    let one = BASE64_STANDARD.encode([1; 32]);
    let here = setup(&[&one]).start();
    let agent = here.agent(&endpoint.url(), json!({})).await;
    let first = said(&here, &agent).await;
    let old = sealed(here.setup())[0].0.clone();
    assert_eq!(sealed(here.setup()), [(old.clone(), "seals".into(), [1, 1, 1, 1])]);

    let both = told(&here.setup().run(&["keys", "add"]));
    let two = both.trim().strip_prefix(&format!("{one},")).unwrap().to_owned();
    let new_first = setup(&[&two, &one]);
    assert_eq!(sealed(&new_first)[1], (old.clone(), "opens".into(), [1, 1, 1, 1]));
    // The node that runs does not know it.
    let refusal = refused(&new_first.run(&["keys", "reseal"]));
    assert!(refusal.contains("has sealed nothing yet, and nodes that run (1) may not know it"), "{refusal}");
    let refusal = refused(&new_first.run(&["keys", "remove", &old]));
    assert!(refusal.contains("has sealed 4 values") && refusal.contains("restart each node"), "{refusal}");
    is_whole(&here, &agent, &first).await;

    drop(here.stop());
    let here = setup(&[&two, &one]).start();
    // It seals anew by itself, at its start.
    let done = (0..2_000).any(|_| sealed(&new_first)[1].2 == [0; 4]);
    assert!(done, "{:?}", sealed(&new_first));
    // Another that seals by the old one, as while steps are gone through: all is its own once, and both seal what is new.
    let there = setup(&[&one, &two]).start();
    let done = (0..2_000).any(|_| sealed(&new_first)[0].2 == [0; 4]);
    assert!(done, "{:?}", sealed(&new_first));
    let second = said(&here, &agent).await;
    let third = said(&there, &agent).await;
    assert_eq!(sealed(&new_first)[0].2, [0, 1, 1, 0]);
    assert_eq!(sealed(&new_first)[1].2, [1, 2, 2, 1]);
    let text = told(&new_first.run(&["keys", "status"]));
    assert!(text.contains("buddy keys reseal") && !text.contains("with none running"), "{text}");

    let text = told(&new_first.run(&["keys", "reseal"]));
    assert!(text.starts_with("6 values were sealed anew; all that opens"), "{text}");
    assert_eq!(sealed(&new_first)[0].2, [1, 3, 3, 1]);
    assert_eq!(sealed(&new_first)[1].2, [0; 4]);
    for node in [&here, &there] {
        for session in [&first, &second, &third] {
            is_whole(node, &agent, session).await;
        }
    }
    let removed = told(&new_first.run(&["keys", "remove", &old]));
    assert_eq!(removed.trim(), two);
    let revoke = Some(json!({"userId": "42"}));
    let revoked = here.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200).json;
    assert_eq!(revoked, json!({"revoked": 3}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_removed_or_said_of_a_database_that_is_away() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = endpoint().await;
    let [one, two] = [1, 2].map(|byte| BASE64_STANDARD.encode([byte; 32]));
    let setup = node(&format!("postgres://buddy@{nobody}/buddy"), &endpoint.ca_pem, &[&two, &one]);
    // Which id the key has, a set-up without any database tells.
    let old = sealed(&node("", &endpoint.ca_pem, &[&two, &one]))[1].0.clone();
    for arguments in [&["keys", "status"][..], &["keys", "remove", &old], &["keys", "reseal"]] {
        let refusal = refused(&setup.run(arguments));
        assert!(refusal.contains("--database-url cannot be used"), "{refusal}");
    }
    assert!(!setup.data_dir().exists());
    // Other nodes could not open what a key seals that they have not been told of.
    let first = refused(&setup.run(&["keys", "add", "--first"]));
    assert!(first.contains("--first is for a node alone"), "{first}");
    // On an empty one nothing is sealed, and nothing is made.
    let url = Cluster::shared().url(&Cluster::shared().create_database(None));
    let empty = node(&url, &endpoint.ca_pem, &[&two, &one]);
    assert_eq!(sealed(&empty)[1], (old.clone(), "opens".into(), [0; 4]));
    assert!(refused(&empty.run(&["keys", "reseal"])).contains("has no tables yet: nothing is sealed"));
    assert_eq!(told(&empty.run(&["keys", "remove", &old])).trim(), two);
}
