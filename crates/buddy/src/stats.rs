//! What operators measure: how an agent's sessions ended and how long that took, in a stretch of time up to now.

use std::sync::Arc;

use buddy_core::agent::Agent;
use buddy_core::id::AgentId;
use buddy_core::tally::{Counts, Tally, share_fell};
use buddy_core::time::UnixMillis;
use buddy_store::{AgentTally, Page, Store};

use crate::agents::Agents;
use crate::ambient::Ambient;
use crate::refusal::Refusal;

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

/// A stretch of time that ends with the step that runs now: the last 60 minutes, 24 or 168 hours, or 365 days, all in
/// UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Hour,
    Day,
    Week,
    Year,
}

impl Window {
    pub(crate) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Year];

    /// As it is written in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Year => "1y",
        }
    }

    /// The steps of its chart: how many, and how many seconds each has.
    fn steps(self) -> (u32, u32) {
        match self {
            Self::Hour => (60, MINUTE),
            Self::Day => (24, HOUR),
            Self::Week => (7 * 24, HOUR),
            Self::Year => (365, DAY),
        }
    }

    fn begin(self, now: UnixMillis) -> UnixMillis {
        let (steps, seconds) = self.steps();
        now.floored_to(seconds).minus_seconds((steps - 1) * seconds)
    }

    fn seconds(self) -> u32 {
        let (steps, seconds) = self.steps();
        steps * seconds
    }
}

/// An agent among all.
pub(crate) struct AgentStats {
    pub(crate) agent: Agent,
    pub(crate) tally: Tally,
    /// Its share of identified sessions fell sharply in the last hour.
    pub(crate) fell: bool,
}

/// How an agent has fared lately.
pub(crate) struct Lately {
    pub(crate) hour: Counts,
    pub(crate) day: Counts,
    pub(crate) week: Counts,
    /// Its share of identified sessions fell sharply in the last hour.
    pub(crate) fell: bool,
}

impl Lately {
    fn of(counts: Vec<Counts>) -> Self {
        let Ok([hour, day, week]) = <[Counts; 3]>::try_from(counts) else {
            unreachable!("as many as were asked about")
        };
        Self { fell: share_fell(&hour, &week.without(&hour)), hour, day, week }
    }
}

/// The use cases.
pub(crate) struct Stats {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) ambient: Ambient,
}

impl Stats {
    /// All that was counted of the agent in the window.
    pub(crate) async fn of_agent(&self, id: AgentId, window: Window) -> Result<Tally, Refusal> {
        let counted = self.counted(id, window, window.seconds()).await?;
        Ok(counted.into_iter().next().map(|(_, tally)| tally).unwrap_or_default())
    }

    /// The sessions of the last hour, day and week of each of these agents, in their order.
    pub(crate) async fn lately(&self, agents: Vec<AgentId>) -> Result<Vec<Lately>, Refusal> {
        let now = self.ambient.now();
        let since = [Window::Hour, Window::Day, Window::Week].map(|window| window.begin(now)).to_vec();
        let counts = self.store.counts(agents, since, end_of_minute(now)).await?;
        Ok(counts.into_iter().map(Lately::of).collect())
    }

    /// All that was counted of the agent in the window, step by step, oldest first, and none left out.
    pub(crate) async fn series(
        &self,
        id: AgentId,
        window: Window,
    ) -> Result<Vec<(UnixMillis, Tally)>, Refusal> {
        let (steps, seconds) = window.steps();
        let begin = window.begin(self.ambient.now());
        let mut counted = self.counted(id, window, seconds).await?.into_iter().peekable();
        let step = |number| {
            let from = begin.plus_seconds(number * seconds);
            let tally = counted.next_if(|(at, _)| *at == from).map(|(_, tally)| tally);
            (from, tally.unwrap_or_default())
        };
        Ok((0..steps).map(step).collect())
    }

    async fn counted(
        &self,
        id: AgentId,
        window: Window,
        step_seconds: u32,
    ) -> Result<Vec<(UnixMillis, Tally)>, Refusal> {
        self.agents.known(id).await?;
        let begin = window.begin(self.ambient.now());
        let stretch = begin..begin.plus_seconds(window.seconds());
        Ok(self.store.tallies(id, stretch, step_seconds).await?)
    }

    /// A stretch of all agents, newest first.
    pub(crate) async fn of_agents(
        &self,
        page: Page<AgentId>,
        window: Window,
    ) -> Result<Vec<AgentStats>, Refusal> {
        let now = self.ambient.now();
        let stretch = window.begin(now)..end_of_minute(now);
        let counts_since = [Window::Hour, Window::Week].map(|window| window.begin(now)).to_vec();
        let agents = self.store.tallies_of_agents(page, stretch, counts_since).await?;
        Ok(agents.into_iter().map(agent_stats).collect())
    }
}

fn end_of_minute(now: UnixMillis) -> UnixMillis {
    now.floored_to(MINUTE).plus_seconds(MINUTE)
}

fn agent_stats(AgentTally { agent, tally, counts_since }: AgentTally) -> AgentStats {
    let [hour, week] = counts_since[..] else { unreachable!("as many as were asked about") };
    AgentStats { agent, tally, fell: share_fell(&hour, &week.without(&hour)) }
}

#[cfg(test)]
mod tests {
    use buddy_core::reason::Reason;
    use buddy_core::resolution::Outcome;
    use buddy_core::session::OpenedBy;

