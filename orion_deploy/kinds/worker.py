"""One kind in a process of its own: it reads `request.json`, prints what it sees, and leaves `result.json` behind.

The session starts it through the supervisor exactly as it starts a script. The exit status is for people
(0 good, 1 failed, 3 undecided, 70 broken inside); the verdict in `result.json` is what counts, and it is
there whole or not at all.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import OrionError
from orion_deploy.kinds.durable import write_whole
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.kinds.base import Context

REQUEST_VARIABLE = "ORION_REQUEST"
"""Environment variable with the path of `request.json`."""
REQUEST_NAME = "request.json"
RESULT_NAME = "result.json"
PROGRESS_NAME = "progress.json"
SCHEMA = 1
PROGRESS_INTERVAL_S = 0.2
MARKED_STEPS_MAX = 10_000
EXIT_STATUS = {
    Outcome.PASSED: 0,
    Outcome.NOT_APPLICABLE: 0,
    Outcome.FAILED: 1,
    Outcome.UNDECIDED: 3,
}
EXIT_BROKEN = 70
"""EX_SOFTWARE of sysexits.h."""
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_QUIETED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running kind is. `total` 0 means unknown; times are wall-clock seconds."""

    done: int
    total: int
    message: str
    started_at: float
    at: float

    @property
    def eta_s(self) -> float | None:
        """Seconds left when it goes on as it went; None while that cannot be said."""
        if self.total <= 0 or self.done <= 0 or self.at <= self.started_at:
            return None
        return max(0.0, (self.at - self.started_at) * (self.total - self.done) / self.done)


