//! A callback's body out of a file, byte for byte.

use std::fs::File;
use std::io::{self, Read};

/// A callback's body has some 130 bytes; what is far larger is another file.
const BYTES_MAX: u64 = 64 * 1024;
/// In a file's place: standard input.
pub(super) const STDIN: &str = "-";

/// Reads a body whole, or says in one sentence why not.
pub(super) fn read(file: &str) -> Result<Vec<u8>, String> {
    let body = match file {
        STDIN => bounded(io::stdin().lock()),
        path => File::open(path).and_then(bounded),
    };
    let body = body.map_err(|error| format!("--body {file}: {error}."))?;
    if u64::try_from(body.len()).is_ok_and(|length| length <= BYTES_MAX) {
        Ok(body)
    } else {
        Err(format!("--body {file}: over 64 KiB, which no callback's body is."))
    }
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    source.take(BYTES_MAX + 1).read_to_end(&mut body)?;
    Ok(body)
}
