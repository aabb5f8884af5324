//! Does the database open, is it whole, and is it of this version?

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use buddy_store::{DATABASE_FILE, Inspection, OpenError, QuickCheck, Schema};

use super::{Check, Finding};

const MIB: u64 = 1 << 20;
/// The server begins the log anew at 128 MiB; twice that is one that it cannot begin anew.
const LOG_BYTES_MAX: u64 = 256 * MIB;
/// More callbacks than any report has room for.
pub(super) const URLS_MAX: u32 = 10_000;

/// Unix seconds at which the database file was last written.
pub(super) fn last_write(data_dir: &Path) -> Option<i64> {
    Some(data_dir.join(DATABASE_FILE).metadata().ok()?.mtime())
}

/// Looks at it until `enough`, and tells where its callbacks go.
pub(super) fn look(
    inspection: Result<Option<Inspection>, OpenError>,
    enough: impl FnMut() -> bool + Send + 'static,
) -> (Finding, Vec<String>) {
    let look = || {
        let Some(mut database) = inspection? else {
            return Ok((Finding::ok(Check::Database, "none yet: the first start makes it"), Vec::new()));
        };
        let schema = database.schema()?;
        let Schema { found, known } = schema;
        if found > known {
            return Err(OpenError::Newer { found, known });
        }
        let urls = if found > 0 { database.callback_urls(URLS_MAX)? } else { Vec::new() };
        let pages = database.quick_check(enough)?;
        Ok((judge(schema, database.log_bytes(), &pages), urls))
    };
    look().unwrap_or_else(|error| (Finding::of_refusal(Check::Database, &error), Vec::new()))
}

pub(super) fn judge(Schema { found, known }: Schema, log_bytes: u64, pages: &QuickCheck) -> Finding {
    let log = log_bytes / MIB;
    let pages = match pages {
        QuickCheck::Sound => "its pages fit together",
        QuickCheck::Unfinished => "no fault found in the time there was",
        QuickCheck::Damaged(fault) => {
            let message = format!("it is damaged: {fault}");
            let mend = "Stop the server, keep a copy of the data dir, and restore it from a backup.";
            return Finding::fail(Check::Database, message, mend);
        }
    };
    if log_bytes > LOG_BYTES_MAX {
        let mend = "Look for another program that reads the database for long, such as a backup or a shell.";
        let message = format!("its write-ahead log is {log} MiB long and cannot begin anew");
        return Finding::warn(Check::Database, message, mend);
    }
    if found < known {
        let message = format!("it has schema {found}, this version has {known}; {pages}");
        let mend = "Make a backup: the next start brings it up to date, and older versions refuse it then.";
        return Finding::warn(Check::Database, message, mend);
    }
    Finding::ok(Check::Database, format!("schema {found}, {pages}, log {log} MiB"))
}
