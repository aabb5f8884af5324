-- Ids are UUIDv7, times milliseconds since 1970 by the nodes' clocks. What is sealed, and for which place, is in seal.rs.

-- The oldest version of buddy that may still write here, by the newest migration that it knows.
CREATE TABLE compatibility (
    id integer PRIMARY KEY CHECK (id = 1),
    least_known integer NOT NULL
);
INSERT INTO compatibility (id, least_known) VALUES (1, 1);

CREATE TABLE canary (
    id integer PRIMARY KEY CHECK (id = 1),
    sealed bytea NOT NULL
);

CREATE TABLE agents (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    session_ttl_seconds bigint NOT NULL,
    created_at bigint NOT NULL
);

-- The last numbers that were given of an agent's. Whoever gives some has the row until the commit, so that they follow
-- the order of the commits on all nodes. Written with every settling: with room for that on each page.
CREATE TABLE agent_counters (
    agent_id uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    handed_over bigint NOT NULL DEFAULT 0,
    resolved bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE agent_origins (
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    position integer NOT NULL,
    origin text NOT NULL,
    PRIMARY KEY (agent_id, position)
);
CREATE INDEX agent_origins_by_origin ON agent_origins (origin);

CREATE TABLE callbacks (
    agent_id uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    url text NOT NULL,
    timeout_ms bigint NOT NULL,
    max_concurrent bigint NOT NULL,
    require_ticket boolean NOT NULL,
    enabled boolean NOT NULL,
    secret bytea NOT NULL,
    secret_created_at bigint NOT NULL,
    next_secret bytea,
    overlap_ends_at bigint,
    CHECK ((next_secret IS NULL) = (overlap_ends_at IS NULL))
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    hash bytea NOT NULL UNIQUE,
    label text,
    created_at bigint NOT NULL,
    last_used_at bigint
);
CREATE INDEX api_keys_by_agent ON api_keys (agent_id, id);

-- Who is alive, by the database's clock.
CREATE TABLE nodes (
    id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- Sessions, messages and resolutions are the hot tables. They have no foreign key: one deleted agent would hold up all
-- writes. They are read together with their agent instead, so that they are gone with it at once; deleted_agents says
-- what is still to be removed. Who writes them has a share of the agent's row, so that it is there until the commit.

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    agent_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    status text NOT NULL,
    opened_by text NOT NULL,
    callback_made boolean NOT NULL,
    failure text,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    resolved_at bigint,
    -- The node that identifies it, while it is pending.
    owner uuid,
    user_hash bytea,
    identity bytea,
    CHECK ((identity IS NULL) = (user_hash IS NULL)),
    CHECK (identity IS NULL OR status = 'authenticated')
);
-- What is sealed does not get smaller.
ALTER TABLE sessions ALTER COLUMN identity SET STORAGE EXTERNAL;
CREATE INDEX sessions_by_end ON sessions (expires_at);
-- A few rows at any time: what a node must take up again, its own or another's.
CREATE INDEX sessions_pending ON sessions (id) WHERE status = 'pending';
-- Only sessions with an identity: by user to revoke, by agent to remove what is sealed of a deleted one.
CREATE INDEX sessions_by_user ON sessions (agent_id, user_hash) WHERE user_hash IS NOT NULL;

-- A session's messages in their order.
CREATE TABLE messages (
    session_id uuid NOT NULL,
    -- 1 for the first of the session, and no gaps.
    position integer NOT NULL,
    id uuid NOT NULL UNIQUE,
    agent_id uuid NOT NULL,
    sender text NOT NULL,
    done boolean NOT NULL,
    created_at bigint NOT NULL,
    -- The number of its latest change, counted per session.
    change bigint NOT NULL,
    -- When a visitor's message was handed over to the agent's software, counted per agent.
    handed_over bigint,
    text bytea NOT NULL,
    PRIMARY KEY (session_id, position)
);
ALTER TABLE messages ALTER COLUMN text SET STORAGE EXTERNAL;
CREATE INDEX messages_by_change ON messages (session_id, change);
-- For what is new to an agent's software, and to remove those of a deleted agent.
CREATE INDEX messages_by_agent ON messages (agent_id, handed_over);

-- One partition for each day, made by partitions.rs and dropped as a whole. The day is in the id.
CREATE TABLE resolutions (
    id uuid PRIMARY KEY,
    agent_id uuid NOT NULL,
    session_id uuid NOT NULL,
    outcome text NOT NULL,
    reason text,
    started_at bigint NOT NULL,
    duration_us bigint NOT NULL,
    warnings text NOT NULL,
    attempts text NOT NULL,
    number bigint NOT NULL
) PARTITION BY RANGE (id);
-- Unique, for the counters make it so; across partitions no index can say it.
CREATE INDEX resolutions_by_number ON resolutions (agent_id, number);
CREATE INDEX resolutions_by_session ON resolutions (session_id, id);
-- What did not fail is not in it, and costs nothing.
CREATE INDEX resolutions_by_reason ON resolutions (agent_id, reason, number) WHERE reason IS NOT NULL;

-- What is counted of each agent's sessions, by the minute while it is new and then by the hour.
CREATE TABLE tally_minutes (
    agent_id uuid NOT NULL,
    begins_at bigint NOT NULL,
    authenticated bigint NOT NULL,
    nobody bigint NOT NULL,
    timed_out bigint NOT NULL,
    failed bigint NOT NULL,
    bad_response bigint NOT NULL,
    not_configured bigint NOT NULL,
    -- Each bucket that has any: its number in one byte, and how many in four, most significant first.
    durations bytea NOT NULL,
    PRIMARY KEY (agent_id, begins_at)
) WITH (fillfactor = 50);
CREATE INDEX tally_minutes_by_begin ON tally_minutes (begins_at, agent_id);

CREATE TABLE tally_hours (
    agent_id uuid NOT NULL,
    begins_at bigint NOT NULL,
    authenticated bigint NOT NULL,
    nobody bigint NOT NULL,
    timed_out bigint NOT NULL,
    failed bigint NOT NULL,
    bad_response bigint NOT NULL,
    not_configured bigint NOT NULL,
    durations bytea NOT NULL,
    PRIMARY KEY (agent_id, begins_at)
);
CREATE INDEX tally_hours_by_begin ON tally_hours (begins_at);

CREATE TABLE deleted_agents (
    agent_id uuid PRIMARY KEY,
    sessions_left boolean NOT NULL,
    messages_left boolean NOT NULL,
    resolutions_left boolean NOT NULL,
    tallies_left boolean NOT NULL
);

-- What operators did. Plain: there is no secret and nothing about a visitor in it, and it is to be read though the keys
-- are lost. It outlives the agents that it is about, and so names them by their ids alone.
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    address text NOT NULL,
    action text NOT NULL,
    agent_id uuid,
    key_id uuid,
    settings text NOT NULL,
    outcome text NOT NULL
);
CREATE INDEX audit_by_agent ON audit (agent_id, id) WHERE agent_id IS NOT NULL;
