-- What operators did. Plain: there is no secret and nothing about a visitor in it, and it is to be read though the keys
-- are lost. It outlives the agents that it is about, and so names them by their ids alone.

CREATE TABLE audit (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    agent_id BLOB,
    key_id BLOB,
    settings TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_agent ON audit (agent_id, id) WHERE agent_id IS NOT NULL;
