//! Which node may act for a pending session. A node shows that it is alive by a row that it writes each second, by the
//! database's clock: no node's clock has a say. For as long as it can show that, it has a tenure, and the sessions that
//! become pending meanwhile are that tenure's.
//!
//! A node that could not show it gives its tenure up by itself, before another takes it for gone: it counts from before
//! its last row was written, by a clock that only goes forward, and is a second earlier than the others. Then what it was
//! doing is cancelled, and its sessions go to whoever asks first. A machine that sleeps, its clock with it, may wake up
//! and go on for a moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::failure::Failure;
use super::pool::Direct;
use super::statement::statements;

/// From one sign of life to the next: two can be lost before a tenure ends.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A sign that is not confirmed by then is given up, in time for another.
const HEARTBEAT_WAIT: Duration = Duration::from_secs(1);
/// After a failure: soon, for the tenure ends soon.
const HEARTBEAT_AGAIN: Duration = Duration::from_millis(250);
/// From the begin of the last confirmed sign of life to the end of the tenure.
const FENCED_AFTER: Duration = Duration::from_millis(2_500);
/// From the moment of a node's last row until others take its sessions: a second more than the node itself needs to
/// notice, and with the time that taking over needs well within five seconds.
pub(super) const DEAD_AFTER: Duration = Duration::from_millis(3_500);

statements! {
    BEGIN = "INSERT INTO nodes (id, seen_at) VALUES (gen_random_uuid(), clock_timestamp()) RETURNING id";
    GO_ON = "UPDATE nodes SET seen_at = clock_timestamp() WHERE id = $1";
    LEAVE = "DELETE FROM nodes WHERE id = $1";
    // Rows of the long gone tell nobody anything.
    FORGET = "DELETE FROM nodes WHERE seen_at < clock_timestamp() - interval '1 hour'";
}

/// For as long as this node can show that it is alive.
#[derive(Clone, Debug)]
pub(super) struct Tenure {
    /// By which sessions are this node's.
    pub(super) id: Uuid,
    /// Cancelled at its end.
    pub(super) token: CancellationToken,
    ends: Instant,
}

impl Tenure {
    /// A sign of life that was begun then.
    fn since(id: Uuid, begun: Instant) -> Self {
        Self { id, token: CancellationToken::new(), ends: begun + FENCED_AFTER }
    }
}

/// This node's tenure, or the last that it had.
pub(super) struct Tenures(watch::Sender<Tenure>);

impl Tenures {
    /// As it is now: one whose time is over has ended, whether or not the timer has come to it.
    pub(super) fn current(&self) -> Tenure {
        let current = self.0.borrow().clone();
        if current.ends <= Instant::now() {
            current.token.cancel();
        }
        current
    }

    /// The sign of life begun then was confirmed.
    fn confirm(&self, id: Uuid, begun: Instant) {
        self.0.send_modify(|current| {
            if current.id != id {
                current.token.cancel();
                *current = Tenure::since(id, begun);
            } else if !current.token.is_cancelled() && Instant::now() < current.ends {
                current.ends = begun + FENCED_AFTER;
            }
        });
    }

    fn end(&self) {
        self.0.borrow().token.cancel();
    }

    /// Ends each tenure when its time is over.
    async fn watch(&self) {
        let mut changes = self.0.subscribe();
        loop {
            let ends = changes.borrow_and_update().ends;
            tokio::select! {
                () = sleep_until(ends), if !self.current().token.is_cancelled() => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The next tenure after one that has ended.
    #[cfg(test)]
    pub(super) async fn next(&self) -> Tenure {
        let mut changes = self.0.subscribe();
        let next = changes.wait_for(|tenure| !tenure.token.is_cancelled()).await;
        next.expect("this has its sender").clone()
    }
}

/// The connection on which signs of life are given, while there is one.
struct Heart {
    direct: Direct,
    connected: Option<(Client, AbortOnDropHandle<()>)>,
}

impl Heart {
    /// Begins a tenure, or shows that one goes on. `None`: it does not.
    async fn beat(&mut self, id: Option<Uuid>) -> Result<Option<Uuid>, Failure> {
        if self.connected.is_none() {
            let (client, driver) = self.direct.connect().await?;
            self.connected = Some((client, AbortOnDropHandle::new(tokio::spawn(driver.run()))));
        }
        let (client, _) = self.connected.as_ref().expect("it was just made");
        if let Some(id) = id {
            return Ok((client.execute(GO_ON, &[&id]).await? > 0).then_some(id));
        }
        let id = client.query_one(BEGIN, &[]).await?.try_get("id")?;
        client.execute(FORGET, &[]).await?;
        Ok(Some(id))
    }
}

/// Begins the first tenure, and goes on until `stop`.
pub(super) async fn start(
    direct: Direct,
    stop: CancellationToken,
) -> Result<(Arc<Tenures>, tokio::task::JoinHandle<()>), Failure> {
    let mut heart = Heart { direct, connected: None };
    let begun = Instant::now();
    let id = heart.beat(None).await?.expect("one that begins is there");
    let tenures = Arc::new(Tenures(watch::Sender::new(Tenure::since(id, begun))));
    let task = tokio::spawn(run(heart, tenures.clone(), stop));
    Ok((tenures, task))
}

async fn run(mut heart: Heart, tenures: Arc<Tenures>, stop: CancellationToken) {
    let beating = async {
        let mut next = Instant::now() + HEARTBEAT;
        loop {
            sleep_until(next).await;
            let begun = Instant::now();
            let pause = if beat(&mut heart, &tenures, begun).await { HEARTBEAT } else { HEARTBEAT_AGAIN };
            next = (begun + pause).max(Instant::now());
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = beating => {}
        () = tenures.watch() => {}
    }
    tenures.end();
    leave(&mut heart, tenures.current().id).await;
}

/// One sign of life; `false`: it is to be tried again soon.
async fn beat(heart: &mut Heart, tenures: &Tenures, begun: Instant) -> bool {
    let tenure = tenures.current();
    let lost = tenure.token.is_cancelled();
    let outcome = timeout(HEARTBEAT_WAIT, heart.beat((!lost).then_some(tenure.id))).await;
    match outcome {
        Ok(Ok(Some(id))) => {
            tenures.confirm(id, begun);
            if lost {
                tracing::info!("this node is known to be alive again");
            }
            true
        }
        Ok(Ok(None)) => {
            tenures.end();
            false
        }
        Ok(Err(_)) | Err(_) => {
            heart.connected = None;
            if !lost {
                tracing::warn!("this node could not show that it is alive; it is tried again");
            }
            false
        }
    }
}

/// What it leaves behind can be taken over at once. Should that fail, it takes [`DEAD_AFTER`].
async fn leave(heart: &mut Heart, id: Uuid) {
    if let Some((client, _)) = &heart.connected {
        let left = timeout(HEARTBEAT_WAIT, client.execute(LEAVE, &[&id])).await;
        if !matches!(left, Ok(Ok(_))) {
            tracing::warn!("this node could not say that it has stopped");
        }
    }
    heart.connected = None;
}
