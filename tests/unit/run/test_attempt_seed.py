"""The team's own checklist, its blocks as they stand, in a real shell with a real database: what the verdicts are.

Everything runs in a process namespace of its own, where `pkill -f orion` can reach nobody else. The driver has
the word in its own argv, as the app would; concealed, it is neither found nor killed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.shared import seed

UP = """
BEGIN;
ALTER TABLE conversations ADD COLUMN active_request_id TEXT;
CREATE INDEX idx_conversations_active_request ON conversations(active_request_id);
INSERT INTO schema_migrations(version) VALUES (1);
COMMIT;
"""
DOWN = """
BEGIN;
DROP INDEX idx_conversations_active_request;
ALTER TABLE conversations DROP COLUMN active_request_id;
DELETE FROM schema_migrations WHERE version = 1;
COMMIT;
"""
DATABASE = """
CREATE TABLE conversations(id INTEGER PRIMARY KEY, title TEXT, created_at TEXT);
CREATE TABLE schema_migrations(version INTEGER PRIMARY KEY);
INSERT INTO conversations(title) SELECT 'c' || value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12]');
"""
DRIVER = """
import json, os, subprocess, sys
from pathlib import Path
if len(sys.argv) == 2:
    os.execv(sys.executable, [sys.executable, *sys.argv, "orion-deploy"])
from orion_deploy.run.conceal import conceal
conceal()
from orion_deploy.checklist.expectations import expectations_in
from orion_deploy.kinds.shell import shell_verdict
from orion_deploy.run.attempt import AttemptSpec, look, wait
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output
from orion_deploy.text import stripped
root = Path(sys.argv[1])
env = os.environ | {"HOME": str(root), "PATH": f"{root}/bin:{os.environ['PATH']}", "NPM": "0"}
launcher = Launcher()
answers = []
for number, (name, script) in enumerate(json.loads((root / "plan.json").read_text())):
    if name.startswith("!"):
        if name == "!orion":
            running = subprocess.Popen(["/opt/Orion/orion", "600"], executable="/bin/sleep")
        elif name == "!npm":
            env["NPM"] = script
        continue
    directory = root / "runs" / str(number)
    launcher.start(directory, AttemptSpec(script=script.encode(), cwd=str(root), env=env))
    assert wait(directory, 60), name
    seen = look(directory)
    output = stripped(Output(directory).tail(1 << 20).decode("utf-8", "replace"))
    verdict = shell_verdict(script, seen.result.shell, output, expectations_in(script))
    answers.append([name, verdict.outcome.value, verdict.reason, verdict.value, output])
launcher.close()
print(json.dumps(answers))
"""


def blocks() -> dict[str, str]:
    """The seed's blocks by the title of the step or the line that they stand under; the first of each."""
    found: dict[str, str] = {}
    title = ""
    lines = iter(seed().read_text().splitlines())
    for line in lines:
        if match := re.match(r"\s*(?:- \[ \]|\d+\.)\s+(.*)|\s*(\*\*Option.*)", line):
            title = re.sub(r"\*\*|\(.*?\)", "", match[1] or match[2]).strip(" :")
        elif line.strip() == "```bash":
            body = []
            for inner in lines:
                if inner.strip() == "```":
                    break
                body.append(inner)
            name = title if title not in found else f"{title} (again)"
            found[name] = textwrap.dedent("\n".join(body)).strip("\n")
    return found


STOP_FIRST = "STOP application BEFORE migration"
ROLLBACK = "Option 2: Run rollback migration"
NIGHT = [
    # name of the block, then its outcome and words of its reason
    ("!orion", "", ""),
    (STOP_FIRST, "failed", "ERROR: Orion is running. Stop it first."),
    ("Stop application", "passed", "status 0"),
    (STOP_FIRST, "passed", "found nothing"),
    ("Stop application", "passed", "was not running"),
    ("Check for open database connections", "passed", "found nothing"),
    ("Check table size before migration", "passed", "status 0"),
    ("Verify no active sessions", "undecided", "no such column"),
    ("Backup production database", "passed", "status 0"),
    ("Verify migration success", "failed", "active_request_id"),
    ("Run migration with timeout", "passed", "it is 0, as expected"),
    ("Verify migration success", "passed", "active_request_id"),
    ("Verify no active sessions", "passed", "it is 0"),
    ("Run migration with timeout", "failed", "it is 1"),
    ("Verify rollback", "failed", "3|active_request_id|TEXT|0||0"),
    (ROLLBACK, "passed", "status 0"),
    ("Verify rollback", "passed", "it printed nothing"),
    (ROLLBACK, "undecided", "ended with status 1"),
    ("Run full test suite after migration", "passed", "status 0"),
    ("!npm", "1", ""),
    ("Run full test suite after migration", "undecided", "status 1"),
    ("!npm", "test", ""),
    ("Run full test suite after migration", "undecided", "line 1"),
]


@pytest.mark.hazard("a search for a process as a guard in the last line", half="ours")
def test_the_night_of_the_seed(tmp_path: Path) -> None:
    """Block after block, healthy and not: each verdict and its reason; the app and its test live through every `pkill`."""
    for program in ("unshare", "sqlite3", "lsof", "pgrep", "timeout"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    scripts = blocks()
    root = tmp_path / "orion-home"
    for folder in ("bin", "Orion/data", "Orion/backups", "src/db/migrations", "runs"):
        (root / folder).mkdir(parents=True)
    subprocess.run(["sqlite3", str(root / "Orion/data/orion.db")], input=DATABASE, text=True, check=True)
    (root / "src/db/migrations/0001_add_active_request_up.sql").write_text(UP)
    (root / "src/db/migrations/0001_add_active_request_down.sql").write_text(DOWN)
    npm = root / "bin/npm"
    npm.write_text('#!/bin/sh\necho "npm $*"\n[ "$NPM" != "$2" ] && [ "$NPM" != 1 ]\n')
    npm.chmod(0o755)
    plan = [(name, scripts[name] if not name.startswith("!") else outcome) for name, outcome, _ in NIGHT]
    (root / "plan.json").write_text(json.dumps(plan))
    (root / "driver.py").write_text(DRIVER)
    # The first process of a namespace ignores signals that it does not handle: it must not be the driver.
    inside = [
        "sh",
        "-c",
        '"$0" "$@"; echo "driver: $?" >&2',
        sys.executable,
        str(root / "driver.py"),
        str(root),
    ]
    run = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *_without_words(inside, root)],
        capture_output=True,
        text=True,
    )
    if "unshare" in run.stderr:
        pytest.skip(f"no process namespace can be made here: {run.stderr.strip()[:80]}")
    assert "driver: 0" in run.stderr, run.stderr
    expected = [entry for entry in NIGHT if not entry[0].startswith("!")]
    answers = json.loads(run.stdout)
    assert [(name, outcome) for name, outcome, *_ in answers] == [
        (name, outcome) for name, outcome, _ in expected
    ], json.dumps(answers, indent=1)
    for (name, _, words), (_, _, reason, value, _) in zip(expected, answers, strict=True):
        assert words in f"{reason} {value}", (name, reason, value)


def _without_words(argv: list[str], root: Path) -> list[str]:
    """The same argv for the first process, which is not concealed: the folder with the word comes by a link."""
    link = root.parent / "h"
    link.symlink_to(root)
    return [word.replace(str(root), str(link)) for word in argv]
