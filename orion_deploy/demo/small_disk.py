"""A small disk that is really full, without root: memory of 32 MB, mounted where only this sandbox sees it (Linux).

A program of its own, beside the stand-in, with the standard library only. A process makes a user and a mount
namespace of its own, in which it may mount, and holds them; others enter them (`enter HOME COMMAND...`). What
they write there meets the kernel's own limit: ENOSPC, and statvfs says so before.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path

DISK_BYTES = 32 * 1024 * 1024
LEFT_BYTES = 512 * 1024
"""What is left free: less than any backup of a sandbox takes."""
FILLER = "last-years-exports.tar"
"""What fills the disk; the way out is to remove it."""
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
"""sched.h."""
STEP_BYTES = 1024 * 1024


def hold(folder: Path) -> None:
    """Mount the disk on `folder` in namespaces of this process's own, and fill it. Raises OSError."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    # Whoever they are outside, they are the same inside (user_namespaces(7)).
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    options = f"size={DISK_BYTES},mode=0700"
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options.encode("ascii"))
    _fill(folder)


def _fill(folder: Path) -> None:
    with (folder / FILLER).open("wb", buffering=0) as file:
        while (free := _free(folder)) > LEFT_BYTES:
            file.write(bytes(min(STEP_BYTES, free - LEFT_BYTES)))


def _free(folder: Path) -> int:
    seen = os.statvfs(folder)
    return seen.f_bavail * seen.f_frsize


def enter(holder: int, command: list[str]) -> None:
    """Become `command` where the process `holder` is, in the folder where this one is. Raises OSError."""
    where = os.getcwd()
    for name, flag in (("user", CLONE_NEWUSER), ("mnt", CLONE_NEWNS)):
        theirs = f"/proc/{holder}/ns/{name}"
        if os.readlink(theirs) == os.readlink(f"/proc/self/ns/{name}"):
            continue
        fd = os.open(theirs, os.O_RDONLY | os.O_CLOEXEC)
        _call("setns", fd, flag)
    os.chdir(where)
    os.execvp(command[0], command)


def is_inside(holder: int) -> bool:
    """Whether this process sees what the process `holder` has mounted."""
    try:
        return os.readlink(f"/proc/{holder}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library that gives 0 or an error. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def main(arguments: list[str]) -> int:
    """`probe`: whether such a disk can be had here; `enter HOME COMMAND...`: run a command where it is."""
    try:
        if arguments[:1] == ["probe"]:
            with tempfile.TemporaryDirectory(prefix="disk-", ignore_cleanup_errors=True) as folder:
                hold(Path(folder))
            return 0
        home = Path(arguments[1])
        holder = (home / "run" / "disk.pid").read_text("ascii")
        enter(int(holder), arguments[2:])
    except FileNotFoundError as error:
        sys.stderr.write(f"the small disk of this sandbox is not there ({error.filename})\n")
        return 1
    except (OSError, AttributeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
