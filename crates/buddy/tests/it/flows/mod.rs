//! What happens to sessions, from the begin to the end.
