//! The data dir, and the two secrets that are made in it at the first start.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use buddy_core::secret::TokenKind;
use buddy_store::{DATABASE_FILE, MasterKey};
use zeroize::Zeroizing;

use crate::ambient::Ambient;

const MASTER_KEY_FILE: &str = "master.key";
/// The low bits of a mode: what the group and others may do.
const OTHERS_BITS: u32 = 6;
const ADMIN_TOKEN_FILE: &str = "admin.token";

/// Why the data dir or a secret in it cannot be used, in one sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("{path}: {error}: choose a data dir that can be written (--data-dir, BUDDY_DATA_DIR).")]
    Io { path: PathBuf, error: std::io::Error },
    #[error(
        "{0} does not hold 32 bytes in base64, or several of them in a line each: restore it from a backup, or set BUDDY_MASTER_KEY."
    )]
    NotAKey(PathBuf),
    #[error("{0} is missing beside an existing database: restore it from a backup, or set BUDDY_MASTER_KEY.")]
    KeyLost(PathBuf),
    #[error("{0} can be read by other users of this machine: run `chmod 600` on it.")]
    Exposed(PathBuf),
    #[error(
        "{0} belongs to another user: run this as the user that runs the server, such as with `sudo -u`."
    )]
    NotOurs(PathBuf),
    #[error("{0} is empty: remove it to have a new one made, or set BUDDY_ADMIN_TOKEN.")]
    Empty(PathBuf),
}

/// The directory in which everything is kept.
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// The directory, made (mode 0700) if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, KeysError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| KeysError::Io { path: path.to_owned(), error })?;
        Ok(Self(path.to_owned()))
    }

    /// The directory, whether it is there or not: for who only reads.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the admin token is kept if none was given.
    pub(crate) fn admin_token_path(&self) -> PathBuf {
        admin_token_path(&self.0)
    }

    /// Where the key is kept if none was given.
    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.0.join(MASTER_KEY_FILE)
    }

    /// The key file's keys, of which the first one seals; made at the first start. A database without its key is never
    /// given a new one.
    pub(crate) fn master_keys(&self, ambient: &Ambient) -> Result<Vec<MasterKey>, KeysError> {
        if let Some(keys) = self.kept_master_keys()? {
            return Ok(keys);
        }
        let keys = vec![MasterKey::from_bytes(ambient.bytes())];
        self.keep_master_keys(&keys)?;
        Ok(keys)
    }

    /// The key file's keys, at least one; `None` where the first start is still to make it.
    pub(crate) fn kept_master_keys(&self) -> Result<Option<Vec<MasterKey>>, KeysError> {
        let path = self.master_key_path();
        match read_private(&path)? {
            Some(text) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                let keys =
                    lines.map(MasterKey::from_base64).collect::<Result<Vec<_>, _>>().unwrap_or_default();
                if keys.is_empty() { Err(KeysError::NotAKey(path)) } else { Ok(Some(keys)) }
            }
            None if self.0.join(DATABASE_FILE).exists() => Err(KeysError::KeyLost(path)),
            None => Ok(None),
        }
    }

    /// Writes the key file anew: a line for each key, the one that seals first.
    pub(crate) fn keep_master_keys(&self, keys: &[MasterKey]) -> Result<(), KeysError> {
        let lines = keys.iter().map(MasterKey::to_base64).collect::<Vec<_>>();
        let lines = lines.iter().map(|line| line.as_str()).collect::<Vec<_>>();
        write_private(&self.master_key_path(), &Zeroizing::new(lines.join("\n")))
    }

    /// Refuses to write what the user that runs the server could not read then.
    pub(crate) fn refuse_another_user(&self) -> Result<(), KeysError> {
        let owner =
            fs::metadata(&self.0).map_err(|error| KeysError::Io { path: self.0.clone(), error })?.uid();
        let own = rustix::process::geteuid().as_raw();
        if owner == own { Ok(()) } else { Err(KeysError::NotOurs(self.0.clone())) }
    }

    /// The admin token of the data dir, made at the first start.
    pub(crate) fn admin_token(&self, ambient: &Ambient) -> Result<Zeroizing<String>, KeysError> {
        if let Some(token) = self.kept_admin_token()? {
            return Ok(token);
        }
        let token = ambient.token(TokenKind::Admin);
        write_private(&self.admin_token_path(), token.expose())?;
        Ok(Zeroizing::new(token.expose().to_owned()))
    }

    /// The admin token of the data dir; `None` where the first start is still to make it.
    pub(crate) fn kept_admin_token(&self) -> Result<Option<Zeroizing<String>>, KeysError> {
        read_admin_token(&self.admin_token_path())
    }
}

/// Where a server of this data dir keeps the admin token that it made.
pub(crate) fn admin_token_path(data_dir: &Path) -> PathBuf {
    data_dir.join(ADMIN_TOKEN_FILE)
}

/// The admin token that is kept there, if one is: what exposes it is refused as at the server's start.
pub(crate) fn read_admin_token(path: &Path) -> Result<Option<Zeroizing<String>>, KeysError> {
    let Some(text) = read_private(path)? else { return Ok(None) };
    let token = Zeroizing::new(text.trim().to_owned());
    if token.is_empty() { Err(KeysError::Empty(path.to_owned())) } else { Ok(Some(token)) }
}

fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, KeysError> {
    let io = |error| KeysError::Io { path: path.to_owned(), error };
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode();
    if mode.trailing_zeros() >= OTHERS_BITS {
        Ok(Some(text))
    } else {
        Err(KeysError::Exposed(path.to_owned()))
    }
}

/// Written whole under another name first, so that a crash leaves no half a key.
fn write_private(path: &Path, text: &str) -> Result<(), KeysError> {
    let io = |error| KeysError::Io { path: path.to_owned(), error };
    let draft = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(io)?;
    writeln!(file, "{text}").map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(&draft, path).map_err(io)?;
    // Nothing may be sealed by a key that a power cut takes back.
    let directory = path.parent().expect("it is in the data dir");
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}
