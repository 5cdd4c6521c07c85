"""What is found in a block of lines is what each line by itself would give, however it is looked for."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.kinds.logs import regex, scan
from orion_deploy.kinds.logs.pattern import WINDOW_BYTES_MAX, compile_pattern, compile_patterns
from orion_deploy.kinds.logs.plan import SAMPLE_BYTES_MIN, plain_plan, plan
from orion_deploy.kinds.logs.scan import Scanner

EXPRESSIONS = (
    "Failed to (persist|restore) request",
    "Failed to",
    "SQLITE_[A-Z]+",
    "(?i)sqlite",
    "(?i:fail)ed",
    "a|bb",
    "^Failed",
    "request$",
    r"\bto\b",
    r"(?:ab)+c",
    r"(?:ab)?c",
    r"(ab|cd)?e",
    r"[0-9]+ ms",
    r"x{2,3}y",
    r"x*?y",
    r"(?=a)ab",
    r"(?<!a)b",
    r"(a)\1",
    "Fehler beim Öffnen",
    r"(?>ab|a)c",
    r"a++b",
    "x y # z",
)
WORDS = st.sampled_from(
    [
        b"Failed to ",
        b"persist",
        b"restore",
        b" request",
        b"SQLITE_",
        b"BUSY",
        b"sqlite",
        b"FAILED",
        b"ab",
        b"c",
        b"a",
        b"b",
        b"bb",
        b"aa",
        b"xx",
        b"y",
        b"12 ms",
        b" ",
        b"\r",
        "Fehler beim Öffnen".encode(),
        b"\xff",
        b"de",
    ]
)
LINES = st.lists(st.lists(WORDS, max_size=5).map(b"".join), max_size=30)


def naive(texts: list[str], lines: list[bytes], *, literal: bool, ignore_case: bool) -> list[bytes]:
    """The lines that match, one by one."""
    sources = [re.escape(t.encode()) if literal else t.encode() for t in texts]
    compiled = [re.compile(s, re.IGNORECASE if ignore_case else 0) for s in sources]
    stripped = [line.removesuffix(b"\r") for line in lines]
    return [line for line in stripped if any(c.search(line) for c in compiled)]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=4),
    LINES,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, SAMPLE_BYTES_MIN]),
)
def test_lines_are_found_as_one_by_one(
    texts: list[str], lines: list[bytes], literal: bool, ignore_case: bool, filling: int
) -> None:
    """Gates, plans, shared texts and rare bytes change the speed alone."""
    scanner = Scanner(compile_patterns(texts, literal=literal, ignore_case=ignore_case))
    block = bytearray(b"".join(line + b"\n" for line in lines) + (b"-" * 63 + b"\n") * (filling // 64))
    for _ in range(2):
        hits = scanner.hits(block, len(block))
        found = [bytes(block[hit.begin : hit.end]) for hit in hits]
        assert found == naive(texts, lines, literal=literal, ignore_case=ignore_case)


@settings(deadline=None)
@given(st.sampled_from(EXPRESSIONS), LINES)
def test_a_gate_stands_in_each_match(text: str, lines: list[bytes]) -> None:
    """No line that matches is without one of the gates of its pattern."""
    pattern = compile_pattern(text)
    for line in lines:
        held = line.lower() if pattern.ignore_case else line
        if pattern.gates and pattern.regex.search(line):
            assert any(gate in held for gate in pattern.gates)


def test_most_patterns_of_a_checklist_have_a_gate() -> None:
    """What is said of the speed holds for patterns as they are written."""
    for text in (
        "Failed to persist request",
        "Failed to (persist|restore) request",
        "SQLITE_|SqliteError|database is locked",
        r"Restored (?P<n>\d+) active requests",
        r"\[WriteBehind\] flush (?P<value>[\d.]+) ms",
        "(?i)error",
    ):
        assert compile_pattern(text).gates, text
    assert compile_pattern(r"\d+:\d+").gates == ()


@settings(deadline=None)
@given(st.lists(st.binary(min_size=2, max_size=12), min_size=1, max_size=20), st.binary(max_size=2_000))
def test_a_plan_looks_for_every_gate(gates: list[bytes], sample: bytes) -> None:
    """Each gate is the target of a probe whose bytes stand in it."""
    targets = list(enumerate(gates))
    for made in (plain_plan(targets), plan(targets, bytearray(sample))):
        assert sorted(t for probe in made for t in probe.targets) == sorted(targets)
        assert all(probe.needle in gate for probe in made for _, gate in probe.targets)


@pytest.mark.parametrize(
    "text",
    [
        r"(a+)+$",
        r"(\w+\s?)+x",
        r"([a-z]+)*$",
        r"(?:a|aa)+b",
        r"((a*)*)*b",
        r"(?:a|b|ab)*c",
        r"(a?){70}b",
        r"(.*,)*x",
    ],
)
def test_what_could_take_forever_is_refused(text: str) -> None:
    """A repetition of what can be divided in many ways hangs on an ordinary line: it is no pattern."""
    with pytest.raises(ValueError, match="forever"):
        compile_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        r"(?:, \w+=\d+)*z",
        r"(?:foo|bar)+q",
        r"(\d+\.)*\d+ms",
        r"^(([^:]+):)+ x",
        r"(?>\w+\s?)+x",
        r"(\w++\s)+x",
        r"user=(.*) ip=(.*) took (.*) ms",
    ],
)
def test_repetitions_that_do_no_harm_are_allowed(text: str) -> None:
    """And they end soon on lines that almost match."""
    pattern = compile_pattern(text)
    before_s = time.perf_counter()
    for line in (b"a" * 40, b"foo" * 40, b"1." * 40, b", a=1" * 40, b"a:" * 40, b"user= ip= took " * 20):
        pattern.regex.search(line + b"!")
    assert time.perf_counter() - before_s < 1


@pytest.mark.parametrize("text", ["[äö]x", "ä+", "(?:a|ä*)b"])
def test_a_byte_is_not_taken_for_a_character(text: str) -> None:
    """Where an expression would see half a character it is refused, with what to write instead."""
    with pytest.raises(ValueError, match="not ASCII"):
        compile_pattern(text)


def test_a_long_line_is_looked_at_around_its_gate() -> None:
    """An expression is given a bounded piece of a line, and finds what stands at its end."""
    scanner = Scanner(compile_patterns(["Failed to (persist|restore)"]))
    line = b"Failed to x " * 50_000 + b"Failed to restore"
    block = bytearray(line + b"\nnext\n")
    hits = scanner.hits(block, len(block))
    assert [(hit.begin, hit.end) for hit in hits] == [(0, len(line))]
    every = Scanner(compile_patterns([r"\d\D\d"]))
    junk = bytearray(b"x" * 3 * WINDOW_BYTES_MAX + b"1x2\n")
    assert len(every.hits(junk, len(junk))) == 1


def test_a_slow_expression_is_given_less_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on, and what it leaves out is told."""
    monkeypatch.setattr(scan, "SLOW_MATCH_S", 0.0)
    scanner = Scanner(compile_patterns([r".*foo.*bar.*baz!"]))
    block = bytearray(b"foo bar baz " * 5_000 + b"\n")
    assert scanner.hits(block, len(block)) == []
    scanner = Scanner(compile_patterns([r"x.*foo.*bar.*baz"]))
    scanner.hits(bytearray(b"foo bar baz " * 5_000 + b"\n"), 60_001)
    assert "takes too long" in scanner.slow


