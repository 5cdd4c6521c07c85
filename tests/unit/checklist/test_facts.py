"""The facts of a step: every key, every wrong value with its place, the same in YAML and in a `yaml step` block."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_checklists.block_files import WRONG
from support.fuzz import EXAMPLES

from orion_deploy.checklist.facts import ParsedFacts, parse_front_matter, parse_step_facts
from orion_deploy.checklist.keys import KEYS, Takes, Where
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Expectation, SectionKind
from orion_deploy.errors import ChecklistError


def facts(text: str) -> ParsedFacts:
    """Parse a block that stands in line 10 of a file, two columns from the margin."""
    lines = [""] * 9 + ["  " + line for line in text.split("\n")]
    return parse_step_facts(text, "deploy.md", 10, lines)


def fault(text: str) -> ChecklistError:
    """The error that a block gives."""
    with pytest.raises(ChecklistError) as raised:
        facts(text)
    return raised.value


def test_every_key() -> None:
    """Each key reaches its place in the model."""
    found = facts(
        "id: backup.1\nmandatory: true\noptional: false\ntags: [A-1, B-2]\n"
        "action:\n  sqlite.backup:\n    path: a.db\n    live: true\n    sizes: [1, 2.5, null]\n"
        "confirm: YES\ntimeout: 1h30m\nauto: false\nreference: true\nneeds: [a, b]\nidempotent: true\n"
        "verify: files.exists\nwhen: TARGET == x\ninteractive: false\ncwd: ~/x\nenv: {LANG: C, N: 1.0}\nshell: zsh"
    )
    stated = found.facts
    assert found.id == "backup.1"
    assert (found.mandatory, found.optional, found.tags) == (True, False, ("A-1", "B-2"))
    assert stated.action == KindCall(
        "sqlite.backup",
        {"path": "a.db", "live": True, "sizes": [1, 2.5, None]},
        stated.action.line if stated.action else 0,
    )
    assert stated.call is stated.action
    assert (stated.confirm, stated.timeout_s, stated.auto, stated.reference) == ("YES", 5400.0, False, True)
    assert (stated.needs, stated.idempotent, stated.when) == (("a", "b"), True, "TARGET == x")
    assert stated.verify == KindCall("files.exists", {}, 25)
    assert (stated.interactive, stated.cwd, stated.shell) == (False, "~/x", "zsh")
    assert dict(stated.env) == {"LANG": "C", "N": "1.0"}


def test_a_watch_says_how_long_and_how_often() -> None:
    """`for` and `every` are durations, or a variable that says so, and belong to a watch alone."""
    stated = facts("watch: process.memory\nfor: 24h\nevery: 30s").facts
    assert (stated.watch_for, stated.watch_every) == (86_400.0, 30.0)
    stated = facts("watch: process.memory\nfor: $WATCH_FOR\nevery: ${EVERY}").facts
    assert (stated.watch_for, stated.watch_every) == ("$WATCH_FOR", "${EVERY}")
    assert "belongs to a watch" in fault("check: process.memory\nfor: 24h").what
    assert "a duration" in fault("watch: process.memory\nevery: now and then").what


def test_nothing_said_is_none() -> None:
    """An empty block and null values say nothing."""
    assert facts("") == facts("# only a comment") == ParsedFacts()
    assert facts("check:\nauto: null\nneeds: ~").facts == ParsedFacts().facts


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("5m", 300), ("5min", 300), ("1h30m", 5400), ("2d", 172800), ("250ms", 0.25), ("1.5s", 1.5), ("90", 90), ("0.5", 0.5),
     ("1h 5m", 3900)],
)  # fmt: skip
def test_durations(written: str, seconds: float) -> None:
    """A duration is a number of seconds, or numbers with units."""
    assert facts(f"timeout: {written}").facts.timeout_s == seconds


@pytest.mark.parametrize(("written", "word"), [("true", ""), ("RESTORE", "RESTORE"), ("'true'", "true")])
def test_confirmations(written: str, word: str) -> None:
    """True means the default word; anything else is the word."""
    assert facts(f"confirm: {written}").facts.confirm == word
    assert facts("confirm: false").facts.confirm is None


@pytest.mark.parametrize(
    ("written", "matcher", "value"),
    [
        ("nothing", "nothing", ""),
        ("Should return 0", "number", "== 0"),
        ("<= 5", "number", "<= 5"),
        ("everybody is happy", "prose", ""),
        ("{contains: done}", "contains", "done"),
        ("{equals: '0'}", "equals", "0"),
        ("{nothing: true}", "nothing", ""),
        ('{number: "<=5"}', "number", "<= 5"),
        ("{number: 5}", "number", "== 5"),
        ("{number: '= 5'}", "number", "== 5"),
        ("{regex: '^\\d+$'}", "regex", "^\\d+$"),
        ("{regex: '[[a]'}", "regex", "[[a]"),
        ("{status: 0}", "status", "0"),
        ("{prose: looks fine}", "prose", ""),
    ],
)
def test_expectations(written: str, matcher: str, value: str) -> None:
    """Words are read as in a comment; a mapping says what is compared."""
    (found,) = facts(f"expect: {written}").facts.expect
    assert (found.matcher, found.value, found.from_comment, found.line) == (matcher, value, False, 10)


def test_several_expectations_and_their_words() -> None:
    """A list holds several; `text` gives the author's words for a mapping."""
    found = facts("expect:\n  - {contains: x, text: the x}\n  - Should return 0").facts.expect
    assert found[0] == Expectation("the x", "contains", "x", 11)
    assert found[1] == Expectation("Should return 0", "number", "== 0", 12)


