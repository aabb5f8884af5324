//! Are the two secrets whole, theirs alone who run the server, and do they open the data?

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use buddy_store::{Inspection, Keyring, MasterKey};

use super::{Check, Finding};
use crate::config::{DataDir, Settings};

/// What the group and others may do.
const OTHERS: u32 = 0o077;
/// Anybody may put files there, and
const WRITABLE_BY_ALL: u32 = 0o002;
/// may remove those of others unless this is set.
const STICKY: u32 = 0o1000;

/// The secrets that the environment has, if it has them.
pub(super) struct Given {
    master_keys: Vec<MasterKey>,
    admin_token: bool,
}

impl Given {
    /// Takes the keys from the settings.
    pub(super) fn of(settings: &mut Settings) -> Self {
        let master_keys = std::mem::take(&mut settings.master_keys);
        Self { master_keys, admin_token: settings.admin_token.is_some() }
    }
}

pub(super) fn look(data_dir: &Path, given: Given, database: Option<&Inspection>) -> Finding {
    judge(data_dir, given, database).unwrap_or_else(|finding| finding)
}

fn judge(path: &Path, given: Given, database: Option<&Inspection>) -> Result<Finding, Finding> {
    let data_dir = DataDir::at(path);
    let refused = |error: crate::config::KeysError| Finding::of_refusal(Check::KeyFiles, &error);
    let (keys, key_is) = if given.master_keys.is_empty() {
        let kept = data_dir.kept_master_keys().map_err(refused)?;
        kept.map_or((Vec::new(), "made at the first start"), |keys| (keys, "in master.key"))
    } else {
        (given.master_keys, "from BUDDY_MASTER_KEY")
    };
    let token_is = if given.admin_token {
        "from BUDDY_ADMIN_TOKEN"
    } else {
        let kept = data_dir.kept_admin_token().map_err(refused)?;
        if kept.is_some() { "in admin.token" } else { "made at the first start" }
    };
    if let Some(weak) = weak_place(&data_dir) {
        return Err(weak);
    }
    let opens = match (Keyring::of(keys), database) {
        (Some(keyring), Some(database)) => {
            let opens = database.opens_with(&keyring);
            let opens = opens.map_err(|error| Finding::of_refusal(Check::KeyFiles, &error))?;
            if opens { ", opens the database" } else { ", nothing is sealed yet" }
        }
        _ => "",
    };
    Ok(Finding::ok(Check::KeyFiles, format!("master key: {key_is}{opens}; admin token: {token_is}")))
}

/// Where somebody else of this machine could come by the secrets, or put others in their place.
fn weak_place(data_dir: &DataDir) -> Option<Finding> {
    let directory = data_dir.path().canonicalize().ok()?;
    let own = directory.metadata().ok()?;
    if own.mode() & OTHERS != 0 {
        let message = format!("{} is open to other users of this machine", directory.display());
        let mend = format!("Run `chmod 700 {}`.", directory.display());
        return Some(Finding::warn(Check::KeyFiles, message, mend));
    }
    let loose = |place: &&Path| {
        place.metadata().is_ok_and(|it| it.mode() & WRITABLE_BY_ALL != 0 && it.mode() & STICKY == 0)
    };
    if let Some(place) = directory.ancestors().skip(1).find(loose) {
        let message = format!("anybody may rename what is in {}, the data dir too", place.display());
        let mend = format!("Move the data dir, or run `chmod o-w {}`.", place.display());
        return Some(Finding::warn(Check::KeyFiles, message, mend));
    }
    let of_another = |path: PathBuf| {
        let file: Metadata = path.metadata().ok()?;
        (file.uid() != own.uid()).then_some(path)
    };
    let stray = [data_dir.master_key_path(), data_dir.admin_token_path()].into_iter().find_map(of_another)?;
    let message = format!("{} belongs to another user than its directory", stray.display());
    let mend = "Give both to the user that runs the server, with `chown`.";
    Some(Finding::warn(Check::KeyFiles, message, mend))
}
