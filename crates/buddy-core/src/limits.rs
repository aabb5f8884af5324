//! Every bound of the rules, with its reason.

/// A callback's time when its agent sets none: long enough for a cold start, short enough for a chat.
pub const TIMEOUT_MS_DEFAULT: u32 = 3_000;
/// Below this a TLS handshake across an ocean can never finish.
pub const TIMEOUT_MS_MIN: u32 = 100;
/// Two attempts of this are the longest a visitor's session may stay unsettled.
pub const TIMEOUT_MS_MAX: u32 = 10_000;

/// Callbacks of one agent at once: what one small endpoint bears, and what one agent may hold of ours.
pub const MAX_CONCURRENT_DEFAULT: u32 = 128;
/// One agent's largest share of connections and memory.
pub const MAX_CONCURRENT_MAX: u32 = 1_024;
/// Waiting callbacks per running one; a longer queue could not be served within any `timeoutMs` anyway.
pub const QUEUE_PER_SLOT: usize = 8;

/// One attempt, and one more after a timeout.
pub const ATTEMPTS_MAX: u8 = 2;

/// An identity is small; 64 KiB is far above any honest one.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Nesting of the answer, itself being 1: above any honest shape, far below any stack.
pub const ANSWER_DEPTH_MAX: usize = 32;
/// Characters of a `userId`: a UUID, a URN or an e-mail address fits.
pub const USER_ID_CHARS_MAX: usize = 256;
/// Characters of an `email`: RFC 3696, errata 1690: 64 + 1 + 255.
pub const EMAIL_CHARS_MAX: usize = 320;
/// Characters of a `role`.
pub const ROLE_CHARS_MAX: usize = 128;

/// A configured secret: shorter could be guessed.
pub const SECRET_CHARS_MIN: usize = 16;
/// A configured secret: longer adds nothing to SHA-256.
pub const SECRET_CHARS_MAX: usize = 256;

/// An agent's name is for people.
pub const AGENT_NAME_CHARS_MAX: usize = 200;
/// A business has some sites, not thousands; the list is read on each cross-origin call.
pub const ALLOWED_ORIGINS_MAX: usize = 50;
/// A host name has at most 253 bytes.
pub const ORIGIN_BYTES_MAX: usize = 300;
/// A label of an API key is for people.
pub const KEY_LABEL_CHARS_MAX: usize = 200;

/// A session's life when its agent sets none.
pub const SESSION_TTL_SECONDS_DEFAULT: u32 = 24 * 3600;
/// Shorter than a minute nobody can chat.
pub const SESSION_TTL_SECONDS_MIN: u32 = 60;
/// An identity is a week old at most.
pub const SESSION_TTL_SECONDS_MAX: u32 = 7 * 24 * 3600;

/// How long both secrets count when a rotation names no time: a working day anywhere.
pub const ROTATION_OVERLAP_SECONDS_DEFAULT: u32 = 24 * 3600;
/// An old secret that is good for longer than a month is not being rotated.
pub const ROTATION_OVERLAP_SECONDS_MAX: u32 = 30 * 24 * 3600;

/// How long a resolution is kept for the operator.
pub const RESOLUTION_KEPT_SECONDS: u32 = 7 * 24 * 3600;

/// How long what was counted is kept: a year's chart, and the month before it to compare with.
pub const TALLIES_KEPT_SECONDS: u32 = 400 * 24 * 3600;
/// How long it is kept by the minute at least, for the last hour's chart; by the hour from then on.
pub const TALLIES_BY_MINUTE_SECONDS: u32 = 3600;

/// How long it is kept what operators did: an auditor's year, and time to ask about it.
pub const AUDIT_KEPT_SECONDS: u32 = 400 * 24 * 3600;

/// Characters of a message as it is sent: some pages, and in UTF-8 half of the largest body.
pub const MESSAGE_CHARS_MAX: usize = 8_000;
/// Characters that a reply may grow to: the longest answers of language models fit.
pub const REPLY_CHARS_MAX: usize = 32_000;
/// Messages of one session: above any talk, and few enough to be read and removed at once.
pub const SESSION_MESSAGES_MAX: u32 = 500;
/// Messages of one visitor: faster than anybody types, and slow enough that a script costs little.
pub const VISITOR_MESSAGES_PER_MINUTE: u32 = 20;
