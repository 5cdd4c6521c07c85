"""Telling the operator by a means of their choice, from the process that looks: also when no screen is open.

Each firing and each end is told once: that it is about to be is on the disk before it is, beside the watch. What
goes wrong is recorded there and printed, and harms no watch: it happens on threads of its own, within a limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from orion_deploy.kinds.durable import write_whole
from orion_deploy.run.watches import reading
from orion_deploy.run.watches.record import WatchRecord
from orion_deploy.run.watches.wishes import Wishes, is_address, read_wishes
from orion_deploy.text import plain_line

FILE_NAME = "notified.json"
LIMIT_S = 30.0
"""For a command, or an answer."""
OUTPUT_BYTES_MAX = 4096
"""Of a command's output, for the record."""
FACT_CHARACTERS_MAX = 2000
TOLD_MAX = 100
"""Kept beside a watch; the last ones."""
WAITING_MAX = 20
"""Told one after the other; of more at once the rest is left out, and that is recorded."""
TRIGGER, DONE = "trigger", "done"
NOT_WISHED, BEGUN, SENT = "not wished", "begun", "sent"


@dataclass(frozen=True, slots=True)
class Told:
    """One firing or end, and whether the operator was told."""

    event: str
    """`trigger` or `done`."""
    at: float
    """When it fired or ended: which one it is."""
    result: str = BEGUN
    """`begun` (and nobody knows, where the keeper ended in the midst of it), `sent`, `not wished`, or what went wrong."""
    told_at: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether it went wrong."""
        return self.result not in (NOT_WISHED, BEGUN, SENT)


@dataclass(frozen=True, slots=True)
class Fact:
    """What is told. All texts are plain."""

    event: str
    checklist: str
    run: str
    step: str
    title: str
    reason: str
    value: str

    def to_environ(self) -> dict[str, str]:
        """As variables of a command's environment: never as part of its text."""
        return {f"ORION_{name.upper()}": value for name, value in asdict(self).items()}


def read_told(folder: Path) -> tuple[Told, ...]:
    """What was told of the watch in `folder`."""
    try:
        data = reading.read_json(folder / FILE_NAME)
        names = {field.name for field in fields(Told)}
        told = tuple(Told(**{k: v for k, v in each.items() if k in names}) for each in data or ())
        is_whole = all(type(t.at) in (int, float) and type(t.result) is str for t in told)
        return told if is_whole else ()
    except (TypeError, AttributeError):
        return ()


class Notifier:
    """Told of each look of a keeper, it tells the operator what is new. Called on the threads of watches."""

    def __init__(self, run_directory: Path, wishes: Wishes, environ: Mapping[str, str]) -> None:
        """Tell also what nobody was told before the last keeper ended."""
        self._directory = run_directory
        self._wishes = wishes
        self._environ = environ
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._waiting = 0
        self._folders: dict[tuple[str, int], Path] = {}
        self._known: set[tuple[Path, str, float]] = set()
        """What was begun by this process, where the disk does not take it."""
        for folder in reading.watch_folders(run_directory):
            record = reading.read_record(folder)
            if record is not None:
                self._folders[record.step, record.attempt] = folder
                self._hear(folder, record)

    def __call__(self, before: WatchRecord, after: WatchRecord) -> None:
        """A watch has looked."""
        is_news = after.fired_count != before.fired_count or after.ended_at != before.ended_at
        if is_news:
            folder = self._folder_of(after)
            if folder is not None:
                self._hear(folder, after)

    def _hear(self, folder: Path, record: WatchRecord) -> None:
        try:
            self._tell_new(folder, record)
        except Exception as fault:  # nobody is told; the watch goes on
            _say(f"{record.step}: it broke: {type(fault).__name__}: {fault}")

    def _folder_of(self, record: WatchRecord) -> Path | None:
        key = (record.step, record.attempt)
        if key not in self._folders:
            for folder in reading.watch_folders(self._directory):
                found = reading.read_spec(folder) or reading.read_record(folder)
                if found is not None:
                    self._folders[found.step, found.attempt] = folder
        return self._folders.get(key)

    def _tell_new(self, folder: Path, record: WatchRecord) -> None:
        """Tell each firing and the end of this watch, if nobody was told of it."""
        with self._guard:
            told = read_told(folder)
            known = {(each.event, each.at) for each in told}
            news = [(TRIGGER, f.at, f.reason, f.value) for f in record.fired]
            if record.ended_at is not None:
                verdict = record.verdict
                reason = f"{verdict.get('outcome')}: {verdict.get('reason')}"
                news.append((DONE, record.ended_at, reason, record.shown))
            for event, at, reason, value in news:
                if (event, at) in known or (folder, event, at) in self._known:
                    continue
                self._known.add((folder, event, at))
                target = self._wishes.on_trigger if event == TRIGGER else self._wishes.on_done
                is_too_many = bool(target) and self._waiting >= WAITING_MAX
                result = BEGUN if target else NOT_WISHED
                if is_too_many:
                    result = f"left out: {WAITING_MAX} others were waiting"
                one = Told(event, at, result, time.time())
                told = (*told, one)[-TOLD_MAX:]
                if not _keep(folder, told):
                    _say(f"{record.step}: what was told cannot be kept; it is told all the same")
                if target and not is_too_many:
                    self._waiting += 1
                    fact = self._fact(event, record, reason, value)
                    # Not a daemon: the keeper's process waits for it at its end, within its limit.
                    threading.Thread(
                        target=self._tell, args=(folder, one, fact, target), name="notify"
                    ).start()

    def _fact(self, event: str, record: WatchRecord, reason: str, value: str) -> Fact:
        return Fact(
            event=event,
            checklist=_cut(_checklist_of(self._directory)),
            run=_cut(self._directory.name),
            step=_cut(record.step),
            title=_cut(record.title),
            reason=_cut(reason),
            value=_cut(value),
        )

    def _tell(self, folder: Path, one: Told, fact: Fact, target: str) -> None:
        """On a thread of its own, one after the other."""
        with self._turn:
            try:
                result = post(target, fact) if is_address(target) else self._run(target, fact, folder)
            except Exception as fault:  # whatever it is: the watches go on
                result = f"it broke: {type(fault).__name__}"
        result = plain_line(result) or SENT
        with self._guard:
            self._waiting -= 1
            told = [
                Told(each.event, each.at, result, time.time())
                if (each.event, each.at) == (one.event, one.at)
                else each
                for each in read_told(folder)
            ]
            _keep(folder, tuple(told))
        if result != SENT:
            _say(f"{fact.step}: on_{fact.event}: {result}")

    def _run(self, command: str, fact: Fact, folder: Path) -> str:
        spec = reading.read_spec(folder)
        hidden = set(spec.secrets) if spec is not None else set()
        environ = {name: value for name, value in self._environ.items() if name not in hidden}
        return run_command(command, {**environ, **fact.to_environ()})


