//! How often strangers may begin sessions, per client address and per agent; and how often a visitor may write.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use buddy_core::id::{AgentId, SessionId};
use buddy_core::limits::VISITOR_MESSAGES_PER_MINUTE;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use super::problem::Problem;
use crate::app::App;

/// Where proxies note whom they speak for; read from trusted ones only.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection, put there by the accept loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The client's address, as it counts for limits.
pub(crate) struct ClientAddress(IpAddr);

impl ClientAddress {
    /// As it counts: of an IPv6 address the network of 64 bits.
    pub(crate) fn ip(&self) -> IpAddr {
        self.0
    }
}

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Peer(peer) = parts.extensions.get().copied().ok_or_else(Problem::internal)?;
        Ok(Self(counted(client(peer, &parts.headers, &app.trusted_proxies))))
    }
}

/// The nearest address that is no trusted proxy's. Each proxy adds the address it saw at the end of the header,
/// so what stands before an untrusted one may be anybody's invention.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let noted: Vec<_> =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut noted = noted.iter().rev().flat_map(|value| value.rsplit(',')).map(|text| text.trim().parse());
    let mut nearest = peer;
    while is_trusted(nearest, trusted) {
        match noted.next() {
            Some(Ok(address)) => nearest = address,
            // The list is at its end, or a trusted proxy wrote what is no address.
            Some(Err(_)) | None => break,
        }
    }
    nearest
}

/// One of the operator's proxies has this address.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address.to_canonical()))
}

/// An IPv6 customer has a whole /64 to choose from, so that is what counts.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Sign-ins to the console from one address, right ones too: more than a person makes, and too few to guess by.
const SIGN_INS_PER_MINUTE: u32 = 10;

/// Counts session starts of strangers, messages of visitors, and sign-ins to the console.
pub(crate) struct Limiter {
    sign_ins: Limit<IpAddr>,
    per_client: Limit<IpAddr>,
    per_agent: Limit<AgentId>,
    messages: Limit<SessionId>,
}

impl Limiter {
    /// So many starts a minute, all of them at once if need be; 0 is no limit.
    pub(crate) fn new(per_client: u32, per_agent: u32) -> Self {
        Self {
            sign_ins: Limit::new(SIGN_INS_PER_MINUTE),
            per_client: Limit::new(per_client),
            per_agent: Limit::new(per_agent),
            messages: Limit::new(VISITOR_MESSAGES_PER_MINUTE),
        }
    }

    /// Counts one start, or says when to try again.
    pub(crate) fn check_client(&self, client: &ClientAddress) -> Result<(), Problem> {
        let wait = |seconds| Problem::rate_limited("sessions from this address were begun", seconds);
        self.per_client.check(&client.0).map_err(wait)
    }

    /// The same for a sign-in.
    pub(crate) fn check_sign_in(&self, client: &ClientAddress) -> Result<(), Problem> {
        let wait = |seconds| Problem::rate_limited("sign-ins from this address were tried", seconds);
        self.sign_ins.check(&client.0).map_err(wait)
    }

    /// The same for the agent, which must exist: keys are bounded by what the operator has made.
    pub(crate) fn check_agent(&self, agent_id: AgentId) -> Result<(), Problem> {
        let wait = |seconds| Problem::rate_limited("sessions of this agent were begun", seconds);
        self.per_agent.check(&agent_id).map_err(wait)
    }

    /// The same for a message that the visitor of this session writes.
    pub(crate) fn check_message(&self, session_id: SessionId) -> Result<(), Problem> {
        let wait = |seconds| Problem::rate_limited("messages of this session were written", seconds);
        self.messages.check(&session_id).map_err(wait)
    }

    /// Forgets those that have not called for a while.
    pub(crate) fn forget_idle(&self) {
        self.sign_ins.forget_idle();
        self.per_client.forget_idle();
        self.per_agent.forget_idle();
        self.messages.forget_idle();
    }
}

struct Limit<K: Clone + Hash + Eq>(Option<DefaultKeyedRateLimiter<K>>);

impl<K: Clone + Hash + Eq> Limit<K> {
    fn new(per_minute: u32) -> Self {
        Self(NonZeroU32::new(per_minute).map(|n| RateLimiter::keyed(Quota::per_minute(n))))
    }

    /// The error is the number of seconds to wait.
    fn check(&self, key: &K) -> Result<(), u64> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter
            .check_key(key)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }

    fn forget_idle(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
        ] {
            assert_eq!(counted(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn a_client_is_the_nearest_that_no_trusted_proxy_is() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, header, expected) in [
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("fd00::1", &["2001:db8::9"], "2001:db8::9"),
            ("10.0.0.1", &["198.51.100.7, 203.0.113.9, 10.2.2.2"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.7", "203.0.113.9,10.2.2.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.3.3.3"], "10.3.3.3"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in header {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {header:?}");
            let untrusting = client(peer.parse().unwrap(), &headers, &[]);
            assert_eq!(untrusting.to_string(), peer, "without a trusted proxy the header is nobody's word");
        }
    }
}
