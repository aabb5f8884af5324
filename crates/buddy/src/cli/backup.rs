//! `buddy backup`.

use std::error::Error;
use std::path::PathBuf;

use buddy_store::BackedUp;
use clap::Args;
use serde_json::json;

use super::print::show;
use super::serve;
use crate::config::{self, DataDir, Settings};

pub(super) const HELP: &str = "\
The copy is of one moment and holds nobody up. The master key is not in it: keep that apart.
`buddy restore` puts it in place. Run it as the user that runs the server, with its settings.";

const INSTEAD: &str = "names a PostgreSQL database: back it up with pg_dump.";

/// What `buddy backup` is told.
#[derive(Args, Debug)]
#[group(skip)] // Of the same name as the server's, and of no use.
pub(super) struct Flags {
    /// Where the copy is to be; for its owner alone.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: config::Flags,
}

/// Copies, and says what is in the copy and what is not.
pub(super) fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    let settings = serve::settings_for_sqlite(flags.settings, INSTEAD)?;
    let BackedUp { bytes, schema } = buddy_store::back_up(&settings.data_dir, &flags.file, flags.force)
        .map_err(|refusal| format!("{refusal}."))?;
    let key_is_in = key_is_in(&settings);
    let file = flags.file.display();
    if flags.json {
        let done =
            json!({"file": file.to_string(), "bytes": bytes, "schema": schema, "masterKeyIn": key_is_in});
        show(&serde_json::to_string_pretty(&done)?)?;
    } else {
        show(&format!(
            "backup:     {file}\nsize:       {bytes} bytes, checked\nschema:     {schema}\n\
             master key: NOT in it; without {key_is_in} it does not open: keep that too, and apart from the backup"
        ))?;
    }
    Ok(())
}

/// Where the master key is that opens the data.
fn key_is_in(settings: &Settings) -> String {
    if settings.master_keys.is_empty() {
        DataDir::at(&settings.data_dir).master_key_path().display().to_string()
    } else {
        "BUDDY_MASTER_KEY".to_owned()
    }
}
