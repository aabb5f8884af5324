//! The verified facts about a user. Made only by [`crate::callback::answer`], and read back from the store.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Who a session's user is, as the business's endpoint said.
///
/// Serialises to the API's shape: `userId`, `email`, `role`, `customAttributes`, absent ones as `null`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub(crate) user_id: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) custom_attributes: Option<Box<RawValue>>,
}

impl Identity {
    /// The business's own id of the user: 1–256 characters; an integer's literal digits.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// At most 320 characters.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// At most 128 characters.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// A JSON object, byte for byte as the endpoint sent it.
    pub fn custom_attributes(&self) -> Option<&str> {
        self.custom_attributes.as_deref().map(RawValue::get)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}
