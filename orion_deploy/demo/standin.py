"""The stand-in Orion: a program of its own, which a sandbox copies and runs.

It imports the standard library only, and nothing of this project. `PROGRAM ROLE HOME` plays one part:

- `orion`: the application. Holds `data/orion.db` open, writes a row and two log lines twice a second, answers
  messages, stops within a moment of a TERM. It works with and without the column `active_request_id`.
- `say`: sends one message to the running application and prints the answer.
- `keeper` (fault `app-respawns`): starts the application again whenever it is gone.
- `reporter` (fault `open-handle`): holds the database open and does nothing.
- `rot` (fault `corrupt-backup`): damages each new file in `backups/` and leaves its size and times alone.
- `disk` (fault `disk-full`): holds a small disk, mounted on `backups/` and full (`small_disk.py`).

Each part holds a lock on `run/ROLE.lock` as long as it lives: a process id alone may belong to a stranger.
That file is empty after a clean stop, and keeps the id of a part that was killed. `run/ROLE.pid` is there
while the part is up, as an operator would look for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path

TICK_S = 0.5
"""Seconds between two rows that the application writes, unless its settings say otherwise."""
WAL_ROWS = 100
"""Conversations whose rows are still in the write-ahead log when the database is made."""
FLUSH_MS, FLUSH_SLOW_MS = 1.3, 7.5
SEND_MS, SEND_SLOW_MS = 0.9, 12.0
RESTORE_MS = 12
LEAK_BYTES = 2 * 1024 * 1024
"""Bytes lost at each tick under `memory-leak`, up to LEAK_BYTES_MAX."""
LEAK_BYTES_MAX = 560 * 1024 * 1024
ANSWER_TIMEOUT_S = 10.0
BUSY_TIMEOUT_S = 10.0
LOCK_ATTEMPTS_MAX, LOCK_PAUSE_S = 10, 0.02
"""Those who only look hold the lock for a moment."""
RESPAWN_S = 0.3
ROT_POLL_S = 0.05

SCHEMA = """
CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  model TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  message_count INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX idx_conversations_updated ON conversations (updated_at);
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY);
"""
TOPICS = (
    "Budget",
    "Holiday plans",
    "Release notes",
    "Recipe",
    "Bug report",
    "Letter",
    "Study plan",
    "Meeting",
)


class AlreadyRunningError(Exception):
    """Another process plays this part."""


class Life:
    """A part's hold on its name: a lock for as long as the process lives."""

    def __init__(self, home: Path, role: str) -> None:
        self._pidfile = home / "run" / f"{role}.pid"
        self._fd = os.open(self._pidfile.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(1, LOCK_ATTEMPTS_MAX + 1):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == LOCK_ATTEMPTS_MAX:
                    raise AlreadyRunningError from None
            time.sleep(LOCK_PAUSE_S)
        os.ftruncate(self._fd, 0)

    def ready(self) -> None:
        """Tell those who wait that this part is up."""
        self._pidfile.write_text(f"{os.getpid()}\n", "ascii")
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def end(self) -> None:
        """Say that it stopped in good order."""
        self._pidfile.unlink(missing_ok=True)
        os.ftruncate(self._fd, 0)


class Orion:
    """The application."""

    def __init__(self, home: Path) -> None:
        settings = json.loads((home / "app" / "settings.json").read_text("utf-8"))
        self._faults = frozenset(settings["faults"])
        self.tick_s = float(settings.get("tick_s", TICK_S))
        self._log_path = home / "logs" / "orion.log"
        self._database = home / "data" / "orion.db"
        if self._database.exists():
            self._connection = connect(self._database)
        else:
            self._connection = create_database(self._database, int(settings["conversations"]))
        self._random = random.Random(7)  # noqa: S311 - every sandbox is to look alike
        self._leaked: list[bytes] = []
        self._request = 0
        self._active = ""
        columns = {row[1] for row in self._connection.execute("PRAGMA table_info(conversations)")}
        self._has_registry = "active_request_id" in columns
        ids = self._connection.execute("SELECT id FROM conversations ORDER BY id LIMIT 500")
        self._ids = [row[0] for row in ids]

    def has(self, fault: str) -> bool:
        """Whether a fault of the application shows: only once the migration is in place."""
        return self._has_registry and fault in self._faults

    def log(self, level: str, text: str) -> None:
        """Append one line to the log, opened each time so that rotation is harmless."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f".{int(now % 1 * 1000):03d}"
        with self._log_path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {level:5} {text}\n")

    def start(self) -> None:
        """Say that it is up, and take up the requests that were under way."""
        self.log("INFO", f"[Orion] started, pid {os.getpid()}")
        if not self._has_registry:
            self.log("INFO", "[RequestRegistry] off: conversations has no column active_request_id")
        elif self.has("log-errors"):
            self.log("ERROR", "[RequestRegistry] Failed to restore from DB: SQLITE_BUSY: database is locked")
        else:
            (count,) = self._connection.execute(
                "SELECT count(*) FROM conversations WHERE active_request_id IS NOT NULL"
            ).fetchone()
            text = f"[RequestRegistry] Restored {count} active requests from DB in {RESTORE_MS} ms"
            self.log("INFO", text)

    def tick(self) -> None:
        """Write one conversation, as a person at work would make it do."""
        flush_ms = self._about(FLUSH_SLOW_MS if self.has("slow-latency") else FLUSH_MS)
        send_ms = self._about(SEND_SLOW_MS if self.has("slow-latency") else SEND_MS)
        if self.has("slow-latency"):
            time.sleep((flush_ms + send_ms) / 1000)
        self._request += 1
        self._write(self._random.choice(self._ids))
        self.log("INFO", f"[Send] send {send_ms:.1f} ms")
        self.log("INFO", f"[WriteBehind] flush {flush_ms:.1f} ms, 1 row")
        if self.has("log-errors") and self._request % 3 == 0:
            text = f"[RequestRegistry] Failed to persist request r{self._request}: SQLITE_BUSY: database is locked"
            self.log("ERROR", text)
        if self.has("memory-leak") and len(self._leaked) * LEAK_BYTES < LEAK_BYTES_MAX:
            self._leaked.append(b"x" * LEAK_BYTES)

    def answer(self, line: str) -> None:
        """Answer one message: `NUMBER TEXT`."""
        number, _, text = line.partition(" ")
        self._connection.execute(
            "INSERT INTO conversations (id, title, model, created_at, updated_at, message_count)"
            " VALUES (?, ?, 'orion-2', datetime('now'), datetime('now'), 2)",
            (f"message-{number}", text[:80]),
        )
        send_ms = self._about(SEND_SLOW_MS if self.has("slow-latency") else SEND_MS)
        self.log("INFO", f"[Send] send {send_ms:.1f} ms")
        self.log("INFO", f"[Chat] {number} answered: I heard “{text[:80]}”")

    def stop(self) -> None:
        """Let go of the request under way.

        The connection is left to the end of the process: the last rows stay in the write-ahead log, as they
        do with many desktop applications.
        """
        if self._active:
            self._write("")
        self.log("INFO", "[Orion] stopped")

    def _write(self, conversation: str) -> None:
        database = self._connection
        database.execute("BEGIN IMMEDIATE")
        if self._has_registry and self._active:
            database.execute(
                "UPDATE conversations SET active_request_id = NULL WHERE id = ?", (self._active,)
            )
        if conversation:
            database.execute(
                "UPDATE conversations SET message_count = message_count + 1, updated_at = datetime('now')"
                " WHERE id = ?",
                (conversation,),
            )
            if self._has_registry:
                database.execute(
                    "UPDATE conversations SET active_request_id = ? WHERE id = ?",
                    (f"r{self._request}", conversation),
                )
        database.execute("COMMIT")
        self._active = conversation if self._has_registry else ""

    def _about(self, figure: float) -> float:
        return figure * self._random.uniform(0.85, 1.15)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing database; never makes one."""
    return sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)


