"""Every rule finds what it is for, and leaves alone what merely looks like it."""

from __future__ import annotations

import pytest
from support.lint import findings, rules_for

from orion_deploy.checklist.lint import rules

DB = "~/app/data/app.db"

HITS = [
    ("process-pattern", "pgrep -f orion"),
    ("process-pattern", "sudo pkill -SIGTERM -f orion"),
    ("process-pattern", "x=$(pgrep -af 'node server.js')"),
    ("process-pattern", "pkill --full orion"),
    ("ps-grep", "ps aux | grep orion"),
    ("kill-then-sleep", "pkill -x orion || true\nsleep 2"),
    ("kill-then-sleep", "kill $PID; sleep 5\nkill -0 $PID"),
    ("kill-nine", "kill -9 $PID"),
    ("kill-nine", "pkill -KILL -x app || true"),
    ("kill-nine", "kill -s KILL 5"),
    ("nothing-to-kill", "pkill -x orion"),
    ("nothing-to-kill", "set -e\npkill -x orion\necho done"),
    ("nothing-to-kill", "killall orion && echo stopped"),
    ("open-files", f"lsof {DB} && echo open && exit 1"),
    ("open-files", f"if ! fuser {DB}; then echo ok; fi"),
    ("background", "./app --serve &"),
    ("background", "nohup ./app > log 2>&1 &\nsleep 1"),
    ("sqlite-goes-on", f"sqlite3 {DB} < up.sql"),
    ("sqlite-goes-on", f"cat up.sql | sqlite3 {DB}"),
    ("sqlite-goes-on", f"sqlite3 {DB} '.read up.sql'"),
    ("sqlite-goes-on", f"sqlite3 {DB} <<E\nCREATE INDEX i ON t(a);\nE"),
    ("sqlite-creates", f"sqlite3 {DB} 'SELECT 1'"),
    ("sqlite-timeout", f"timeout 30s sqlite3 {DB} < up.sql"),
    ("quoted-column", f"sqlite3 {DB} 'SELECT count(*) FROM t WHERE \"active\" IS NOT NULL'"),
    (
        "column-absent",
        f"sqlite3 {DB} 'SELECT COUNT(*) FROM c WHERE active_request_id IS NOT NULL'\n# 0001_add_active_request",
    ),
    ("schema-by-grep", f'sqlite3 {DB} "PRAGMA table_info(t);" | grep active'),
    ("schema-by-grep", f"sqlite3 {DB} .schema | grep -i active"),
    ("rows-not-status", f"sqlite3 {DB} \"SELECT name FROM sqlite_master WHERE name='i'\""),
    ("drop-order", f"sqlite3 -bail {DB} <<E\nALTER TABLE t DROP COLUMN a;\nDROP INDEX i;\nE"),
    ("guessed-duration", "true\n# If >10k rows, migration may take >5s."),
    ("backup-mode", f"sqlite3 {DB} \".backup '/b/x.db'\""),
    ("backup-mode", f"sqlite3 {DB} \"VACUUM INTO '/b/x.db'\""),
    ("live-copy", f"cp {DB} ~/backups/app-1.db"),
    ("live-copy", 'cp "$DATABASE" /tmp/x.db'),
    ("live-copy", f"tar czf b.tgz {DB}"),
    ("live-copy", f"rsync -a {DB} backup-host:/srv/backups/"),
    ("restore-by-copy", f"cp ~/backups/app-1.db {DB}"),
    ("restore-glob", f"cp ~/backups/app-*.db {DB}"),
    ("backup-by-day", f"cp {DB} app-backup-$(date +%Y%m%d).db"),
    ("backup-by-day", "pg_dump x > backup-$(date +%F).sql"),
    ("copy-into-missing-folder", "cp report.pdf ~/backups"),
    ("guard-last", "a\ntest -e x && echo ERROR && exit 1"),
    ("guard-last", "grep -q x y && { echo ERROR; exit 1; }"),
    ("echo-status", "./migrate; echo $?"),
    ("echo-status", './migrate\necho "status: $?"'),
    ("inverted-grep", "cat log | grep ERROR\n# Should return nothing"),
    ("expectation-in-comment", "./count\n# Should return 0"),
    ("destructive", "rm -rf $BUILD/"),
    ("destructive", "rm -rf ~/*"),
    ("destructive", f"sqlite3 -bail {DB} 'DROP TABLE t'"),
    ("destructive", "psql -c 'DELETE FROM users;'"),
    ("destructive", "git push --force origin main"),
    ("destructive", "git push -f"),
    ("destructive", "git reset --hard HEAD~1"),
    ("destructive", "kubectl delete pod x"),
    ("destructive", "terraform destroy"),
    ("destructive", "dd if=x of=/dev/sda"),
    ("destructive", "docker volume rm data"),
    ("never-ends", "tail -f app.log"),
    ("never-ends", "journalctl -u app -f | grep ERROR"),
    ("never-ends", "top"),
    ("never-ends", "kubectl get pods -w"),
    ("never-ends", "docker compose up"),
    ("never-ends", "npm start"),
    ("never-ends", "ping example.org"),
    ("never-ends", "while true; do date; sleep 5; done"),
    ("interactive", "vim config.yaml"),
    ("interactive", "crontab -e"),
    ("placeholder", "git tag v<VERSION>"),
    ("hidden-character", "rm -rf ./a\u200bb"),
    ("back-on-the-way", f"sqlite3 -bail {DB} < 0001_down.sql"),
    ("back-on-the-way", "alembic downgrade -1"),
]


