"""Bad checklists at random: pieces of good ones, with lines and bytes deleted, doubled, swapped, cut, and hostile pieces mixed in.

Each point is a seed, and nothing else decides its bytes: `python tests/crash/checklists_random.py SEED` tries one again
and shows it. A point is read, linted, shown, given as JSON and converted, in a process that has done so before; the
kernel ends that process at a point that takes too long or too much, and another one goes on behind it.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
import sys
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crash.checklists_judge import MEMORY_BYTES_MAX, PROCESSOR_S_MAX, fault_of_refusal, hostile_in, lines_of
from crash.checklists_mutants import RANDOM, broken
from crash.harness import Harness, Tally
from orion_deploy.checklist.convert import convert
from orion_deploy.checklist.lint import lint
from orion_deploy.checklist.read import read
from orion_deploy.checklist.show import to_json, to_text
from orion_deploy.cli.lint import _typed
from orion_deploy.errors import ChecklistError

ADDRESS_SPACE_BYTES_MAX = 2_000_000_000
LINES_MAX = 14
"""Of a good checklist, in one point: small inputs, so that many can be tried."""
CHANGES_MAX = 6
SOUP_SHARE, NOISE_SHARE = 0.15, 0.05
"""Points that are hostile pieces alone, and bytes alone."""

PIECES: Final = (
    "- [ ] ", "- [x] ", "* [ ] ", "1. ", "1. [ ] ", "> ", "```", "```bash", "```yaml step", "~~~", "    ", "  ", "\t", "\n", "\r", "\r\n",
    "# ", "## Rollback", "## Notes", "## Gates", "## Success criteria", "---", "===", "- **A-1:** x", "(A-1)", "**Key:** value",
    "Option 1: a", "**Option 2: b**", "MANDATORY", "(optional)", "____", "<VERSION>", "{{x}}", "| a | b |", "|-|-|", "[a]: b", "[a](b)",
    "<!--", "-->", "<details>", "</div>", "&#27;", "&amp;", "**", "`", "\\", "$ ls", "$(", "`", "'", '"', "<<E", "E", "&&", "||", "|", ";",
    "# Should return 0", "# Expected: /(a+)+$/", "sqlite3 a.db < up.sql", "rm -rf $X/", "pgrep -f x && exit 1", "cp a.db b.db", "kill -9",
    "grep x", "while true; do", "< 10k rows take 5 s", "memory under 5 MB", "under 5 ms", "a" * 40 + "!", " " * 60, "1" * 60, "[" * 2_000, "((" * 40,
    "\0", "\x1b[31m", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x85", "\x7f", "\ud800", "\uffff", "\u00e9", "\u4e2d", "\U0001f600", "\u0301",
    "title: ", "title:", "id: x", "id: ../x", "needs: [x]", "needs: y", "check: a.b", "check: {files.exists: {path: x}}", "action: {process.stop: {program: []}}",
    "watch: process.memory", "for: 24h", "every: 0", "expect: {regex: '('}", "expect: {regex: '(a+)+$'}", "expect: nothing", "confirm: true", "timeout: 5m", "timeout: .nan",
    "auto: yes", "reference: true", "when: T == x", "kind: rollback", "kind: gate", "shell: fish", "env: {PATH: x}", "verify: a.b", "variables: {T: 1}", "variables:",
    "steps:", "sections:", "options:", "code:", "run: |", "text: >", "notes: {A-1: b}", "- title: x", "- ", "? ", ": ", "{", "}", "[", "]", ", ", "&a ", "*a", "!!python/object:x ", "<<: ",
    "~", "null", "true", "0o17", "0x1F", "1e999", ".inf", "2026-13-45", "12:30", "%YAML 1.2", "%TAG ! x", "...", "@", "%d",
)  # fmt: skip


def _good() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Good Markdown as lines, and small good YAML checklists: the bundled ones, and those of the tests."""
    from support.bad_checklists import block_files, yaml_files
    from unit.checklist.test_yaml_reader import WHOLE

    root = Path(__file__).resolve().parents[2] / "checklists"
    texts = [path.read_text("utf-8") for path in sorted(root.glob("*.md"))]
    texts += list(block_files.LOADS.values())
    lines = tuple(
        line for text in texts if len(text) < 200_000 for line in text.split("\n") if len(line) < 400
    )
    books = [WHOLE.decode(), *(text for text in yaml_files.ODD.values() if len(text) < 600)]
    for start in range(0, len(lines) - LINES_MAX, LINES_MAX):
        part = "\n".join(lines[start : start + LINES_MAX])
        try:
            books.append(convert(read(part.encode(), "a.md"), "yaml"))
        except ChecklistError:
            continue
    return lines, tuple(books)


