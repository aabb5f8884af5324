//! Names of things: [TypeIDs](https://github.com/jetify-com/typeid/tree/main/spec), a prefix and a `UUIDv7`.
//!
//! An id is a name, never a credential. Its time-ordered bytes are the store's key, so new rows are appended
//! rather than scattered.

use type_safe_id::{StaticType, TypeSafeId};
use uuid::Uuid;

use crate::time::UnixMillis;

macro_rules! ids {
    ($($(#[$doc:meta])* $alias:ident = $kind:ident, $prefix:literal;)*) => {$(
        #[doc = concat!("What a `", $prefix, "_…` id names.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;
        impl StaticType for $kind {
            const TYPE: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = TypeSafeId<$kind>;
    )*};
}

ids! {
    /// One chat agent of one business.
    AgentId = AgentKind, "agt";
    /// One conversation of one visitor.
    SessionId = SessionKind, "sess";
    /// All that was done to identify one session.
    ResolutionId = ResolutionKind, "res";
    /// One message of one conversation.
    MessageId = MessageKind, "msg";
    /// One platform API key.
    KeyId = KeyKind, "key";
    /// One thing that an operator did.
    AuditId = AuditKind, "aud";
}

/// A new id from the time and 10 random bytes.
pub fn new_id<K: StaticType>(now: UnixMillis, random: [u8; 10]) -> TypeSafeId<K> {
    let millis = u64::try_from(now.0).unwrap_or(0);
    TypeSafeId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// The id's 16 bytes, the key under which the store keeps it.
pub fn id_bytes<K: StaticType + Copy>(id: TypeSafeId<K>) -> [u8; 16] {
    *id.uuid().as_bytes()
}

/// The id that has these 16 bytes.
pub fn id_from_bytes<K: StaticType>(bytes: [u8; 16]) -> TypeSafeId<K> {
    TypeSafeId::from_uuid(Uuid::from_bytes(bytes))
}

/// When the id was made, by the clock of whoever made it (RFC 9562, section 5.7).
pub fn made_at<K: StaticType + Copy>(id: TypeSafeId<K>) -> UnixMillis {
    let (first, _) = id.uuid().as_u64_pair();
    // 48 of its 64 bits, which an i64 holds.
    UnixMillis((first >> 16).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_26_characters_and_reads_back() {
        let id: SessionId = new_id(UnixMillis(1_717_000_000_000), [7; 10]);
        let text = id.to_string();
        assert_eq!(text.len(), 31);
        assert!(text.starts_with("sess_"));
        assert_eq!(text.parse::<SessionId>().unwrap(), id);
        assert_eq!(id_from_bytes::<SessionKind>(id_bytes(id)), id);
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let id: SessionId = new_id(UnixMillis(1_717_000_000_123), [255; 10]);
        assert_eq!(made_at(id), UnixMillis(1_717_000_000_123));
    }

    #[test]
    fn ids_sort_by_time() {
        let early: AgentId = new_id(UnixMillis(1_000), [255; 10]);
        let late: AgentId = new_id(UnixMillis(1_001), [0; 10]);
        assert!(id_bytes(early) < id_bytes(late));
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn what_is_not_an_id_of_the_kind_is_refused() {
        let agent: AgentId = new_id(UnixMillis(1), [1; 10]);
        for text in ["", "sess_", "sess", &agent.to_string(), "sess_0000", "SESS_01m8369hhaegds77e4cqx39jdm"]
        {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }
}
