//! The identity callback: the signed request, the ticket, what the endpoint's answer means, and how signing goes wrong.

pub mod answer;
pub mod mistake;
pub mod outcome;
pub mod request;
pub mod shape;
pub mod signature;
pub mod ticket;