def worker_script() -> bytes:
    """Return the program text that runs a kind: a few lines, which find this package wherever it is installed."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *(p for p in sys.path if p and p != root)]
    return (
        "import gc, sys\ngc.disable()\n"  # what is loaded stays: looking for garbage in it only costs time
        f"sys.path[:] = {paths!r} + [p for p in sys.path if p not in {paths!r}]\n"
        "from orion_deploy.kinds.worker import leave, main\nleave(main())\n"
    ).encode()


def interpreter() -> tuple[str, ...]:
    """Return the argv to which the script's path is appended.

    The interpreter under the virtual environment, because the environment's own path often holds the
    app's name (`.../tools/orion-deploy/bin/python`), which a careless `pkill -f` would match.
    """
    base = getattr(sys, "_base_executable", "") or sys.executable
    return (os.path.realpath(base), "-I", "-S", "-X", "utf8")


def request(
    call: KindCall,
    *,
    run: str,
    run_directory: Path,
    attempt_directory: Path,
    cwd: Path,
    variables: Mapping[str, str],
    step: str = "",
) -> bytes:
    """Return the bytes of `request.json`.

    Of the variables only the names are kept: their values reach the worker through its environment, so
    that a secret is not written down once more.
    """
    return json.dumps(
        {
            "schema": SCHEMA,
            "kind": call.name,
            "parameters": dict(call.parameters),
            "line": call.line,
            "run": run,
            "step": step,
            "run_directory": str(run_directory),
            "attempt_directory": str(attempt_directory),
            "cwd": str(cwd),
            "variables": sorted(variables),
        },
        ensure_ascii=False,
        default=str,
    ).encode("utf-8", "surrogateescape")


def read_result(directory: Path) -> Verdict | None:
    """Return the verdict that a worker left in its attempt's folder, or None where there is none to be read."""
    try:
        data = json.loads((directory / RESULT_NAME).read_bytes())
        return Verdict.from_json(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_progress(directory: Path) -> Progress | None:
    """Return how far the worker is, or None where it has not said so."""
    try:
        data = json.loads((directory / PROGRESS_NAME).read_bytes())
        return Progress(
            int(data["done"]),
            int(data["total"]),
            str(data["message"]),
            float(data["started_at"]),
            float(data["at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _Reporter:
    """Writes `progress.json`, at most five times a second. A report that cannot be written is let go.

    A new message is a new phase: the time left is reckoned from its own beginning.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / PROGRESS_NAME
        self._next_s = 0.0
        self._message = ""
        self._started_at = 0.0

    def __call__(self, done: int, total: int, message: str) -> None:
        at = time.time()
        if message != self._message or not self._started_at:
            self._message, self._started_at = message, at
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + PROGRESS_INTERVAL_S
        data = {
            "done": done,
            "total": total,
            "message": plain_line(message),
            "started_at": self._started_at,
            "at": at,
        }
        with contextlib.suppress(OSError):  # a full disk must not fail the work that is being reported
            write_whole(self._path, json.dumps(data).encode(), durable=False)


class _Cancel:
    """The operator's wish to stop: set by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.is_set = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.is_set = True


def conceal_argv() -> None:
    """Overwrite this process's own argv (Linux), so that no `pkill -f NAME` of a step matches it.

    Elsewhere the plain interpreter of `interpreter()` has to do.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end of proc(5), counted after the name
        shown = b"python3\0-\0"
        if 0 < start < end:
            with open("/proc/self/mem", "r+b", buffering=0) as memory:
                memory.seek(start)
                memory.write(shown[: end - start].ljust(end - start, b"\0"))
    except (OSError, ValueError, IndexError):
        pass  # it is a precaution; the work does not depend on it


def main() -> int:
    """Carry the request out; the exit status is the process's."""
    conceal_argv()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
    path = Path(os.environ.pop(REQUEST_VARIABLE, REQUEST_NAME))
    cancel = _Cancel()
    for number in _QUIETED:  # a supervisor ignores them, and what we start must not inherit that
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, cancel)
    signal.signal(signal.SIGINT, cancel)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    status = EXIT_BROKEN
    directory = path.parent
    try:
        data = json.loads(path.read_bytes())
        directory = Path(data["attempt_directory"])
        verdict = _carry_out(data, directory, cancel)
        status = EXIT_STATUS[verdict.outcome]
    except OrionError as fault:
        verdict = Verdict(Outcome.FAILED, f"{fault.what}{f' ({fault.help})' if fault.help else ''}")
        status = EXIT_STATUS[verdict.outcome]
    except Exception as fault:  # the edge: whatever it was, the operator gets a verdict
        import traceback

        traceback.print_exc(file=sys.stdout)
        verdict = Verdict(
            Outcome.UNDECIDED,
            f"the built-in step itself broke ({type(fault).__name__}: {fault}): what it did is not known, look for yourself",
        )
    _say_verdict(verdict)
    try:
        write_whole(directory / RESULT_NAME, json.dumps(verdict.to_json(), default=str).encode())
    except OSError as fault:
        print(f"the verdict could not be written: {fault}", flush=True)
        return EXIT_BROKEN
    return status


def leave(status: int) -> NoReturn:
    """End the process with `status`, when the verdict is on the disk.

    Kinds of our own leave nothing to be done at exit, and taking a program apart in memory takes longer than most
    checks: it ends at once. Where another package's kind was loaded, it ends as any program does.
    """
    registry = sys.modules.get("orion_deploy.kinds.registry")
    if registry is None or registry.has_loaded_others():
        raise SystemExit(status)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody may read it any more
            stream.flush()
    os._exit(status)


def _say_verdict(verdict: Verdict) -> None:
    with contextlib.suppress(OSError):  # nobody may read the output any more; the result still counts
        print(plain_line(f"{verdict.outcome.value}: {verdict.reason}"), flush=True)


def _carry_out(data: Mapping[str, object], directory: Path, cancel: _Cancel) -> Verdict:
    # Other packages' pydantic plugins have no place here, and looking for them costs more than the model does.
    inherited = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    from orion_deploy.kinds.base import Action, Check, Context
    from orion_deploy.kinds.registry import build

    parameters = data["parameters"]
    names = data["variables"]
    assert isinstance(parameters, dict)
    assert isinstance(names, list)
    variables = MappingProxyType({n: os.environ[n] for n in names if n in os.environ})
    kind = build(KindCall(str(data["kind"]), parameters), variables)
    gc.freeze()
    gc.enable()
    del os.environ[_PLUGINS]
    if inherited is not None:
        os.environ[_PLUGINS] = inherited
    context = Context(
        run=str(data["run"]),
        run_directory=Path(str(data["run_directory"])),
        attempt_directory=directory,
        cwd=Path(str(data["cwd"])),
        variables=variables,
        progress=_Reporter(directory),
        is_cancelled=lambda: cancel.is_set,
        now=time.time,
        step=str(data.get("step", "")),
    )
    if isinstance(kind, Action):
        verdict = kind.act(context)
    elif isinstance(kind, Check):
        verdict = kind.probe(context)
    else:
        return Verdict(Outcome.UNDECIDED, f"{data['kind']} neither looks nor acts")
    if verdict.is_good:
        _mark(context, str(data["kind"]), is_action=isinstance(kind, Action))
    return verdict


def _mark(context: Context, kind: str, *, is_action: bool) -> None:
    """Note when a step passed, for `clock.elapsed`; an action also under its kind's name."""
    from orion_deploy.kinds.facts import Facts, change_facts, part

    at = context.now()

    def note(facts: Facts) -> None:
        marks = part(facts, "marks")
        if is_action:
            marks[kind] = at
        if context.step and len(marks) < MARKED_STEPS_MAX:
            marks[context.step] = at

    if is_action or context.step:
        try:
            change_facts(context.run_directory, note)
        except OrionError as fault:
            print(plain_line(f"when it passed could not be noted: {fault.what}"), flush=True)
