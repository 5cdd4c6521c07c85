"""What an attempt is made of before it starts: its folder on disk, and the order for its supervisor."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orion_deploy.run import carry, files, shellwrap
from orion_deploy.run.attempt import (
    CONTROL,
    SCRIPT,
    SPEC,
    STEP_LOCK,
    SUPERVISOR_LOCK,
    VOID,
    AttemptSpec,
    kept_of,
)
from orion_deploy.run.redact import forms

if TYPE_CHECKING:
    from orion_deploy.run.supervisor import Order

LOCK_PATIENCE_S = 2.0
"""A session that looks at an attempt holds its locks for microseconds."""
LOCK_PAUSE_S = 0.005
RUN_RESERVE_BYTES = 4096
STATUS_RESERVE_BYTES = 4096
"""One block each: giving blocks back, when less is written, would make the next sync slower."""


def lay_out(directory: Path, spec: AttemptSpec) -> None:
    """Make the folder and what stands in it before the start. Raises OSError, StoreError.

    On return the folder and the script's bytes are on the disk. The names within are when the start is: the
    supervisor syncs the folder once for them and for its record, before the step may begin.
    """
    try:
        os.mkdir(directory, files.FOLDER_MODE)
    except FileNotFoundError:
        files.make_folder(directory.parent)
        os.mkdir(directory, files.FOLDER_MODE)
    os.chmod(directory, files.FOLDER_MODE)
    _write(directory / SCRIPT, _script(spec), is_synced=True)
    _write(directory / SPEC, _spec_json(spec), is_synced=False)  # By the supervisor, while the step starts.
    for name, size in (("run.reserve", RUN_RESERVE_BYTES), ("status.reserve", STATUS_RESERVE_BYTES)):
        _reserve(directory / name, size)
    for name in (SUPERVISOR_LOCK, STEP_LOCK):
        os.close(files.open_private(directory / name, os.O_RDWR | os.O_CREAT))
    os.mkfifo(directory / CONTROL, files.FILE_MODE)
    if spec.is_shell:  # Not by the script's shell, which has the user's umask.
        os.close(files.open_private(directory / shellwrap.FACTS, os.O_WRONLY | os.O_CREAT))
    files.sync_folder(directory.parent)


def _write(path: Path, content: bytes, *, is_synced: bool) -> None:
    fd = files.open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        files.write_all(fd, content)
        if is_synced:
            files.sync_file(fd)
    finally:
        os.close(fd)


def _reserve(path: Path, size: int) -> None:
    """Take room on the disk now, so that a start and an end can be recorded on a disk that is full by then."""
    fd = files.open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(fd, 0, size)
                return
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise
        files.write_all(fd, b" " * size)
    finally:
        os.close(fd)


def _script(spec: AttemptSpec) -> bytes:
    return shellwrap.as_run(spec.script) if spec.is_shell else spec.script


def _spec_json(spec: AttemptSpec) -> bytes:
    """What stays on disk about what was asked for: of the environment the names alone."""
    facts = {
        "v": 1,
        "interpreter": list(spec.interpreter),
        "is_shell": spec.is_shell,
        "cwd": spec.cwd,
        "env": sorted(spec.env or os.environ),
        "carried_from": spec.carried_from,
        "timeout_s": spec.timeout_s,
        "grace_s": spec.grace_s,
        "output_bytes_max": spec.output_bytes_max,
        "secrets": len(spec.secrets),
    }
    return json.dumps(facts, indent=1).encode()


def order_of(directory: Path, spec: AttemptSpec) -> Order:
    """Return what the supervisor is told: the only place, besides this process, where values of variables are."""
    kept = kept_of(Path(spec.carried_from)) if spec.carried_from else carry.nothing()
    env = dict(spec.env or os.environ)
    path = env.get("PATH", os.defpath)
    given = {name: value for name, value in env.items() if os.environ.get(name) != value}
    env = carry.applied(kept, env, given)
    cwd = (kept["cwd"] or spec.cwd) if not spec.keep_cwd else spec.cwd
    env["PWD"] = cwd
    script = _script(spec)
    wrapper = b""
    if spec.is_shell:
        shell = shellwrap.shell_of(spec.interpreter)
        wrapper = shellwrap.wrapper(script, shell, os.path.abspath(directory), kept["variables"])
        script = shellwrap.BEGINNING + script
    return {
        "interpreter": spec.interpreter,
        "is_shell": spec.is_shell,
        "wrapper": wrapper,
        "script": script,
        "env": env,
        "path": path,
        "cwd": cwd,
        "timeout_s": spec.timeout_s,
        "grace_s": spec.grace_s,
        "output_bytes_max": spec.output_bytes_max,
        "forms": forms(spec.secrets),
        "kept": kept,
        "given": given,
        "in_foreground": False,
        "umask": 0,
    }


def hold(directory: Path) -> list[int]:
    """Return the descriptors that make the attempt the supervisor's: its folder, both locks (taken), its FIFO.

    Raises OSError; BlockingIOError when another holds it, FileExistsError when it was given up for good.
    """
    fds = [os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in (SUPERVISOR_LOCK, STEP_LOCK):
            fds.append(files.open_private(directory / name, os.O_RDWR))
            _take(fds[-1])
        fds.append(os.open(directory / CONTROL, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
        with suppress(FileNotFoundError):
            os.stat(VOID, dir_fd=fds[0])
            raise FileExistsError(errno.EEXIST, "another session has given this attempt up")
    except BaseException:
        close_all(fds)
        raise
    return fds


def _take(fd: int) -> None:
    until_s = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise
        time.sleep(LOCK_PAUSE_S)


def close_all(fds: list[int]) -> None:
    """Close descriptors."""
    for fd in fds:
        os.close(fd)