@pytest.mark.parametrize(("rule", "script"), HITS)
def test_the_rule_finds(rule: str, script: str) -> None:
    """The dangerous form is found, on the line where it stands, with a caret under what is meant."""
    found = [finding for finding in findings(script) if finding.rule == rule]
    assert found
    place = found[0].place
    assert place.source
    assert place.column <= len(place.source)
    assert place.column + place.width - 1 <= len(place.source)


MISSES = [
    ("process-pattern", "pgrep -x orion"),
    ("process-pattern", "pkill -x orion || true"),
    ("process-pattern", "pgrep -f '^/usr/bin/orion --serve$'"),
    ("process-pattern", "pkill -F app.pid"),
    ("process-pattern", "pkill -SIGTERM orion || true"),
    ("process-pattern", "# pgrep -f orion"),
    ("process-pattern", "echo 'pgrep -f orion'"),
    ("ps-grep", "ps aux | grep orion | grep -v grep"),
    ("ps-grep", "ps aux | grep '[o]rion'"),
    ("ps-grep", "ps aux | sort"),
    ("kill-then-sleep", "kill $PID\nwait $PID"),
    ("kill-then-sleep", "kill -0 $PID; sleep 1"),
    ("kill-nine", "kill -TERM $PID\nfor i in 1 2 3; do sleep 1; done\nkill -9 $PID"),
    ("kill-nine", "kill -15 $PID"),
    ("nothing-to-kill", "pkill -x orion || true"),
    ("nothing-to-kill", "pkill -x orion\necho done"),
    ("open-files", f"lsof {DB}"),
    ("open-files", "lsof -i :8080 && echo used"),
    ("background", "./a &\n./b &\nwait"),
    ("background", "a && b"),
    ("background", "a 2>&1 &> x"),
    ("sqlite-goes-on", f"sqlite3 -bail {DB} < up.sql"),
    ("sqlite-goes-on", f"sqlite3 {DB} <<E\n.bail on\nCREATE INDEX i ON t(a);\nE"),
    ("sqlite-goes-on", f"sqlite3 {DB} <<< 'SELECT 1'"),
    ("sqlite-goes-on", f"sqlite3 {DB} 'SELECT 1' > out.txt"),
    ("sqlite-creates", f"sqlite3 -readonly {DB} 'SELECT 1'"),
    ("sqlite-creates", f"sqlite3 'file:{DB}?mode=rw' 'SELECT 1'"),
    ("sqlite-creates", f"test -f {DB} && sqlite3 {DB} 'SELECT 1'"),
    ("sqlite-creates", "sqlite3 :memory: 'SELECT 1'"),
    ("sqlite-timeout", f"timeout 5 sqlite3 {DB} 'SELECT 1'"),
    ("sqlite-timeout", "timeout 30s npm test"),
    ("quoted-column", f"sqlite3 {DB} \"SELECT 1 FROM t WHERE name='x'\""),
    ("quoted-column", f"sqlite3 {DB} 'SELECT \"a b\" FROM t WHERE c = 1'"),
    (
        "column-absent",
        f"sqlite3 {DB} 'SELECT COUNT(*) FROM c WHERE email IS NOT NULL'\n# 0001_add_active_request",
    ),
    ("column-absent", f"sqlite3 {DB} 'SELECT COUNT(*) FROM c WHERE active_request_id IS NOT NULL'"),
    ("schema-by-grep", f'sqlite3 {DB} "PRAGMA table_info(t);" | grep -w active'),
    ("schema-by-grep", f'sqlite3 {DB} "SELECT name FROM t" | grep x'),
    ("rows-not-status", f'sqlite3 {DB} "SELECT COUNT(*) FROM t WHERE a=1"'),
    ("rows-not-status", f"sqlite3 {DB} \"SELECT name FROM m WHERE name='i'\"\n# Should show: idx_i"),
    ("rows-not-status", f'sqlite3 {DB} "SELECT name FROM m WHERE a=1" | wc -l'),
    ("drop-order", f"sqlite3 -bail {DB} <<E\nDROP INDEX i;\nALTER TABLE t DROP COLUMN a;\nE"),
    ("guessed-duration", "true # 10k rows were read"),
    ("backup-mode", f"umask 077\nsqlite3 {DB} \".backup '/b/x.db'\""),
    ("live-copy", "cp ~/backups/app-1.db /tmp/look.db"),
    ("live-copy", "cp README.md docs/"),
    ("live-copy", "cat notes.txt"),
    ("restore-by-copy", f"cp config.json {DB}.json"),
    ("restore-by-copy", "cp a.db b-copy.db"),
    ("restore-glob", "cp logs/*.log /tmp/"),
    ("backup-by-day", f"cp {DB} app-backup-$(date +%Y%m%d-%H%M%S).db"),
    ("backup-by-day", "./report > report-$(date +%F).txt"),
    ("copy-into-missing-folder", "mkdir -p ~/backups && cp report.pdf ~/backups"),
    ("copy-into-missing-folder", "cp report.pdf ~/backups/"),
    ("copy-into-missing-folder", "cp a.conf b.conf"),
    ("copy-into-missing-folder", "cp -r dist /srv/dist"),
    ("guard-last", "if test -e x; then echo ERROR; exit 1; fi"),
    ("guard-last", "test -e x && exit 0"),
    ("guard-last", "test -e x && exit 1\necho fine"),
    ("guard-last", "test -e x || exit 1"),
    ("echo-status", "./migrate; echo done"),
    ("echo-status", "./migrate; s=$?; echo $s; exit $s"),
    ("inverted-grep", "grep ERROR log\n# Should show: ERROR 42"),
    ("inverted-grep", "grep ERROR log"),
    ("expectation-in-comment", "./count # counts"),
    ("expectation-in-comment", "./count\n# Look at the dashboard, it should feel right"),
    ("destructive", "rm -rf ./build/cache"),
    ("destructive", "rm -rf ${BUILD:?}/"),
    ("destructive", "rm file.txt"),
    ("destructive", "git push --force-with-lease"),
    ("destructive", "git push origin main"),
    ("destructive", "git clean -n"),
    ("destructive", "psql -c 'DELETE FROM users WHERE id = 5;'"),
    ("destructive", "kubectl get pods"),
    ("destructive", "dd if=x of=/dev/null"),
    ("destructive", "echo 'DROP TABLE t'"),
    ("destructive", "docker compose down"),
    ("never-ends", "tail -n 50 app.log"),
    ("never-ends", "tail -f app.log | head -5"),
    ("never-ends", "tail -f app.log | grep -q started"),
    ("never-ends", "timeout 30 tail -f app.log"),
    ("never-ends", "top -b -n 1"),
    ("never-ends", "ping -c 3 example.org"),
    ("never-ends", "docker compose up -d"),
    ("never-ends", "while true; do ./ok && break; sleep 1; done"),
    ("never-ends", "npm run build"),
    ("interactive", "sudo systemctl stop app"),
    ("interactive", "ls"),
    ("placeholder", "git tag v1.2.3"),
    ("hidden-character", "echo \u00e9\u4e2d"),
    ("back-on-the-way", f"sqlite3 -bail {DB} < 0001_up.sql"),
    ("back-on-the-way", f"sqlite3 -bail {DB} < markdown.sql"),
]


