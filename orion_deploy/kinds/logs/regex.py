"""What a regular expression says of itself before it is used: the text that each match holds, and whether it can hang.

Read from the tree into which `re` parses it. That tree is the library's own affair: where it is not as it is known
here, nothing is concluded, which costs speed and no truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

Tree = Sequence[tuple[Any, Any]]
"""Of (operation, argument); operations are told apart by their names."""
_NOTHING: Tree = ()
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_ATOMIC = frozenset({"POSSESSIVE_REPEAT", "ATOMIC_GROUP"})
_BACKTRACKING = frozenset({"MAX_REPEAT", "MIN_REPEAT"})
_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_ALL_BYTES = frozenset(range(256))
UNBOUNDED_MIN = 64
"""A repetition that may go on for as long as this is as good as endless."""
WIDE_SET_MIN = 64
"""A repeated set of so many bytes goes on over most of a line."""
PREFIX_BYTES_MIN = 4
_LINE_FEED = 10
CASE_IGNORED = re.IGNORECASE | re.LOCALE


def parse(source: bytes, flags: int = 0) -> Tree:
    """The tree of an expression that compiles; empty where it cannot be had. Raises what `re` raises."""
    try:
        parser = import_module("re._parser")
    except ImportError:
        return _NOTHING
    parsed: Tree = parser.parse(source, flags)
    return parsed


def literal(tree: Tree) -> bytes | None:
    """The text that the expression is, where it is nothing else."""
    tree = _unwrapped(tree)
    if tree and all(_name(op) == "LITERAL" for op, _ in tree):
        return bytes(argument for _, argument in tree)
    return None


def _unwrapped(tree: Tree) -> Tree:
    """What stands within a group that is the whole expression (and only ignores case)."""
    while len(tree) == 1 and _name(tree[0][0]) == "SUBPATTERN" and not tree[0][1][2]:  # no `(?-i:`
        tree = tree[0][1][3]
    return tree


def gates(tree: Tree) -> tuple[bytes, ...]:
    """Texts of which at least one stands in each match; empty where there are none."""
    try:
        return _gates(tree)
    except (TypeError, ValueError, IndexError, KeyError):
        return ()


def _gates(tree: Tree) -> tuple[bytes, ...]:
    best: tuple[bytes, ...] = ()
    text = bytearray()
    for op, argument in [*tree, ("END", None)]:
        name = _name(op)
        if name == "LITERAL":
            text.append(argument)
            continue
        if name == "AT":  # has no width: what stands on both sides of it stands together
            continue
        candidates = (bytes(text),) if text else ()
        text.clear()
        best = _better(best, candidates)
        if name == "BRANCH":
            inner = [_gates(branch) for branch in argument[1]]
            if all(inner):
                best = _better(best, tuple(dict.fromkeys(gate for gates in inner for gate in gates)))
        elif name == "SUBPATTERN":
            best = _better(best, _gates(argument[3]))
        elif name == "ATOMIC_GROUP":
            best = _better(best, _gates(argument))
        elif name in _REPEATS and argument[0] >= 1:
            best = _better(best, _gates(argument[2]))
    return best


def _better(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The gates that let less through: the longest that is surely there, and few of them."""

    def worth(gates: tuple[bytes, ...]) -> tuple[int, int]:
        return (min(map(len, gates)), -len(gates)) if gates else (0, 0)

    return other if worth(other) > worth(one) else one


def ignores_case(tree: Tree) -> bool:
    """Whether a part of it ignores case for itself, `(?i:...)`."""
    return any(_name(op) == "SUBPATTERN" and argument[1] & CASE_IGNORED for op, argument in _walk(tree))


def wide_repeats(tree: Tree) -> int:
    """How many endless repetitions of a wide set it has: the power by which a failing match grows with the line."""
    return sum(
        1
        for op, argument in _walk(tree)
        if _name(op) in _BACKTRACKING
        and _is_endless(argument)
        and any(len(s) >= WIDE_SET_MIN for s in _sets(argument[2]))
    )


def is_blockwise(tree: Tree) -> bool:
    """Whether it may be held against many lines at once: it begins with text, ends in its line, and is soon done."""
    begins = 0
    for op, _ in tree:
        if _name(op) != "LITERAL":
            break
        begins += 1
    return (
        begins >= PREFIX_BYTES_MIN
        and not wide_repeats(tree)
        and not ignores_case(tree)
        and all(_stays_in_line(op, argument) for op, argument in _walk(tree))
    )


def _stays_in_line(op: Any, argument: Any) -> bool:
    match _name(op):
        case "LITERAL" | "NOT_LITERAL" | "IN":
            return _LINE_FEED not in _bytes_of(op, argument)
        case "SUBPATTERN":
            return not argument[1]
        case "ANY" | "BRANCH" | "ATOMIC_GROUP" | "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return True
    return False


