//! The `buddy` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    buddy::cli::main()
}
