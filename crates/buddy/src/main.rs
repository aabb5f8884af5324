//! The `buddy` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A session is some hundred small allocations, many of them freed by another thread. This one also gives back what a
/// storm has taken, which glibc's does not, and is as good where there is no glibc.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    buddy::cli::main()
}
