//! What the shop's endpoint can be made to do.

use std::io;

use buddy_shop::{Manner, Shop};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Backstage, Failure};

/// Long enough for any endpoint on this machine, and short enough to watch it run out twice.
const TIMEOUT_MS: u32 = 1500;

/// What the endpoint does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Act {
    /// As it should.
    Healthy,
    /// It takes the request and never answers.
    Slow,
    /// Nothing listens there.
    Down,
    /// It answers 500.
    Error,
    /// It answers JSON that is cut off.
    BadJson,
    /// It answers with a login page; in the terminal only.
    #[serde(skip)]
    LoginPage,
}

impl Act {
    /// The URL of an endpoint that does so.
    pub(super) fn url(self, shop: &Shop) -> io::Result<String> {
        let manner = match self {
            Self::Healthy => Manner::Honest,
            Self::Slow => Manner::Slow,
            Self::Error => Manner::Error,
            Self::BadJson => Manner::BadJson,
            Self::LoginPage => Manner::Broken,
            Self::Down => {
                // A port that was free a moment ago, and that nobody listens on now.
                let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                return Ok(format!("https://localhost:{port}{}", Manner::Honest.path()));
            }
        };
        Ok(shop.url(manner))
    }
}

/// The callback of the page's agent: only for a ticket, which another site's page cannot get.
pub(super) fn callback(url: &str, secret: &str) -> Value {
    json!({"url": url, "secret": secret, "timeoutMs": TIMEOUT_MS, "requireTicket": true})
}

/// From the next session on, the endpoint does this.
pub(super) async fn play(backstage: &Backstage, agent_id: &str, act: Act) -> Result<(), Failure> {
    let url = act.url(&backstage.shop)?;
    let path = format!("/v1/agents/{agent_id}/callback");
    backstage.operator("PUT", &path, Some(callback(&url, &backstage.secret))).await?;
    backstage.board.act(act, url);
    Ok(())
}
