//! What is done now and then: ended sessions and old resolutions go, stuck ones are taken up, caches shrink, the clock is
//! looked at, and what an older master key has sealed is sealed anew.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::limits::{
    AUDIT_KEPT_SECONDS, RESOLUTION_KEPT_SECONDS, TALLIES_BY_MINUTE_SECONDS, TALLIES_KEPT_SECONDS,
};
use buddy_store::{Resealing, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// An ended identity is off the disk within this; it is not found from the moment it ends.
const EVERY: Duration = Duration::from_secs(20);
/// Rows removed in one write, so that no session start waits behind a long one.
const BATCH: u32 = 500;
/// Of those in a round, when the master key was changed: 500 rows a second, which a disk does beside all else. What
/// sessions hold that end within a day needs no faster.
const RESEAL_BATCHES: u32 = 20;

/// Runs until it is told to stop.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut pass = Resealing::begin();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = round(&app, &mut pass).await {
            tracing::error!(%error, "housekeeping failed; it is tried again");
        }
    }
}

async fn round(app: &Arc<App>, pass: &mut Resealing) -> Result<(), StoreError> {
    tidy(app).await?;
    app.look_at_the_clock().await?;
    seal_anew(app, pass).await
}

/// After a change of the master key, takes a pass over what is sealed some steps on. One that left something is followed
/// by another. One that left nothing is the last until the next start: whoever still seals by an older key is to be
/// started anew, too, and makes a pass then.
pub(crate) async fn seal_anew(app: &Arc<App>, pass: &mut Resealing) -> Result<(), StoreError> {
    for _ in 0..RESEAL_BATCHES {
        if pass.is_complete() {
            return Ok(());
        }
        *pass = app.store.reseal(if pass.is_over() { Resealing::begin() } else { *pass }, BATCH).await?;
        let Resealing { resealed, unopened, .. } = *pass;
        if pass.is_complete() && resealed + unopened > 0 {
            tracing::info!(resealed, unopened, "all that opens is sealed by the first master key");
        }
    }
    Ok(())
}

/// One round.
pub(crate) async fn tidy(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.ambient.now();
    app.metrics.upkeep();
    app.limiter.forget_idle();
    app.identifier.tidy();
    while app.store.remove_ended_sessions(now, BATCH).await? == u64::from(BATCH) {}
    let kept_since = now.minus_seconds(RESOLUTION_KEPT_SECONDS);
    while app.store.remove_old_resolutions(kept_since, BATCH).await? == u64::from(BATCH) {}
    let kept_since = now.minus_seconds(AUDIT_KEPT_SECONDS);
    while app.store.remove_old_audit_entries(kept_since, BATCH).await? == u64::from(BATCH) {}
    let by_minute_since = now.minus_seconds(TALLIES_BY_MINUTE_SECONDS);
    while app.store.tallies_into_hours(by_minute_since, BATCH).await? == u64::from(BATCH) {}
    let kept_since = now.minus_seconds(TALLIES_KEPT_SECONDS);
    while app.store.remove_old_tallies(kept_since, BATCH).await? == u64::from(BATCH) {}
    recover(app).await
}