@pytest.mark.parametrize(("rule", "script"), MISSES)
def test_the_rule_leaves_alone(rule: str, script: str) -> None:
    """The safe form, and what only resembles the dangerous one, is not found."""
    assert rule not in rules_for(script)


def test_what_the_author_has_said_is_not_said_again() -> None:
    """A key that answers a finding silences it."""
    assert "destructive" not in rules_for("kubectl delete pod x", keys="confirm: DELETE")
    assert "never-ends" not in rules_for("tail -f x", keys="timeout: 30s")
    assert "interactive" not in rules_for("vim x", keys="interactive: true")
    assert "inverted-grep" not in rules_for(
        "grep x y # Should return nothing", keys="expect: {nothing: true}"
    )
    assert "expectation-in-comment" not in rules_for("./c # Should return 0", keys='expect: {number: "== 0"}')
    assert rules_for(f"cp {DB} b-backup.db", keys="action: {sqlite.backup: {database: x.db}}") == set()


def test_commands_that_a_typed_step_replaces_are_not_judged() -> None:
    """Where a check or an action does the work, the old commands are shown and never run."""
    assert "process-pattern" not in rules_for(
        "pkill -f orion", keys="action: {process.stop: {program: orion}}"
    )


def test_a_rollback_may_roll_back() -> None:
    """Commands of the way back are no danger where they belong, nor where they are tried on a copy."""
    script = f"sqlite3 -bail {DB} < 0001_down.sql"
    assert "back-on-the-way" not in rules_for(script, section="Rollback")
    assert "back-on-the-way" not in rules_for(script, title="Test the rollback on a copy")


