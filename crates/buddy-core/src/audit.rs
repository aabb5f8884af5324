//! What operators did: who, what, when and from where. Names of settings, never a value of one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::id::{AgentId, AuditId, KeyId};
use crate::reason::Unknown;
use crate::time::UnixMillis;

/// The actor of calls with the admin token.
pub const ADMIN: &str = "admin";
/// The outcome of what was done; what was refused has the code of the refusal.
pub const DONE: &str = "done";

macro_rules! actions {
    ($($variant:ident = $operation:literal;)*) => {
        /// What changes something for the operator, or makes the server ask an endpoint. Named as the API's document names
        /// the call; `signIn` and `tryAgain` are the console's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $(#[doc = concat!("`", $operation, "`.")] $variant,)*
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the API's document names the call.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $operation,)* }
            }
        }
    };
}

actions! {
    CreateAgent = "createAgent";
    UpdateAgent = "updateAgent";
    DeleteAgent = "deleteAgent";
    PutCallback = "putCallback";
    DeleteCallback = "deleteCallback";
    RotateCallbackSecret = "rotateCallbackSecret";
    CheckCallback = "checkCallback";
    CreateApiKey = "createApiKey";
    DeleteApiKey = "deleteApiKey";
    TryAgain = "tryAgain";
    SignIn = "signIn";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(Unknown)
    }
}

/// One thing that an operator did, or tried to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its name.
    pub id: AuditId,
    /// When.
    pub at: UnixMillis,
    /// Who: [`ADMIN`], the holder of the admin token.
    pub actor: String,
    /// From where, as the limits count it: of an IPv6 address the network of 64 bits.
    pub address: IpAddr,
    /// What.
    pub action: Action,
    /// To which agent, if one is named.
    pub agent_id: Option<AgentId>,
    /// To which API key, if one is named.
    pub key_id: Option<KeyId>,
    /// Names of the settings that it changed, as the API writes them.
    pub settings: Vec<String>,
    /// [`DONE`], or the code of the refusal.
    pub outcome: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_back() {
        for &action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        assert_eq!("listAgents".parse::<Action>(), Err(Unknown));
    }
}
