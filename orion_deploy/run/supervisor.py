"""The process that owns a step: it records the start before the step may begin, and the end when it knows it.

It runs in a bare interpreter of its own (`forkserver.py`), in a session of its own, with none of the app's
words in its argv, and outlives the app, the terminal and every signal but KILL. Its working folder is the
attempt's; both locks are held by descriptors that it got from the launcher, so that there is no moment at
which a starting step looks dead. The standard library only, and this program's own modules.

The order of things on disk is the law: `run.json` (durable) - the child is let go - output - the end -
`status.json` (durable) - `step.lock` free. It then stays for as long as something the step left behind
can still write.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

from orion_deploy.run import child, family
from orion_deploy.run.ending import facts_of, keep
from orion_deploy.run.output import FLUSH_S, READ_BYTES_MAX, Recorder
from orion_deploy.run.record import put, put_status, sync
from orion_deploy.run.redact import Redactor
from orion_deploy.run.stopping import Stopper, boot_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypedDict

    from orion_deploy.run.carry import Kept

    class Order(TypedDict):
        """What the launcher asks for. It comes through a socket: values of variables never lie on the disk."""

        interpreter: tuple[str, ...]
        is_shell: bool
        wrapper: bytes
        script: bytes
        env: dict[str, str]
        path: str
        """Where to look for the interpreter: the operator's PATH, whatever a script made of it for later ones."""
        cwd: str
        timeout_s: float | None
        grace_s: float
        output_bytes_max: int
        forms: list[bytes]
        kept: Kept
        given: dict[str, str]
        in_foreground: bool
        umask: int


REDACTED_BYTES_MAX = 1 << 16
"""Read at once where secrets are looked for."""
PUMP_BYTES_MAX = 8 << 20
"""Taken from the pipe before signals, the clock and the operator are looked at again."""
FLUSH_AGAIN_S = 1.0
SYNCED_FIRST_BYTES_MAX = 256 * 1024
"""An output up to this is on the disk before the status is; a longer one right after, so that nobody waits for it."""
SETTLE_S = 0.2
"""How long after the shell's end to wait for what it left (`tee`, a daemon) to print its last and end."""
CLOCK_CHECK_S = 30.0
"""While there is a deadline: `poll` does not count the time that a machine sleeps, the boot clock does."""
_PR_SET_CHILD_SUBREAPER = 36
_library = None
_boot = ""


def load() -> None:
    """Do, before anything is forked, what every supervisor would have to do: load, and ask what does not change."""
    global _library, _boot  # noqa: PLW0603
    _boot = family.boot_id()
    if sys.platform.startswith("linux"):
        import ctypes

        _library = ctypes.CDLL(None)


