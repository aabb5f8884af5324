//! The identity callback: the signed request, the ticket, and what the endpoint's answer means.

pub mod answer;
pub mod outcome;
pub mod request;
pub mod signature;
pub mod ticket;
