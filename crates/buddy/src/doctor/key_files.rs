//! Are the two secrets whole, theirs alone who run the server, and do they open the data?

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use buddy_store::{Inspection, Keyring, MasterKey};

use super::{Check, Finding, Verdict};
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

/// Both secrets, whole and nobody else's, as a start would find them.
pub(super) struct Secrets {
    data_dir: DataDir,
    keyring: Option<Keyring>,
    key_is: &'static str,
    token_is: &'static str,
    /// The variables that are not set.
    unset: Vec<&'static str>,
}

impl Secrets {
    /// Takes them from the environment, or reads them.
    pub(super) fn read(path: &Path, given: Given) -> Result<Self, Finding> {
        let data_dir = DataDir::at(path);
        let refused = |error: crate::config::KeysError| Finding::of_refusal(Check::KeyFiles, &error);
        let mut unset = Vec::new();
        let (keys, key_is) = if given.master_keys.is_empty() {
            unset.push("BUDDY_MASTER_KEY");
            let kept = data_dir.kept_master_keys().map_err(refused)?;
            kept.map_or((Vec::new(), "made at the first start"), |keys| (keys, "in master.key"))
        } else {
            (given.master_keys, "from BUDDY_MASTER_KEY")
        };
        let token_is = if given.admin_token {
            "from BUDDY_ADMIN_TOKEN"
        } else {
            unset.push("BUDDY_ADMIN_TOKEN");
            let kept = data_dir.kept_admin_token().map_err(refused)?;
            if kept.is_some() { "in admin.token" } else { "made at the first start" }
        };
        Ok(Self { data_dir, keyring: Keyring::of(keys), key_is, token_is, unset })
    }

    /// `None`: the first start makes one.
    pub(super) fn keyring(&self) -> Option<&Keyring> {
        self.keyring.as_ref()
    }

    /// `opens`: whether something is sealed, and what stands in the way of opening it; `None`: that is not known.
    pub(super) fn judge(&self, opens: Option<Result<bool, Finding>>) -> Finding {
        let opens = match opens {
            Some(Err(finding)) => return finding,
            Some(Ok(true)) => ", opens the database",
            Some(Ok(false)) => ", nothing is sealed yet",
            None => "",
        };
        let Self { key_is, token_is, .. } = self;
        let message = format!("master key: {key_is}{opens}; admin token: {token_is}");
        weak_place(&self.data_dir).unwrap_or_else(|| Finding::ok(Check::KeyFiles, message))
    }

    /// The same for a node that is not the only one.
    pub(super) fn judge_of_many(&self, opens: Option<Result<bool, Finding>>) -> Finding {
        let finding = self.judge(opens);
        if self.unset.is_empty() || finding.verdict != Verdict::Ok {
            return finding;
        }
        let unset = self.unset.join(" and ");
        let mend = format!("Set {unset} to the same on every node: each else makes its own.");
        Finding::warn(Check::KeyFiles, finding.message, mend)
    }
}

/// Those of a data dir, with the database in it.
pub(super) fn look(data_dir: &Path, given: Given, database: Option<&Inspection>) -> Finding {
    let secrets = match Secrets::read(data_dir, given) {
        Ok(secrets) => secrets,
        Err(finding) => return finding,
    };
    let opens = secrets.keyring().zip(database).map(|(keyring, database)| database.opens_with(keyring));
    secrets.judge(opens.map(|opens| opens.map_err(|error| Finding::of_refusal(Check::KeyFiles, &error))))
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
