//! A user, as the identity endpoint answers them.

use serde::Serialize;
use serde_json::Value;

/// The longest `userId`, in characters.
pub const USER_ID_CHARS_MAX: usize = 256;
/// The longest `email`, in characters.
pub const EMAIL_CHARS_MAX: usize = 320;
/// The longest `role`, in characters.
pub const ROLE_CHARS_MAX: usize = 128;

/// Your own id of a user: a text, or an integer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum UserId {
    /// 1 to [`USER_ID_CHARS_MAX`] characters, not blank, no control characters.
    Text(String),
    /// Buddy keeps its digits.
    Integer(i64),
    /// An integer beyond the other kind's.
    Unsigned(u64),
}

/// A user and what the agent may know of them. Checked when it is answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// Your own id of the user.
    pub user_id: UserId,
    /// Where to write to: at most [`EMAIL_CHARS_MAX`] characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What the user may do: at most [`ROLE_CHARS_MAX`] characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// A JSON object of your own, or null for none.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub custom_attributes: Value,
}

/// A user whom Buddy would not take as they are. A mistake of the business's, for its own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadUser {
    /// The session would stay anonymous.
    #[error("userId is not a text of 1 to 256 characters, not blank and without control characters")]
    UserId,
    /// It would be dropped.
    #[error("email has more than 320 characters")]
    Email,
    /// It would be dropped.
    #[error("role has more than 128 characters")]
    Role,
    /// They would be dropped.
    #[error("customAttributes is not a JSON object")]
    CustomAttributes,
}

impl User {
    /// A user of whom nothing but the id is known.
    pub fn new(user_id: impl Into<UserId>) -> Self {
        Self { user_id: user_id.into(), email: None, role: None, custom_attributes: Value::Null }
    }

    /// The user, with this `email`.
    #[must_use]
    pub fn email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// The user, with this `role`.
    #[must_use]
    pub fn role(self, role: impl Into<String>) -> Self {
        Self { role: Some(role.into()), ..self }
    }

    /// The user, with these `customAttributes`: a JSON object.
    #[must_use]
    pub fn custom_attributes(self, custom_attributes: impl Into<Value>) -> Self {
        Self { custom_attributes: custom_attributes.into(), ..self }
    }

    /// Whether Buddy would take all of it.
    ///
    /// # Errors
    /// The first member that it would not take.
    pub fn check(&self) -> Result<(), BadUser> {
        let fits = |text: &str, max: usize| text.chars().count() <= max;
        let fits_if_any = |text: Option<&str>, max| text.is_none_or(|text| fits(text, max));
        match &self.user_id {
            UserId::Text(id)
                if id.trim().is_empty()
                    || id.chars().any(char::is_control)
                    || !fits(id, USER_ID_CHARS_MAX) =>
            {
                Err(BadUser::UserId)
            }
            _ if !fits_if_any(self.email.as_deref(), EMAIL_CHARS_MAX) => Err(BadUser::Email),
            _ if !fits_if_any(self.role.as_deref(), ROLE_CHARS_MAX) => Err(BadUser::Role),
            _ if !(self.custom_attributes.is_object() || self.custom_attributes.is_null()) => {
                Err(BadUser::CustomAttributes)
            }
            _ => Ok(()),
        }
    }
}

impl From<String> for UserId {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for UserId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i32> for UserId {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for UserId {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for UserId {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for UserId {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}
