//! What is counted of an agent's sessions: how they ended, and how long that took. No session is in it, and no user.

use crate::reason::Code;
use crate::resolution::{Outcome, Resolution};

/// Buckets of each doubling, as a power of two: a bucket is at most an eighth of its least value wide, so that its
/// middle is within 6.25 % of all in it.
const BUCKETS_PER_DOUBLING_BITS: u32 = 3;
const BUCKETS_PER_DOUBLING: u64 = 1 << BUCKETS_PER_DOUBLING_BITS;
/// Durations from here on, over an hour, share the last bucket: two attempts of ten seconds are the longest.
const LONGEST: u64 = u32::MAX as u64;
/// So many buckets come of that.
pub const DURATION_BUCKETS: usize = 240;

/// How long something took, many times over: a histogram in the manner of HDR's, linear within each doubling.
///
/// Bucket `i` below 8 has durations of `i` microseconds; from there on it begins at `(8 + i % 8) << (i / 8 - 1)` and is
/// `1 << (i / 8 - 1)` wide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many are in each bucket, as far as the last that has any.
    buckets: Vec<u64>,
}

impl Durations {
    /// Counts one, in microseconds.
    pub fn record(&mut self, micros: u64) {
        self.add(bucket_of(micros), 1);
    }

    /// Counts so many in this bucket; one that there is not counts as the last.
    pub fn add(&mut self, bucket: u8, count: u64) {
        let bucket = usize::from(bucket).min(DURATION_BUCKETS - 1);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += count;
    }

    /// Counts all that the other has.
    pub fn merge(&mut self, other: &Self) {
        other.counted().for_each(|(bucket, count)| self.add(bucket, count));
    }

    /// The buckets that have any, with how many.
    pub fn counted(&self) -> impl Iterator<Item = (u8, u64)> {
        (0..).zip(self.buckets.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// What `percent` of all did not exceed, in microseconds: the nearest rank's bucket, its middle. `None` if there
    /// are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.buckets.iter().sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut passed = 0;
        let reached = |&(_, count): &(u8, u64)| {
            passed += count;
            passed >= rank
        };
        self.counted().find(reached).map(|(bucket, _)| middle(bucket))
    }
}

fn bucket_of(micros: u64) -> u8 {
    let micros = micros.min(LONGEST);
    if micros < BUCKETS_PER_DOUBLING {
        return u8::try_from(micros).expect("below 8");
    }
    let shift = micros.ilog2() - BUCKETS_PER_DOUBLING_BITS;
    let bucket = u64::from(shift) * BUCKETS_PER_DOUBLING + (micros >> shift);
    u8::try_from(bucket).expect("32 bits make 240 buckets")
}

fn middle(bucket: u8) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < BUCKETS_PER_DOUBLING {
        return bucket;
    }
    let shift = bucket / BUCKETS_PER_DOUBLING - 1;
    let least = (BUCKETS_PER_DOUBLING + bucket % BUCKETS_PER_DOUBLING) << shift;
    least + ((1 << shift) - 1) / 2
}

/// Sessions by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The endpoint named a user.
    pub authenticated: u64,
    /// Nobody was signed in.
    pub nobody: u64,
    /// Something went wrong: one for each code, in the order of [`Code::ALL`].
    pub failed: [u64; Code::ALL.len()],
}

impl Counts {
    /// Counts one session.
    pub fn record(&mut self, resolution: &Resolution) {
        match (resolution.outcome, resolution.reason) {
            (Outcome::Authenticated, _) => self.authenticated += 1,
            (Outcome::Failed, Some(reason)) => self.failed[index_of(reason.code())] += 1,
            (Outcome::Nobody | Outcome::Failed, _) => self.nobody += 1,
        }
    }

    /// Counts all that the other has.
    pub fn merge(&mut self, other: &Self) {
        self.authenticated += other.authenticated;
        self.nobody += other.nobody;
        self.failed.iter_mut().zip(other.failed).for_each(|(mine, others)| *mine += others);
    }

    /// Those that are not in `part`, which is a part of these.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let mut failed = self.failed;
        failed.iter_mut().zip(part.failed).for_each(|(all, part)| *all = all.saturating_sub(part));
        Self {
            authenticated: self.authenticated.saturating_sub(part.authenticated),
            nobody: self.nobody.saturating_sub(part.nobody),
            failed,
        }
    }

    /// Those that failed with this code.
    pub fn failed_with(&self, code: Code) -> u64 {
        self.failed[index_of(code)]
    }

    /// Those that failed.
    pub fn all_failed(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// All of them.
    pub fn sessions(&self) -> u64 {
        self.authenticated + self.nobody + self.all_failed()
    }

    /// Those that count for the share: somebody was signed in, or it failed.
    fn judged(&self) -> u64 {
        self.authenticated + self.all_failed()
    }

    /// Of the sessions that somebody was signed in for or that failed, those identified, 0 to 1. `None` if there are
    /// none.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    pub fn identified_share(&self) -> Option<f64> {
        (self.judged() > 0).then(|| self.authenticated as f64 / self.judged() as f64)
    }
}

