//! Who is signed in: what a shop has anyway. A random cookie, and on the server whom it stands for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::users::{Shopper, Visitor};

const NAME: &str = "shop_session";
/// 256 bits: nobody guesses one.
const RANDOM_BYTES: usize = 32;
/// Browsers that are remembered; then the oldest is a stranger again.
const KEPT_MAX: usize = 1000;

/// What the cookies stand for. A guest has one too.
#[derive(Default)]
pub(crate) struct Cookies(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    whose: HashMap<String, Visitor>,
    oldest_first: VecDeque<String>,
}

impl Cookies {
    /// A new cookie for this visitor, as `Set-Cookie` has it. The one that came with the request is of no use any more,
    /// so that nobody who knew it is signed in by it.
    pub(crate) fn renew(&self, headers: &HeaderMap, visitor: Visitor) -> String {
        let value = random();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = value_in(headers)
            && kept.whose.remove(old).is_some()
        {
            kept.oldest_first.retain(|value| value != old);
        }
        kept.whose.insert(value.clone(), visitor);
        kept.oldest_first.push_back(value.clone());
        if kept.oldest_first.len() > KEPT_MAX
            && let Some(oldest) = kept.oldest_first.pop_front()
        {
            kept.whose.remove(&oldest);
        }
        // Behind TLS it is `Secure` too.
        format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax")
    }

    /// Whom the request's cookie stands for; none that is ours: `None`.
    pub(crate) fn whose(&self, headers: &HeaderMap) -> Option<Visitor> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.whose.get(value_in(headers)?).copied()
    }

    /// The user whom the request's cookie signs in.
    pub(crate) fn signed_in(&self, headers: &HeaderMap) -> Option<Shopper> {
        match self.whose(headers)? {
            Visitor::SignedIn(shopper) => Some(shopper),
            Visitor::Guest => None,
        }
    }
}

/// The value of our cookie in the request.
pub(crate) fn value_in(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == NAME).then_some(value))
}

#[expect(clippy::disallowed_methods, reason = "a customer's program has a generator of its own")]
fn random() -> String {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).expect("the operating system has randomness once it has booted");
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request that the browser sends next.
    fn with(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("theme=dark; {pair}").parse().unwrap());
        headers
    }

    #[test]
    fn a_cookie_is_nobodys_but_the_browsers_and_goes_nowhere_else() {
        let cookies = Cookies::default();
        let none = HeaderMap::new();
        let (first, second) = (cookies.renew(&none, Visitor::Guest), cookies.renew(&none, Visitor::Guest));
        assert_ne!(first, second);
        let value =
            first.strip_prefix("shop_session=").unwrap().strip_suffix("; Path=/; HttpOnly; SameSite=Lax");
        assert!(value.is_some_and(|value| value.len() == 2 * RANDOM_BYTES), "{first}");
    }

    #[test]
    fn signing_in_and_out_makes_the_old_cookie_worthless() {
        let cookies = Cookies::default();
        assert_eq!(cookies.whose(&HeaderMap::new()), None);
        let guest = with(&cookies.renew(&HeaderMap::new(), Visitor::Guest));
        assert_eq!(cookies.whose(&guest), Some(Visitor::Guest));
        let ada = with(&cookies.renew(&guest, Visitor::SignedIn(Shopper::Ada)));
        assert_eq!((cookies.whose(&guest), cookies.signed_in(&ada)), (None, Some(Shopper::Ada)));
        let signed_out = with(&cookies.renew(&ada, Visitor::Guest));
        assert_eq!((cookies.signed_in(&ada), cookies.whose(&signed_out)), (None, Some(Visitor::Guest)));
    }

    #[test]
    fn a_cookie_that_is_not_ours_signs_nobody_in() {
        let cookies = Cookies::default();
        cookies.renew(&HeaderMap::new(), Visitor::SignedIn(Shopper::Ada));
        for line in ["shop_session=", "shop_session=ada", "other=1", "", "shop_session"] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, line.parse().unwrap());
            assert_eq!(cookies.whose(&headers), None, "{line}");
        }
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let cookies = Cookies::default();
        let none = HeaderMap::new();
        let made: Vec<_> =
            (0..=KEPT_MAX).map(|_| with(&cookies.renew(&none, Visitor::SignedIn(Shopper::Ada)))).collect();
        assert_eq!((cookies.whose(&made[0]), cookies.signed_in(&made[1])), (None, Some(Shopper::Ada)));
        assert_eq!(cookies.0.lock().unwrap().whose.len(), KEPT_MAX);
    }
}
