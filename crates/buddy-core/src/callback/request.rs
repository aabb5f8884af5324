//! The callback's bytes: three members, this order, no spaces, no others.

use crate::id::{AgentId, SessionId};
use crate::time::UnixMillis;

/// The resolution's id, the same on a retry: lets an endpoint drop doubles and a person find the log line.
pub const REQUEST_ID_HEADER: &str = "x-platform-request-id";
/// `1`, or `2` on the retry.
pub const ATTEMPT_HEADER: &str = "x-platform-attempt";
/// Milliseconds left of this attempt: an endpoint may skip work that nobody waits for.
pub const DEADLINE_HEADER: &str = "x-platform-deadline-ms";

/// The body to sign and send: `{"sessionId":"sess_…","agentId":"agt_…","timestamp":1717000000}`.
///
/// Ids are of `[a-z0-9_]`, so nothing in it ever needs escaping.
pub fn body(session_id: SessionId, agent_id: AgentId, now: UnixMillis) -> String {
    let timestamp = now.seconds();
    format!(r#"{{"sessionId":"{session_id}","agentId":"{agent_id}","timestamp":{timestamp}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_exact() {
        let session_id = "sess_01m8369hhaegds77e4cqx39jdm".parse().unwrap();
        let agent_id = "agt_01m8369hhaegds77e4cqx39jdm".parse().unwrap();
        assert_eq!(
            body(session_id, agent_id, UnixMillis(1_717_000_000_999)),
            r#"{"sessionId":"sess_01m8369hhaegds77e4cqx39jdm","agentId":"agt_01m8369hhaegds77e4cqx39jdm","timestamp":1717000000}"#
        );
    }
}
