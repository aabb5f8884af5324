//! Every bound of the way out, with its reason.

use std::time::Duration;

use buddy_core::limits::ANSWER_BYTES_MAX;

/// A callback URL is typed by a person; servers commonly refuse request lines of 8 KiB.
pub const URL_BYTES_MAX: usize = 2_048;
/// A name in the DNS (RFC 1035, section 2.3.4).
pub const NAME_BYTES_MAX: usize = 253;
/// One label of a name (RFC 1035, section 2.3.4).
pub const LABEL_BYTES_MAX: usize = 63;
/// A name, its last dot and a port. The work of reading a host in its `xn--` form grows with its length squared.
pub const AUTHORITY_BYTES_MAX: usize = NAME_BYTES_MAX + ".:65535".len();

/// Large services publish fewer; more is an attempt to hide one among many.
pub const ADDRESSES_MAX: usize = 16;
/// Addresses dialled of each family: the second is for the one that is down.
pub const DIALLED_PER_FAMILY_MAX: usize = 2;
/// How long one dialled address is waited for before the next joins it (RFC 8305, section 5).
pub const DIAL_STAGGER: Duration = Duration::from_millis(250);

/// Connections of one pool that may be on their way at once. When an endpoint comes back, or a hundred attempts have
/// run out together, as many handshakes at once would hold up every other agent's callbacks. A burst towards a far
/// endpoint is still served within a second or two, as each connection serves the next in line once it is free.
pub const DIALS_MAX: usize = 8;

/// A lost datagram must not cost the whole of an attempt, whose default is 3 s.
pub const DNS_TRY: Duration = Duration::from_secs(2);
/// With [`DNS_TRY`] more than the longest attempt: the attempt's deadline always comes first.
pub const DNS_RETRIES: usize = 5;
/// Answers kept. One may be 64 KiB, so that the hostile worst case is 64 MiB.
pub const DNS_CACHE_ENTRIES: u64 = 1_024;
/// A TTL of 0 would let a hostile zone make us ask for each session.
pub const DNS_TTL_MIN: Duration = Duration::from_secs(5);
/// A moved endpoint is found again within this.
pub const DNS_TTL_MAX: Duration = Duration::from_mins(5);
/// As [`DNS_TTL_MIN`], for answers that say no.
pub const DNS_NEGATIVE_TTL_MIN: Duration = Duration::from_secs(5);
/// A name that is just being set up is found soon.
pub const DNS_NEGATIVE_TTL_MAX: Duration = Duration::from_secs(30);

/// An answer's status line and headers: twice what common servers send at most.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header lines of an answer; also of the trailers.
pub const HEAD_LINES_MAX: usize = 64;
/// Informational answers before the real one: hyper skips them without a limit of its own.
pub const INFORMATIONAL_MAX: usize = 5;
/// Bytes read from the socket for one exchange, TLS handshake and all framing included: no flood of
/// certificates, chunk extensions or trailers outgrows it.
pub const WIRE_BYTES_MAX: usize = ANSWER_BYTES_MAX + 128 * 1024;
/// The body of an error status means nothing; it is waited for only so that the connection can be kept.
pub const DRAIN_WAIT: Duration = Duration::from_millis(50);

/// Node's servers close at 5 s: we close before, so that no request meets a closing connection.
pub const IDLE_MAX: Duration = Duration::from_secs(4);
/// An address that was checked is trusted for no longer than this.
pub const AGE_MAX: Duration = Duration::from_mins(1);