@pytest.mark.parametrize(("text", "what", "help", "line", "column"), WRONG)
def test_what_is_wrong_is_told(text: str, what: str, help: str, line: int, column: int) -> None:
    """Every wrong value: what was expected, what was found, where in the Markdown file, what to do."""
    error = fault(text)
    assert what in error.what
    assert help in error.help
    assert error.where is not None
    assert (error.where.line, error.where.column) == (line, column)
    assert error.where.source.startswith("  ")


def test_section_blocks() -> None:
    """A block under a heading takes a kind and necessity, and nothing else."""
    found = parse_step_facts("kind: gates\nmandatory: true", "a.md", 1, (), Where.SECTION_BLOCK)
    assert (found.section_kind, found.mandatory, found.optional) == (SectionKind.GATES, True, None)
    with pytest.raises(ChecklistError, match="one of steps, rollback"):
        parse_step_facts("kind: gate", "a.md", 1, (), Where.SECTION_BLOCK)
    with pytest.raises(ChecklistError, match="no key `timeout`"):
        parse_step_facts("timeout: 5", "a.md", 1, (), Where.SECTION_BLOCK)


def test_front_matter() -> None:
    """Our keys mean what they mean in YAML; keys of other tools are metadata, lists and mappings flattened."""
    found = parse_front_matter(
        "title: x\nlabels: [a, b]\nauthor: {name: n, mail: m}\ndate: 2026-01-29\nempty:\n"
        "variables: {A: 1, B: {secret: true}}\ncwd: ~/x\ncarry: false\nmetadata: {Risk: LOW}",
        "a.md",
        2,
    )
    assert dict(found.metadata) == {
        "title": "x", "labels": "a, b", "author": "name: n, mail: m", "date": "2026-01-29", "empty": "", "Risk": "LOW",
    }  # fmt: skip
    assert [(v.name, v.default, v.secret) for v in found.variables] == [("A", "1", False), ("B", None, True)]
    assert (found.cwd, found.carry) == ("~/x", False)
    assert parse_front_matter("just words", "a.md", 2) == ParsedFacts()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("variables: [A]", "found a list"),
        ("variables: {PATH: x}", "reserved"),
        ("variables: {a b: x}", "no name for a shell"),
        ("variables: {A: {defualt: x}}", "no key `defualt`"),
        ("variables: {A: {type: int}}", "one of text, integer"),
        ("variables: {A: {type: integer, default: x}}", "takes an integer, `x` is none"),
        ("variables: {A: [x]}", "found a list"),
        ("carry: no", "did you mean false?"),
    ],
)
def test_wrong_variables(text: str, what: str) -> None:
    """A variable's name, type and default are held against each other."""
    with pytest.raises(ChecklistError) as raised:
        parse_front_matter(text, "a.md", 2)
    assert what in raised.value.render()


def test_the_table_names_everything_once() -> None:
    """Each key stands once, says what it means, and its example is what it takes."""
    assert len({key.name for key in KEYS}) == len(KEYS)
    for key in KEYS:
        assert key.help.endswith(".")
        assert key.example
        if Where.STEP_BLOCK in key.where and key.takes is not Takes.TEXT:
            beside = "watch: process.memory\n" if key.name in ("for", "every") else ""
            assert facts(f"{beside}{key.name}: {key.example}") != facts(beside), key.name


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([key.name for key in KEYS]),
            st.sampled_from(
                [
                    "true",
                    "x",
                    "5",
                    "[a, b]",
                    "{a.b: {c: 1}}",
                    "-",
                    "null",
                    "'",
                    "{",
                    "5m",
                    "&a 1",
                    "|\n  x",
                    "",
                    "\u202e",
                    "~",
                ]
            ),
        ),
        max_size=4,
    )
)
def test_any_keys_are_facts_or_an_error(pairs: list[tuple[str, str]]) -> None:
    """Whatever stands behind a key, it is read or refused with a place."""
    error = outcome("\n".join(f"{key}: {value}" for key, value in pairs))
    if error is not None:
        assert error.where is not None
        assert error.where.line >= 10
        assert error.render()


def outcome(text: str) -> ChecklistError | None:
    """The error that a block gives, or None."""
    try:
        facts(text)
    except ChecklistError as error:
        return error
    return None
