//! Findings from readings that were passed in.

use std::path::Path;

use buddy_core::time::UnixMillis;
use buddy_egress::{Handshake, Peek, ValidUntil};
use buddy_store::{PostgresReading, QuickCheck, Schema, TakesWrites};

use super::disk::{Holds, Reading};
use super::hosts::Date;
use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

#[track_caller]
fn says(finding: &Finding, verdict: Verdict, words: &str) {
    assert!(finding.verdict == verdict && finding.message.contains(words), "{finding:?}");
    assert_eq!(finding.mend.is_none(), verdict == Verdict::Ok, "{finding:?}");
}

#[test]
fn a_clock_is_held_against_the_one_in_the_middle() {
    let dates = |ahead: &[i64]| {
        let date = |&ahead| Date { host: "shop.example".into(), ahead };
        ahead.iter().map(date).collect::<Vec<_>>()
    };
    for (ahead, verdict, words) in [
        (&[0][..], Verdict::Ok, "agrees with the Date header of shop.example"),
        (&[-1], Verdict::Ok, "agrees"),
        (&[60], Verdict::Ok, "60 s behind the Date header of shop.example"),
        (&[61], Verdict::Warn, "61 s behind"),
        (&[-240], Verdict::Warn, "240 s ahead of"),
        (&[-241], Verdict::Fail, "241 s ahead of"),
        (&[900, 0, -900], Verdict::Ok, "agrees with the Date header of 3 callback hosts"),
        (&[900, 900, 0], Verdict::Fail, "900 s behind"),
        (&[], Verdict::Warn, "not compared"),
    ] {
        says(&clock::judge(NOW, &dates(ahead), None, None), verdict, words);
    }
    let own = dates(&[300]).remove(0);
    says(&clock::judge(NOW, &[], Some(&own), None), Verdict::Fail, "which may be this very machine");
    says(&clock::judge(NOW, &dates(&[0]), Some(&own), None), Verdict::Ok, "agrees");
    let written = |at| clock::judge(NOW, &dates(&[0]), None, Some(at));
    says(&written(NOW.seconds() + 61), Verdict::Fail, "was set back");
    says(&written(NOW.seconds() + 60), Verdict::Ok, "agrees");
}

#[test]
fn a_disk_is_judged_by_what_the_kernel_says() {
    let path = Path::new("/data");
    let good = || Reading {
        nearest: path.to_owned(),
        writable: true,
        free_bytes: 1 << 30,
        free_files: Some(16),
        network: None,
    };
    for (reading, verdict, words) in [
        (good(), Verdict::Ok, "/data can be written, 1024 MiB are free"),
        (Reading { free_files: None, ..good() }, Verdict::Ok, "can be written"),
        (Reading { free_bytes: (1 << 30) - 1, ..good() }, Verdict::Warn, "1023 MiB are free"),
        (Reading { free_bytes: 256 << 20, ..good() }, Verdict::Warn, "256 MiB are free"),
        (Reading { free_bytes: (256 << 20) - 1, ..good() }, Verdict::Fail, "255 MiB are free"),
        (Reading { free_files: Some(15), ..good() }, Verdict::Fail, "inodes"),
        (Reading { network: Some("NFS"), ..good() }, Verdict::Fail, "network file system (NFS)"),
        (Reading { writable: false, ..good() }, Verdict::Fail, "/data cannot be written"),
        (Reading { nearest: "/".into(), ..good() }, Verdict::Warn, "does not exist yet"),
        (Reading { nearest: "/".into(), writable: false, ..good() }, Verdict::Fail, "/ cannot be written"),
    ] {
        says(&disk::judge(path, Holds::Database, Ok(reading)), verdict, words);
    }
    let secrets = |reading| disk::judge(path, Holds::Secrets, Ok(reading));
    says(
        &secrets(Reading { network: Some("NFS"), free_bytes: 1, ..good() }),
        Verdict::Ok,
        "/data can be written",
    );
    says(&secrets(Reading { nearest: "/".into(), ..good() }), Verdict::Ok, "does not exist yet");
    says(&secrets(Reading { writable: false, ..good() }), Verdict::Fail, "/data cannot be written");
    let denied = Err(std::io::ErrorKind::PermissionDenied.into());
    says(&disk::judge(path, Holds::Database, denied), Verdict::Fail, "cannot be looked at");
}

