-- What is counted of each agent's sessions, by the minute while it is new and then by the hour. Minutes are written
-- with every session, and so lie by time: all that is counted now is on a few pages. Hours are read by agent. Neither
-- has a foreign key, as sessions have none.

CREATE TABLE tally_minutes (
    begins_at INTEGER NOT NULL,
    agent_id BLOB NOT NULL,
    authenticated INTEGER NOT NULL,
    nobody INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    bad_response INTEGER NOT NULL,
    not_configured INTEGER NOT NULL,
    -- Each bucket that has any: its number in one byte, and how many in four, most significant first.
    durations BLOB NOT NULL,
    PRIMARY KEY (begins_at, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally_hours (
    agent_id BLOB NOT NULL,
    begins_at INTEGER NOT NULL,
    authenticated INTEGER NOT NULL,
    nobody INTEGER NOT NULL,
    timed_out INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    bad_response INTEGER NOT NULL,
    not_configured INTEGER NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (agent_id, begins_at)
) STRICT, WITHOUT ROWID;
-- To remove what is old.
CREATE INDEX tally_hours_by_begin ON tally_hours (begins_at);

ALTER TABLE deleted_agents ADD COLUMN tallies_left INTEGER NOT NULL DEFAULT 0;

-- The resolutions that are there already are counted in. The buckets are those of buddy-core's tally.rs.
WITH RECURSIVE
    octaves (shift, least) AS (VALUES (0, 8) UNION ALL SELECT shift + 1, least * 2 FROM octaves WHERE shift < 28),
    bounded AS (
        SELECT agent_id, outcome, reason, attempts, min(duration_us, 4294967295) AS micros,
            (started_at + duration_us / 1000) / 60000 * 60000 AS begins_at
        FROM resolutions WHERE EXISTS (SELECT 1 FROM agents WHERE agents.id = resolutions.agent_id)
    ),
    measured AS (
        SELECT agent_id, begins_at, count(*) AS number, CASE WHEN micros < 8 THEN micros
            ELSE (SELECT shift * 8 + (micros >> shift) FROM octaves WHERE least <= micros AND micros < least * 2)
            END AS bucket
        FROM bounded WHERE attempts <> '[]' GROUP BY agent_id, begins_at, bucket
    ),
    histograms AS (
        SELECT agent_id, begins_at,
            unhex(group_concat(printf('%02x%08x', bucket, number), '' ORDER BY bucket)) AS durations
        FROM measured GROUP BY agent_id, begins_at
    ),
    counted AS (
        SELECT agent_id, begins_at,
            sum(outcome = 'authenticated') AS authenticated,
            sum(outcome = 'nobody') AS nobody,
            count(*) FILTER (WHERE reason LIKE 'timeout\_%' ESCAPE '\') AS timed_out,
            count(*) FILTER (WHERE reason IN ('not_json', 'html', 'not_an_object', 'duplicate_member', 'too_deep',
                'too_large', 'empty_body', 'content_encoding', 'no_user_id', 'invalid_user_id')) AS bad_response,
            count(*) FILTER (WHERE reason = 'not_configured') AS not_configured,
            count(reason) AS all_failed
        FROM bounded GROUP BY agent_id, begins_at
    )
INSERT INTO tally_minutes
SELECT counted.begins_at, counted.agent_id, authenticated, nobody, timed_out,
    all_failed - timed_out - bad_response - not_configured, bad_response, not_configured, coalesce(durations, x'')
FROM counted LEFT JOIN histograms
    ON histograms.agent_id = counted.agent_id AND histograms.begins_at = counted.begins_at;
