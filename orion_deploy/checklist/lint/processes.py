"""Rules about processes: finding them by pattern, stopping and starting them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from orion_deploy.checklist.lint import instead
from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.subject import Block, Subject
from orion_deploy.checklist.shell_text import Word

_SIGNAL_OPTION = re.compile(r"-(?:SIG)?[A-Z][A-Z0-9+]*|-\d+")
_FULL_OPTION = re.compile(r"-[A-Za-z]*f[A-Za-z]*|--full")
_KILL_NINE = re.compile(r"-(?:9|KILL|SIGKILL)")
_STOPS_AT_FAILURE = re.compile(r"^[ \t]*set\s+-\w*e", re.MULTILINE)
_PROGRAM = re.compile(r"[A-Za-z][\w.-]*")
LINE_CHARACTERS_MAX: Final = 1_000
"""Characters of the rest of a line that are looked at for what belongs to its first command."""
_TAKES_VALUE: Final = frozenset(
    ("-u", "-U", "-P", "-t", "-g", "-G", "-s", "-F", "-d", "--signal", "--parent", "--euid")
)


def _pattern(words: Sequence[Word]) -> tuple[bool, Word | None]:
    """Return whether `pgrep`/`pkill` match whole command lines, and their pattern."""
    is_full, pattern = False, None
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word.raw in _TAKES_VALUE:
            skip = True
        elif _SIGNAL_OPTION.fullmatch(word.raw):
            continue
        elif word.raw.startswith("-"):
            is_full = is_full or _FULL_OPTION.fullmatch(word.raw) is not None
        else:
            pattern = word
    return is_full, pattern


def _program(pattern: Word | None) -> str:
    """Return the program that a pattern means, or a word to replace."""
    first = pattern.text.split()[0].rsplit("/", 1)[-1] if pattern is not None and pattern.text.split() else ""
    return first if _PROGRAM.fullmatch(first) else "NAME"


def _by_pattern(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("pgrep", "pkill"):
        for command, words in block.named("pgrep", "pkill"):
            is_full, pattern = _pattern(words)
            if not is_full or pattern is None or pattern.text.startswith("^") or "[" in pattern.text:
                continue
            name, program = words[0].text.rsplit("/", 1)[-1], _program(pattern)
            if name == "pgrep":
                message = f"`pgrep -f {pattern.text}` finds every command line that mentions it, this step's own shell too"
                safe = instead.absent(program)
            else:
                message = f"`pkill -f {pattern.text}` ends every process whose command line mentions it, an editor too"
                safe = instead.stop(program)
            yield block.hit((command.start, words[-1].end), message, safe)


def _by_listing(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("ps"):
        for command, _ in block.named("ps"):
            following = block.next(command)
            if command.after != "|" or following is None or following.words[0].text not in ("grep", "egrep"):
                continue
            rest = block.code.script[following.start : following.start + LINE_CHARACTERS_MAX].split("\n")[0]
            if re.search(r"grep\s+-\w*v", rest) or "[" in rest:
                continue
            pattern = following.words[-1]
            safe = instead.absent(_program(pattern))
            yield block.hit((command.start, following.end), "`ps | grep` finds the `grep` itself", safe)


def _kill_then_sleep(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("kill", "pkill", "killall"):
        for command, words in block.named("kill", "pkill", "killall"):
            following = block.next(command)
            if following is not None and command.after == "||":  # `|| true`
                following = block.next(following)
            if following is None or following.words[0].text != "sleep" or any(w.raw == "-0" for w in words):
                continue
            seconds = following.words[1].text if len(following.words) > 1 else "some"
            message = f"after {seconds} s nobody knows whether it has ended"
            program = _program(_pattern(words)[1]) if words[0].text.endswith("pkill") else "NAME"
            yield block.hit(following, message, instead.stop(program))


def _kill_nine(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("kill", "pkill", "killall"):
        asked: set[int] = set()
        for command, words in block.named("kill", "pkill", "killall"):
            raws = [word.raw for word in words[1:]]
            is_nine = any(_KILL_NINE.fullmatch(raw) for raw in raws) or any(
                a in ("-s", "--signal") and b in ("KILL", "SIGKILL", "9") for a, b in pairwise(raws)
            )
            if not is_nine:
                asked.add(command.start)
            elif not any(start < command.start for start in asked):
                yield block.hit(
                    command, "KILL without a chance to end: nothing is saved, no transaction is closed"
                )


def _nothing_to_kill(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("pkill", "killall", can_run=True):
        calls = list(block.named("pkill", "killall"))
        stops_at_failure = bool(calls) and _STOPS_AT_FAILURE.search(block.code.script) is not None
        for command, words in calls:
            is_last = not command.is_nested and block.top[-1] is command
            if command.after == "||" or not (is_last or command.after == "&&" or stops_at_failure):
                continue
            pattern = _pattern(words)[1]
            name = words[0].text.rsplit("/", 1)[-1]
            safe = instead.stop(_program(pattern))
            yield block.hit(command, f"`{name}` fails when there is nothing to stop", safe)


def _open_files(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("lsof", "fuser", can_run=True):
        for command, words in block.named("lsof", "fuser"):
            is_asked = command.after in ("&&", "||") or re.search(
                r"(?:^|\s)(?:if|while|until|!)\s+$", block.before(command)
            )
            files = [word.text for word in words[1:] if not word.raw.startswith(("-", "+"))]
            if (
                not is_asked
                or not files
                or any(word.raw.startswith(("-i", "-p", "-u")) for word in words[1:])
            ):
                continue
            name = words[0].text.rsplit("/", 1)[-1]
            message = f"`{name}` fails alike when the file is closed, missing, or cannot be inspected"
            yield block.hit(command, message, instead.closed(files))


def _background(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        if any(words[0].text == "wait" for _, words in block.named("wait")):
            continue
        for command in block.top:
            if command.after == "&":
                yield block.hit(
                    command,
                    "it is left behind in the background; nobody looks whether it came up",
                    _start(block),
                )
                break


def _start(block: Block) -> str:
    command = next(command for command in block.top if command.after == "&")
    words = [word.text for word in command.words if word.text != "nohup"] or ["NAME"]
    return instead.start(words)


RULES: Final = (
    Rule(
        "process-pattern", Severity.DANGER,
        "`pgrep -f` or `pkill -f` with a pattern that is not anchored",
        "The pattern is looked for in whole command lines: the step's own shell, an editor with the file open, `tail -f` on "
        "the log and this app match; a name in other letters does not.",
        instead.absent(), _by_pattern,
    ),
    Rule(
        "ps-grep", Severity.WARNING, "`ps | grep`, which finds itself",
        "The `grep` stands in the list of processes with its own pattern: the answer is never `no`.",
        instead.absent(), _by_listing,
    ),
    Rule(
        "kill-then-sleep", Severity.DANGER, "`kill` followed by `sleep`",
        "An application that takes six seconds to end outlives a `sleep 2`, and one that is supervised comes back; what "
        "follows then works on a database that is in use.",
        instead.stop(), _kill_then_sleep,
    ),
    Rule(
        "kill-nine", Severity.WARNING, "KILL without TERM before it",
        "A process that is killed writes nothing to disk and leaves locks and half-written files behind.",
        instead.stop(deadline_s=30), _kill_nine,
    ),
    Rule(
        "nothing-to-kill", Severity.WARNING, "`pkill` whose failure to find anything fails the step",
        "With nothing to stop the status is 1, although `already stopped` is what the step wants.",
        instead.stop(), _nothing_to_kill,
    ),
    Rule(
        "open-files", Severity.DANGER, "`lsof` or `fuser` as a condition",
        "Status 1 means closed, or that the file does not exist; 127 that there is no lsof; with two files 1 means that any one "
        "of them is closed. Processes of other users are not seen without root.",
        instead.closed(), _open_files,
    ),
    Rule(
        "background", Severity.WARNING, "`command &` in a step",
        "The step ends at once whatever becomes of the command; its output and its death come later, unseen.",
        instead.start(), _background,
    ),
)  # fmt: skip
