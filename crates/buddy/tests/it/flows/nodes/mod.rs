//! Several nodes on one PostgreSQL: what each tells the others, and what becomes of a session when a node, or the
//! database, is gone.

mod killed;
mod outage;
mod restarted;
mod scene;
mod together;