class Maker:
    """Makes the bytes of any point."""

    def __init__(self) -> None:
        self._lines, self._books = _good()

    def make(self, seed: int) -> tuple[bytes, str]:
        """The bytes of a point, and its file's name."""
        chance = Random(seed)
        name = chance.choice(("a.md", "a.md", "a.yaml"))
        kind = chance.random()
        if kind < NOISE_SHARE:
            return chance.randbytes(chance.randrange(200)), name
        if kind < NOISE_SHARE + SOUP_SHARE:
            lines = [
                "".join(chance.choices(PIECES, k=chance.randrange(4))) for _ in range(chance.randrange(20))
            ]
        elif name == "a.md":
            start = chance.randrange(len(self._lines))
            lines = list(self._lines[start : start + chance.randrange(1, LINES_MAX)])
        else:
            lines = chance.choice(self._books).split("\n")
        for _ in range(chance.randrange(CHANGES_MAX + 1)):
            _change_lines(chance, lines)
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        if chance.random() < 0.2:
            data = _change_bytes(chance, data)
        return data, name


def _change_lines(chance: Random, lines: list[str]) -> None:
    """One change of a text."""
    if not lines:
        lines.append(chance.choice(PIECES))
        return
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = lines[at]
    column = chance.randrange(len(line) + 1)
    match chance.randrange(10):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, line)
        case 2:
            lines[at], lines[other] = lines[other], line
        case 3:
            lines[at] = line[:column]
        case 4:
            del lines[at:]
        case 5:
            lines[at] = " " * chance.randrange(9) + line.lstrip()
        case 6:
            key, colon, _ = line.partition(":")
            lines[at] = f"{key}{colon} {chance.choice(PIECES)}" if colon else chance.choice(PIECES) + line
        case 7:
            lines.insert(at, " " * chance.randrange(6) + chance.choice(PIECES))
        case _:
            lines[at] = line[:column] + chance.choice(PIECES) + line[column:]


def _change_bytes(chance: Random, data: bytes) -> bytes:
    """One change of bytes: cut, turned, doubled, spliced."""
    at = chance.randrange(len(data) + 1)
    match chance.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        case 2:
            return (
                data[:at]
                + bytes(byte ^ (1 << chance.randrange(8)) for byte in data[at : at + 2])
                + data[at + 2 :]
            )
        case _:
            return data[at:] + data[:at]


def faults_of(data: bytes, name: str) -> tuple[list[str], str]:
    """Put one file through everything; what must not be, and a word for the table. Raises whatever escapes."""
    try:
        checklist = read(data, name)
    except ChecklistError as error:
        shown = error.render()
        wrong = fault_of_refusal(shown, name, lines_of(data))
        return [each for each in (wrong, hostile_in(shown)) if each], "refused"
    text = data.decode("utf-8", "replace")
    found = [*lint(checklist, text), *_typed(checklist, text.split("\n"))]
    shown = to_text(checklist) + "\n".join(finding.render() for finding in found)
    json.dumps([to_json(checklist), *(finding.to_json() for finding in found)])
    faults = [hostile] if (hostile := hostile_in(shown)) else []
    lines = lines_of(data)
    if any(not 1 <= finding.line <= lines for finding in found):
        faults.append("a finding in a line that there is not")
    try:
        convert(checklist, "yaml" if name.endswith(".md") else "markdown")
    except ChecklistError as error:
        if hostile := hostile_in(error.render()):
            faults.append(hostile)
        return faults, "loaded, not to be converted"
    return faults, "loaded"


