//! What the files show, and what opens where.

use buddy_core::id::{SessionId, id_bytes};
use buddy_core::message::Sender;

use super::*;
use crate::conformance::fixtures::*;

/// The text stands somewhere in the files of the directory.
fn shown(directory: &TempDir, text: &str) -> bool {
    let text = text.as_bytes();
    files(directory.path()).values().any(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

async fn with_secrets(store: &Arc<dyn Store>) -> buddy_core::id::AgentId {
    let agent_id = with_agent(store).await;
    store
        .put_callback(agent_id, callback(), Some(secret("now")), secret("made"), NOW, entry())
        .await
        .unwrap();
    store.begin_rotation(agent_id, secret("next"), 60, NOW, entry()).await.unwrap();
    agent_id
}

#[tokio::test]
async fn no_file_ever_shows_a_user_a_secret_or_a_token() {
    let (store, directory) = fresh();
    let clear_texts = || {
        // This one is no secret: found, it shows that the files are read where the data is.
        assert!(shown(&directory, "Agent 1 ✓"));
        let hidden = [
            "canary-user",
            "fixture_secret",
            "example.org",
            "customAttributes",
            // As an identity is written; an answer's shape names the member, too, and has no value of it.
            "\"userId\":",
            "token 1",
            "message 1",
            "and more",
        ];
        for text in hidden {
            assert!(!shown(&directory, text), "{text}");
        }
    };
    let agent_id = with_secrets(&store).await;
    store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap();
    for number in 1..=3 {
        identified(&store, agent_id, number, "canary-user").await;
        store.write_message(growing(id(number), number), NOW).await.unwrap();
        store.append_to_message(id(number), id(number), text("and more"), true, NOW).await.unwrap();
    }
    clear_texts();
    store.revoke_user(agent_id, "canary-user", NOW).await.unwrap();
    store.remove_ended_sessions(later(TTL), 1).await.unwrap();
    store.promote_secret(agent_id, secret("next"), NOW).await.unwrap();
    clear_texts();
    drop(store);
    clear_texts();
}

#[tokio::test]
async fn revoking_leaves_nothing_that_could_be_opened_or_matched() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    identified(&store, agent_id, 1, "ada").await;
    identified(&store, agent_id, 2, "bob").await;
    for number in [1, 2] {
        store.write_message(message(id(number), number, Sender::Visitor), NOW).await.unwrap();
    }
    store.revoke_session(agent_id, id(1), NOW).await.unwrap();
    store.revoke_user(agent_id, "bob", NOW).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM sessions WHERE identity IS NOT NULL OR user_hash IS NOT NULL)
        + (SELECT count(*) FROM messages)";
    assert_eq!(raw(&directory).query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn a_sealed_value_that_was_moved_does_not_open() {
    let (store, directory) = fresh();
    let agent_id = with_secrets(&store).await;
    for number in [1, 2] {
        identified(&store, agent_id, number, "ada").await;
    }
    let move_to_the_other = "UPDATE sessions SET identity =
        (SELECT other.identity FROM sessions AS other WHERE other.id <> sessions.id) WHERE id = ?1";
    let first: SessionId = id(1);
    raw(&directory).execute(move_to_the_other, [id_bytes(first)]).unwrap();
    let refused = store.session_with_identity(first, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Sealed { table: "sessions", column: "identity" }), "{refused}");
    assert!(store.session(first, NOW).await.unwrap().is_some());
    assert!(found(&store, id(2)).await.1.is_some());

    raw(&directory).execute("UPDATE callbacks SET secret = next_secret", []).unwrap();
    let refused = store.callback(agent_id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Sealed { table: "callbacks", column: "secret" }), "{refused}");
}

#[tokio::test]
async fn a_text_opens_in_its_own_message_and_session_only() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    for number in [1, 2] {
        identified(&store, agent_id, number, "ada").await;
        store.write_message(message(id(number), number, Sender::Visitor), NOW).await.unwrap();
    }
    let (first, second): (SessionId, SessionId) = (id(1), id(2));
    let moves = [
        "UPDATE messages SET session_id = ?2, position = 2 WHERE session_id = ?1",
        "UPDATE messages SET session_id = ?1, position = 1 WHERE session_id = ?2 AND position = 2",
        "UPDATE messages SET text = (SELECT text FROM messages WHERE session_id = ?1) WHERE session_id = ?2",
    ];
    for (moved, opens) in moves.into_iter().zip([false, true, false]) {
        raw(&directory).execute(moved, [id_bytes(first), id_bytes(second)]).unwrap();
        match store.messages(second, None, 10, NOW).await {
            Ok(read) => assert!(opens && read == [message(second, 2, Sender::Visitor)], "{moved}: {read:?}"),
            Err(error) => {
                assert!(!opens, "{moved}");
                assert!(
                    matches!(error, StoreError::Sealed { table: "messages", column: "text" }),
                    "{moved}: {error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn after_a_change_of_the_master_key_the_old_one_still_opens_what_it_sealed() {
    let directory = TempDir::new().unwrap();
    let store = shared(&directory, keyring(1, &[]));
    let agent_id = with_secrets(&store).await;
    identified(&store, agent_id, 1, "ada").await;
    let reply = growing(id(1), 1);
    store.write_message(reply.clone(), NOW).await.unwrap();
    drop(store);

    let store = shared(&directory, keyring(2, &[1]));
    store.append_to_message(reply.session_id, reply.id, text("!"), true, NOW).await.unwrap();
    let grown = &store.messages(reply.session_id, None, 1, NOW).await.unwrap()[0];
    assert_eq!(grown.text.as_str(), "message 1!");
    identified(&store, agent_id, 2, "ada").await;
    for number in [1, 2] {
        assert_eq!(found(&store, id(number)).await.1, Some(told(&identity("ada"))));
    }
    assert_eq!(store.callback(agent_id).await.unwrap().unwrap().secrets.current, secret("now"));
    assert_eq!(store.revoke_user(agent_id, "ada", NOW).await.unwrap().len(), 2);
    drop(store);

    // The new key alone does not open all, so it is refused rather than found out later.
    let alone = SqliteStore::open(settings(directory.path()), keyring(2, &[]));
    assert!(matches!(alone, Err(OpenError::WrongMasterKey)));
}
