"""SQLite, behind the kinds `sqlite.*`: the only room that knows this engine.

Another database is another room beside this one, with its own names in the table of `registry.py`. From
the ground up: `sql` (text), `database` (the file), `connection` (how it is opened, locked and limited), `structure`
(what a schema is), `state` (before, partial, after, foreign, corrupt), `transaction` (one script, whole
or not at all), `looking` (every page), `copying` and `exact` (copies), `record` (what a run knows), `room` (on the disks); and above them one file for each kind.
"""
