//! Do browsers come to this Buddy by the public URL, over TLS that they believe?

use buddy_core::time::UnixMillis;
use buddy_egress::{Egress, Peek};
use tokio::time::Instant;
use url::Url;

use super::hosts::{Date, USER_AGENT, authority};
use super::port::version;
use super::{Check, Finding, HOST_TIME, egress};
use crate::ambient::Ambient;
use crate::check::ends_soon;
use crate::config::{Settings, is_of_this_machine};

/// The finding, and the clock of who answered.
pub(super) async fn look(
    settings: &Settings,
    way: &Egress,
    running: bool,
    ambient: &Ambient,
) -> (Finding, Option<Date>) {
    let Some(url) = &settings.public_url else {
        let message = format!("not set: pages are told http://{}, for this machine only", settings.listen);
        let mend = "Set --public-url (BUDDY_PUBLIC_URL) to the https:// address that browsers use.";
        return (Finding::warn(Check::PublicUrl, message, mend), None);
    };
    let target = url.join("/healthz").map_err(drop).and_then(|url| way.target(url.as_str()).map_err(drop));
    let Ok(target) = target else {
        let mend = "Set --public-url to a host that browsers can reach.";
        return (Finding::fail(Check::PublicUrl, format!("{url} can never be reached"), mend), None);
    };
    let peek = way.peek(&target, USER_AGENT, Instant::now() + HOST_TIME).await;
    let date = Date::of(&authority(url), peek.head.as_ref(), ambient.now()).filter(|_| target.is_secure());
    (judge(url, &peek, running, ambient.now()), date)
}

/// `running`: a Buddy answers at the listening address.
pub(super) fn judge(url: &Url, peek: &Peek, running: bool, now: UnixMillis) -> Finding {
    let valid_until = match peek.handshake.result {
        Ok(valid_until) => valid_until,
        Err(trouble) => {
            let message = format!("{url}: {}", egress::trouble(trouble));
            let mend = if trouble.certificate.is_some() {
                "Give the proxy before Buddy a certificate of a public authority for this host, with its chain (the \
                 fullchain file)."
            } else {
                "Check the host's DNS record and the proxy before Buddy; if only this machine cannot reach it (NAT), try \
                 it from outside."
            };
            let unserved = trouble.certificate.is_none() && !running;
            let make = if unserved { Finding::warn } else { Finding::fail };
            return make(Check::PublicUrl, message, mend);
        }
    };
    let here = env!("CARGO_PKG_VERSION");
    let Some(there) = version(peek.head.as_ref()) else {
        let said = peek.head.as_ref().map_or("nothing".into(), |head| format!("status {}", head.status));
        let message = format!("{url}healthz is not answered by Buddy ({said})");
        return if running {
            let mend = "Let the proxy hand all paths of this host to the listening address.";
            Finding::fail(Check::PublicUrl, message, mend)
        } else {
            Finding::warn(Check::PublicUrl, message, "Start `buddy serve`, and run this again.")
        };
    };
    if let Some(left) = valid_until.and_then(|end| ends_soon(end, now)) {
        let mend = "Renew the certificate now, and find out why it did not renew itself.";
        return Finding::warn(Check::PublicUrl, format!("the certificate of {url} ends in {left}"), mend);
    }
    if there != here {
        let message = format!("{url} is answered by Buddy {there}, and this is {here}");
        let mend = "Restart the server with this version, or let the proxy lead to this one.";
        return Finding::warn(Check::PublicUrl, message, mend);
    }
    if valid_until.is_none() && !is_of_this_machine(url) {
        let mend = "Put a proxy with TLS before Buddy, and set an https:// --public-url.";
        return Finding::warn(
            Check::PublicUrl,
            format!("{url} is plain HTTP: anybody between reads on"),
            mend,
        );
    }
    Finding::ok(Check::PublicUrl, format!("{url} is answered by Buddy {there}"))
}
