//! What happens to sessions, from the begin to the end.

mod agent;
mod canary;
mod crash;
mod express;
mod hostile;
mod isolation;
mod joins;
mod messages;
mod nodes;
mod one_core;
mod rotation;
mod traces;
mod wire;
