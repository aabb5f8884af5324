//! Every check against its corpus and against mutations of it, the same ones each time.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use buddy_fuzz::{CHECKS, Check};

/// What a run without a fuzzer can try in some seconds.
const MUTATIONS_PER_TARGET: usize = 5_000;
/// More than one at a time reaches behind a first check.
const EDITS_MAX: u64 = 4;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn run(target: &str, check: Check, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(input))).unwrap_or_else(|panic| {
        eprintln!("{target} fails on: {}", input.escape_ascii());
        resume_unwind(panic)
    })
}

/// Marsaglia's xorshift64: no run differs from another.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.next() % EDITS_MAX {
            self.edit(&mut input, corpus);
        }
        input
    }

    fn edit(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below(input.len() - at + 1).min(16);
        match self.next() % 6 {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 => input.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 => drop(input.drain(at..end)),
            3 => input.splice(at..at, input[at..end].to_vec()).for_each(drop),
            4 => {
                let other = &corpus[self.below(corpus.len())];
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
            _ => input.splice(at..end, *b"\"").for_each(drop),
        }
    }
}

#[test]
fn every_check_holds_for_its_corpus_which_has_what_is_accepted_and_what_is_refused() {
    for (target, check) in CHECKS {
        let corpus = corpus(target);
        let accepted = corpus.iter().filter(|input| run(target, check, input)).count();
        assert!(accepted > 0, "{target}: nothing of {} is accepted", corpus.len());
        assert!(accepted < corpus.len(), "{target}: nothing is refused");
    }
}

#[test]
fn every_check_holds_for_mutations_of_its_corpus() {
    let mut random = Xorshift(0x0062_7564_6479);
    for (target, check) in CHECKS {
        let corpus = corpus(target);
        for _ in 0..MUTATIONS_PER_TARGET {
            run(target, check, &random.mutate(&corpus));
        }
    }
}
