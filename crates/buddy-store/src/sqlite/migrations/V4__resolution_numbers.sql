-- The order in which an agent's resolutions were kept, for who listens to them. Those that are there already are
-- numbered in the order in which they began; later ones by the clock, and so above those.
ALTER TABLE resolutions ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE resolutions SET number = numbered.number
    FROM (SELECT id, row_number() OVER (PARTITION BY agent_id ORDER BY id) AS number FROM resolutions) AS numbered
    WHERE numbered.id = resolutions.id;
CREATE UNIQUE INDEX resolutions_by_number ON resolutions (agent_id, number);
-- Lists are in this order, too.
DROP INDEX resolutions_by_agent;

CREATE INDEX resolutions_by_session ON resolutions (session_id);
