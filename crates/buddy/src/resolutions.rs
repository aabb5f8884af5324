//! What happened to an agent's sessions, told to operators who listen: read from the store, by number, each time that
//! something was announced.

use std::collections::VecDeque;
use std::sync::Arc;

use buddy_core::id::{AgentId, ResolutionId};
use buddy_core::resolution::Resolution;
use buddy_store::{Numbered, ResolutionFilter, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::identify::News;
use crate::listening::{End, Place, Places, waited};
use crate::metrics::{Metrics, StreamKind};
use crate::refusal::Refusal;

/// Streams of one agent at once: some operators, each with a terminal and a console.
const STREAMS_MAX: usize = 16;
/// Resolutions read at once: a stream holds no more than these, however slow its reader is.
const BATCH: u32 = 50;

/// The use case.
pub(crate) struct Resolutions {
    store: Arc<dyn Store>,
    agents: Arc<Agents>,
    news: Arc<News>,
    stopping: CancellationToken,
    streams: Arc<Places<AgentId>>,
}

impl Resolutions {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        agents: Arc<Agents>,
        news: Arc<News>,
        stopping: CancellationToken,
        metrics: &Metrics,
    ) -> Self {
        let streams = Arc::new(Places::new(STREAMS_MAX, metrics.streams(StreamKind::Resolutions)));
        Self { store, agents, news, stopping, streams }
    }

    /// One that is kept.
    pub(crate) async fn one(&self, agent_id: AgentId, id: ResolutionId) -> Result<Resolution, Refusal> {
        self.store.resolution(agent_id, id).await?.ok_or(Refusal::NotFound("resolution"))
    }

    /// All that the filter lets through, after number `since`, or else from now on.
    pub(crate) async fn of_agent(
        self: &Arc<Self>,
        agent_id: AgentId,
        filter: ResolutionFilter,
        since: Option<i64>,
    ) -> Result<ResolutionStream, Refusal> {
        self.agents.known(agent_id).await?;
        let place = self.streams.take(agent_id)?;
        let since = match since {
            Some(since) => since,
            None => self.store.last_resolution_number(agent_id).await?,
        };
        let ready = VecDeque::from([ResolutionEvent::Begin(since)]);
        let resolutions = Arc::clone(self);
        Ok(ResolutionStream { resolutions, agent_id, filter, since, ready, ended: false, _place: place })
    }
}

/// What an operator is told.
#[derive(Debug)]
pub(crate) enum ResolutionEvent {
    /// The number after which it begins: what to resume after, should nothing come before it is cut off.
    Begin(i64),
    /// A session was resolved.
    Resolution(Numbered),
    /// The last there is.
    End(End),
}

/// One operator who listens.
pub(crate) struct ResolutionStream {
    resolutions: Arc<Resolutions>,
    agent_id: AgentId,
    filter: ResolutionFilter,
    since: i64,
    ready: VecDeque<ResolutionEvent>,
    ended: bool,
    _place: Place<AgentId>,
}

impl ResolutionStream {
    /// The next event, once there is one. `None`: it has ended, or was cut off by a fault of ours.
    pub(crate) async fn next(&mut self) -> Option<ResolutionEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            // Subscribed before it is read: what is kept in between is not missed.
            let subscription = self.resolutions.news.of_resolutions(self.agent_id);
            let announced = subscription.announced();
            let all_read = self.read().await.inspect_err(log).ok()?;
            if all_read && self.ready.is_empty() && !waited(announced, &self.resolutions.stopping).await {
                self.end(End::Stopping);
            }
        }
    }

    /// Reads on; whether that was all.
    async fn read(&mut self) -> Result<bool, StoreError> {
        let store = &self.resolutions.store;
        let numbered = store.resolutions_since(self.agent_id, self.since, BATCH).await?;
        let Some(last) = numbered.last() else {
            if store.agent(self.agent_id).await?.is_none() {
                self.end(End::Ended);
            }
            return Ok(true);
        };
        self.since = last.number;
        let wanted = |numbered: &Numbered| self.filter.lets_through(&numbered.resolution);
        self.ready.extend(numbered.into_iter().filter(wanted).map(ResolutionEvent::Resolution));
        Ok(false)
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        self.ready.push_back(ResolutionEvent::End(end));
    }
}

/// Who listens comes again and resumes.
fn log(error: &StoreError) {
    tracing::error!(%error, "a stream of resolutions was cut off: the store failed");
}

#[cfg(test)]
mod tests {
    use buddy_core::id::SessionId;
    use buddy_core::reason::Reason;
    use buddy_core::session::OpenedBy;

    use super::*;
    use crate::agents::KnownAgent;
    use crate::sessions::Begin;
    use crate::testing::{TestApp, operator};

    const SECRET: &str = "test-secret-0123456789";

    /// Begins a session that nobody is asked about.
    async fn resolve(test: &TestApp, known: &KnownAgent) -> SessionId {
        let begin =
            Begin { agent_id: known.agent.id, identify: true, opened_by: OpenedBy::Visitor, waits: false };
        test.app.sessions.begin(known, &begin).await.unwrap().session.id
    }

    async fn bare_agent(test: &TestApp) -> Arc<KnownAgent> {
        let id = test.agent(SECRET).await.agent.id;
        test.app.agents.delete_callback(&operator(), id).await.unwrap();
        test.app.agents.known(id).await.unwrap()
    }

    async fn listen(
        test: &TestApp,
        id: AgentId,
        filter: ResolutionFilter,
        since: Option<i64>,
    ) -> ResolutionStream {
        let mut stream = test.app.resolutions.of_agent(id, filter, since).await.unwrap();
        assert!(matches!(stream.next().await, Some(ResolutionEvent::Begin(_))));
        stream
    }

    async fn next(stream: &mut ResolutionStream) -> Resolution {
        match stream.next().await {
            Some(ResolutionEvent::Resolution(numbered)) => numbered.resolution,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_with_its_agent_though_nobody_announces_that() {
        let test = TestApp::start();
        let known = bare_agent(&test).await;
        let mut stream = listen(&test, known.agent.id, ResolutionFilter::default(), None).await;
        let session_id = resolve(&test, &known).await;
        assert_eq!(next(&mut stream).await.session_id, session_id);
        test.app.agents.delete(&operator(), known.agent.id).await.unwrap();
        assert!(matches!(stream.next().await, Some(ResolutionEvent::End(End::Ended))));
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_that_is_far_behind_catches_up_in_the_right_order_whatever_is_left_out() {
        let test = TestApp::start();
        let known = bare_agent(&test).await;
        let mut sessions = Vec::new();
        for _ in 0..130 {
            sessions.push(resolve(&test, &known).await);
        }
        let mut stream = listen(&test, known.agent.id, ResolutionFilter::default(), Some(0)).await;
        for session_id in &sessions {
            assert_eq!(next(&mut stream).await.session_id, *session_id);
        }
        // The one that is wanted is beyond the first batches.
        let filter = ResolutionFilter { session_id: sessions.last().copied(), ..ResolutionFilter::default() };
        let mut stream = listen(&test, known.agent.id, filter, Some(0)).await;
        assert_eq!(next(&mut stream).await.session_id, sessions[129]);
        let filter = ResolutionFilter { reason: Some(Reason::NotConfigured), ..ResolutionFilter::default() };
        let mut stream = listen(&test, known.agent.id, filter, None).await;
        let session_id = resolve(&test, &known).await;
        assert_eq!(next(&mut stream).await.session_id, session_id, "it begins with what comes from now on");
    }
}
