//! What an inspection tells, and that it leaves everything as it was.

use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::conformance::fixtures::*;

/// A directory whose name has all that a URI gives a meaning to.
fn awkward() -> (TempDir, std::path::PathBuf) {
    let around = TempDir::new().unwrap();
    let path = around.path().join(std::ffi::OsStr::from_bytes(b"a ?b#c%41&d\xff"));
    std::fs::create_dir(&path).unwrap();
    (around, path)
}

async fn with_callbacks(directory: &Path) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(settings(directory), keyring(1, &[])).unwrap());
    for (number, url, enabled) in
        [(1, "https://b.example/", true), (2, "https://a.example/", true), (3, "https://c.example/", false)]
    {
        store.create_agent(agent(number), entry()).await.unwrap();
        let callback = buddy_core::agent::Callback { url: url.to_owned(), enabled, ..callback() };
        store.put_callback(id(number), callback, None, secret("first"), NOW, entry()).await.unwrap();
    }
    store.create_agent(agent(4), entry()).await.unwrap();
    let callback = buddy_core::agent::Callback { url: "https://b.example/".into(), ..callback() };
    store.put_callback(id(4), callback, None, secret("first"), NOW, entry()).await.unwrap();
    store
}

fn assert_all_is_told(directory: &Path) {
    let mut inspection = Inspection::open(directory).unwrap().unwrap();
    assert_eq!(inspection.schema().unwrap(), Schema { found: schema::known(), known: schema::known() });
    assert!(inspection.opens_with(&keyring(1, &[])).unwrap());
    assert!(inspection.opens_with(&keyring(2, &[1])).unwrap());
    assert!(matches!(inspection.opens_with(&keyring(2, &[])), Err(OpenError::WrongMasterKey)));
    let urls = |limit| inspection.callback_urls(limit).unwrap();
    assert_eq!(urls(10), ["https://a.example/", "https://b.example/"]);
    assert_eq!(urls(1), ["https://a.example/"]);
    assert_eq!(inspection.quick_check(|| false).unwrap(), QuickCheck::Sound);
    // And once more after one that was stopped.
    assert_eq!(inspection.quick_check(|| true).unwrap(), QuickCheck::Unfinished);
    assert_eq!(inspection.quick_check(|| false).unwrap(), QuickCheck::Sound);
    assert!(inspection.connection.execute("DELETE FROM agents", []).is_err());
}

#[tokio::test]
async fn a_database_is_read_beside_its_server_and_after_it_and_not_changed() {
    let (_around, directory) = awkward();
    let store = with_callbacks(&directory).await;
    let data = |directory: &Path| {
        let mut files = files(directory);
        // Readers mark in the shared memory where they are.
        files.remove("buddy.sqlite3-shm");
        files
    };
    let before = data(&directory);
    assert!(before["buddy.sqlite3-wal"].len() > 1000);
    assert_all_is_told(&directory);
    let inspection = Inspection::open(&directory).unwrap().unwrap();
    assert_eq!(inspection.log_bytes(), u64::try_from(before["buddy.sqlite3-wal"].len()).unwrap());
    drop(inspection);
    assert_eq!(data(&directory), before);
    // The server goes on.
    store.create_agent(agent(5), entry()).await.unwrap();
    drop(store);

    let before = files(&directory);
    assert!(!before.contains_key("buddy.sqlite3-wal"), "it was closed well");
    assert_all_is_told(&directory);
    assert_eq!(Inspection::open(&directory).unwrap().unwrap().log_bytes(), 0);
    assert_eq!(files(&directory), before);
}

#[tokio::test]
async fn what_a_server_writes_that_starts_meanwhile_is_never_half_read() {
    let directory = TempDir::new().unwrap();
    drop(with_callbacks(directory.path()).await);
    let mut inspection = Inspection::open(directory.path()).unwrap().unwrap();
    let before = inspection.sealed_by().unwrap();
    assert_eq!(before.by(keyring(1, &[]).ids()[0]).callbacks, 4);

    let server = SqliteStore::open(settings(directory.path()), keyring(1, &[])).unwrap();
    let store: Arc<dyn Store> = Arc::new(server);
    store.create_agent(agent(5), entry()).await.unwrap();
    store.put_callback(id(5), callback(), None, secret("first"), NOW, entry()).await.unwrap();
    // Its end brings the log into the file.
    drop(store);
    for refused in [
        inspection.schema().map(drop),
        inspection.opens_with(&keyring(1, &[])).map(drop),
        inspection.sealed_by().map(drop),
        inspection.callback_urls(10).map(drop),
        inspection.quick_check(|| false).map(drop),
    ] {
        assert!(matches!(refused, Err(OpenError::WrittenMeanwhile)), "{refused:?}");
    }
    let again = Inspection::open(directory.path()).unwrap().unwrap();
    assert_eq!(again.sealed_by().unwrap().by(keyring(1, &[]).ids()[0]).callbacks, 5);
}

#[tokio::test]
async fn what_is_wrong_with_a_database_is_told() {
    let directory = TempDir::new().unwrap();
    assert!(Inspection::open(directory.path()).unwrap().is_none());
    assert!(Inspection::open(&directory.path().join("missing")).unwrap().is_none());
    assert!(files(directory.path()).is_empty(), "and none was made");

    // As a first start leaves it that is cut off at once.
    let file = directory.path().join("buddy.sqlite3");
    std::fs::write(&file, []).unwrap();
    let inspection = Inspection::open(directory.path()).unwrap().unwrap();
    assert_eq!(inspection.schema().unwrap().found, 0);
    assert!(!inspection.opens_with(&keyring(1, &[])).unwrap());
    drop(inspection);

    std::fs::write(&file, [b'x'; 5_000]).unwrap();
    let inspection = Inspection::open(directory.path());
    let refused = inspection.and_then(|inspection| inspection.unwrap().schema()).unwrap_err();
    assert!(matches!(refused, OpenError::Database(_)), "{refused}");

    std::fs::remove_file(&file).unwrap();
    drop(with_callbacks(directory.path()).await);
    raw(&directory)
        .execute(
            "INSERT INTO refinery_schema_history
                SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
            [],
        )
        .unwrap();
    let schema = Inspection::open(directory.path()).unwrap().unwrap().schema().unwrap();
    assert_eq!(schema, Schema { found: 99, known: schema::known() });

    // A table's first page is another's.
    let bytes = std::fs::read(&file).unwrap();
    let (page, agents): (usize, usize) = raw(&directory)
        .query_row(
            "SELECT (SELECT page_size FROM pragma_page_size), rootpage FROM sqlite_schema WHERE name = 'agents'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let mut damaged = bytes;
    damaged[(agents - 1) * page..][..page].fill(0x55);
    std::fs::write(&file, damaged).unwrap();
    let found = Inspection::open(directory.path()).unwrap().unwrap().quick_check(|| false).unwrap();
    assert!(matches!(found, QuickCheck::Damaged(_)), "{found:?}");
}