def danger(tree: Tree, text: str) -> str:
    """Why the expression must not be used; empty where it may be."""
    if not text.isascii() and any(_breaks_a_character(op, argument) for op, argument in _walk(tree)):
        return "a character that is not ASCII stands in a class or before a repetition; write it as a group: (?:ä|ö), (?:ä)+"
    for op, argument in _walk(tree):
        if _name(op) in _BACKTRACKING and _is_endless(argument) and _is_ambiguous(argument[2]):
            return (
                "a repetition stands within a repetition, and one text can be divided between them in many ways: "
                "on some lines it would take forever. Put the inner one into a group that keeps what it took, (?>...), or write it without"
            )
    return ""


def _is_ambiguous(body: Tree) -> bool:
    """Whether the endless repetition of `body` can divide one text in more and more ways."""
    body = _unwrapped_groups(body)
    parts = list(_walk(body, keeps_out=_ATOMIC))
    varying = [(op, a) for op, a in parts if _name(op) in _BACKTRACKING and a[0] != a[1]]
    branches = [argument[1] for op, argument in parts if _name(op) == "BRANCH"]
    if not varying and all(_begin_differently(branch) for branch in branches):
        return False
    within: set[int] = set()
    for _, argument in varying:
        within |= set().union(*_sets(argument[2]))
    for branch in branches:
        for part in branch:
            within |= set().union(*_sets(part))
    ends = [_bytes_of(op, argument) for op, argument in body if _name(op) in _SINGLE]
    return not any(end.isdisjoint(within) for end in ends)


def _begin_differently(branches: Iterable[Tree]) -> bool:
    taken: set[int] = set()
    for branch in branches:
        if not branch or _name(branch[0][0]) not in _SINGLE:
            return False
        first = _bytes_of(*branch[0])
        if not taken.isdisjoint(first):
            return False
        taken |= first
    return True


def _unwrapped_groups(tree: Tree) -> Tree:
    while len(tree) == 1 and _name(tree[0][0]) == "SUBPATTERN":
        tree = tree[0][1][3]
    return tree


def _is_endless(argument: Any) -> bool:
    return int(argument[1]) >= UNBOUNDED_MIN


def _breaks_a_character(op: Any, argument: Any) -> bool:
    if _name(op) == "IN":
        return any(
            (_name(o) == "LITERAL" and a > 127) or (_name(o) == "RANGE" and a[1] > 127 and a != (128, 255))
            for o, a in argument
        )
    if _name(op) == "NOT_LITERAL":
        return bool(argument > 127)
    if _name(op) in _REPEATS:
        body = argument[2]
        return len(body) == 1 and _name(body[0][0]) == "LITERAL" and body[0][1] > 127
    return False


def _sets(tree: Tree) -> Iterator[frozenset[int]]:
    """The bytes that each single-byte part of it matches."""
    for op, argument in _walk(tree):
        if _name(op) in _SINGLE:
            yield _bytes_of(op, argument)
        elif _name(op) == "GROUPREF":
            yield _ALL_BYTES


def _bytes_of(op: Any, argument: Any) -> frozenset[int]:
    match _name(op):
        case "LITERAL":
            return frozenset({argument})
        case "NOT_LITERAL":
            return _ALL_BYTES - {argument}
        case "IN":
            found: set[int] = set()
            for inner, value in argument:
                match _name(inner):
                    case "LITERAL":
                        found.add(value)
                    case "RANGE":
                        found.update(range(value[0], value[1] + 1))
                    case "CATEGORY":
                        found |= _category(_name(value))
            negated = bool(argument) and _name(argument[0][0]) == "NEGATE"
            return _ALL_BYTES - found if negated else frozenset(found)
        case _:
            return _ALL_BYTES


@cache
def _category(name: str) -> frozenset[int]:
    letter = {"DIGIT": rb"\d", "SPACE": rb"\s", "WORD": rb"\w"}.get(name.rpartition("_")[2])
    if letter is None:
        return _ALL_BYTES
    matched = frozenset(b for b in range(256) if re.match(letter, bytes((b,))))
    return _ALL_BYTES - matched if "_NOT_" in name else matched


def _walk(tree: Tree, *, keeps_out: frozenset[str] = frozenset()) -> Iterator[tuple[Any, Any]]:
    """Every operation, at any depth, but not within those named."""
    for op, argument in tree:
        yield op, argument
        name = _name(op)
        inner: Sequence[Tree] = ()
        if name in keeps_out:
            continue
        if name == "SUBPATTERN":
            inner = (argument[3],)
        elif name == "BRANCH":
            inner = argument[1]
        elif name in _REPEATS:
            inner = (argument[2],)
        elif name == "ATOMIC_GROUP":
            inner = (argument,)
        elif name in ("ASSERT", "ASSERT_NOT"):
            inner = (argument[1],)
        elif name == "GROUPREF_EXISTS":
            inner = [branch or _NOTHING for branch in argument[1:]]
        for part in inner:
            yield from _walk(part, keeps_out=keeps_out)


def _name(op: Any) -> str:
    return str(op)
