//! Who a session's visitor is, as Buddy tells it. Never printed.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Who the visitor is.
#[derive(Clone)]
pub(crate) enum Who {
    /// The business's own server has said it.
    Verified(Arc<Identity>),
    /// Nobody knows.
    Nobody,
}

impl Who {
    pub(crate) fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_))
    }

    /// What it takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let Self::Verified(identity) = self else { return 0 };
        let Identity { user_id, email, role, custom_attributes } = &**identity;
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let attributes = custom_attributes.as_ref().map_or(&[][..], |members| &members.0);
        let attributes: usize = attributes.iter().map(|(name, value)| name.len() + value.get().len()).sum();
        user_id.len() + text(email) + text(role) + attributes
    }
}

/// The verified facts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) custom_attributes: Option<Members>,
}

/// An object as it came: its members in their order, the digits of its numbers.
pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Buddy's answer about a session.
#[derive(Deserialize)]
pub(crate) struct IdentityView {
    status: String,
    identity: Option<Identity>,
}

impl IdentityView {
    /// `None`: it was taken back. Whatever is not surely somebody is nobody.
    pub(crate) fn who(self) -> Option<Who> {
        match (self.status.as_str(), self.identity) {
            ("revoked", _) => None,
            ("authenticated", Some(identity)) => Some(Who::Verified(Arc::new(identity))),
            _ => Some(Who::Nobody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Who> {
        serde_json::from_str::<IdentityView>(json).unwrap().who()
    }

    #[test]
    fn only_an_authenticated_session_with_an_identity_is_somebody() {
        let identity = r#"{"userId":"1","email":null,"role":null,"customAttributes":null}"#;
        for (status, identity, verified) in [
            ("authenticated", identity, Some(true)),
            ("authenticated", "null", Some(false)),
            ("anonymous", "null", Some(false)),
            ("pending", "null", Some(false)),
            ("anonymous", identity, Some(false)),
            ("revoked", "null", None),
        ] {
            let who = read(&format!(r#"{{"status":"{status}","identity":{identity},"sessionId":"s"}}"#));
            assert_eq!(who.map(|who| who.is_verified()), verified, "{status} {identity}");
        }
    }

    #[test]
    fn attributes_keep_their_order_and_the_digits_of_their_numbers() {
        let attributes = r#"{"z":1.10,"a":123456789012345678901234567890,"m":{"b":[1e400]}}"#;
        let view = format!(
            r#"{{"status":"authenticated","identity":{{"userId":"1","customAttributes":{attributes}}}}}"#
        );
        let Some(Who::Verified(identity)) = read(&view) else { panic!("somebody") };
        let members = &identity.custom_attributes.as_ref().unwrap().0;
        let shown: Vec<_> =
            members.iter().map(|(name, value)| format!(r#""{name}":{}"#, value.get())).collect();
        assert_eq!(format!("{{{}}}", shown.join(",")), attributes);
    }
}
