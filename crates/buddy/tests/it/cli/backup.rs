//! `buddy backup` and `buddy restore`: a server's data in one file, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::refused;
use crate::support::{Answer, Buddy, Endpoint, Setup};

/// Runs it beside what else the test does.
async fn run(setup: &Setup, arguments: &[&str]) -> Output {
    let mut command = setup.command(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn told(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn told_as_json(output: &Output) -> Value {
    serde_json::from_str(&told(output)).unwrap()
}

/// A stopped server whose data has one agent, and a backup of it.
async fn backed_up() -> (Setup, String, PathBuf) {
    let buddy = Buddy::alone();
    let path = buddy.bare_agent().await.path();
    let (_, _, setup) = buddy.stop();
    let file = setup.path().join("backup");
    told(&run(&setup, &["backup", "backup"]).await);
    (setup, path, file)
}

/// Another deployment that has the key of this one.
fn with_key_of(setup: &Setup) -> Setup {
    let other = Setup::new(None);
    fs::create_dir(other.data_dir()).unwrap();
    fs::copy(setup.data_dir().join("master.key"), other.data_dir().join("master.key")).unwrap();
    other
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_running_server_under_load_is_restored_with_all_that_was_answered_before() {
    let endpoint = Endpoint::open(|_| Answer::With(200, r#"{"userId":"42","role":"customer"}"#.into())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let before = buddy.session(&agent).await;
    let file = buddy.setup().path().join("backup");
    let backup = run(buddy.setup(), &["backup", "backup", "--json"]);
    let mut during = 0;
    let output = {
        tokio::pin!(backup);
        loop {
            tokio::select! {
                output = &mut backup => break output,
                session = buddy.session(&agent) => {
                    assert_eq!(session.view["status"], "authenticated");
                    during += 1;
                }
            }
        }
    };
    let told = told_as_json(&output);
    let key = buddy.data_dir().join("master.key");
    assert_eq!(
        told,
        json!({
            "file": "backup",
            "bytes": file.metadata().unwrap().len(),
            "schema": told["schema"],
            "masterKeyIn": "./buddy-data/master.key",
        })
    );
    assert!(told["schema"].as_u64().is_some_and(|schema| schema >= 6), "{told}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&key).unwrap();
    let (bytes, secret) = (fs::read(&file).unwrap(), BASE64_STANDARD.decode(secret.trim()).unwrap());
    assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    assert!(during > 0, "the server went on");

    let other = with_key_of(buddy.setup());
    let restored = told_as_json(&run(&other, &["restore", file.to_str().unwrap(), "--json"]).await);
    assert_eq!(restored["movedTo"], Value::Null);
    assert_eq!((&restored["bytes"], &restored["schema"]), (&told["bytes"], &told["schema"]));
    let copy = other.start();
    let identity = copy.identity(&agent, &before).await;
    assert_eq!(
        (&identity["status"], &identity["identity"]["userId"]),
        (&json!("authenticated"), &json!("42"))
    );
}

#[tokio::test]
async fn people_are_told_what_is_in_a_backup_and_what_is_not() {
    let (setup, _, file) = backed_up().await;
    let refusal = refused(&setup.run(&["backup", "backup"]));
    assert!(refusal.contains("backup is there already") && refusal.contains("--force"), "{refusal}");
    let text = told(&setup.run(&["backup", "backup", "--force"]));
    let size = file.metadata().unwrap().len();
    assert!(text.contains(&format!("size:       {size} bytes, checked\n")), "{text}");
    assert!(
        text.contains("master key: NOT in it; without ./buddy-data/master.key it does not open"),
        "{text}"
    );
    let key = BASE64_STANDARD.encode([1; 32]);
    let text = told(&setup.env("BUDDY_MASTER_KEY", &key).run(&["backup", "another"]));
    assert!(text.contains("without BUDDY_MASTER_KEY it does not open") && !text.contains(&key), "{text}");
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_says_why() {
    let setup = Setup::new(None);
    let refusal = refused(&setup.run(&["backup", "file"]));
    assert!(refusal.contains("no database yet") && refusal.contains("--data-dir"), "{refusal}");
    assert!(names(setup.path()).is_empty());
    let (setup, ..) = backed_up().await;
    let refusal = refused(&setup.run(&["backup", "missing/file"]));
    assert!(refusal.contains("missing/file cannot be written"), "{refusal}");
}

#[tokio::test]
async fn a_restore_replaces_a_database_only_by_force_and_loses_nothing() {
    let (setup, path, file) = backed_up().await;
    let buddy = setup.start();
    let later = buddy.bare_agent().await.path();
    let file = file.to_str().unwrap();
    let refusal = refused(&run(buddy.setup(), &["restore", file, "--force"]).await);
    assert!(refusal.contains("another buddy uses the data directory"), "{refusal}");
    buddy.operator("GET", &later, None).await.expect_status(200);

    let setup = buddy.kill();
    let refusal = refused(&setup.run(&["restore", file]));
    assert!(refusal.contains("holds a database already") && refusal.contains("--force"), "{refusal}");
    let text = told(&setup.run(&["restore", file, "--force"]));
    let aside = names(&setup.data_dir()).into_iter().find(|name| name.starts_with("replaced-")).unwrap();
    assert!(text.contains(&format!("replaced: the old database is in ./buddy-data/{aside}")), "{text}");
    let aside = setup.data_dir().join(aside);
    assert_eq!(names(&aside), ["buddy.sqlite3", "buddy.sqlite3-wal"]);
    assert_eq!(names(&setup.data_dir()).iter().filter(|name| name.starts_with("buddy.sqlite3")).count(), 1);

    let buddy = setup.start();
    buddy.operator("GET", &path, None).await.expect_status(200);
    buddy.operator("GET", &later, None).await.expect_status(404);
    let (_, _, setup) = buddy.stop();
    // As the docs say: the files put back are the old database with its last writes.
    fs::remove_file(setup.data_dir().join("buddy.sqlite3")).unwrap();
    for name in names(&aside) {
        fs::rename(aside.join(&name), setup.data_dir().join(&name)).unwrap();
    }
    setup.start().operator("GET", &later, None).await.expect_status(200);
}

#[tokio::test]
async fn what_cannot_be_restored_is_said_in_one_sentence_and_nothing_is_replaced() {
    let (setup, path, file) = backed_up().await;
    let file = file.to_str().unwrap();
    let empty = Setup::new(None);
    let refusal = refused(&empty.run(&["restore", file]));
    assert!(refusal.contains("master.key is missing") && refusal.contains("BUDDY_MASTER_KEY"), "{refusal}");
    let wrong = Setup::new(None).env("BUDDY_MASTER_KEY", &BASE64_STANDARD.encode([7; 32]));
    let refusal = refused(&wrong.run(&["restore", file]));
    assert!(
        refusal.contains("the master key does not open") && refusal.contains("BUDDY_MASTER_KEY"),
        "{refusal}"
    );
    assert_eq!(names(&wrong.data_dir()), ["buddy.lock"]);

    let bytes = fs::read(file).unwrap();
    let bad = setup.path().join("bad");
    for (content, words) in [
        (&b""[..], "is no backup of Buddy"),
        (b"a text", "is no backup of Buddy"),
        (&bytes[..bytes.len() / 2], "is no backup of Buddy (database disk image is malformed"),
    ] {
        fs::write(&bad, content).unwrap();
        let refusal = refused(&setup.run(&["restore", "bad", "--force"]));
        assert!(refusal.contains(words), "{refusal}");
    }
    let refusal = refused(&setup.run(&["restore", "missing", "--force"]));
    assert!(refusal.contains("missing cannot be read"), "{refusal}");
    setup.start().operator("GET", &path, None).await.expect_status(200);
}

#[tokio::test]
async fn for_postgresql_its_own_tools_are_named() {
    let setup = Setup::new(None).env("BUDDY_DATABASE_URL", "postgres://buddy:p4ssw0rd@db.example/buddy");
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let refusal = refused(&setup.run(&[command, "file"]));
        assert!(refusal.contains("BUDDY_DATABASE_URL: ") && refusal.contains(tool), "{refusal}");
        assert!(!refusal.contains("p4ssw0rd"), "{refusal}");
    }
}

#[tokio::test]
async fn what_another_user_would_own_is_not_written() {
    // Who is root may give a directory away; nobody else owns this one.
    let given_away = tempfile::tempdir().unwrap();
    let foreign = match std::os::unix::fs::chown(given_away.path(), Some(65_534), None) {
        Ok(()) => given_away.path().to_str().unwrap(),
        Err(_) => "/usr",
    };
    let setup = Setup::new(None)
        .env("BUDDY_DATA_DIR", foreign)
        .env("BUDDY_MASTER_KEY", &BASE64_STANDARD.encode([7; 32]));
    for arguments in [&["restore", "file"][..], &["keys", "add"], &["keys", "reseal"]] {
        let refusal = refused(&setup.run(arguments));
        assert!(refusal.contains("belongs to another user") && refusal.contains(foreign), "{refusal}");
    }
}
