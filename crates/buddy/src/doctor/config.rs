//! Do the settings parse? In the words in which a start would refuse them.

use buddy_egress::EgressError;

use super::{Check, Finding};
use crate::config::{Settings, WrongSetting};

pub(super) fn taken(settings: &Settings) -> Finding {
    let Settings { listen, data_dir, database, .. } = settings;
    let data = data_dir.display();
    let message = match database {
        Some(url) => format!("listens on {listen}, keeps its data in {url}, its own secrets in {data}"),
        None => format!("listens on {listen}, keeps its data in {data}"),
    };
    Finding::ok(Check::Config, message)
}

pub(super) fn refused(wrong: &WrongSetting) -> Finding {
    let mend = "Mend that setting: `buddy serve` does not start with it. The rest is looked at then.";
    Finding::fail(Check::Config, wrong.to_string().trim_end_matches('.'), mend)
}

pub(super) fn way_refused(error: &EgressError) -> Finding {
    let check = if matches!(error, EgressError::NameServers(_)) { Check::Dns } else { Check::Config };
    Finding::of_refusal(check, error)
}
