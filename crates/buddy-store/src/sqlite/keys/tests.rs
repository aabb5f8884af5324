use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::conformance::fixtures::*;
use crate::{Durability, MasterKey, SqliteSettings, Store};

fn ring(first: u8, others: &[u8]) -> Keyring {
    let key = |&byte: &u8| MasterKey::from_bytes([byte; 32]);
    Keyring::new(key(&first), others.iter().map(key).collect())
}

#[tokio::test]
async fn a_row_that_was_changed_since_it_was_read_keeps_its_change() {
    let directory = TempDir::new().unwrap();
    let settings = SqliteSettings { directory: directory.path().to_owned(), durability: Durability::Normal };
    let store = Arc::new(SqliteStore::open(settings, ring(1, &[])).unwrap());
    let shared: Arc<dyn Store> = store.clone();
    let agent_id = with_agent(&shared).await;
    let put =
        |name| shared.put_callback(agent_id, callback(), Some(secret(name)), secret("made"), NOW, entry());
    put("before").await.unwrap();
    for number in 1..=3 {
        identified(&shared, agent_id, number, "ada").await;
        shared.write_message(growing(id(number), number), NOW).await.unwrap();
    }

    let keys = ring(2, &[1]);
    let all = async |table: Next| {
        let keys = ring(2, &[1]);
        store.read(move |connection| renewals(connection, &keys, table, 10)).await.unwrap().1.renewals
    };
    let begin = [Next::BEGIN, Next::Sessions([0; 16]), Next::Messages([0; 16], 0)];
    let mut stale = Vec::new();
    for table in begin {
        stale.extend(all(table).await);
    }
    assert_eq!(stale.len(), 1 + 3 + 3);
    put("after").await.unwrap();
    shared.revoke_session(agent_id, id(1), NOW).await.unwrap();
    shared.append_to_message(id(2), id(2), text("!"), true, NOW).await.unwrap();
    let renewed = store.write(move |connection| renew(connection, &stale)).await.unwrap();
    assert_eq!(renewed, 2 + 1, "two identities and the third session's message");

    let secrets = shared.callback(agent_id).await.unwrap().unwrap().secrets;
    assert_eq!(secrets.current, secret("after"));
    let grown = &shared.messages(id(2), None, 1, NOW).await.unwrap()[0];
    assert_eq!(grown.text.as_str(), "message 2!");
    let left = store.sealed_by().await.unwrap();
    assert_eq!(left.by(keys.ids()[0]).total(), 3);
    assert_eq!(
        left.by(keys.ids()[1]),
        crate::SealedValues { callbacks: 1, sessions: 0, messages: 1, canary: 1 }
    );
}
