//! The command line, tried as an operator would.

mod agent;
mod backup;
mod check;
mod demo;
mod doctor;
mod explain;
mod keys;
mod mock_endpoint;
mod operator;
mod serve;
mod settings;
mod shared_doctor;
mod shared_keys;
mod sign;
mod tail;
mod trace;
mod verify;

use std::process::Output;

/// The start was refused with one sentence on standard error, which this returns.
#[track_caller]
fn refused(output: &Output) -> String {
    ended(output, 1)
}

/// The command line asked for what cannot be done: as [`refused`], with the exit status for that.
#[track_caller]
fn misused(output: &Output) -> String {
    ended(output, 2)
}

#[track_caller]
fn ended(output: &Output, status: i32) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(status), "{stdout}{stderr}");
    assert!(stdout.is_empty(), "{stdout}");
    let line = stderr.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n') && line.starts_with("buddy: "), "{stderr}");
    line.to_owned()
}
