//! A backup is whole whatever the server does meanwhile, and takes a database's place only if it may.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use buddy_core::message::Sender;

use super::*;
use crate::conformance::fixtures::*;

const ASIDE: &str = "replaced";

fn restored(file: &Path, directory: &TempDir, replace: bool) -> Result<Restored, RestoreError> {
    restore(file, directory.path(), &keyring(1, &[]), replace, ASIDE)
}

/// The numbers of the sessions and of the messages that are there.
async fn kept(store: &Arc<dyn Store>, numbers: std::ops::Range<u16>) -> (Vec<u16>, Vec<u16>) {
    let (mut sessions, mut messages) = (Vec::new(), Vec::new());
    for number in numbers {
        if store.session(id(number), NOW).await.unwrap().is_some() {
            sessions.push(number);
        }
        if !store.messages(id(number), None, 1, NOW).await.unwrap().is_empty() {
            messages.push(number);
        }
    }
    (sessions, messages)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_its_server_is_of_one_moment_and_holds_nobody_up() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (stopping, writing) = (stop.clone(), store.clone());
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let writer = tokio::spawn(async move {
        let mut begun = Some(begun);
        let mut last = 0;
        while !stopping.load(Ordering::Relaxed) {
            last += 1;
            identified(&writing, agent_id, last, "ada").await;
            writing.write_message(message(id(last), last, Sender::Visitor), NOW).await.unwrap();
            if last > 20
                && let Some(begun) = begun.take()
            {
                begun.send(()).unwrap();
            }
        }
        last
    });
    has_begun.await.unwrap();
    let backups = TempDir::new().unwrap();
    let file = backups.path().join("buddy.backup");
    let (from, to) = (directory.path().to_owned(), file.clone());
    let made = tokio::task::spawn_blocking(move || back_up(&from, &to, false)).await.unwrap().unwrap();
    stop.store(true, Ordering::Relaxed);
    let last = writer.await.unwrap();
    assert_eq!((made.bytes, made.schema), (file.metadata().unwrap().len(), schema::known()));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files(backups.path()).len(), 1, "and nothing beside it");
    assert_eq!(kept(&store, 1..last + 1).await.0.len(), usize::from(last), "the server went on");

    let elsewhere = TempDir::new().unwrap();
    let put = restored(&file, &elsewhere, false).unwrap();
    assert_eq!((put.bytes, put.schema.found, put.moved_to), (made.bytes, made.schema, None));
    let copy = shared(&elsewhere, keyring(1, &[]));
    let (sessions, messages) = kept(&copy, 1..last + 1).await;
    // A session is written before its message, one after another: a moment has all up to one, without gaps.
    assert!(sessions.len() > 20 && sessions.iter().copied().eq(1..=sessions.len().try_into().unwrap()));
    assert!(messages == sessions || messages[..] == sessions[..sessions.len() - 1], "{messages:?}");
    identified(&copy, agent_id, last + 1, "ada").await;
}

#[tokio::test]
async fn what_was_removed_is_in_no_backup() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    for number in 1..=50 {
        identified(&store, agent_id, number, "ada").await;
    }
    let identity = "SELECT identity FROM sessions WHERE identity IS NOT NULL LIMIT 1";
    let sealed: Vec<u8> = raw(&directory).query_row(identity, [], |row| row.get(0)).unwrap();
    let has = |bytes: &[u8]| bytes.windows(sealed.len()).any(|part| part == sealed);
    let file = directory.path().join("backup");
    back_up(directory.path(), &file, false).unwrap();
    assert!(has(&std::fs::read(&file).unwrap()));
    store.remove_ended_sessions(later(TTL), 100).await.unwrap();
    back_up(directory.path(), &file, true).unwrap();
    assert!(!has(&std::fs::read(&file).unwrap()));
}