#[test]
fn a_place_that_is_not_there_is_judged_by_the_nearest_that_is() {
    let directory = tempfile::tempdir().unwrap();
    let reading = disk::read(&directory.path().join("a/b")).unwrap();
    assert_eq!(reading.nearest, directory.path());
    assert!(reading.writable && reading.free_bytes > 0);
    assert_eq!(disk::read(Path::new("not-here/at-all")).unwrap().nearest, Path::new("."));
    let file = directory.path().join("file");
    std::fs::write(&file, []).unwrap();
    assert!(!disk::read(&file).unwrap().writable, "a file is no directory");
}

#[test]
fn a_database_is_judged_by_schema_log_and_pages() {
    let judge = |found, log, pages| database::judge(Schema { found, known: 6 }, log, &pages);
    says(&judge(6, 256 << 20, QuickCheck::Sound), Verdict::Ok, "schema 6, its pages fit together");
    says(&judge(6, 0, QuickCheck::Unfinished), Verdict::Ok, "no fault found in the time there was");
    says(&judge(5, 0, QuickCheck::Sound), Verdict::Warn, "it has schema 5, this version has 6");
    says(&judge(6, (256 << 20) + 1, QuickCheck::Sound), Verdict::Warn, "cannot begin anew");
    says(&judge(6, 0, QuickCheck::Damaged("page 7".into())), Verdict::Fail, "it is damaged: page 7");
    let newer = buddy_store::OpenError::Newer { found: 7, known: 6 };
    let (finding, urls) = database::look(Err(newer), || false);
    says(&finding, Verdict::Fail, "has schema 7 and this version knows 6");
    assert_eq!(finding.mend.as_deref(), Some("Run the newer version of buddy that wrote it."));
    assert!(urls.is_empty());
}

/// What is seen of a good database with one node.
fn seen(change: impl FnOnce(&mut PostgresReading)) -> postgres::Seen {
    let mut reading = PostgresReading {
        major_version: 17,
        is_version_known: true,
        takes_writes: TakesWrites::Yes,
        may_create: true,
        connections: 97,
        connections_of_a_node: 16,
        schema: Schema { found: 6, known: 6 },
        is_sealed: true,
        nodes_alive: 1,
    };
    change(&mut reading);
    postgres::Seen { reading, passes_notifications: true, urls: Vec::new(), ahead: 0 }
}

#[test]
fn a_shared_database_is_judged_by_what_it_says_of_itself() {
    let near = "postgres://buddy@localhost/shop".parse().unwrap();
    let judge = |change: fn(&mut PostgresReading)| postgres::judge(&near, &seen(change), false);
    let good = judge(|_| {});
    says(
        &good,
        Verdict::Ok,
        "PostgreSQL 17 at postgres://localhost/shop, without TLS; schema 6; 1 node alive",
    );
    for (change, verdict, words) in [
        ((|it| it.schema.found = 0) as fn(&mut PostgresReading), Verdict::Ok, "the first start makes them"),
        (|it| it.schema.found = 7, Verdict::Ok, "schema 7, of a newer version, which 6 can work with"),
        (|it| it.schema.found = 5, Verdict::Warn, "it has schema 5, this version has 6; 1 node alive"),
        (|it| it.nodes_alive = 6, Verdict::Ok, "6 nodes alive"),
        (
            |it| it.nodes_alive = 7,
            Verdict::Warn,
            "takes 97 connections of this user, and 7 nodes may need 112",
        ),
        (|it| (it.nodes_alive, it.connections) = (0, 15), Verdict::Warn, "1 nodes may need 16"),
        (|it| (it.major_version, it.is_version_known) = (14, false), Verdict::Fail, "it is PostgreSQL 14"),
        (|it| it.takes_writes = TakesWrites::Standby, Verdict::Fail, "it is a standby"),
        (|it| it.takes_writes = TakesWrites::ReadOnly, Verdict::Fail, "its transactions are read-only"),
        (|it| it.may_create = false, Verdict::Fail, "may not create tables"),
    ] {
        says(&judge(change), verdict, words);
    }
    let joining = postgres::judge(&near, &seen(|it| it.nodes_alive = 6), true);
    says(&joining, Verdict::Warn, "7 nodes may need 112");
    let deaf = postgres::Seen { passes_notifications: false, ..seen(|_| {}) };
    let deaf = postgres::judge(&near, &deaf, false);
    says(&deaf, Verdict::Fail, "what is told on one connection is not heard on another");
    let judge = |url: &str| postgres::judge(&url.parse().unwrap(), &seen(|_| {}), false);
    let far = "postgres://buddy@db.example/shop";
    says(&judge(far), Verdict::Ok, "over TLS (sslmode=verify-full)");
    says(&judge(&format!("{far}?sslmode=verify-ca")), Verdict::Ok, "sslmode=verify-ca");
    says(&judge(&format!("{far}?sslmode=disable")), Verdict::Warn, "is reached without TLS");
}

