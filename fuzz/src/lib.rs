//! What must hold for any input at all. Each check takes bytes, panics where the code under it breaks a rule,
//! and says whether it accepted what they spell.
//!
//! The checks stand on a second reading of the rules, with parsers of their own, not on the code they judge.

mod answer;
mod json;
mod signature_header;
mod target;
mod ticket;

pub use answer::answer;
pub use signature_header::signature_header;
pub use target::target;
pub use ticket::ticket;

/// A check: true where the input was accepted by the code under it.
pub type Check = fn(&[u8]) -> bool;

/// Every check, under the name of its target and of its folder in `corpus/`.
pub const CHECKS: [(&str, Check); 4] =
    [("answer", answer), ("signature_header", signature_header), ("target", target), ("ticket", ticket)];

/// A fuzz target: the entry that libFuzzer calls.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! fuzz {
    ($check:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::$check(data);
        });
    };
}

/// A fuzz target without a fuzzer: checks the files that are named as arguments, such as a crash that was found.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! fuzz {
    ($check:ident) => {
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$check(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
