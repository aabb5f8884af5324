//! The head of each page about one agent, with the way to the others.

use std::sync::Arc;

use buddy_core::id::AgentId;

use super::fault::Fault;
use super::page::{Frame, Part};
use crate::agents::KnownAgent;
use crate::app::App;

/// The pages about one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Live,
    Resolutions,
    Callback,
    Keys,
    Install,
    Check,
    Settings,
}

impl Tab {
    pub(super) const ALL: &[Self] = &[
        Self::Overview,
        Self::Live,
        Self::Resolutions,
        Self::Callback,
        Self::Keys,
        Self::Install,
        Self::Check,
        Self::Settings,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Live => "Live",
            Self::Resolutions => "Resolutions",
            Self::Callback => "Callback",
            Self::Keys => "API keys",
            Self::Install => "Install",
            Self::Check => "Check",
            Self::Settings => "Settings",
        }
    }

    fn segment(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Live => "/live",
            Self::Resolutions => "/resolutions",
            Self::Callback => "/callback",
            Self::Keys => "/keys",
            Self::Install => "/install",
            Self::Check => "/check",
            Self::Settings => "/settings",
        }
    }

    /// Where the page of this agent is.
    pub(super) fn of(self, id: AgentId) -> String {
        format!("/console/agents/{id}{}", self.segment())
    }
}

/// Whose page it is.
pub(super) struct Head {
    pub(super) id: AgentId,
    pub(super) name: String,
    /// The way to each page of the agent, and whether it is this one.
    pub(super) tabs: Vec<(&'static str, String, bool)>,
    title: &'static str,
}

impl Head {
    pub(super) fn of(known: &KnownAgent, tab: Tab) -> Self {
        let id = known.agent.id;
        let tabs = Tab::ALL.iter().map(|other| (other.title(), other.of(id), *other == tab)).collect();
        Self { id, name: known.agent.name.clone(), tabs, title: tab.title() }
    }

    pub(super) fn path(&self, tab: Tab) -> String {
        tab.of(self.id)
    }

    pub(super) fn frame(&self) -> Frame {
        Frame::new(format!("{} · {}", self.title, self.name), Part::Agents)
    }
}

/// The agent, and the head of this page of it.
pub(super) async fn of(app: &App, id: AgentId, tab: Tab) -> Result<(Arc<KnownAgent>, Head), Fault> {
    let known = app.agents.known(id).await?;
    let head = Head::of(&known, tab);
    Ok((known, head))
}