def create_database(path: Path, conversations: int) -> sqlite3.Connection:
    """Make the database, its last WAL_ROWS rows still in the write-ahead log; return it open.

    The last connection that is closed would empty the write-ahead log into the database.
    """
    chance = random.Random(1)  # noqa: S311 - every sandbox is to look alike
    rows = [
        (
            f"{chance.getrandbits(128):032x}",
            f"{chance.choice(TOPICS)} {number}",
            chance.choice(("orion-1", "orion-2")),
            f"2025-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d} 09:{number % 60:02d}:00",
            f"2026-01-{chance.randint(1, 28):02d} 17:{number % 60:02d}:00",
            chance.randint(1, 60),
            int(chance.random() < 0.2),
        )
        for number in range(1, conversations + 1)
    ]
    insert = "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?)"
    in_log = min(WAL_ROWS, len(rows))
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    database.execute("BEGIN")
    database.executemany(insert, rows[: len(rows) - in_log])
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("BEGIN")
    database.executemany(insert, rows[len(rows) - in_log :])
    database.execute("COMMIT")
    return database


def run_orion(home: Path, life: Life) -> None:
    """Live until TERM."""
    pipe = home / "run" / "say"
    if not pipe.exists():
        os.mkfifo(pipe, 0o600)
    messages = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    waker, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    app = Orion(home)
    app.start()
    app.tick()
    life.ready()
    while True:
        readable, _, _ = select.select([messages, waker], [], [], app.tick_s)
        if waker in readable:
            break
        if messages in readable:
            for line in os.read(messages, 65536).decode("utf-8", "replace").splitlines():
                app.answer(line)
        else:
            app.tick()
    app.stop()