@pytest.mark.parametrize(
    ("text", "is_blockwise"),
    [
        (r"flush ([\d.]+) ms", True),
        (r"\[WriteBehind\] flush (?P<value>[\d.]+) ms", True),
        (r"flush (\d+)", True),
        (r"flush\s(\d+)", False),
        (r"flush ([^x]+)", False),
        (r"^flush ([\d.]+)", False),
        (r"flush (.*) ms", False),
        (r"(?s)flush (..) ms", False),
        (r"(\d+) ms", False),
    ],
)
def test_numbers_are_captured_alike_in_a_block_and_in_a_line(text: str, *, is_blockwise: bool) -> None:
    """An expression that cannot leave its line is held against the whole block, with the same result."""
    pattern = compile_pattern(text)
    assert pattern.is_blockwise is is_blockwise
    lines = [b"flush 1.5 ms", b"flush ", b"2 ms", b"x flush 3 ms flush 4 ms", b"flush\t5 ms", b"flush 6"]
    block = bytearray(b"\n".join(lines) + b"\n")
    expected = [found for line in lines for found in pattern.regex.findall(line)]
    assert Scanner([pattern]).captures(block, len(block), 1) == expected


def test_nothing_is_concluded_from_a_tree_that_is_not_known() -> None:
    """Another Python may parse into something else: then there is no gate, and every line is looked at."""
    assert regex.gates([("LITERAL", "not a number")]) == ()
    assert regex.gates([("NEW", None)]) == ()
