-- 0001 add_active_request, the way there.
--
-- A conversation remembers which request is under way in it, so that Orion can pick the request up again
-- after a restart. NULL means that none is. The index serves the look-up at start: "which are under way?"
--
-- No BEGIN or COMMIT here: whoever carries this out owns the one transaction, verifies, and then commits.
-- Adding the column takes no time, whatever the number of rows; building the index reads every row once.

CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY);

ALTER TABLE conversations ADD COLUMN active_request_id TEXT;

CREATE INDEX idx_conversations_active_request ON conversations (active_request_id);

INSERT INTO schema_migrations (version) VALUES (1);