#[tokio::test]
async fn a_backup_is_made_of_a_database_that_nobody_has_open_and_leaves_it_as_it_was() {
    let (store, directory) = fresh();
    with_agent(&store).await;
    drop(store);
    let before = files(directory.path());
    let backups = TempDir::new().unwrap();
    let file = backups.path().join("one");
    back_up(directory.path(), &file, false).unwrap();
    assert_eq!(files(directory.path()), before);

    // As a server leaves it that was killed.
    let store = shared(&directory, keyring(1, &[]));
    store.create_agent(agent(2), entry()).await.unwrap();
    let killed = TempDir::new().unwrap();
    for (name, bytes) in files(directory.path()) {
        std::fs::write(killed.path().join(name), bytes).unwrap();
    }
    back_up(killed.path(), &backups.path().join("two"), false).unwrap();
    let elsewhere = TempDir::new().unwrap();
    restored(&backups.path().join("two"), &elsewhere, false).unwrap();
    assert_eq!(shared(&elsewhere, keyring(1, &[])).agent(id(2)).await.unwrap(), Some(agent(2)));
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_leaves_nothing() {
    let (store, directory) = fresh();
    with_agent(&store).await;
    let backups = TempDir::new().unwrap();
    let file = backups.path().join("backup");
    std::fs::write(&file, "mine").unwrap();
    let refused = back_up(directory.path(), &file, false).unwrap_err();
    assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    let empty = TempDir::new().unwrap();
    for nothing in [empty.path(), &empty.path().join("missing")] {
        let refused = back_up(nothing, &file, true).unwrap_err();
        assert!(matches!(refused, BackupError::Nothing { .. }), "{refused}");
    }
    let refused = back_up(directory.path(), &backups.path().join("missing/backup"), false).unwrap_err();
    assert!(matches!(refused, BackupError::File { .. }), "{refused}");
    drop(store);
    // A page in the middle is not what it was.
    let database = directory.path().join("buddy.sqlite3");
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[4096 + 200..8192].fill(0x55);
    std::fs::write(&database, bytes).unwrap();
    let refused = back_up(directory.path(), &file, true).unwrap_err();
    assert!(matches!(refused, BackupError::File { .. } | BackupError::Damaged { .. } | BackupError::Open(_)));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert_eq!(files(backups.path()).len(), 1);
}

/// A backup of a store with one agent.
async fn backup_of_one() -> (TempDir, std::path::PathBuf) {
    let (store, directory) = fresh();
    with_agent(&store).await;
    let file = directory.path().join("backup");
    back_up(directory.path(), &file, false).unwrap();
    drop(store);
    (directory, file)
}

#[tokio::test]
async fn what_may_not_take_the_place_of_a_database_changes_nothing() {
    let (_outlives, file) = backup_of_one().await;
    let directory = TempDir::new().unwrap();
    let other = shared(&directory, keyring(1, &[]));
    other.create_agent(agent(7), entry()).await.unwrap();
    let refused = restored(&file, &directory, true).unwrap_err();
    assert!(matches!(refused, RestoreError::Open(OpenError::InUse { .. })), "{refused}");
    drop(other);
    let before = files(directory.path());
    let refused = restored(&file, &directory, false).unwrap_err();
    assert!(matches!(refused, RestoreError::Occupied { .. }), "{refused}");
    let refused = restore(&file, directory.path(), &keyring(2, &[]), true, ASIDE).unwrap_err();
    assert!(matches!(refused, RestoreError::WrongMasterKey { .. }), "{refused}");

    let good = std::fs::read(&file).unwrap();
    let elsewhere = TempDir::new().unwrap();
    let bad = elsewhere.path().join("bad");
    let refuse = |bytes: &[u8]| {
        std::fs::write(&bad, bytes).unwrap();
        restored(&bad, &directory, true).unwrap_err()
    };
    for bytes in [&b""[..], b"no database", &vec![b'x'; 5_000], &good[..4096 * 3]] {
        let refused = refuse(bytes);
        assert!(
            matches!(refused, RestoreError::NoBackup { .. } | RestoreError::Damaged { .. }),
            "{} bytes: {refused}",
            bytes.len()
        );
    }
    let pages = good.len() / 4096;
    let damaged = (1..pages).filter(|page| {
        let mut bytes = good.clone();
        bytes[page * 4096..][..4096].fill(0x55);
        std::fs::write(&bad, bytes).unwrap();
        restored(&bad, &directory, true).is_err()
    });
    assert_eq!(damaged.count(), pages - 1);
    std::fs::write(&bad, &good).unwrap();
    std::fs::write(elsewhere.path().join("bad-wal"), "the last writes").unwrap();
    let refused = restored(&bad, &directory, true).unwrap_err();
    assert!(
        matches!(refused, RestoreError::NoBackup { .. }) && refused.to_string().contains("bad-wal"),
        "{refused}"
    );
    for missing in [elsewhere.path().join("missing"), elsewhere.path().to_owned()] {
        let refused = restored(&missing, &directory, true).unwrap_err();
        assert!(matches!(refused, RestoreError::File { .. } | RestoreError::NoBackup { .. }), "{refused}");
    }

    let newer = Connection::open(&file).unwrap();
    let later = "INSERT INTO refinery_schema_history
        SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1";
    newer.execute(later, []).unwrap();
    drop(newer);
    let refused = restored(&file, &directory, true).unwrap_err();
    assert!(matches!(refused, RestoreError::Newer { found: 99, .. }), "{refused}");
    assert_eq!(files(directory.path()), before);
}

#[tokio::test]
async fn the_old_database_is_moved_aside_with_its_log_and_can_be_put_back() {
    let (_outlives, file) = backup_of_one().await;
    let directory = TempDir::new().unwrap();
    let store = shared(&directory, keyring(1, &[]));
    store.create_agent(agent(7), entry()).await.unwrap();
    let killed = TempDir::new().unwrap();
    for (name, bytes) in files(directory.path()) {
        std::fs::write(killed.path().join(name), bytes).unwrap();
    }
    drop(store);
    let aside = restored(&file, &killed, true).unwrap().moved_to.unwrap();
    assert_eq!(aside, killed.path().join(ASIDE));
    assert_eq!(aside.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let names = |path: &Path| files(path).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&aside), ["buddy.sqlite3", "buddy.sqlite3-wal"]);
    let file = killed.path().join("buddy.sqlite3");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let new = shared(&killed, keyring(1, &[]));
    assert_eq!((new.agent(id(1)).await.unwrap(), new.agent(id(7)).await.unwrap()), (Some(agent(1)), None));
    drop(new);
    let old = SqliteStore::open(settings(&aside), keyring(1, &[])).unwrap();
    assert_eq!(crate::Agents::agent(&old, id(7)).await.unwrap(), Some(agent(7)), "its last writes are there");
}

#[test]
fn every_refusal_of_a_backup_is_one_line_that_says_what_to_do() {
    let file = || std::path::PathBuf::from("/backup");
    let lines = [
        BackupError::Nothing { directory: file() }.to_string(),
        BackupError::Exists { file: file() }.to_string(),
        BackupError::File { file: file(), error: "no room".into() }.to_string(),
        BackupError::Damaged { fault: "a page".into() }.to_string(),
        RestoreError::File { file: file(), error: std::io::ErrorKind::NotFound.into() }.to_string(),
        RestoreError::NoBackup { file: file(), why: "it is empty".into() }.to_string(),
        RestoreError::Damaged { file: file(), fault: "a page".into() }.to_string(),
        RestoreError::Newer { file: file(), found: 2, known: 1 }.to_string(),
        RestoreError::WrongMasterKey { file: file() }.to_string(),
        RestoreError::Occupied { directory: file() }.to_string(),
    ];
    for line in lines {
        assert!(line.contains(": ") && !line.contains('\n') && !line.ends_with('.'), "{line}");
    }
}
