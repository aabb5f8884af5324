-- Ids are the 16 bytes of a UUIDv7: without a rowid a new row is appended to the one tree there is.
-- Times are milliseconds since 1970. What is sealed, and for which place, is in seal.rs.

CREATE TABLE canary (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE agents (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    session_ttl_seconds INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_origins (
    agent_id BLOB NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (agent_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_origins_by_origin ON agent_origins (origin);

CREATE TABLE callbacks (
    agent_id BLOB PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    timeout_ms INTEGER NOT NULL,
    max_concurrent INTEGER NOT NULL,
    require_ticket INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    secret BLOB NOT NULL,
    secret_created_at INTEGER NOT NULL,
    next_secret BLOB,
    overlap_ends_at INTEGER,
    CHECK ((next_secret IS NULL) = (overlap_ends_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id BLOB PRIMARY KEY,
    agent_id BLOB NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE,
    label TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_agent ON api_keys (agent_id, id);

-- Sessions and resolutions are the hot tables. They have no foreign key: its cascade would need an index in an
-- order of its own on every session, and one deleted agent would hold up all writes. They are read together with
-- their agent instead, so that they are gone with it at once; deleted_agents says what is still to be removed.

CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    agent_id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    status TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    callback_made INTEGER NOT NULL,
    failure TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    resolved_at INTEGER,
    user_hash BLOB,
    -- Last, so that a large one is not read on the way to another column.
    identity BLOB,
    CHECK ((identity IS NULL) = (user_hash IS NULL)),
    CHECK (identity IS NULL OR status = 'authenticated')
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_end ON sessions (expires_at);
-- A few rows at any time: what a restart must take up again.
CREATE INDEX sessions_pending ON sessions (id) WHERE status = 'pending';
-- Only sessions with an identity: by user to revoke, by agent to remove what is sealed of a deleted one.
CREATE INDEX sessions_by_user ON sessions (agent_id, user_hash) WHERE user_hash IS NOT NULL;

CREATE TABLE resolutions (
    id BLOB PRIMARY KEY,
    agent_id BLOB NOT NULL,
    session_id BLOB NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    started_at INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    attempts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX resolutions_by_agent ON resolutions (agent_id, id);

CREATE TABLE deleted_agents (
    agent_id BLOB PRIMARY KEY,
    sessions_left INTEGER NOT NULL,
    resolutions_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
