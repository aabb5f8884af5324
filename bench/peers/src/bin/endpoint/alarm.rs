//! Waiting to the microsecond, on a thread of its own: tokio's timer counts in whole milliseconds, which would be most of
//! what is measured.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use buddy_bench_peers::pace;
use tokio::sync::oneshot;

/// Wakes whoever waits.
pub(crate) struct Alarm(Sender<Waiting>);

impl Alarm {
    pub(crate) fn start() -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || ring(&receiver));
        Self(sender)
    }

    /// Returns at `moment`, or at once if that has passed.
    pub(crate) async fn at(&self, moment: Instant) {
        let (bell, rung) = oneshot::channel();
        self.0.send(Waiting { moment, bell }).expect("the thread lives as long as this end of its channel");
        rung.await.expect("the thread rings before it drops a bell");
    }
}

struct Waiting {
    moment: Instant,
    bell: oneshot::Sender<()>,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.moment == other.moment
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.moment.cmp(&other.moment)
    }
}

fn ring(asked: &Receiver<Waiting>) {
    pace::wake_precisely();
    let mut waiting: BinaryHeap<Reverse<Waiting>> = BinaryHeap::new();
    loop {
        let next = match waiting.peek() {
            Some(Reverse(first)) => {
                asked.recv_timeout(first.moment.saturating_duration_since(Instant::now()))
            }
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(one) => waiting.push(Reverse(one)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(first)| first.moment <= now) {
            if let Some(Reverse(first)) = waiting.pop() {
                // Whoever waited may have gone.
                let _ = first.bell.send(());
            }
        }
    }
}
