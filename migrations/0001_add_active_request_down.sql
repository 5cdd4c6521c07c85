-- 0001 add_active_request, the way back.
--
-- The index goes first: SQLite does not drop a column that an index uses. DROP COLUMN needs SQLite 3.35 or
-- later, and rewrites the table once. Which requests were under way is forgotten; nothing else is lost.
--
-- No BEGIN or COMMIT here: whoever carries this out owns the one transaction. The table schema_migrations
-- stays: it keeps the versions of other migrations.

DROP INDEX idx_conversations_active_request;

ALTER TABLE conversations DROP COLUMN active_request_id;

DELETE FROM schema_migrations WHERE version = 1;
