"""What a script's `pkill` and `pgrep` would find besides what they mean: this app, the shell above it, an open editor.

`self_matches` is pure; `processes` lists what runs. The app itself is concealed (`conceal.py`), so that
what is told here is what would really happen.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from orion_deploy.checklist.shell_text import Command, Script, commands_named, parse, program
from orion_deploy.run import family

PATTERN_CHARACTERS_MAX = 1000
COMM_CHARACTERS = 15
"""Of a process's name as Linux keeps it, against which `pgrep` without `-f` matches."""
_TERMINATES = re.compile(r"(?<![\w-])(?:kill|pkill|killall|skill|killall5)(?![\w=-])")
_WITH_VALUE = {
    "pgrep": "dFgGPsuUtc", "pkill": "FgGPsuUt", "killall": "suoyzn", "pidof": "osS",
}  # fmt: skip
"""Short options that take a value (pgrep(1), killall(1), pidof(8))."""
_LONG_WITH_VALUE = frozenset(
    {
        "--signal",
        "--delimiter",
        "--parent",
        "--session",
        "--terminal",
        "--euid",
        "--uid",
        "--group",
        "--pgroup",
    }
    | {"--pidfile", "--user", "--older-than", "--younger-than", "--ns", "--nslist", "--runstates", "--cgroup"}
)
_BYSTANDERS = frozenset(
    {
        "code",
        "emacs",
        "emacsclient",
        "hx",
        "kak",
        "less",
        "man",
        "micro",
        "more",
        "mosh-client",
        "mosh-server",
        "nano",
    }
    | {
        "nvim",
        "screen",
        "ssh",
        "sshd",
        "sudo",
        "tail",
        "tmux",
        "tmux: client",
        "tmux: server",
        "vi",
        "view",
        "vim",
    }
)
"""Programs that have a checklist's or an app's name in their argv without being it."""


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """One process as `ps` shows it: `name` is the kernel's, `arguments` its argv with blanks between."""

    pid: int
    parent_pid: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class GuardWarning:
    """A command of a script would find, or end, a process that its author did not mean."""

    line: int
    command: str
    """The program with its pattern: `pkill -f orion`."""
    pid: int
    name: str
    is_own: bool
    """The app, or an ancestor of it: its end is the app's end. Else an editor, pager or the like."""
    ends_it: bool
    """It would be sent a signal; else it is only found, and the script takes it for what it looks for."""

    @property
    def text(self) -> str:
        """The warning in a sentence."""
        does = "ends" if self.ends_it else "finds"
        whose = "on which this app depends" if self.is_own else "which is not what is meant"
        return f"line {self.line}: `{self.command}` {does} {self.name} (pid {self.pid}), {whose}"


@dataclass(frozen=True, slots=True)
class _Search:
    """What one command looks for."""

    command: Command
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    in_arguments: bool
    ends_it: bool

    def finds(self, process: ProcessLine) -> bool:
        if self.in_arguments:
            return self.pattern.search(process.arguments or process.name) is not None
        return self.pattern.search(process.name[:COMM_CHARACTERS]) is not None


def self_matches(
    script: str, processes: Iterable[ProcessLine], own_pids: Collection[int]
) -> list[GuardWarning]:
    """Return what the script's searches (`pgrep`, `pkill`, `killall`, `pidof`, `ps | grep`) match by mistake.

    `own_pids` are the app and its ancestors (`own_pids_of`). One warning for each command and process.
    """
    text = parse(script)
    searches = list(_searches(text))
    if not searches:
        return []
    found = []
    table = list(processes)
    for search in searches:
        for process in table:
            is_own = process.pid in own_pids
            if (is_own or process.name in _BYSTANDERS) and search.finds(process):
                line = text.line_column(search.command.start)[0]
                found.append(
                    GuardWarning(
                        line, " ".join(search.words), process.pid, process.name, is_own, search.ends_it
                    )
                )
    return sorted(found, key=lambda warning: (warning.line, not warning.is_own, warning.pid))


def needs_processes(script: str) -> bool:
    """Tell, without listing anything, whether the script searches processes at all."""
    return re.search(r"\b(?:pgrep|pkill|killall|pidof)\b|\bps\b", script) is not None


def sends_term(script: str) -> bool:
    """Tell whether the script ends processes: a TERM that arrives while it runs may be ours.

    Said of the words of the script wherever they stand (in `ssh`, in `bash -c`), comments left out.
    """
    text = parse(script)
    return any(text.state_at(match.start()) != "#" for match in _TERMINATES.finditer(script))


