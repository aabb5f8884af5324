//! The keys as they are configured, and where.

use std::error::Error;

use buddy_store::{Keyring, MasterKey};

use super::{DataDir, Misused, Settings};
use crate::cli::print::show;
use crate::cli::say_aside;

const VARIABLE: &str = "BUDDY_MASTER_KEY";

/// All keys, the one that seals first.
pub(super) struct Ring {
    /// At least one.
    pub(super) keys: Vec<MasterKey>,
    is_variable: bool,
    data_dir: DataDir,
}

impl Ring {
    /// Takes them from the settings, or reads the key file.
    pub(super) fn read(settings: &mut Settings) -> Result<Self, Box<dyn Error>> {
        let given = std::mem::take(&mut settings.master_keys);
        let data_dir = DataDir::at(&settings.data_dir);
        let is_variable = !given.is_empty();
        let keys = if is_variable { given } else { data_dir.kept_master_keys()?.unwrap_or_default() };
        if keys.is_empty() {
            let path = data_dir.master_key_path();
            return Err(format!(
                "{} is not there yet: the first start of `buddy serve` makes it.",
                path.display()
            )
            .into());
        }
        Ok(Self { keys, is_variable, data_dir })
    }

    /// The same for a command that writes, which only the server's own user may be told to.
    pub(super) fn read_to_change(settings: &mut Settings) -> Result<Self, Box<dyn Error>> {
        let ring = Self::read(settings)?;
        if settings.data_dir.exists() {
            ring.data_dir.refuse_another_user()?;
        }
        Ok(ring)
    }

    /// Where they are.
    pub(super) fn place(&self) -> String {
        if self.is_variable {
            VARIABLE.to_owned()
        } else {
            self.data_dir.master_key_path().display().to_string()
        }
    }

    /// The place of the key of this id among them.
    pub(super) fn position(&self, id: &str) -> Result<usize, Misused> {
        let at = self.keys.iter().position(|key| key.id().to_string() == id);
        at.ok_or_else(|| {
            let known = self.keys.iter().map(|key| key.id().to_string()).collect::<Vec<_>>().join(", ");
            Misused(format!("`{id}` is no key in {}; there are {known}.", self.place()))
        })
    }

    /// Writes them where they were, or prints what the variable has to be; and says what comes next.
    pub(super) fn keep(&self, next: &str) -> Result<(), Box<dyn Error>> {
        if self.is_variable {
            let texts = self.keys.iter().map(MasterKey::to_base64).collect::<Vec<_>>();
            let texts = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>();
            say_aside(&format!("{next}\nSet {VARIABLE} to this, on every node:"));
            show(&texts.join(","))?;
        } else {
            self.data_dir.keep_master_keys(&self.keys)?;
            show(next)?;
        }
        Ok(())
    }

    pub(super) fn into_keyring(self) -> Keyring {
        Keyring::of(self.keys).expect("there is at least one key")
    }
}