class Supervisor:
    """One attempt, from the fork of its child to the end of everything that can still write."""

    def __init__(self) -> None:
        """Get everything ready that does not depend on the order; a step should not wait for it."""
        self._app = os.getppid()
        """Of a foreground step; a supervisor in the background has the fork server above it."""
        self._buffer = bytearray(REDACTED_BYTES_MAX)
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._pid = 0
        self._output = -1
        self._variables = -1
        self._started_at = 0.0
        self._started_s = 0.0
        self._wait_status: int | None = None
        self._has_children = True
        self._is_reported = False
        self._spawn_error = ""
        self._settle_at_s: float | None = None
        self._flush_at_s: float | None = None
        self._stopper = Stopper()
        self._self_start = family.start_time(os.getpid())
        if _library is not None:
            _library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write)
        self._listen(self._wake, self._reap)

    def carry_out(self, order: Order, fds: list[int], on_started: Callable[[], None]) -> None:
        """Carry an attempt out, from its record of start to the end of all that can still write.

        `fds` are its folder, `sup.lock` and `step.lock` (held), and `ctl`. `on_started` is called once the
        step runs, or is known not to.
        """
        self._order = order
        self._directory_fd, self._supervisor_lock, self._step_lock, self._control = fds
        os.fchdir(self._directory_fd)
        try:
            if os.path.lexists("void") or os.path.lexists("run.json"):
                on_started()  # It was proved that this attempt never starts, or it has started already.
            else:
                self._carry_out(on_started)
        except BaseException as error:
            import traceback

            with open("supervisor.error", "a", encoding="utf-8") as file:
                file.write("".join(traceback.format_exception(error)))
            raise

    def _carry_out(self, on_started: Callable[[], None]) -> None:
        self._recorder = Recorder(".", self._order["output_bytes_max"])
        self._redactor = Redactor(self._order["forms"])
        self._start()
        on_started()
        sync("spec.json")  # Evidence, which nothing waits for.
        while not (self._is_reported and self._output < 0):
            for fd, _ in self._poll.poll(self._patience_ms()):
                if fd in self._handlers:
                    self._handlers[fd]()
            self._flush_if_due()
            self._stopper.look_at_the_clock(self._order["grace_s"], has_children=self._has_children)
            if self._wait_status is not None and not self._is_reported and self._is_settled():
                self._report()

    # The start

    def _listen(self, fd: int, handler: Callable[[], None]) -> None:
        self._poll.register(fd, select.POLLIN)
        self._handlers[fd] = handler

    def _unlisten(self, fd: int) -> None:
        self._poll.unregister(fd)
        del self._handlers[fd]
        os.close(fd)

    def _start(self) -> None:
        order = self._order
        is_shown = order["in_foreground"]
        os.set_blocking(self._control, False)
        self._listen(self._control, self._obey)
        gate_read, gate_write = os.pipe()
        error_read, error_write = os.pipe()
        output_read, output_write = (-1, -1) if is_shown else _wide_pipe()
        wrapper, self._variables = self._wrapper()
        script = child.text_file(order["script"])
        self._pid = os.fork()
        if self._pid == 0:
            signal.set_wakeup_fd(-1)
            for fd in (gate_write, self._supervisor_lock, self._step_lock):
                os.close(fd)
            child.become(
                order,
                gate=gate_read,
                error=error_write,
                output=output_write,
                wrapper=wrapper,
                script=script,
            )
        for fd in (gate_read, error_write, output_write, wrapper, script):
            if fd >= 0:
                os.close(fd)
        self._started_at = time.time()
        self._started_s = boot_s()
        self._stopper.begin(self._pid, order["timeout_s"])
        self._record_start()
        if is_shown:
            child.give_terminal(self._pid)
        with suppress(BrokenPipeError):  # It could not get ready, and has said why.
            os.write(gate_write, child.GO)
        os.close(gate_write)
        self._error = error_read
        self._listen(error_read, self._take_error)
        if not is_shown:
            self._output = output_read
            os.set_blocking(output_read, False)
            self._listen(output_read, self._pump)

    def _wrapper(self) -> tuple[int, int]:
        """Return descriptors of the wrapper and of where the script's variables will stand at its end."""
        if not self._order["wrapper"]:
            return -1, -1
        variables, path = child.memory_file(os.getpid())
        line = b"__step_variables=" + path.encode() + b"\n"
        return child.text_file(line + self._order["wrapper"]), variables

    def _record_start(self) -> None:
        record = {
            "v": 1,
            "supervisor": os.getpid(),
            "supervisor_start": self._self_start,
            "pid": self._pid,
            "start": family.start_time(self._pid),
            "boot": _boot,
            "started_at": self._started_at,
            "boot_s": self._started_s,
        }
        put("run.json", "run.reserve", json.dumps(record).encode(), self._directory_fd)

    # While it runs

    def _patience_ms(self) -> float | None:
        moments = self._stopper.moments_s
        moments += [moment for moment in (self._settle_at_s, self._flush_at_s) if moment is not None]
        if not moments:
            return None
        return max(0.0, min(min(moments) - boot_s(), CLOCK_CHECK_S)) * 1000 + 1

    def _pump(self) -> None:
        """Take what the step has printed."""
        left = PUMP_BYTES_MAX
        while left > 0:
            place = self._recorder.room() if not self._redactor.is_needed else memoryview(self._buffer)
            try:
                count = os.readv(self._output, [place])
            except BlockingIOError:
                break
            if count == 0:
                self._recorder.write(self._redactor.finish())
                self._unlisten(self._output)
                self._output = -1
                break
            if self._redactor.is_needed:
                self._recorder.write(self._redactor.feed(bytes(place[:count])))
            else:
                self._recorder.took(count)
            left -= count
        if self._recorder.is_pending and self._flush_at_s is None:
            self._flush_at_s = boot_s() + FLUSH_S

    def _flush_if_due(self) -> None:
        """Write the gathered tail; on a full disk try again later, and not at once."""
        if self._flush_at_s is not None and boot_s() >= self._flush_at_s:
            self._recorder.flush()
            self._flush_at_s = boot_s() + FLUSH_AGAIN_S if self._recorder.is_pending else None

    def _take_error(self) -> None:
        """The child says why it could not become the step; nothing when it has."""
        self._spawn_error = os.read(self._error, 2000).decode("utf-8", "replace")
        self._unlisten(self._error)

    def _obey(self) -> None:
        """`T<grace seconds>` cancels, `K` kills."""
        try:
            words = os.read(self._control, 4096).decode("ascii", "replace").split()
        except BlockingIOError:
            return
        for word in words:
            if word.startswith("K"):
                self._stopper.stop("cancelled", 0.0)
            elif word.startswith("T"):
                digits = word[1:].replace(".", "", 1)
                self._stopper.stop(
                    "cancelled", float(word[1:]) if digits.isdigit() else self._order["grace_s"]
                )

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake, 512):
                pass
        options = os.WNOHANG | (os.WUNTRACED if self._order["in_foreground"] else 0)
        while True:
            try:
                pid, status = os.waitpid(-1, options)
            except ChildProcessError:
                self._has_children = False
                break
            if pid == 0:
                self._has_children = True
                break
            if os.WIFSTOPPED(status):
                child.resume(self._pid, self._app)
            elif pid == self._pid:
                self._wait_status = status
                self._stopper.leader_ended()
                self._settle_at_s = boot_s() + SETTLE_S

    # The end

    def _is_settled(self) -> bool:
        """Whether what belongs to the step has ended too, or has been waited for long enough."""
        if not self._has_children and self._output < 0:
            return True
        is_late = self._settle_at_s is not None and boot_s() >= self._settle_at_s
        if self._stopper.why:
            return self._stopper.has_given_up or (is_late and not self._has_children)
        return is_late

    def _report(self) -> None:
        """Put the end on disk, then let everyone know by letting go of the step's lock."""
        if self._order["in_foreground"]:
            child.take_terminal_back()
        facts = facts_of(self._order)
        carried, carry_error = keep(self._order, facts, self._variables, self._directory_fd)
        self._recorder.flush()
        is_small = self._recorder.total <= SYNCED_FIRST_BYTES_MAX
        if self._recorder.total and is_small:
            self._recorder.sync()
        self._take_error_if_any()
        ending = os.waitstatus_to_exitcode(self._wait_status or 0)
        is_spawned = not self._spawn_error
        status = {
            "v": 1,
            "exit_status": ending if ending >= 0 and is_spawned else None,
            "signal": -ending if ending < 0 and is_spawned else None,
            "why": self._stopper.why,
            "reached_end": facts.reached_end,
            "left_line": facts.left_line,
            "syntax_error": facts.syntax_error,
            "pipeline": facts.pipeline[:32],
            "failures": facts.failures,
            "started_at": self._started_at,
            "duration_s": round(boot_s() - self._started_s, 6),
            "output_bytes": self._recorder.total,
            "output_dropped_bytes": self._recorder.total - self._recorder.kept,
            "carried": carried,
            "left_running": self._has_children or self._output >= 0,
            "log_error": self._recorder.error or carry_error,
            "spawn_error": self._spawn_error,
        }
        put_status(status, self._directory_fd)
        self._is_reported = True
        self._settle_at_s = None
        self._stopper.end()
        with suppress(OSError):
            os.unlink("ctl")
        self._unlisten(self._control)
        os.close(self._step_lock)
        if not is_small:
            self._recorder.sync()

    def _take_error_if_any(self) -> None:
        if self._error in self._handlers:
            os.set_blocking(self._error, False)
            with suppress(BlockingIOError):
                self._take_error()


def _wide_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # The user has many wide pipes already.
            fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, READ_BYTES_MAX)
    return reading, writing