def _searches(script: Script) -> Iterator[_Search]:
    kills = _TERMINATES.search(script.text) is not None
    for command, found in commands_named(script, *_WITH_VALUE):
        name, *rest = (word.text for word in found)
        yield from _named(command, name.rpartition("/")[2], rest, feeds=kills and _feeds(script, command))
    for command, _ in commands_named(script, "ps"):
        follower = _follower(script, command)
        words = [word.text for word in program(follower)[1]] if follower else []
        patterns = [word for word in words[1:] if not word.startswith("-")]
        if words[:1] in (["grep"], ["egrep"]) and patterns:
            pattern = _compiled(patterns[0], ignoring_case="-i" in words)
            if pattern is not None:
                feeds = kills and _feeds(script, command)
                yield _Search(command, ("ps", "|", *words), pattern, in_arguments=True, ends_it=feeds)


def _follower(script: Script, command: Command) -> Command | None:
    """Return the command that reads what this one prints, or None."""
    index = script.commands.index(command) + 1
    return script.commands[index] if command.after == "|" and index < len(script.commands) else None


def _feeds(script: Script, command: Command) -> bool:
    """Whether what the command prints becomes the arguments of another: `kill $(pgrep x)`, `pgrep x | xargs kill`."""
    reader: Command | None = command
    while reader is not None:
        if reader.is_nested or "xargs" in (word.text for word in reader.words):
            return True
        reader = _follower(script, reader)
    return False


def _named(command: Command, name: str, words: list[str], *, feeds: bool) -> Iterator[_Search]:
    flags, patterns = _options(name, words)
    is_killall = name == "killall"
    is_literal = name == "pidof" or (is_killall and "r" not in flags)
    for pattern in patterns if is_killall or name == "pidof" else patterns[:1]:
        text = re.escape(pattern) if is_literal else pattern
        exact = is_literal or "x" in flags
        compiled = _compiled(f"^(?:{text})$" if exact else text, ignoring_case="i" in flags or "I" in flags)
        if compiled is not None:
            ends_it = "0" not in flags if is_killall or name == "pkill" else feeds
            yield _Search(command, (name, *words), compiled, in_arguments="f" in flags, ends_it=ends_it)


def _options(name: str, words: list[str]) -> tuple[set[str], list[str]]:
    """Return the short options (long ones by their first letter, signals left out) and the patterns."""
    flags: set[str] = set()
    patterns: list[str] = []
    takes = _WITH_VALUE[name]
    rest = iter(words)
    for word in rest:
        if word == "--":
            patterns += rest
        elif word.startswith("--"):
            flags.add({"--full": "f", "--exact": "x", "--ignore-case": "i", "--regexp": "r"}.get(word, ""))
            if word in _LONG_WITH_VALUE:
                next(rest, None)
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            if re.fullmatch(r"\d+|(?:SIG)?[A-Z][A-Z0-9]+", letters):
                flags.add("0" if letters == "0" else "")
                continue
            for index, letter in enumerate(letters):
                flags.add(letter)
                if letter in takes:
                    if index == len(letters) - 1:
                        next(rest, None)
                    break
        else:
            patterns.append(word)
    return flags, patterns


def _compiled(pattern: str, *, ignoring_case: bool) -> re.Pattern[str] | None:
    """Return an extended regular expression of POSIX as one of Python; a part that only a shell knows matches all."""
    if "$(" in pattern or "`" in pattern or len(pattern) > PATTERN_CHARACTERS_MAX:
        return None
    for name, letters in (("alpha", "A-Za-z"), ("digit", "0-9"), ("alnum", "A-Za-z0-9"), ("space", r"\s")):
        pattern = pattern.replace(f"[:{name}:]", letters)
    try:
        return re.compile(pattern, re.IGNORECASE if ignoring_case else 0)
    except re.error:
        return re.compile(re.escape(pattern))


def own_pids_of(processes: Iterable[ProcessLine], pid: int | None = None) -> frozenset[int]:
    """Return this process (or `pid`) and its ancestors, the first process of the machine left out."""
    parents = {process.pid: process.parent_pid for process in processes}
    found: set[int] = set()
    at = os.getpid() if pid is None else pid
    while at > 1 and at not in found:
        found.add(at)
        at = parents.get(at, 0)
    return frozenset(found)


def processes() -> list[ProcessLine]:
    """Return what runs on this machine, as far as this user may see it: from `/proc`, elsewhere from `ps`."""
    if not sys.platform.startswith("linux"):
        return list(_from_ps(family.ps("-axo", "pid=,ppid=,ucomm=,args=")))
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                    stat = file.read(4096)
                with open(f"/proc/{name}/cmdline", "rb", buffering=0) as file:
                    arguments = file.read(65536)
            except OSError:
                continue
            comm = stat[stat.index(b"(") + 1 : stat.rindex(b")")].decode("utf-8", "replace")
            parent = int(stat[stat.rindex(b")") + 2 :].split()[1])
            shown = arguments.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
            found.append(ProcessLine(int(name), parent, comm, shown))
    return found


def _from_ps(text: str) -> Iterator[ProcessLine]:
    for line in text.splitlines():
        words = line.split(None, 3)
        if len(words) >= 3 and words[0].isdigit() and words[1].isdigit():
            yield ProcessLine(int(words[0]), int(words[1]), words[2], words[3] if len(words) > 3 else "")