#[test]
fn a_nodes_clock_is_held_against_the_databases_too() {
    let dates = |ahead| vec![Date { host: "shop.example".into(), ahead }];
    for (hosts, ahead, verdict, words) in [
        (vec![], Some(1_000), Verdict::Ok, "1000 ms ahead of the database's clock"),
        (vec![], Some(-1_001), Verdict::Warn, "1001 ms behind the database's clock"),
        (vec![], Some(10_000), Verdict::Warn, "10000 ms ahead of"),
        (vec![], Some(-10_001), Verdict::Fail, "10001 ms behind"),
        (vec![], None, Verdict::Warn, "not compared"),
        (dates(0), Some(3), Verdict::Ok, "the database's clock; agrees with the Date header of shop.example"),
        (dates(61), Some(3), Verdict::Warn, "61 s behind the Date header"),
        (dates(0), Some(2_000), Verdict::Warn, "2000 ms ahead of"),
        (dates(0), Some(i64::MIN), Verdict::Fail, "behind the database's clock"),
        (dates(300), Some(-300_000), Verdict::Fail, "the database's clock; 300 s behind the Date header"),
        (dates(0), None, Verdict::Ok, "agrees"),
    ] {
        says(&clock::judge_of_many(NOW, &hosts, None, ahead), verdict, words);
    }
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of() {
    let url = "https://chat.example/";
    let judge = |url: &str, days: Option<i64>, version: Option<&'static str>, running| {
        let mut headers = http::HeaderMap::new();
        if let Some(version) = version {
            headers.insert(crate::http::VERSION_HEADER, version.parse().unwrap());
        }
        let end = days.map(|days| ValidUntil(NOW.seconds() + days * 24 * 3600));
        let handshake = Handshake { phases: buddy_core::resolution::Phases::default(), result: Ok(end) };
        let peek = Peek { handshake, head: Some(buddy_egress::Head { status: 200, headers }) };
        public_url::judge(&url.parse().unwrap(), &peek, running, NOW)
    };
    let here = Some(env!("CARGO_PKG_VERSION"));
    says(&judge(url, Some(14), here, true), Verdict::Ok, "is answered by Buddy");
    says(&judge(url, Some(13), here, true), Verdict::Warn, "ends in 13 days");
    says(&judge(url, Some(14), None, true), Verdict::Fail, "is not answered by Buddy (status 200)");
    says(&judge(url, Some(14), None, false), Verdict::Warn, "is not answered by Buddy");
    says(&judge("http://chat.example/", None, here, true), Verdict::Warn, "plain HTTP");
    for own in ["http://127.0.0.1:8700/", "http://localhost:8700/", "http://[::1]:8700/"] {
        says(&judge(own, None, here, true), Verdict::Ok, "is answered by Buddy");
    }
}
