"""A deployment that may be turned back: a database, this run's backup of it, and the migration in it."""

from __future__ import annotations

from pathlib import Path

from support.databases import MIGRATION, UP, orion, run_sql
from support.sessions import book, opened

SCRIPTS = f"path: data/orion.db, up: '{MIGRATION['up']}', down: '{MIGRATION['down']}'"
BOOK = f"""# Deployment

- [ ] Back up

  ```yaml step
  id: backup
  action:
    sqlite.backup: {{path: data/orion.db, folder: backups}}
  ```

- [ ] Look after it

## Rollback

1. Choose the way back

   ```yaml step
   id: way
   check:
     people.choice:
       question: Which way back?
       options: [Take the migration back, Restore the backup of this run]
   ```

2. Take it back

   ```yaml step
   id: down
   action:
     sqlite.rollback: {{{SCRIPTS}}}
   ```

3. Restore

   ```yaml step
   id: restore
   action:
     sqlite.restore: {{path: data/orion.db}}
   ```
"""


def deployed(folder: Path, *, rows: int = 200, mode: str = "wal") -> Path:
    """Write the checklist, take the backup by its step, migrate, and write one row as an application would."""
    path = book(folder, BOOK)
    db = orion(folder / "data" / "orion.db", rows, mode=mode)
    with opened(path, cwd=str(folder)) as driven:
        verdict = driven.run("backup")
        assert verdict.is_good, verdict.reason
    run_sql(db, UP.read_text())
    run_sql(db, "INSERT INTO conversations (title) VALUES ('written since')")
    return path
