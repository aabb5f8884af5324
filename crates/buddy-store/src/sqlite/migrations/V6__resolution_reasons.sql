-- For the list of what failed in one way, however rare that is. What did not fail is not in it, and costs nothing.
CREATE INDEX resolutions_by_reason ON resolutions (agent_id, reason, number) WHERE reason IS NOT NULL;
