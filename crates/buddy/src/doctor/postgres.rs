//! Does the database that nodes share answer, can it be worked with, and do nodes hear each other through it?

use buddy_store::{
    DatabaseTrust, DatabaseUrl, PostgresInspection, PostgresOpenError, PostgresReading, PostgresSettings,
    Schema, TakesWrites,
};

use super::database::URLS_MAX;
use super::key_files::Secrets;
use super::{Check, Data, Finding};
use crate::ambient::Ambient;

/// All that was seen of it.
pub(super) struct Seen {
    pub(super) reading: PostgresReading,
    /// What one connection says another hears; a standby cannot be asked.
    pub(super) passes_notifications: bool,
    pub(super) urls: Vec<String>,
    pub(super) ahead: i64,
}

/// Looks at it, and at the secrets that are to open it. `joins`: one more node is to start here.
pub(super) async fn look(
    settings: &PostgresSettings,
    secrets: Result<Secrets, Finding>,
    joins: bool,
    ambient: &Ambient,
) -> Data {
    let inspection = match PostgresInspection::new(settings) {
        Ok(inspection) => inspection,
        Err(error) => return unseen(&error, secrets),
    };
    let seen = match see(&inspection, ambient).await {
        Ok(seen) => seen,
        Err(error) => return unseen(&error, secrets),
    };
    let keys = match secrets {
        Ok(secrets) => {
            let opens = opens(&inspection, &secrets, seen.reading.is_sealed).await;
            secrets.judge_of_many(opens)
        }
        Err(finding) => finding,
    };
    let database = judge(&settings.url, &seen, joins);
    Data { findings: vec![keys, database], urls: seen.urls, last_write: None, ahead: Some(seen.ahead) }
}

fn unseen(error: &PostgresOpenError, secrets: Result<Secrets, Finding>) -> Data {
    let keys = secrets.map_or_else(|finding| finding, |secrets| secrets.judge_of_many(None));
    let database = Finding::of_refusal(Check::Database, error);
    Data { findings: vec![keys, database], urls: Vec::new(), last_write: None, ahead: None }
}

async fn see(inspection: &PostgresInspection, ambient: &Ambient) -> Result<Seen, PostgresOpenError> {
    let reading = inspection.reading().await?;
    let ahead = inspection.clock_offset(ambient.now()).await?;
    let has_tables = reading.schema.found > 0;
    let urls = if has_tables { inspection.callback_urls(URLS_MAX).await? } else { Vec::new() };
    let passes_notifications =
        reading.takes_writes != TakesWrites::Standby && inspection.passes_notifications().await?;
    Ok(Seen { reading, passes_notifications, urls, ahead })
}

/// `None`: there is no key to try yet, and nothing that one would have to open.
async fn opens(
    inspection: &PostgresInspection,
    secrets: &Secrets,
    is_sealed: bool,
) -> Option<Result<bool, Finding>> {
    let Some(keyring) = secrets.keyring() else {
        let message = "this node has no master key yet, and one that it made would not open the database";
        let mend = "Set BUDDY_MASTER_KEY to what the other nodes have.";
        return is_sealed.then(|| Err(Finding::fail(Check::KeyFiles, message, mend)));
    };
    let opens = inspection.opens_with(keyring).await;
    Some(opens.map_err(|error| Finding::of_refusal(Check::KeyFiles, &error)))
}

/// From what was seen, the worst first.
pub(super) fn judge(url: &DatabaseUrl, seen: &Seen, joins: bool) -> Finding {
    let reading = &seen.reading;
    let Schema { found, known } = reading.schema;
    if let Some((message, mend)) = hindrance(seen) {
        return Finding::fail(Check::Database, message, mend);
    }
    let nodes = reading.nodes_alive + i64::from(joins || reading.nodes_alive == 0);
    let needed = nodes * i64::from(reading.connections_of_a_node);
    if i64::from(reading.connections) < needed {
        let message = format!(
            "it takes {} connections of this user, and {nodes} nodes may need {needed}",
            reading.connections
        );
        let mend = "Raise max_connections, and the limits of user and database where they have one; it takes a restart.";
        return Finding::warn(Check::Database, message, mend);
    }
    if (1..known).contains(&found) {
        let message = format!("it has schema {found}, this version has {known}; {}", alive(reading));
        let mend =
            "Make a backup: the next start of this version brings it up to date, and nodes that run go on.";
        return Finding::warn(Check::Database, message, mend);
    }
    if url.trust() == DatabaseTrust::Plain && !url.is_of_this_machine() {
        let mend = "Use sslmode=verify-full, and sslrootcert for an authority of your own, unless nobody else is on that \
                    network.";
        return Finding::warn(Check::Database, format!("{url} is reached without TLS"), mend);
    }
    let schema = match found {
        0 => "no tables yet: the first start makes them".to_owned(),
        found if found > known => format!("schema {found}, of a newer version, which {known} can work with"),
        found => format!("schema {found}"),
    };
    let version = reading.major_version;
    let tls = tls(url.trust());
    Finding::ok(
        Check::Database,
        format!("PostgreSQL {version} at {url}, {tls}; {schema}; {}", alive(reading)),
    )
}

fn alive(reading: &PostgresReading) -> String {
    let noun = if reading.nodes_alive == 1 { "node" } else { "nodes" };
    format!("{} {noun} alive, {} connections at most", reading.nodes_alive, reading.connections)
}

fn tls(trust: DatabaseTrust) -> &'static str {
    match trust {
        DatabaseTrust::Plain => "without TLS",
        DatabaseTrust::Authority => "over TLS for any name (sslmode=verify-ca)",
        DatabaseTrust::Full => "over TLS (sslmode=verify-full)",
    }
}

/// With what no node works: what was seen, and what to do.
fn hindrance(seen: &Seen) -> Option<(String, &'static str)> {
    let reading = &seen.reading;
    let primary = "Name the server that takes writes; of several hosts in --database-url, target_session_attrs=read-write \
                   finds it.";
    if !reading.is_version_known {
        let message =
            format!("it is PostgreSQL {}, and 15 is the oldest that will do", reading.major_version);
        return Some((message, "Upgrade the server to PostgreSQL 15 or later."));
    }
    match reading.takes_writes {
        TakesWrites::Yes => {}
        TakesWrites::Standby => return Some(("it is a standby and takes no writes".into(), primary)),
        TakesWrites::ReadOnly => {
            return Some(("it takes no writes: its transactions are read-only".into(), primary));
        }
    }
    if !reading.may_create {
        let mend = "Let the user own the database, or a schema of it that is its search_path: nodes make their tables \
                    themselves.";
        return Some(("its user may not create tables".into(), mend));
    }
    if !seen.passes_notifications {
        let mend = "Connect to PostgreSQL itself, or to a pooler in session mode: PgBouncer in transaction mode keeps LISTEN \
                    from nodes.";
        return Some(("what is told on one connection is not heard on another".into(), mend));
    }
    None
}
