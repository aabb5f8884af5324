//! `buddy restore`.

use std::error::Error;
use std::path::{Path, PathBuf};

use buddy_core::time::UnixMillis;
use buddy_store::{Keyring, MasterKey, Restored, Schema};
use clap::Args;
use serde_json::json;

use super::print::show;
use super::serve;
use crate::ambient::{Ambient, rfc3339};
use crate::config::{self, DataDir};

pub(super) const HELP: &str = "\
Before anything is replaced, the backup is checked: that it is whole, of a schema that this version
knows, and that the master key opens it (BUDDY_MASTER_KEY, or master.key in the data dir). Run it
as the user that runs the server, with its settings.";

const INSTEAD: &str = "names a PostgreSQL database: restore it with pg_restore.";

/// What `buddy restore` is told.
#[derive(Args, Debug)]
#[group(skip)] // Of the same name as the server's, and of no use.
pub(super) struct Flags {
    /// A file that `buddy backup` has written.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Move a database that is there aside, into a new directory of the data dir.
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: config::Flags,
}

/// Puts the backup in place, and says where what was there is now.
pub(super) fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    let settings = serve::settings_for_sqlite(flags.settings, INSTEAD)?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    data_dir.refuse_another_user()?;
    let keyring = keyring(settings.master_keys, &data_dir)?;
    let aside = aside(Ambient::system().now());
    let restored = buddy_store::restore(&flags.file, data_dir.path(), &keyring, flags.force, &aside)
        .map_err(|refusal| format!("{refusal}."))?;
    if flags.json {
        show(&serde_json::to_string_pretty(&as_json(&flags.file, data_dir.path(), &restored))?)?;
    } else {
        show(&in_words(&flags.file, data_dir.path(), &restored))?;
    }
    Ok(())
}

/// The keys of the data dir as they are: none is made, for a new one opens nothing.
fn keyring(given: Vec<MasterKey>, data_dir: &DataDir) -> Result<Keyring, Box<dyn Error>> {
    let keys = if given.is_empty() { data_dir.kept_master_keys()?.unwrap_or_default() } else { given };
    let none = || {
        let path = data_dir.master_key_path();
        format!(
            "{} is missing: put the key file there that was kept apart from the backup, or set BUDDY_MASTER_KEY.",
            path.display()
        )
    };
    Ok(Keyring::of(keys).ok_or_else(none)?)
}

/// A name with the time in it, in letters that every file system takes.
fn aside(now: UnixMillis) -> String {
    format!("replaced-{}", rfc3339(now).replace(':', "-"))
}

fn as_json(file: &Path, data_dir: &Path, restored: &Restored) -> serde_json::Value {
    let Restored { bytes, schema: Schema { found, known }, moved_to } = restored;
    json!({
        "file": file.display().to_string(),
        "dataDir": data_dir.display().to_string(),
        "bytes": bytes,
        "schema": found,
        "knownSchema": known,
        "movedTo": moved_to.as_ref().map(|path| path.display().to_string()),
    })
}

fn in_words(file: &Path, data_dir: &Path, restored: &Restored) -> String {
    let Restored { bytes, schema: Schema { found, known }, moved_to } = restored;
    let update = if found < known { format!("; the next start makes it {known}") } else { String::new() };
    let replaced = moved_to.as_ref().map_or_else(String::new, |aside| {
        format!("\nreplaced: the old database is in {}; remove it when it is not needed", aside.display())
    });
    format!(
        "restored: {}, {bytes} bytes, checked\nschema:   {found}{update}\ndata dir: {}{replaced}",
        file.display(),
        data_dir.display()
    )
}
