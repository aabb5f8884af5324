//! The `buddy` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A session is some two hundred allocations, which this one makes in less time than glibc's. It also gives back what a
/// storm of sessions has taken.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    buddy::cli::main()
}
