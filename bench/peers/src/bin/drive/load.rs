//! When the sessions begin.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use buddy_bench_peers::{Failure, pace};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use crate::client::Client;
use crate::seen::Seen;

/// What may pass before the first session, so that none is late from the start.
const LEAD: Duration = Duration::from_millis(20);
/// The longest wait for the last answers: two timeouts of every peer, and some.
const DRAIN: Duration = Duration::from_secs(10);

pub(crate) async fn open(
    client: &Rc<Client>,
    rate: u32,
    warm: Duration,
    counted: Duration,
) -> Result<Seen, Failure> {
    let begin = Instant::now() + LEAD;
    let gap = Duration::from_secs(1) / rate;
    let mut moments = moments(begin, gap, begin + warm + counted);
    let seen = Rc::new(RefCell::new(Seen::nothing()?));
    let mut running = JoinSet::new();
    let mut turn = 0;
    while let Some(intended) = moments.recv().await {
        let (client, seen) = (Rc::clone(client), Rc::clone(&seen));
        running.spawn_local(async move {
            let answer = client.call(turn).await;
            if intended >= begin + warm {
                seen.borrow_mut().add(intended.elapsed(), &answer);
            }
        });
        turn += 1;
        while running.try_join_next().is_some() {}
    }
    // Who has no answer by then is counted as failed.
    let _ = timeout(DRAIN, async { while running.join_next().await.is_some() {} }).await;
    seen.borrow_mut().unanswered(running.len());
    running.shutdown().await;
    Ok(taken(seen))
}

/// The moments at which a session is to begin, each told when it has come.
fn moments(begin: Instant, gap: Duration, end: Instant) -> UnboundedReceiver<Instant> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        pace::wake_precisely();
        let mut moment = begin;
        while moment < end {
            thread::sleep(moment.saturating_duration_since(Instant::now()));
            if sender.send(moment).is_err() {
                return;
            }
            moment += gap;
        }
    });
    receiver
}

pub(crate) async fn closed(
    client: &Rc<Client>,
    connections: u32,
    ramp: Duration,
    cycle: Duration,
    time: Duration,
) -> Result<Seen, Failure> {
    let seen = Rc::new(RefCell::new(Seen::nothing()?));
    let mut workers = JoinSet::new();
    for number in 0..connections {
        let (client, seen) = (Rc::clone(client), Rc::clone(&seen));
        let delay = ramp * number / connections;
        workers.spawn_local(async move {
            sleep(delay).await;
            loop {
                let begun = Instant::now();
                let answer = client.call(number).await;
                seen.borrow_mut().add(begun.elapsed(), &answer);
                sleep_until((begun + cycle).into()).await;
            }
        });
    }
    sleep(ramp + time).await;
    workers.shutdown().await;
    Ok(taken(seen))
}

/// All that shared it have ended.
fn taken(seen: Rc<RefCell<Seen>>) -> Seen {
    Rc::into_inner(seen).expect("no session runs any more").into_inner()
}
