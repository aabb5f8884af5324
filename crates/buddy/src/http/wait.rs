//! `?wait=N`: the answer comes once the session is settled, or after N seconds.

use std::time::Duration;

use buddy_core::id::SessionId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::app::App;

/// Longer, and proxies on the way would cut the connection.
const WAIT_SECONDS_MAX: u8 = 30;

/// The query of calls that may wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Answer once the session is settled, or after this many whole seconds.
    #[param(minimum = 0, maximum = 30)]
    wait: Option<u8>,
}

impl WaitQuery {
    /// Checked before anything is done, so that a wrong wait changes nothing.
    pub(crate) fn checked(&self) -> Result<Duration, Problem> {
        let seconds = self.wait.unwrap_or(0);
        if seconds > WAIT_SECONDS_MAX {
            return Err(Problem::invalid_value(format!(
                "wait: must be 0 to {WAIT_SECONDS_MAX} whole seconds."
            )));
        }
        Ok(Duration::from_secs(seconds.into()))
    }
}

/// Waits, but not beyond the server's own end.
pub(crate) async fn until_settled(app: &App, id: SessionId, wait: Duration) -> Result<(), Problem> {
    let settled = app.sessions.wait_until_settled(id, wait);
    match app.stopping.run_until_cancelled(settled).await {
        Some(waited) => Ok(waited?),
        None => Ok(()),
    }
}
