//! What is sealed, and where: counted, and sealed anew.

use std::error::Error;

use buddy_store::{
    DATABASE_FILE, Inspection, Keyring, OpenError, PostgresInspection, PostgresKeys, PostgresSettings,
    Resealing, SealedBy, Sealing, SqliteSettings, SqliteStore,
};

use super::Settings;

/// Rows in a step while nobody else writes.
const STEP_ALONE: u32 = 2_000;
/// The same beside nodes, whose writes of these rows wait meanwhile: a second at most, far from the database too.
const STEP_BESIDE_NODES: u32 = 250;

/// The database whose values are looked at.
pub(super) enum Place {
    /// SQLite's, in a data dir.
    DataDir(SqliteSettings),
    /// One that nodes share.
    Shared(Box<PostgresSettings>),
}

impl Place {
    /// That of the settings.
    pub(super) fn of(settings: &mut Settings) -> Self {
        let durability = settings.durability;
        match settings.database.take() {
            Some(url) => Self::Shared(Box::new(PostgresSettings { url, durability })),
            None => Self::DataDir(SqliteSettings { directory: settings.data_dir.clone(), durability }),
        }
    }

    pub(super) fn has_many_nodes(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// What each key has sealed, while servers use it or not. Nothing where there is no database yet; where it cannot be
    /// looked at, an error.
    pub(super) async fn sealed_by(&self) -> Result<SealedBy, Box<dyn Error>> {
        match self {
            Self::DataDir(settings) => {
                let counted = Inspection::open(&settings.directory)
                    .and_then(|inspection| inspection.map(|inspection| inspection.sealed_by()).transpose());
                Ok(counted.map_err(sentence)?.unwrap_or_default())
            }
            Self::Shared(settings) => {
                let inspection = PostgresInspection::new(settings).map_err(sentence)?;
                Ok(inspection.sealed_by().await.map_err(sentence)?)
            }
        }
    }

    /// Seals anew what others than the ring's first key have sealed.
    pub(super) async fn reseal(self, keyring: Keyring) -> Result<Resealing, Box<dyn Error>> {
        match self {
            Self::DataDir(settings) => {
                let directory = &settings.directory;
                if !directory.join(DATABASE_FILE).exists() {
                    return Err(
                        format!("{} has no database yet: nothing is sealed.", directory.display()).into()
                    );
                }
                let store = SqliteStore::open(settings, keyring);
                let store = store.map_err(in_use)?;
                let pass = whole_pass(&store, STEP_ALONE).await;
                store.close().await;
                pass
            }
            Self::Shared(settings) => {
                let inspection = PostgresInspection::new(&settings).map_err(sentence)?;
                if inspection.schema().await.map_err(sentence)?.found == 0 {
                    return Err(format!("{} has no tables yet: nothing is sealed.", settings.url).into());
                }
                refuse_unknown_to_nodes(&inspection, &keyring).await?;
                let keys = PostgresKeys::open(inspection, keyring).await.map_err(sentence)?;
                whole_pass(&keys, STEP_BESIDE_NODES).await
            }
        }
    }
}

/// What a key seals that no node has sealed by yet may open on none of those that run.
async fn refuse_unknown_to_nodes(
    inspection: &PostgresInspection,
    keyring: &Keyring,
) -> Result<(), Box<dyn Error>> {
    let nodes = inspection.nodes_alive().await.map_err(sentence)?;
    let first = keyring.ids()[0];
    if nodes == 0 || inspection.sealed_by().await.map_err(sentence)?.by(first).total() > 0 {
        return Ok(());
    }
    let instead = "restart each with it first, or stop all";
    Err(format!(
        "key {first} has sealed nothing yet, and nodes that run ({nodes}) may not know it: {instead}."
    )
    .into())
}

async fn whole_pass(sealed: &impl Sealing, step: u32) -> Result<Resealing, Box<dyn Error>> {
    let mut pass = Resealing::begin();
    while !pass.is_over() {
        pass = sealed.reseal(pass, step).await?;
    }
    Ok(pass)
}

fn in_use(error: OpenError) -> String {
    match error {
        OpenError::InUse { directory } => format!(
            "a server uses {} and seals anew by itself: see how far it is with `buddy keys status`, or stop it first.",
            directory.display()
        ),
        error => sentence(error),
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    format!("{error}.")
}