    use super::*;
    use crate::housekeeping::tidy;
    use crate::identify::unasked;
    use crate::sessions::Begin;
    use crate::testing::{BEGUN, TestApp};

    const SECRET: &str = "test-secret-0123456789";

    /// Settles so many sessions of the agent now: identified, or failed.
    async fn settle(test: &TestApp, id: AgentId, count: u32, identified: bool) {
        let known = test.app.agents.known(id).await.unwrap();
        for _ in 0..count {
            let begin = Begin { agent_id: id, identify: false, opened_by: OpenedBy::Visitor, waits: false };
            let session = test.app.sessions.begin(&known, &begin).await.unwrap().session;
            let failure = (!identified).then_some(Reason::HttpStatus);
            let mut settlement = Arc::unwrap_or_clone(unasked(&session, failure, &test.app.ambient));
            if identified {
                settlement.resolution.outcome = Outcome::Authenticated;
            }
            assert!(test.app.store.settle_session(session.id, settlement.into()).await.unwrap());
        }
    }

    async fn sessions(test: &TestApp, id: AgentId) -> [u64; 4] {
        let mut sessions = [0; 4];
        for (sessions, window) in sessions.iter_mut().zip(Window::ALL) {
            *sessions = test.app.stats.of_agent(id, window).await.unwrap().counts.sessions();
            let series = test.app.stats.series(id, window).await.unwrap();
            assert_eq!(series.iter().map(|(_, tally)| tally.counts.sessions()).sum::<u64>(), *sessions);
        }
        sessions
    }

    #[tokio::test]
    async fn a_window_ends_with_the_step_that_runs_and_has_whole_steps_before_it() {
        let test = TestApp::start();
        let id = test.agent(SECRET).await.agent.id;
        for (window, steps, seconds) in [
            (Window::Hour, 60, 60),
            (Window::Day, 24, 3600),
            (Window::Week, 168, 3600),
            (Window::Year, 365, 86_400),
        ] {
            let series = test.app.stats.series(id, window).await.unwrap();
            assert_eq!(series.len(), steps);
            assert!(series.windows(2).all(|two| two[1].0 == two[0].0.plus_seconds(seconds)));
            let last = series.last().unwrap().0;
            assert!(last <= BEGUN && BEGUN < last.plus_seconds(seconds) && last == last.floored_to(seconds));
        }
    }

    #[tokio::test]
    async fn a_session_leaves_each_window_with_its_step() {
        let test = TestApp::start();
        let id = test.agent(SECRET).await.agent.id;
        assert_eq!(BEGUN.seconds() % 3600, 1600, "26 minutes and 40 seconds past the hour");
        settle(&test, id, 1, true).await;
        assert_eq!(sessions(&test, id).await, [1, 1, 1, 1]);
        let mut passed = 0;
        for (seconds, expected) in [
            (59 * 60, [1, 1, 1, 1]),
            (59 * 60 + 20, [0, 1, 1, 1]),
            (24 * 3600 - 1600 - 1, [0, 1, 1, 1]),
            (24 * 3600 - 1600, [0, 0, 1, 1]),
            (168 * 3600 - 1600 - 1, [0, 0, 1, 1]),
            (168 * 3600 - 1600, [0, 0, 0, 1]),
            (364 * 86_400, [0, 0, 0, 1]),
            (365 * 86_400, [0, 0, 0, 0]),
        ] {
            test.clock.advance_seconds(seconds - passed);
            passed = seconds;
            tidy(&test.app).await.unwrap();
            assert_eq!(sessions(&test, id).await, expected, "after {seconds} s");
        }
    }

    #[tokio::test]
    async fn an_agent_whose_share_fell_in_the_last_hour_is_marked() {
        let test = TestApp::start();
        let [good, bad, new] = [
            test.agent(SECRET).await.agent.id,
            test.agent(SECRET).await.agent.id,
            test.agent(SECRET).await.agent.id,
        ];
        for id in [good, bad] {
            settle(&test, id, 120, true).await;
        }
        test.clock.advance_seconds(2 * 3600);
        tidy(&test.app).await.unwrap();
        settle(&test, good, 30, true).await;
        settle(&test, bad, 30, false).await;
        settle(&test, new, 30, false).await;
        let page = Page { before: None, limit: 10 };
        let listed = test.app.stats.of_agents(page, Window::Hour).await.unwrap();
        let lately = test.app.stats.lately(vec![good, bad, new]).await.unwrap();
        for (lately, (fell, week)) in lately.iter().zip([(false, 150), (true, 150), (false, 30)]) {
            assert_eq!((lately.fell, lately.hour.sessions(), lately.week.sessions()), (fell, 30, week));
            assert_eq!(lately.day.sessions(), week);
        }
        let fell = |id| listed.iter().find(|stats| stats.agent.id == id).unwrap().fell;
        assert_eq!([good, bad, new].map(fell), [false, true, false]);
        assert!(listed.iter().all(|stats| stats.tally.counts.sessions() == 30));
        // By the day it is seen, too: the mark is of the last hour, whatever is looked at.
        let week = test.app.stats.of_agents(page, Window::Week).await.unwrap();
        assert_eq!(week.iter().filter(|stats| stats.fell).count(), 1);
        test.clock.advance_seconds(3600);
        tidy(&test.app).await.unwrap();
        let later = test.app.stats.of_agents(page, Window::Week).await.unwrap();
        assert!(later.iter().all(|stats| !stats.fell), "the hour is over");
    }
}
