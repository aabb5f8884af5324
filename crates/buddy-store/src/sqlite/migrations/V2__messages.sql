-- What visitors and agents say to each other. A session's messages lie together, in their order; they are read
-- together with the session and its agent, as sessions are, and so have no foreign key either.

CREATE TABLE messages (
    session_id BLOB NOT NULL,
    -- 1 for the first of the session, and no gaps.
    position INTEGER NOT NULL,
    id BLOB NOT NULL UNIQUE,
    agent_id BLOB NOT NULL,
    sender TEXT NOT NULL,
    done INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- The number of its latest change, counted per session.
    change INTEGER NOT NULL,
    -- When a visitor's message was handed over to the agent's software, counted per agent.
    handed_over INTEGER,
    -- Last, so that a long one is not read on the way to another column.
    text BLOB NOT NULL,
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_change ON messages (session_id, change);
-- For what is new to an agent's software, and to remove those of a deleted agent.
CREATE INDEX messages_by_agent ON messages (agent_id, handed_over);

-- The last number under which something was handed over. Kept apart from the messages, so that none is given twice
-- after they are removed.
ALTER TABLE agents ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;

ALTER TABLE deleted_agents ADD COLUMN messages_left INTEGER NOT NULL DEFAULT 0;
