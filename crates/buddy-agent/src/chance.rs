//! Randomness, and the waits that are drawn from it.

use std::time::Duration;

use crate::limits::{RETRY_AFTER_MAX, RETRY_FIRST, RETRY_MAX};

/// Bytes that nobody can guess.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that draws randomness")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness once it has booted");
    bytes
}

/// Longer waits after each failure, none like another program's.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait now; `asked` is what the server wants at least, or zero.
    pub(crate) fn next(&mut self, asked: Duration) -> Duration {
        let wait = self.wait(u16::from_le_bytes(random()));
        self.failures += 1;
        asked.min(RETRY_AFTER_MAX) + wait
    }

    /// It went well: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Between a half and the whole of the step.
    fn wait(&self, chance: u16) -> Duration {
        let doubled = RETRY_FIRST.saturating_mul(2u32.saturating_pow(self.failures));
        let half = doubled.min(RETRY_MAX) / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            waits.push((backoff.wait(0), backoff.wait(u16::MAX)));
            let wait = backoff.next(Duration::ZERO);
            assert!((waits.last().unwrap().0..=waits.last().unwrap().1).contains(&wait), "{wait:?}");
        }
        assert_eq!(waits[0], (RETRY_FIRST / 2, RETRY_FIRST));
        assert_eq!(waits[1], (RETRY_FIRST, RETRY_FIRST * 2));
        assert_eq!(waits[39], (RETRY_MAX / 2, RETRY_MAX));
        backoff.reset();
        assert!(backoff.next(Duration::ZERO) <= RETRY_FIRST);
    }

    #[test]
    fn what_the_server_asks_for_is_obeyed_within_reason() {
        let asked = Duration::from_secs(7);
        assert!(Backoff::default().next(asked) >= asked);
        assert!(Backoff::default().next(Duration::MAX) <= RETRY_AFTER_MAX + RETRY_FIRST);
    }
}
