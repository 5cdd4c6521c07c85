"""After `conceal()` no `pgrep`, `pkill`, `killall` or `ps` of a step finds this process by the words it was started with.

Every peer that ran `pkill -f orion` from a checklist about Orion died of it: the word stood in its own argv.
Part of the supervisor's program.
"""

from __future__ import annotations

import sys

COMM_BYTES_MAX = 15
"""Of a thread's name (PR_SET_NAME, prctl(2))."""


def conceal(name: str = "checklist") -> None:
    """Put `name` in place of this process's argv and name, as other processes see them. Never raises.

    Linux: argv lies where `/proc/self/stat` says (fields 48 and 49 of proc_pid_stat(5)), and is a process's
    own memory to write to. macOS: the same memory through `_NSGetArgv`; its kernel keeps the name of the
    executable for itself.
    """
    try:
        if sys.platform.startswith("linux"):
            _conceal_linux(name.encode())
        elif sys.platform == "darwin":
            _conceal_macos(name.encode())
    except Exception:  # noqa: S110  # a precaution: whatever forbids it, the work does not depend on it
        pass


def _conceal_linux(name: bytes) -> None:
    with open("/proc/self/comm", "wb", buffering=0) as file:
        file.write(name[:COMM_BYTES_MAX])
    with open("/proc/self/stat", "rb", buffering=0) as file:
        fields = file.read(4096).rpartition(b") ")[2].split()
    start, end = int(fields[45]), int(fields[46])
    if 0 < start < end:
        # The last byte stays NUL: without it the kernel shows the environment as well (proc_pid_cmdline(5)).
        shown = name[: end - start - 1].ljust(end - start, b"\0")
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(shown)


def _conceal_macos(name: bytes) -> None:
    import ctypes

    library = ctypes.CDLL(None)
    argc = ctypes.cast(library._NSGetArgc(), ctypes.POINTER(ctypes.c_int)).contents.value  # noqa: SLF001
    pointer = ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))
    argv = ctypes.cast(library._NSGetArgv(), pointer).contents  # noqa: SLF001
    for index in range(argc):
        address = argv[index]
        if address:
            length = len(ctypes.string_at(address))
            ctypes.memmove(address, (name if index == 0 else b"")[:length].ljust(length, b"\0"), length)
