//! `buddy doctor`: a deployment is looked at before or while the server runs, and each thing found comes with what to
//! do. Nothing is made, changed or signed.

mod clock;
mod config;
mod database;
mod disk;
mod dns;
mod egress;
mod hosts;
mod key_files;
mod port;
mod postgres;
mod public_url;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use buddy_egress::{Egress, EgressSettings};
use buddy_store::{Inspection, PostgresSettings};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::ambient::Ambient;
use crate::app;
use crate::config::{Settings, WrongSetting, everywhere};

pub(crate) use report::{Check, Finding, Report, Verdict};

/// Somebody waits for the report, or a script with a limit of its own does.
const TIME_MAX: Duration = Duration::from_secs(30);
/// A disk that is slower than this is found sick. It has room for [`CHECK_TIME`], and for questions to a database elsewhere,
/// of which each has bounds of its own.
const DISK_TIME: Duration = Duration::from_secs(12);
/// What a large database's pages are looked through for.
const CHECK_TIME: Duration = Duration::from_secs(5);
/// One look-up, or one connection with its question: longer than any callback would wait by default.
const HOST_TIME: Duration = Duration::from_secs(5);
// The port first, which tells whether one more node is to start; the disk, which knows the hosts; then look-up and
// connection, of all hosts at once.
const _: () = assert!(DISK_TIME.as_secs() + 3 * HOST_TIME.as_secs() < TIME_MAX.as_secs());

/// Looks at everything. Ends within [`TIME_MAX`].
pub(crate) async fn run(settings: Result<Settings, WrongSetting>, ambient: &Ambient) -> Report {
    let mut settings = match settings {
        Ok(settings) => settings,
        Err(wrong) => return Report::of(vec![config::refused(&wrong)]),
    };
    let ways = app::egress(&settings, settings.listen).and_then(|egress| Ok((egress, operators_way()?)));
    let (egress, own_way) = match ways {
        Ok(ways) => ways,
        Err(error) => return Report::of(vec![config::way_refused(&error)]),
    };
    let mut findings = vec![config::taken(&settings)];
    let given = key_files::Given::of(&mut settings);
    let (port, running) = port::look(settings.listen, &own_way).await;
    let shared = settings.database.take();
    let is_shared = shared.is_some();
    let holds = if is_shared { disk::Holds::Secrets } else { disk::Holds::Database };
    let data_dir = settings.data_dir.clone();
    let looking_at_data = async {
        match shared {
            Some(url) => {
                let settings = PostgresSettings { url, durability: settings.durability };
                look_at_shared_data(&settings, data_dir, given, !running, ambient).await
            }
            None => look_at_data(data_dir, given).await,
        }
    };
    let (disk, data) = tokio::join!(look_at_disk(settings.data_dir.clone(), holds), looking_at_data);
    findings.extend([disk, port]);
    findings.extend(data.findings);
    let (looked, (public, own_date)) = tokio::join!(
        hosts::look(&egress, data.urls, ambient),
        public_url::look(&settings, &own_way, running, ambient),
    );
    findings.extend([public, dns::judge(&looked), egress::judge(&looked, ambient.now())]);
    let (now, dates, own_date) = (ambient.now(), looked.dates(), own_date.as_ref());
    findings.push(if is_shared {
        clock::judge_of_many(now, &dates, own_date, data.ahead)
    } else {
        clock::judge(now, &dates, own_date, data.last_write)
    });
    Report::of(findings)
}

/// To the operator's own addresses, which may well be private; as browsers, it believes the machine's roots alone.
fn operators_way() -> Result<Egress, buddy_egress::EgressError> {
    Egress::new(EgressSettings {
        allow: everywhere().to_vec(),
        allow_http: true,
        ..EgressSettings::default()
    })
}

async fn look_at_disk(data_dir: PathBuf, holds: disk::Holds) -> Finding {
    let shown = data_dir.display().to_string();
    let look = move || disk::judge(&data_dir, holds, disk::read(&data_dir));
    let looked = timeout(DISK_TIME, spawn_blocking(look));
    looked.await.ok().and_then(Result::ok).unwrap_or_else(|| {
        let message = format!("{shown} did not answer within {} s", DISK_TIME.as_secs());
        Finding::fail(Check::Disk, message, "Check the disk, or the mount, that the data dir is on.")
    })
}

/// What the data dir tells, and the database elsewhere.
struct Data {
    findings: Vec<Finding>,
    urls: Vec<String>,
    /// Unix seconds of the database's last change.
    last_write: Option<i64>,
    /// Milliseconds that this clock is ahead of the database's.
    ahead: Option<i64>,
}

async fn look_at_data(data_dir: PathBuf, given: key_files::Given) -> Data {
    let end = tokio::time::Instant::now() + CHECK_TIME;
    let looked = timeout(
        DISK_TIME,
        spawn_blocking(move || {
            let inspection = Inspection::open(&data_dir);
            let keys = key_files::look(&data_dir, given, inspection.as_ref().ok().and_then(Option::as_ref));
            let last_write = database::last_write(&data_dir);
            let (database, urls) = database::look(inspection, move || tokio::time::Instant::now() >= end);
            Data { findings: vec![keys, database], urls, last_write, ahead: None }
        }),
    );
    looked
        .await
        .ok()
        .and_then(Result::ok)
        .unwrap_or_else(|| silent("Check the disk, and whether another program holds the database."))
}

async fn look_at_shared_data(
    settings: &PostgresSettings,
    data_dir: PathBuf,
    given: key_files::Given,
    joins: bool,
    ambient: &Ambient,
) -> Data {
    let looked = timeout(DISK_TIME, async {
        let secrets = spawn_blocking(move || key_files::Secrets::read(&data_dir, given)).await.ok()?;
        Some(postgres::look(settings, secrets, joins, ambient).await)
    });
    looked.await.ok().flatten().unwrap_or_else(|| {
        silent("Check that the database runs, and the network and the disk between it and this machine.")
    })
}

/// Nothing is known of what did not answer.
fn silent(mend: &str) -> Data {
    let message = format!("it did not answer within {} s", DISK_TIME.as_secs());
    let finding = Finding::fail(Check::Database, message, mend);
    Data { findings: vec![finding], urls: Vec::new(), last_write: None, ahead: None }
}
