//! Buddy's only way out: looks up, checks, dials and asks a customer's HTTPS endpoint within bounds.