def test_a_test_on_a_copy_that_touches_the_original() -> None:
    """What was copied from is the original: changing it is found, changing the copy is not."""
    copy = f"cp {DB} /tmp/copy.db\n"
    title = "Test the migration on a copy"
    assert "copy-is-original" in rules_for(f"{copy}sqlite3 -bail {DB} < up.sql", title=title)
    assert "copy-is-original" not in rules_for(f"{copy}sqlite3 -bail /tmp/copy.db < up.sql", title=title)
    assert "copy-is-original" not in rules_for(f"{copy}sqlite3 -bail {DB} < up.sql", title="Migrate")
    assert "copy-is-original" not in rules_for(f"{copy}sqlite3 -readonly {DB} .schema", title=title)


def test_every_rule_has_both_sides() -> None:
    """No rule without a script or a test that it finds, and one that it leaves alone."""
    elsewhere = {
        "copy-is-original", "no-way-back", "same-title", "restore-recommended", "both-ways-back", "reference-by-words", "secret-default",
        "front-matter-key", "damaged", "contradictory-limits",
    }  # fmt: skip
    names = [rule.name for rule in rules()]
    assert len(names) == len(set(names))
    assert {rule for rule, _ in HITS} | elsewhere == set(names)
    assert {rule for rule, _ in MISSES} | elsewhere == set(names)