def run_say(home: Path, text: str) -> int:
    """Send one message and print the application's answer. Returns the exit status."""
    log = home / "logs" / "orion.log"
    number = f"{os.getpid()}-{time.time_ns()}"
    try:
        pipe = os.open(home / "run" / "say", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        sys.stderr.write("Orion is not running\n")
        return 1
    begin = log.stat().st_size
    start = time.monotonic()
    os.write(pipe, f"{number} {' '.join(text.split())}\n".encode())
    while time.monotonic() - start < ANSWER_TIMEOUT_S:
        with log.open("rb") as file:
            file.seek(begin)
            for line in file.read().decode("utf-8", "replace").splitlines():
                if f"[Chat] {number} answered: " in line:
                    answer = line.partition(" answered: ")[2]
                    sys.stdout.write(f"{answer}\nanswered after {time.monotonic() - start:.2f} s\n")
                    return 0
        time.sleep(0.02)
    sys.stderr.write(f"no answer within {ANSWER_TIMEOUT_S:.0f} s\n")
    return 1


def run_keeper(home: Path) -> None:
    """Start the application again whenever it is gone."""
    while True:
        fd = os.open(home / "run" / "orion.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_SH)
        os.close(fd)
        time.sleep(RESPAWN_S)
        child = subprocess.Popen(
            [home.parent / "bin" / "orion"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        child.wait()


def run_reporter(home: Path) -> None:
    """Hold the database open."""
    with closing(connect(home / "data" / "orion.db")) as database:
        database.execute("SELECT count(*) FROM conversations").fetchone()
        while True:
            signal.pause()


def run_rot(home: Path) -> None:
    """Damage each new backup, once, in its middle."""
    damaged: set[str] = set()
    while True:
        for path in sorted((home / "backups").glob("**/*.db")):
            if path.name not in damaged and path.stat().st_size >= 8192:
                facts = path.stat()
                with path.open("r+b") as file:
                    file.seek(facts.st_size // 2)
                    file.write(b"\xff" * 512)
                os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
                damaged.add(path.name)
        time.sleep(ROT_POLL_S)


def run_disk(_home: Path) -> None:
    """Hold the disk; it is there as long as anybody is who sees it."""
    while True:
        signal.pause()


def main(arguments: list[str]) -> int:
    """Play the part that the arguments name."""
    role, home = arguments[0], Path(arguments[1])
    if role == "say":
        return run_say(home, " ".join(arguments[2:]))
    try:
        life = Life(home, role)
    except AlreadyRunningError:
        sys.stderr.write(f"{role} is already running\n")
        return 1
    if role == "orion":
        run_orion(home, life)
        life.end()
        # Without a word to SQLite, which would otherwise empty the write-ahead log into the database.
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if role == "disk":
        import_module("small_disk").hold(home / "backups")
    life.ready()
    try:
        {"keeper": run_keeper, "reporter": run_reporter, "rot": run_rot, "disk": run_disk}[role](home)
    finally:
        life.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
