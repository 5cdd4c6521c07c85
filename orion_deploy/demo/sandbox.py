"""A sandbox is one folder of our own making: nothing outside it is written, nothing in it that is not ours is touched."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orion_deploy import bundled
from orion_deploy.demo.faults import FAULTS, break_migration, known
from orion_deploy.demo.parts import (
    PARTS,
    SETTINGS,
    SMALL_DISK,
    end_part,
    enter_argv,
    inside_argv,
    living,
    part_argv,
    start_part,
    was_killed,
    why_no_small_disk,
)
from orion_deploy.errors import OrionError
from orion_deploy.run.places import state_home
from orion_deploy.run.sidecar import RUNS_SUFFIX

CHECKLIST: Final = "0001_add_active_request"
MARK: Final = ".orion-demo.json"
"""Says that a folder is a sandbox, and how it was made."""
A_DAY: Final = "## The first day\n\n"
"""The beginning of the checklist's section that takes a day."""
SCHEMA: Final = 1
CONVERSATIONS: Final = 10_000
FOLDERS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox whose stand-in lives.

    `environ` holds what to add to the environment, `command` and `stop_command` are for a shell.
    """

    directory: Path
    checklist: Path
    cwd: Path
    environ: Mapping[str, str]
    command: str
    stop_command: str
    enter: tuple[str, ...] = ()
    """What stands before a command that is to see the sandbox's own disk; empty where it has none, or this process sees it."""
    faults: tuple[str, ...] = ()
    resumed: bool = False


def build_sandbox(
    directory: Path | None,
    faults: Sequence[str] = (),
    *,
    conversations: int = CONVERSATIONS,
    program: str = "",
) -> Sandbox:
    """Make a sandbox in `directory` (default: a fresh folder of the user's state) and start what lives in it.

    A folder that is a sandbox already is resumed: what had been running when it was stopped, or was killed,
    runs again, and what a checklist has stopped stays stopped.

    The application is called `orion-` and four digits of its own, unless `program` names it: a checklist
    that stops it must not stop the one of another sandbox, nor a real Orion.

    Raises:
        OrionError: the folder is somebody else's, the fault is not known, or the stand-in does not start.
    """
    faults = known(faults)
    if directory is not None and (directory / MARK).is_file():
        return _resume(directory.resolve(), faults)
    _require_small_disk(faults)
    where = _own_folder() if directory is None else _given_folder(directory)
    _fill(where, faults, conversations, program or f"orion-{secrets.token_hex(2)}")
    (where / MARK).write_text(json.dumps({"schema": SCHEMA, "faults": list(faults)}) + "\n", "utf-8")
    wanted = {"orion", *(FAULTS[name].part for name in faults)}
    for part in reversed(PARTS):
        if part in wanted:
            start_part(where, part)
    return _sandbox(where, faults)


def _require_small_disk(faults: tuple[str, ...]) -> None:
    """Raise OrionError where the fault of a full disk cannot be had: nothing is pretended instead."""
    if not any(FAULTS[name].part == "disk" for name in faults):
        return
    why = why_no_small_disk()
    if why:
        raise OrionError(
            f"the fault `disk-full` cannot be had here: an ordinary user may mount no disk of his own ({why})",
            help="it needs Linux with user namespaces; every other fault works here",
        )


def stop_sandbox(directory: Path) -> tuple[str, ...]:
    """Stop everything that lives in a sandbox and return the names of the parts that did; its files stay.

    Its watches too: nobody looks any more, until a run of it is opened again.

    Raises OrionError where `directory` is no sandbox, or a part outlives a KILL.
    """
    _read_mark(directory)
    stopped = ["watches"] if _stop_watching(directory) else []
    for part in PARTS:
        if living(directory, part) is not None:
            end_part(directory, part)
            stopped.append(part)
    return tuple(stopped)


