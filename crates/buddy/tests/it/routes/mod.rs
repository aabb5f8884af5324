//! A file for each part of the API, mirroring `/v1`.

mod agents;
mod api_keys;
mod audit;
mod bad_input;
mod callback;
mod check;
mod cors;
mod explanation;
mod identity;
mod limits;
mod messages;
mod openapi;
mod probes;
mod resolution_stream;
mod resolutions;
mod same_user;
mod sessions;
mod stats;
mod streams;
mod widget;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, Agent, Answer, Buddy};

/// The names of an object's members.
#[track_caller]
fn members(json: &Value) -> BTreeSet<&str> {
    json.as_object().unwrap_or_else(|| panic!("an object, not {json}")).keys().map(String::as_str).collect()
}

#[track_caller]
fn time(json: &Value) -> Timestamp {
    json.as_str().unwrap_or_else(|| panic!("a time, not {json}")).parse().unwrap()
}

/// An endpoint's honest answer.
pub(crate) fn ada() -> Answer {
    Answer::json(json!({"userId": "1815", "email": "ada@shop.example"}))
}

/// An id of the right form that nothing has.
pub(crate) const NO_AGENT: &str = "agt_01h455vb4pex5vsknk084sn02q";
pub(crate) const NO_SESSION: &str = "sess_01h455vb4pex5vsknk084sn02q";
pub(crate) const NO_MESSAGE: &str = "msg_01h455vb4pex5vsknk084sn02q";
pub(crate) const NO_RESOLUTION: &str = "res_01h455vb4pex5vsknk084sn02q";
pub(crate) const NO_KEY: &str = "key_01h455vb4pex5vsknk084sn02q";

/// Reads a whole list, `limit` at a time, and returns the stretches.
async fn stretches(buddy: &Buddy, path: &str, list: &str, limit: usize) -> Vec<Vec<Value>> {
    let mut stretches = Vec::new();
    let mut cursor = None;
    loop {
        let cursor_part = cursor.map_or_else(String::new, |cursor: String| format!("&cursor={cursor}"));
        let page = buddy.operator("GET", &format!("{path}?limit={limit}{cursor_part}"), None).await;
        let page = page.expect_status(200).json;
        stretches.push(page[list].as_array().expect("a list").clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return stretches,
        }
    }
}

/// A list of five is read two at a time: newest first, nothing twice, nothing lost, and a cursor that is none is
/// refused. `made` has the ids in the order of their making.
async fn lists_well(buddy: &Buddy, path: &str, list: &str, id: &str, made: &[String]) {
    assert_eq!(made.len(), 5);
    let stretches = stretches(buddy, path, list, 2).await;
    assert_eq!(stretches.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{path}");
    let listed: Vec<_> = stretches.iter().flatten().map(|entry| entry[id].as_str().unwrap()).collect();
    assert!(listed.iter().eq(made.iter().rev()), "newest first: {listed:?}, made: {made:?}");
    // A last stretch that is just full has nothing after it.
    let whole = buddy.operator("GET", &format!("{path}?limit=5"), None).await.expect_status(200);
    assert_eq!(whole.json["nextCursor"], Value::Null);
    for (query, status, code) in [
        ("limit=0", 422, "INVALID_VALUE"),
        ("limit=201", 422, "INVALID_VALUE"),
        ("limit=many", 400, "INVALID_REQUEST"),
        ("limit=-1", 400, "INVALID_REQUEST"),
        ("cursor=nonsense", 422, "INVALID_VALUE"),
        ("cursor=", 422, "INVALID_VALUE"),
        (&format!("cursor={NO_SESSION}"), 422, "INVALID_VALUE"),
        ("offset=1", 400, "INVALID_REQUEST"),
    ] {
        let reply = buddy.operator("GET", &format!("{path}?{query}"), None).await;
        reply.expect_problem(status, code);
    }
    let most = buddy.operator("GET", &format!("{path}?limit=200"), None).await.expect_status(200);
    assert_eq!(most.json[list].as_array().unwrap().len(), 5);
}

/// The text of every answer to a GET that the operator can make about the agent.
async fn all_that_is_read(buddy: &Buddy, agent: &Agent) -> String {
    let mut text = String::new();
    for path in ["", "/callback", "/api-keys", "/resolutions"] {
        let reply = buddy.api.call("GET", &(agent.path() + path), Some(ADMIN_TOKEN), None).await;
        text += std::str::from_utf8(&reply.body).unwrap();
    }
    let agents = buddy.operator("GET", "/v1/agents", None).await.expect_status(200);
    text + std::str::from_utf8(&agents.body).unwrap()
}
