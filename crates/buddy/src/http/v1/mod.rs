//! Version 1 of the API: a file a noun.

pub(super) mod agents;
pub(super) mod api_keys;
pub(super) mod audit;
pub(super) mod callback;
pub(super) mod check;
pub(super) mod explanation;
pub(super) mod identity;
pub(super) mod messages;
pub(crate) mod page;
pub(super) mod resolutions;
pub(super) mod sessions;
pub(crate) mod stats;
