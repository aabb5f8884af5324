//! What the operator's commands have in common: which server, with which token, how it is asked, and how what it tells
//! of looks.

mod client;
mod events;
mod look;
mod record;

use std::path::PathBuf;

use buddy_egress::{Egress, EgressError, EgressSettings};
use clap::Args;
use url::Url;
use zeroize::Zeroizing;

use super::{Misused, secret_env};
use crate::config::{
    KeysError, admin_token_path, everywhere, is_of_this_machine, loopback, read_admin_token,
};

pub(super) use client::{CallError, Client};
pub(super) use events::{Event, Events};
pub(super) use look::{outcome_style, phase_style};
pub(super) use record::{Explained, Resolutions, resolution};

/// What is worth knowing beside the flags.
pub(super) const HELP: &str = "\
The admin token is read from BUDDY_ADMIN_TOKEN, or for a server on this machine from its data dir. A server
elsewhere is called over https, or through a tunnel:

  ssh -L 8700:127.0.0.1:8700 the-server";

const TOKEN_VARIABLE: &str = "BUDDY_ADMIN_TOKEN";

/// Which server, and with which token.
#[expect(clippy::doc_markdown, reason = "these are the help's texts, and help is no Markdown")]
#[derive(Args, Debug)]
pub(super) struct Server {
    /// Where Buddy is.
    #[arg(
        long = "server",
        value_name = "URL",
        env = "BUDDY_SERVER",
        default_value = "http://127.0.0.1:8700"
    )]
    url: Url,
    /// The data dir of a server on this machine, with its admin token, if BUDDY_ADMIN_TOKEN is not set.
    #[arg(long, value_name = "DIR", env = "BUDDY_DATA_DIR", default_value = "./buddy-data")]
    data_dir: PathBuf,
    /// A PEM file of further root certificates.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Server {
    pub(super) fn client(&self) -> Result<Client, Misused> {
        let local = self.check()?;
        let egress = Egress::new(self.egress()?).map_err(|error| self.no_egress(&error))?;
        let refused =
            |reason| Misused(format!("--server (BUDDY_SERVER): {} cannot be called ({reason}).", self.url));
        let target = egress.target(self.url.as_str()).map_err(refused)?;
        Client::new(egress, target, self.url.clone(), &self.token(local)?)
    }

    /// Whether it is this machine. The token goes there in clear, or over TLS.
    fn check(&self) -> Result<bool, Misused> {
        let url = &self.url;
        let bare = url.username().is_empty() && url.password().is_none();
        let bare = bare && url.query().is_none() && url.fragment().is_none();
        let (true, Some(host), "http" | "https") = (bare, url.host(), url.scheme()) else {
            let must = "must be http:// or https:// and a host, without a user name, a query or a fragment";
            return Err(Misused(format!("--server (BUDDY_SERVER): {must}.")));
        };
        let local = is_of_this_machine(url);
        if local || url.scheme() == "https" {
            return Ok(local);
        }
        Err(Misused(format!(
            "--server (BUDDY_SERVER): the admin token would go to {host} in clear: use https, or a tunnel (ssh -L 8700:127.0.0.1:8700 {host}) and the default --server.",
        )))
    }

    fn token(&self, local: bool) -> Result<Zeroizing<String>, Misused> {
        match secret_env::given(TOKEN_VARIABLE).map_err(Misused)? {
            // As with the server's settings, an empty one counts as not set.
            Some(token) if !token.is_empty() => return Ok(token),
            _ => {}
        }
        if !local {
            let host = self.url.host_str().unwrap_or_default();
            return Err(Misused(format!(
                "{TOKEN_VARIABLE} is not set: it must hold the admin token of {host}."
            )));
        }
        let path = admin_token_path(&self.data_dir);
        let why = match read_admin_token(&path) {
            Ok(Some(token)) => return Ok(token),
            Ok(None) => {
                format!("{} is not there: set it, or give the server's --data-dir.", path.display())
            }
            Err(KeysError::Io { error, .. }) => {
                format!(
                    "{} cannot be read ({error}): set it, or run this as the server's user.",
                    path.display()
                )
            }
            Err(error) => error.to_string(),
        };
        Err(Misused(format!("{TOKEN_VARIABLE} is not set, and {why}")))
    }

    /// Any address that is not forbidden to all: the operator has named it, and no customer. In clear this machine's
    /// only, whatever `localhost` may be found to be.
    fn egress(&self) -> Result<EgressSettings, Misused> {
        let roots = self.ca.as_ref().map(|path| {
            std::fs::read(path).map_err(|error| Misused(format!("--ca {}: {error}.", path.display())))
        });
        let in_clear = self.url.scheme() == "http";
        Ok(EgressSettings {
            allow: if in_clear { loopback() } else { everywhere() }.to_vec(),
            allow_http: in_clear,
            extra_roots_pem: roots.transpose()?,
            ..EgressSettings::default()
        })
    }

    fn no_egress(&self, error: &EgressError) -> Misused {
        match (error, &self.ca) {
            (EgressError::RootsUnreadable(_) | EgressError::RootsEmpty, Some(path)) => {
                Misused(format!("--ca {}: holds no certificate in PEM that can be read.", path.display()))
            }
            _ => Misused(format!("{error}.")),
        }
    }
}