class _Board:
    """What a worker leaves behind if it is ended: the point that it tries, shared with who started it."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, 16)

    @property
    def at(self) -> int:
        """The point that is being tried, or the last one."""
        return int(struct.unpack_from("q", self._map)[0])

    @at.setter
    def at(self, seed: int) -> None:
        struct.pack_into("q", self._map, 0, seed)


def _work(maker: Maker, seeds: range, board: _Board, pipe: int, *, stops: bool) -> None:
    """Try points; tell of faults as JSON lines, and at the end what was seen."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    scale = 1 if sys.platform == "darwin" else 1024
    seen: Counter[str] = Counter()
    for seed in seeds:
        board.at = seed
        data, name = maker.make(seed)
        signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S_MAX)
        try:
            faults, word = faults_of(data, name)
        except BaseException as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            faults, word = [f"a traceback: {type(error).__name__}"], f"{at.filename}:{at.lineno}"
        signal.setitimer(signal.ITIMER_PROF, 0)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale > MEMORY_BYTES_MAX:
            faults.append("more than 200 MB")
        for fault in faults:
            os.write(pipe, json.dumps([fault, seed, word]).encode() + b"\n")
        if "more than 200 MB" in faults or (stops and faults):
            break  # The mark stays where it is: who started this goes on with another.
        seen[word if not faults else "faults"] += 1
    else:
        board.at = -1
    os.write(pipe, json.dumps(seen).encode() + b"\n")


def _points(points: int, mutant: str) -> Tally:
    tally = Tally()
    maker = Maker()
    with broken(mutant):
        cores = 1 if mutant or points < 2_000 else len(os.sched_getaffinity(0))
        shares = [range(core, points, cores) for core in range(cores)]
        running = [_begin(maker, share, stops=bool(mutant)) for share in shares]
        while running:
            pid, reader, board, share = running.pop(0)
            with os.fdopen(reader, "rb") as pipe:
                _read(pipe.read(), tally)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if status < 0:
                what = (
                    f"more than {PROCESSOR_S_MAX:g} s"
                    if status == -signal.SIGPROF
                    else f"ended by signal {-status}"
                )
                tally.fault(what, f"seed {board.at}")
            if board.at >= 0 and not mutant:
                left = share[share.index(board.at) + 1 :]
                running.append(_begin(maker, left, stops=False))
            tally.points += len(share) if board.at < 0 else share.index(board.at) + 1
    return tally


def _begin(maker: Maker, seeds: range, *, stops: bool) -> tuple[int, int, _Board, range]:
    """Start a worker."""
    board = _Board()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            _work(maker, seeds, board, writer, stops=stops)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    return pid, reader, board, seeds


def _read(said: bytes, tally: Tally) -> None:
    for line in said.splitlines():
        found = json.loads(line)
        if isinstance(found, dict):
            tally.seen.update(found)
        else:
            fault, seed, word = found
            tally.fault(fault, f"seed {seed}: {word}")


HARNESS = Harness(
    name="bad checklists, random",
    run=_points,
    mutants=RANDOM,
    short=200,
    full=100_000,
    mutant_max=3_000,
)


def _again() -> int:
    """Try the points that are named again, and show them."""
    maker = Maker()
    for seed in map(int, sys.argv[1:]):
        data, name = maker.make(seed)
        print(f"seed {seed}, {name}: {data!r}")
        print(*faults_of(data, name))
    return 0


if __name__ == "__main__":
    sys.exit(_again())