def _stop_watching(directory: Path) -> bool:
    """Ask whoever looks at the watches of the sandbox's runs to leave; whether anybody did."""
    from orion_deploy.run.watches.keeper import ask_to_leave
    from orion_deploy.run.watches.reading import known_keeper

    runs = [run for run in directory.glob(f"*{RUNS_SUFFIX}/*") if known_keeper(run) is not None]
    for run in runs:
        ask_to_leave(run)
    return bool(runs)


def with_defaults(text: str, values: Mapping[str, str]) -> str:
    """Return a checklist's Markdown with other defaults for its variables.

    Each variable stands on a line of its own, `  NAME: {default: VALUE, ...}`. Raises OrionError for a
    name that does not.
    """
    lines = text.splitlines(keepends=True)
    for name, value in values.items():
        head = f"  {name}: {{default: "
        for number, line in enumerate(lines):
            if line.startswith(head):
                rest = re.sub(r'^(?:"[^"]*"|[^,}]*)', "", line[len(head) :])
                lines[number] = head + json.dumps(value, ensure_ascii=False) + rest
                break
        else:
            raise OrionError(f"the checklist has no line `{head}...}}`")
    return "".join(lines)


def _fill(where: Path, faults: tuple[str, ...], conversations: int, program: str) -> None:
    checklist, migrations = bundled.checklist(CHECKLIST), bundled.folder("migrations")
    if checklist is None or migrations is None:
        raise OrionError("this installation carries no checklist to try", help="install orion-deploy again")
    home = where / "Orion"
    for folder in ("data", "backups", "logs", "app", "run"):
        (home / folder).mkdir(parents=True, mode=0o700)
    shutil.copyfile(Path(__file__).with_name("standin.py"), home / "app" / "main.py")
    shutil.copyfile(Path(__file__).with_name(SMALL_DISK), home / "app" / SMALL_DISK)
    (home / "app" / "bin").mkdir()
    interpreter = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    for name in (program, "say", *(part for part in PARTS if part != "orion")):
        (home / "app" / "bin" / name).symlink_to(interpreter)
        (home / "app" / name).symlink_to("main.py")
    settings = {"program": program, "faults": list(faults), "conversations": conversations}
    (home / "app" / SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")
    (where / "migrations").mkdir()
    for path in sorted(migrations.glob(f"{CHECKLIST}_*.sql")):
        sql = path.read_text("utf-8")
        if "migration-fails" in faults and path.stem.endswith("_up"):
            sql = break_migration(sql)
        (where / "migrations" / path.name).write_text(sql, "utf-8")
    (where / "bin").mkdir()
    for name, script in _commands(where).items():
        (where / "bin" / name).write_text(script, "utf-8")
        (where / "bin" / name).chmod(0o755)
    text = with_defaults(checklist.read_text("utf-8"), _defaults(program))
    text = text.replace("---\n", f"---\ncwd: {json.dumps(str(where), ensure_ascii=False)}\n", 1)
    text = text.replace(A_DAY, f"{A_DAY}In this sandbox the day has two minutes. ", 1)
    (where / f"{CHECKLIST}.md").write_text(text, "utf-8")


def _defaults(program: str) -> dict[str, str]:
    """The checklist's variables in a sandbox; paths are relative to its folder, where its steps run."""
    return {
        "APP": program,
        "START_COMMAND": "bin/orion",
        "SEND_COMMAND": "bin/orion say 'test concurrent sessions'",
        "TEST_COMMAND": "bin/npm run test && bin/npm run test:integration",
        "DATABASE": "Orion/data/orion.db",
        "BACKUPS": "Orion/backups",
        "LOG_FILE": "Orion/logs/orion.log",
        "MIGRATIONS": "migrations",
        "WINDOW_DAYS": "mon-sun",
        "WINDOW_START": "00:00",
        "WINDOW_END": "00:00",
        "SETTLE_S": "2",
        "WATCH_FOR": "2m",
    }


def _commands(where: Path) -> dict[str, str]:
    orion, say = (shlex.join(part_argv(where, part)) for part in ("orion", "say"))
    disk = shlex.join(inside_argv(where))
    return {
        "orion": f"""\
#!/bin/sh
# The stand-in Orion of this sandbox: `orion` lives until it is told to stop, `orion say TEXT` sends it a message.
if [ "$1" = say ]; then
  shift
  exec {say} "$*"
fi
exec {orion}
""",
        "inside": f"""\
#!/bin/sh
# Runs a command where the small disk of this sandbox is (fault disk-full): `bin/inside ls -l Orion/backups`.
exec {disk} "$@"
""",
        "npm": """\
#!/bin/sh
# Stands in for the application's test suites, which a sandbox does not have.
case "$*" in
  "run test") echo "> orion@1.4.0 test"; echo "Test suites: 24 passed, 24 total"; echo "Tests:       318 passed, 318 total" ;;
  "run test:integration") echo "> orion@1.4.0 test:integration"; echo "Tests:       41 passed, 41 total" ;;
  *) echo "npm: this stand-in knows \\`run test\\` and \\`run test:integration\\`" >&2; exit 1 ;;
esac
""",
    }


def _sandbox(where: Path, faults: tuple[str, ...], *, resumed: bool = False) -> Sandbox:
    checklist = where / f"{CHECKLIST}.md"
    app = _program()
    return Sandbox(
        directory=where,
        checklist=checklist,
        cwd=where,
        environ={"PATH": f"{where / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        command=f"cd {shlex.quote(str(where))} && {'bin/inside ' if 'disk-full' in faults else ''}{app} {shlex.quote(checklist.name)}",
        stop_command=f"{app} demo --stop --dir {shlex.quote(str(where))}",
        enter=tuple(enter_argv(where)),
        faults=faults,
        resumed=resumed,
    )


def _program() -> str:
    """How any shell calls this app.

    By its bare name only where that is a command of the user's own (pipx, uv tool): the `bin` of a virtual
    environment may be in our PATH and in no other.
    """
    beside = Path(sys.executable).with_name("orion-deploy")
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m orion_deploy"
    found = shutil.which("orion-deploy")
    if found is not None and Path(found).parent != beside.parent and os.path.samefile(found, beside):
        return "orion-deploy"
    return shlex.quote(str(beside))


def _resume(where: Path, faults: tuple[str, ...]) -> Sandbox:
    mark = _read_mark(where)
    kept = known(str(name) for name in mark["faults"])
    if faults and faults != kept:
        raise OrionError(
            f"the sandbox {where} was made with {', '.join(kept) or 'no fault'}",
            help="make another one for other faults: give a new --dir",
        )
    for part in reversed(PARTS):
        if was_killed(where, part):
            start_part(where, part)
    return _sandbox(where, kept, resumed=True)


def _read_mark(directory: Path) -> dict[str, list[str]]:
    try:
        mark = json.loads((directory / MARK).read_text("utf-8"))
    except FileNotFoundError:
        raise OrionError(
            f"{directory} is no sandbox", help="`orion-deploy demo --dir DIR` makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise OrionError(f"the sandbox {directory} cannot be read: {error}") from None
    if not isinstance(mark, dict) or mark.get("schema") != SCHEMA or not isinstance(mark.get("faults"), list):
        raise OrionError(
            f"the sandbox {directory} was made by another version", help="make a new one: give a new --dir"
        )
    return mark


def _given_folder(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.iterdir()):
            raise OrionError(
                f"{directory} is not empty, and is no sandbox",
                help="give a folder that is not there yet; nothing was written",
            )
    except OSError as error:
        raise OrionError(f"a sandbox cannot be made in {directory}: {error.strerror}") from None
    return directory.resolve()


def _own_folder() -> Path:
    for folder in _fresh_folders():
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return folder.resolve()
    raise OrionError(f"{FOLDERS_MAX:,} sandboxes are kept already", help="give a folder of your own: --dir")


def _fresh_folders() -> Iterator[Path]:
    home = state_home() / "demo"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OrionError(
            f"a sandbox cannot be made in {home}: {error.strerror}", help="give a folder of your own: --dir"
        ) from None
    return (home / str(number) for number in range(1, FOLDERS_MAX + 1))