fn index_of(code: Code) -> usize {
    Code::ALL.iter().position(|&other| other == code).expect("every code is one of all")
}

/// What is counted of an agent in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions by how they ended.
    pub counts: Counts,
    /// How long the resolutions took for which the endpoint was asked.
    pub durations: Durations,
}

impl Tally {
    /// Counts one session. Where nobody was asked there is no duration to tell of.
    pub fn record(&mut self, resolution: &Resolution) {
        self.counts.record(resolution);
        if !resolution.attempts.is_empty() {
            self.durations.record(resolution.duration);
        }
    }

    /// Counts all that the other has.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.durations.merge(&other.durations);
    }
}

/// Fewer sessions lately say nothing: with 20 a share can be told from another by some tenths at best.
pub const FELL_LATELY_MIN: u64 = 20;
/// Fewer sessions before are no rule to measure by.
pub const FELL_BEFORE_MIN: u64 = 100;
/// What fell by less than this is for the chart, not for an alarm.
pub const FELL_BY: f64 = 0.10;
/// Standard errors between the two shares. Beyond four, chance alone marks one of some 30,000: with a thousand agents
/// looked at every hour, less than one a day.
pub const FELL_STANDARD_ERRORS: f64 = 4.0;

/// The share of identified sessions fell sharply: a one-sided two-proportion z-test with a pooled share, and a fall
/// that is worth a look.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
pub fn share_fell(lately: &Counts, before: &Counts) -> bool {
    if lately.judged() < FELL_LATELY_MIN || before.judged() < FELL_BEFORE_MIN {
        return false;
    }
    let (Some(now), Some(then)) = (lately.identified_share(), before.identified_share()) else {
        return false;
    };
    let (judged_now, judged_then) = (lately.judged() as f64, before.judged() as f64);
    let pooled = (lately.authenticated + before.authenticated) as f64 / (judged_now + judged_then);
    let error = (pooled * (1.0 - pooled) * (1.0 / judged_now + 1.0 / judged_then)).sqrt();
    then - now >= FELL_BY && then - now >= FELL_STANDARD_ERRORS * error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap_and_their_middle_is_near_all_in_them() {
        let mut last = 0;
        for micros in (0..100_000).chain((100_000..50_000_000).step_by(997)) {
            let bucket = bucket_of(micros);
            assert!(bucket == last || bucket == last + 1 || micros > 100_000, "{micros}");
            last = bucket;
            assert!(middle(bucket).abs_diff(micros) * 16 <= micros.max(1), "{micros} in {bucket}");
            assert_eq!(bucket_of(middle(bucket)), bucket);
        }
        assert_eq!(usize::from(bucket_of(LONGEST)), DURATION_BUCKETS - 1);
        assert_eq!(bucket_of(u64::MAX), bucket_of(LONGEST));
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile(50), None);
        (1..=1000).for_each(|millis| durations.record(millis * 1000));
        for (percent, exact) in [(50, 500_000_u64), (95, 950_000), (99, 990_000), (100, 1_000_000)] {
            let found = durations.percentile(percent).unwrap();
            assert!(found.abs_diff(exact) * 16 <= exact, "{percent}: {found}");
        }
        let mut one = Durations::default();
        one.record(5);
        assert_eq!([50, 95, 99].map(|percent| one.percentile(percent)), [Some(5); 3]);
        let mut both = one.clone();
        both.merge(&durations);
        assert_eq!(both.counted().map(|(_, count)| count).sum::<u64>(), 1001);
        assert_eq!(both.percentile(0), Some(5));
    }

    fn counts(authenticated: u64, failed: u64) -> Counts {
        Counts { authenticated, nobody: 7, failed: [0, failed, 0, 0] }
    }

    #[test]
    fn the_share_is_of_those_that_somebody_was_signed_in_for_or_that_failed() {
        assert_eq!(counts(0, 0).identified_share(), None);
        assert_eq!(counts(3, 1).identified_share(), Some(0.75));
        assert_eq!(counts(3, 1).sessions(), 11);
        assert_eq!(counts(5, 2).without(&counts(3, 1)), Counts { nobody: 0, ..counts(2, 1) });
    }

    #[test]
    fn a_share_has_fallen_where_chance_does_not_explain_it() {
        for (lately, before, fell) in [
            (counts(0, 20), counts(990, 10), true),
            (counts(10, 10), counts(990, 10), true),
            (counts(0, 19), counts(990, 10), false),
            (counts(0, 20), counts(99, 0), false),
            (counts(19, 1), counts(990, 10), false),
            // It fell by a tenth and a half, which among twenty may be chance, and among a thousand is not.
            (counts(13, 7), counts(800, 200), false),
            (counts(650, 350), counts(800, 200), true),
            // Beyond chance, and not worth an alarm.
            (counts(95_000, 5_000), counts(99_000, 1_000), false),
            (counts(990, 10), counts(10, 990), false),
            (counts(100, 0), counts(100, 0), false),
        ] {
            assert_eq!(share_fell(&lately, &before), fell, "{lately:?} {before:?}");
        }
    }
}