async fn recover(app: &Arc<App>) -> Result<(), StoreError> {
    let taken_up = app.identifier.recover().await?;
    if taken_up > 0 {
        tracing::warn!(sessions = taken_up, "pending sessions were taken up again");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use buddy_core::callback::answer::{Answer, Verdict, judge};
    use buddy_core::id::AgentId;
    use buddy_core::reason::Reason;
    use buddy_core::resolution::Outcome;
    use buddy_core::session::{Session, Status};
    use buddy_core::time::UnixMillis;
    use buddy_store::{Page, ResolutionFilter, Settlement};

    use super::*;
    use crate::identify::unasked;
    use crate::refusal::Refusal;
    use crate::sessions::Revoke;
    use crate::testing::{BEGUN, TestApp, operator};

    const SECRET: &str = "test-secret-0123456789";

    /// Settles a session as an endpoint's answer would.
    async fn identify_as(test: &TestApp, session: &Session, user_id: &str) {
        let body = format!(r#"{{"userId":"{user_id}"}}"#);
        let verdict = judge(&Answer { status: 200, content_encoding: None, body: body.as_bytes() });
        let Verdict::Authenticated { identity, .. } = verdict else { panic!("a good answer") };
        let settlement = Settlement {
            status: Status::Authenticated,
            callback_made: true,
            identity: Some(identity),
            ..Arc::unwrap_or_clone(unasked(session, None, &test.app.ambient))
        };
        assert!(test.app.store.settle_session(session.id, settlement.into()).await.unwrap());
    }

    #[tokio::test]
    async fn a_session_is_not_found_from_its_end_on_and_nothing_of_it_can_be_revoked() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        let session = test.session(&known).await;
        identify_as(&test, &session, "42").await;
        test.clock.advance_seconds(59);
        assert!(test.app.sessions.identity(known.agent.id, session.id).await.unwrap().1.is_some());
        test.clock.advance_seconds(1);
        let gone = test.app.sessions.identity(known.agent.id, session.id).await;
        assert!(matches!(gone, Err(Refusal::NotFound("session"))));
        let revoke = Revoke::User("42".into());
        assert_eq!(test.app.sessions.revoke(known.agent.id, revoke).await.unwrap(), 0);
        tidy(&test.app).await.unwrap();
        let left = test.app.store.remove_ended_sessions(test.app.ambient.now(), 10).await.unwrap();
        assert_eq!(left, 0, "housekeeping has removed it");
    }

    async fn resolutions(test: &TestApp, agent_id: AgentId) -> usize {
        let page = Page { before: None, limit: 10 };
        test.app.store.resolutions(agent_id, ResolutionFilter::default(), page).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_resolution_is_kept_for_seven_days() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        test.app.agents.delete_callback(&operator(), known.agent.id).await.unwrap();
        let session = test.session(&known).await;
        test.app.sessions.identify(session, None).await.unwrap();
        assert_eq!(resolutions(&test, known.agent.id).await, 1);
        test.clock.advance_seconds(7 * 24 * 3600 - 1);
        tidy(&test.app).await.unwrap();
        assert_eq!(resolutions(&test, known.agent.id).await, 1);
        test.clock.advance_seconds(2);
        tidy(&test.app).await.unwrap();
        assert_eq!(resolutions(&test, known.agent.id).await, 0);
    }

    #[tokio::test]
    async fn a_session_that_is_stuck_in_pending_is_taken_up_again() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        let session = test.session(&known).await;
        // Begun, and then its server was gone.
        assert!(test.app.store.begin_identify(session.id, test.app.ambient.now()).await.unwrap());
        tidy(&test.app).await.unwrap();
        let settled = settled(&test, &session).await;
        assert_eq!((settled.status, settled.failure), (Status::Anonymous, Some(Reason::ConnectFailed)));
        let page = Page { before: None, limit: 1 };
        let kept =
            test.app.store.resolutions(known.agent.id, ResolutionFilter::default(), page).await.unwrap();
        assert_eq!(kept[0].outcome, Outcome::Failed);
    }

    #[tokio::test]
    async fn a_session_that_is_being_identified_is_not_taken_up() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        let session = test.session(&known).await;
        let place = test.app.identifier.place(session.id).unwrap();
        assert!(test.app.store.begin_identify(session.id, test.app.ambient.now()).await.unwrap());
        place.is_on_disk();
        assert_eq!(test.app.identifier.recover().await.unwrap(), 0);
        drop(place);
        assert_eq!(test.app.identifier.recover().await.unwrap(), 1);
    }

    /// The session once it is settled.
    async fn settled(test: &TestApp, session: &Session) -> Session {
        test.app.sessions.wait_until_settled(session.id, Duration::from_secs(30)).await.unwrap();
        test.app.sessions.session(session.id).await.unwrap()
    }

    #[tokio::test]
    async fn a_session_whose_callback_was_removed_while_it_was_pending_has_its_resolution_and_is_counted() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        let session = test.session(&known).await;
        assert!(test.app.store.begin_identify(session.id, test.app.ambient.now()).await.unwrap());
        test.app.agents.delete_callback(&operator(), known.agent.id).await.unwrap();
        tidy(&test.app).await.unwrap();
        let settled = settled(&test, &session).await;
        assert_eq!((settled.status, settled.failure), (Status::Anonymous, Some(Reason::NotConfigured)));
        let of_session = ResolutionFilter { session_id: Some(session.id), ..ResolutionFilter::default() };
        let page = Page { before: None, limit: 2 };
        let kept = test.app.store.resolutions(known.agent.id, of_session, page).await.unwrap();
        assert_eq!((kept.len(), kept[0].reason), (1, Some(Reason::NotConfigured)));
        let minutes = counted(&test, known.agent.id).await;
        assert_eq!(minutes.iter().map(|(_, sessions)| sessions).sum::<u64>(), 1);
    }

    /// What was counted since the test's clock began: after how many seconds, and how many sessions.
    async fn counted(test: &TestApp, agent_id: AgentId) -> Vec<(i64, u64)> {
        let begun = UnixMillis(BEGUN.0 - BEGUN.0 % 3_600_000);
        let stretch = begun..test.app.ambient.now().plus_seconds(1);
        let minutes = test.app.store.tallies(agent_id, stretch, 60).await.unwrap();
        minutes.into_iter().map(|(at, tally)| ((at.0 - begun.0) / 1000, tally.counts.sessions())).collect()
    }

    #[tokio::test]
    async fn what_was_counted_is_kept_by_the_minute_then_by_the_hour_and_for_400_days() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        test.app.agents.delete_callback(&operator(), known.agent.id).await.unwrap();
        let begun = (BEGUN.0 % 3_600_000) / 1000;
        let minute = begun - begun % 60;
        let session = test.session(&known).await;
        test.app.sessions.identify(session, None).await.unwrap();
        test.clock.advance_seconds(3600);
        tidy(&test.app).await.unwrap();
        assert_eq!(counted(&test, known.agent.id).await, [(minute, 1)], "its hour is not over for an hour");
        test.clock.advance_seconds(3600);
        tidy(&test.app).await.unwrap();
        assert_eq!(counted(&test, known.agent.id).await, [(0, 1)]);
        test.clock.advance_seconds(400 * 24 * 3600 - 2 * 3600 - u32::try_from(begun).unwrap());
        tidy(&test.app).await.unwrap();
        assert_eq!(counted(&test, known.agent.id).await, [(0, 1)]);
        test.clock.advance_seconds(1);
        tidy(&test.app).await.unwrap();
        assert_eq!(counted(&test, known.agent.id).await, []);
    }

    #[tokio::test]
    async fn it_is_kept_for_400_days_what_operators_did() {
        let test = TestApp::start();
        test.agent(SECRET).await;
        let noted = async || {
            let page = Page { before: None, limit: 10 };
            test.app.audit.page(None, page).await.unwrap().len()
        };
        for (seconds, kept) in [(0, 2), (400 * 24 * 3600, 2), (1, 0)] {
            test.clock.advance_seconds(seconds);
            tidy(&test.app).await.unwrap();
            assert_eq!(noted().await, kept);
        }
    }

    #[tokio::test]
    async fn an_overlap_that_has_ended_makes_the_next_secret_current() {
        let test = TestApp::start();
        let known = test.agent(SECRET).await;
        let id = known.agent.id;
        let next = "next-secret-0123456789";
        test.app.agents.rotate(&operator(), id, Some(next), Some(100)).await.unwrap();
        let again = test.app.agents.rotate(&operator(), id, None, None).await;
        assert!(matches!(again, Err(Refusal::RotationOpen)));
        test.clock.advance_seconds(100);
        let configured =
            test.app.agents.put_callback(&operator(), id, settings(&known)).await.unwrap().configured;
        assert_eq!(configured.secrets.current.expose(), next);
        assert!(configured.secrets.rotation.is_none());
        assert!(
            test.app.agents.rotate(&operator(), id, None, None).await.is_ok(),
            "a new rotation may begin"
        );
    }

    /// The same callback once more, with its stored secret.
    fn settings(known: &crate::agents::KnownAgent) -> crate::agents::CallbackSettings {
        crate::agents::CallbackSettings {
            url: known.callback.as_ref().unwrap().callback.url.clone(),
            secret: None,
            timeout_ms: None,
            max_concurrent: None,
            require_ticket: None,
            enabled: None,
        }
    }
}
