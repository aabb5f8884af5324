//! A resolution for the operator's eyes: asked for as a session's own, and of no consequence.

use buddy_core::audit::Action;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::resolution::Resolution;

use super::Identifier;
use super::runner::{self, About, Means};
use crate::audit::By;
use crate::refusal::Refusal;

impl Identifier {
    /// Asks the agent's endpoint about a session as its own resolution would, as the callback is configured now. No
    /// session is touched, no secret becomes current, and nothing is kept or counted. Refused while as many sessions
    /// are pending as may be.
    pub(crate) async fn rehearse(
        &self,
        by: &By,
        agent_id: AgentId,
        session_id: SessionId,
    ) -> Result<Resolution, Refusal> {
        let audit = &self.agents.audit;
        let entry = audit.entry(by, Action::TryAgain, Some(agent_id));
        let begun = async { Ok((self.agents.callback(agent_id).await?, self.permit()?)) };
        let (configured, _permit) = audit.refused(entry.clone(), begun.await).await?;
        audit.note(entry).await?;
        let bulkhead = self.bulkheads.of(agent_id, &configured.callback);
        let means =
            Means { egress: &self.egress, bulkhead: &bulkhead, ambient: &self.ambient, resolving: None };
        let about = About { session_id, agent_id };
        let (id, started_at) = (self.ambient.id(), self.ambient.now());
        let done = runner::resolve(means, id, about, &configured).await;
        Ok(done.into_record(id, about, started_at).0)
    }
}
