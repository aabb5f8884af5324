//! Time and randomness, passed in: the two things that no function here takes from the air.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use buddy_core::id::new_id;
use buddy_core::secret::{CallbackSecret, Token, TokenKind};
use buddy_core::time::UnixMillis;
use jiff::Timestamp;
use rand::Rng;
use zeroize::Zeroizing;

/// Tells the wall-clock time.
pub(crate) trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
    /// The same, as finely as the clock has it.
    fn now_finely(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(self.now().0).unwrap_or(0))
    }
}

/// Gives random bytes.
pub(crate) trait Random: Send + Sync {
    /// Fills all of `bytes` with what is fit for keys.
    fn fill(&self, bytes: &mut [u8]);
    /// Fills all of `bytes` with what is fit for ids: nobody can foretell it, and there is much of it.
    fn fill_often(&self, bytes: &mut [u8]);
}

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> UnixMillis {
        UnixMillis(Timestamp::now().as_millisecond())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_finely(&self) -> SystemTime {
        Timestamp::now().into()
    }
}

/// The operating system's generator; for ids one that it has seeded, which costs no system call each time.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness once it has booted");
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill_often(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Both, and what is made of them.
#[derive(Clone)]
pub(crate) struct Ambient {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Ambient {
    pub(crate) fn new(clock: impl Clock + 'static, random: impl Random + 'static) -> Self {
        Self { clock: Arc::new(clock), random: Arc::new(random) }
    }

    pub(crate) fn system() -> Self {
        Self::new(SystemClock, SystemRandom)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn now_finely(&self) -> SystemTime {
        self.clock.now_finely()
    }

    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Fit for ids.
    pub(crate) fn id_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill_often(&mut bytes);
        bytes
    }

    pub(crate) fn id<K: type_safe_id::StaticType>(&self) -> type_safe_id::TypeSafeId<K> {
        new_id(self.now(), self.id_bytes())
    }

    pub(crate) fn token(&self, kind: TokenKind) -> Token {
        Token::generate(kind, *Zeroizing::new(self.bytes()))
    }

    pub(crate) fn callback_secret(&self) -> CallbackSecret {
        CallbackSecret::generate(*Zeroizing::new(self.bytes()))
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(time: UnixMillis) -> String {
    // Outside of jiff's years -9999 to 9999 no stored time lies; the epoch is a visible wrong answer, not a panic.
    let timestamp = Timestamp::from_millisecond(time.0).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{timestamp:.3}")
}
