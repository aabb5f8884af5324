//! An agent's settings as a form has them: the API's names, and what was typed.

use buddy_core::agent::Agent;
use serde::Deserialize;

use super::fault::Mistake;
use super::fields;

/// The fields. What was typed is shown again when it cannot be taken.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AgentForm {
    pub(super) name: String,
    #[serde(default)]
    pub(super) allowed_origins: String,
    #[serde(default)]
    pub(super) session_ttl_seconds: String,
    #[serde(skip)]
    blamed: Option<String>,
}

/// The settings that a form asks for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) allowed_origins: Vec<String>,
    pub(super) session_ttl_seconds: Option<u32>,
}

impl AgentForm {
    pub(super) fn of(agent: &Agent) -> Self {
        Self {
            name: agent.name.clone(),
            allowed_origins: agent.allowed_origins.join("\n"),
            session_ttl_seconds: agent.session_ttl_seconds.to_string(),
            blamed: None,
        }
    }

    pub(super) fn wanted(&self) -> Result<Wanted, Mistake> {
        Ok(Wanted {
            name: self.name.clone(),
            allowed_origins: fields::lines(&self.allowed_origins),
            session_ttl_seconds: fields::number("sessionTtlSeconds", &self.session_ttl_seconds)?,
        })
    }

    /// Marks the field that is to be mended.
    pub(super) fn blaming(self, mistake: &Mistake) -> Self {
        Self { blamed: mistake.field.clone(), ..self }
    }

    pub(super) fn blames(&self, field: &str) -> bool {
        self.blamed.as_deref() == Some(field)
    }
}