def notifier(run_directory: Path) -> Notifier:
    """The notifier of a keeper, by the operator's file. What is wrong with that is printed once."""
    wishes, fault = read_wishes(os.environ)
    if fault:
        _say(fault)
    return Notifier(run_directory, wishes, dict(os.environ))


def run_command(command: str, environ: Mapping[str, str], limit_s: float = LIMIT_S) -> str:
    """Run a command of the shell, in a group of its own; returns what went wrong, or nothing."""
    home = os.path.expanduser("~")
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home if os.path.isdir(home) else "/",
        env=dict(environ),
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as stream:
        output, is_over = _wait(process, stream.fileno(), limit_s)
    if not is_over:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"it did not end within {limit_s:g} s, and was killed{_told(output)}"
    status = process.returncode
    if status:
        return f"it ended with {f'signal {-status}' if status < 0 else f'status {status}'}{_told(output)}"
    return ""


def _wait(process: subprocess.Popen[bytes], fd: int, limit_s: float) -> tuple[bytes, bool]:
    """Wait for the end, taking the output away so that it never stops at a full pipe; the first of it is returned."""
    end = time.monotonic() + limit_s
    output = b""
    os.set_blocking(fd, False)
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        is_open = True
        while (left_s := end - time.monotonic()) > 0:
            if is_open and selector.select(min(left_s, 0.05)):
                try:
                    data = os.read(fd, 1 << 16)
                except BlockingIOError:
                    continue
                if not data:
                    selector.unregister(fd)
                    is_open = False
                output += data[: max(0, OUTPUT_BYTES_MAX - len(output))]
            elif not is_open:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(min(left_s, 0.05))
            elif process.poll() is not None:  # whatever it left behind may keep the pipe open
                break
            if not is_open and process.poll() is not None:
                break
    return output, process.poll() is not None


def _told(output: bytes) -> str:
    text = plain_line(output.decode("utf-8", "replace").strip())
    return f": {text}" if text else ""


def post(address: str, fact: Fact, limit_s: float = LIMIT_S) -> str:
    """POST the fact as JSON; returns what went wrong, or nothing. The address is never told: it may hold a secret."""
    answer: list[str] = []

    def send() -> None:
        answer.append(_post(address, json.dumps(asdict(fact)).encode(), limit_s))

    # A daemon: an answer that comes byte by byte for ever must not keep the process.
    thread = threading.Thread(target=send, name="post", daemon=True)
    thread.start()
    thread.join(limit_s)
    return answer[0] if answer else f"no answer within {limit_s:g} s"


def _post(address: str, body: bytes, limit_s: float) -> str:
    import urllib.error
    import urllib.request

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):  # none for redirects: an answer that sends one elsewhere is no answer
        opener.add_handler(handler)
    try:
        request = urllib.request.Request(  # noqa: S310  # http and https only: there is no handler for others
            address,
            data=body,
            headers={"Content-Type": "application/json", "User-Agent": "orion-deploy"},
            method="POST",
        )
        with opener.open(request, timeout=limit_s) as response:
            response.read(OUTPUT_BYTES_MAX)
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"the answer was {error.code} {error.reason}"
    except Exception as error:  # its words may hold the address
        reason = getattr(error, "reason", error)
        words = reason.strerror if isinstance(reason, OSError) else None
        return f"it could not be sent: {words or type(reason).__name__}"


def _checklist_of(run_directory: Path) -> str:
    """The checklist's path, as the run was last opened on it; empty where that cannot be read."""
    from orion_deploy.errors import OrionError
    from orion_deploy.run.reading import Reader

    with contextlib.suppress(OrionError, OSError):
        return Reader.look(run_directory).state.checklist
    return ""


def _cut(text: str) -> str:
    return plain_line(text).replace("\0", "")[:FACT_CHARACTERS_MAX]


def _keep(folder: Path, told: tuple[Told, ...]) -> bool:
    """Put what was told on the disk; whether it is there."""
    try:
        write_whole(folder / FILE_NAME, json.dumps([asdict(each) for each in told]).encode())
    except OSError:
        return False
    return True


def _say(text: str) -> None:
    """Into the keeper's log, or to whoever watches in the foreground."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"notify: {plain_line(text)}\n")
        sys.stderr.flush()
