"""A YAML checklist is read into the model, or refused at the very place where it is wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_checklists.yaml_files import WRONG
from support.fuzz import EXAMPLES

from orion_deploy.checklist.model import Checklist, Role, SectionKind, Step
from orion_deploy.checklist.yaml_reader import read_yaml
from orion_deploy.errors import ChecklistError

WHOLE = b"""\
# A comment.
title: Release  1.2
metadata: {Risk Level: MEDIUM, Version: 1.0}
variables:
  DATABASE: {default: ~/x.db, prompt: Which?, type: path}
  TOKEN: {secret: true}
cwd: ~/app
carry: false
notes:
  ELEPHANT-A: The app *must* be stopped.
text: Read this first.
steps:
  - title: Before all

sections:
  - title: Deployment (ELEPHANT-A)
    mandatory: true
    steps:
      - title: Stop the app
        id: stop
        action: {process.stop: {program: app}}
        text: |
          Ring the bell.

          Twice. ____
        steps:
          - title: Look (optional)
            run: ps aux
      - title: Migrate
        needs: stop
        checked: true
        run: |
          ./migrate "$DATABASE"
          # Should return 0
    code:
      - language: sql
        text: |
          SELECT 1;

          SELECT 2;
  - title: Back out
    steps:
      - title: Choose
        numbered: true
        options:
          - title: Restore (Recommended)
            run: ./restore
          - title: Down
            code:
              - text: ./down
              - {language: text, text: words}
    sections:
      - title: Deeper
  - title: Document the command (keep handy)
    steps:
      - title: Save the rollback command
        run: ./rollback
"""


def steps_of(checklist: Checklist) -> dict[str, Step]:
    """Steps by their titles."""
    return {step.title: step for _, step in checklist.walk()}


def test_a_whole_checklist() -> None:
    """Everything that the format can say reaches its place in the model."""
    found = read_yaml(WHOLE, "a.yaml")
    assert (found.title, found.source, found.cwd, found.carry) == ("Release 1.2", "yaml", "~/app", False)
    assert dict(found.metadata) == {"Risk Level": "MEDIUM", "Version": "1.0"}
    assert [(v.name, v.default, v.secret, v.type, v.line) for v in found.variables] == [
        ("DATABASE", "~/x.db", False, "path", 5),
        ("TOKEN", None, True, "text", 6),
    ]
    assert dict(found.notes) == {"ELEPHANT-A": "The app must be stopped."}
    shape = [(s.title, s.kind, s.level, len(s.steps), len(s.sections)) for s in found.walk_sections()]
    assert shape == [
        ("Release 1.2", SectionKind.STEPS, 1, 1, 0),
        ("Deployment (ELEPHANT-A)", SectionKind.STEPS, 2, 2, 0),
        ("Back out", SectionKind.ROLLBACK, 2, 1, 1),
        ("Deeper", SectionKind.ROLLBACK, 3, 0, 0),
        ("Document the command (keep handy)", SectionKind.STEPS, 2, 1, 0),
        ("Notes", SectionKind.NOTES, 2, 0, 0),
    ]
    assert found.sections[0].body == "Read this first."


def test_steps_say_what_their_keys_and_titles_say() -> None:
    """Necessity, tags, kinds, depth, ticks, blanks and bodies."""
    steps = steps_of(read_yaml(WHOLE, "a.yaml"))
    stop, look, migrate = steps["Stop the app"], steps["Look (optional)"], steps["Migrate"]
    assert (stop.id, stop.kind, stop.mandatory, stop.tags, stop.line) == (
        "stop",
        "process.stop",
        True,
        ("ELEPHANT-A",),
        WHOLE.decode().split("\n").index("      - title: Stop the app") + 1,
    )
    assert (stop.body, stop.blanks) == ("Ring the bell.\n\nTwice. ____", 1)
    assert (look.id, look.depth, look.optional, look.mandatory, look.kind) == (
        "stop.look-optional",
        1,
        True,
        False,
        "command",
    )
    assert (migrate.checked, migrate.facts.needs, migrate.mandatory) == (True, ("stop",), True)
    assert steps["Before all"].id == "before-all"
    assert not steps["Choose"].is_task


def test_code_gets_its_role_and_place() -> None:
    """Scripts run, other languages are samples, what is kept is a reference; lines point into the file."""
    checklist = read_yaml(WHOLE, "a.yaml")
    steps = steps_of(checklist)
    (script,) = steps["Migrate"].code
    assert (script.text, script.language, script.role) == (
        './migrate "$DATABASE"\n# Should return 0',
        "bash",
        Role.COMMAND,
    )
    assert WHOLE.decode().split("\n")[script.line - 1].strip() == "run: |"
    (sql,) = checklist.sections[1].code
    assert (sql.text, sql.role) == ("SELECT 1;\n\nSELECT 2;", Role.SAMPLE)
    assert steps["Save the rollback command"].kind == "reference"


def test_options_are_a_choice() -> None:
    """Options are numbered by their order; a recommendation comes from the key or from the title."""
    choose = steps_of(read_yaml(WHOLE, "a.yaml"))["Choose"]
    assert [(o.number, o.title, o.recommended) for o in choose.options] == [
        (1, "Restore", True),
        (2, "Down", False),
    ]
    assert [(b.option, b.text) for b in choose.code] == [(1, "./restore"), (2, "./down"), (2, "words")]
    assert choose.kind == "choice"
    assert [b.text for b in choose.scripts(2)] == ["./down"]


@pytest.mark.parametrize(("text", "what", "help", "line", "column"), WRONG)
def test_what_is_wrong_is_told(text: str, what: str, help: str, line: int, column: int) -> None:
    """Each fault is named with its line, its column, and what to do."""
    with pytest.raises(ChecklistError) as raised:
        read_yaml(text.encode(), "a.yaml")
    error = raised.value
    assert what in error.render()
    assert help in error.help
    assert error.where is not None
    assert (error.where.line, error.where.column) == (line, column)


def test_the_error_of_a_wrong_need_reads_as_it_should() -> None:
    """What, where with the source and a caret, and help."""
    with pytest.raises(ChecklistError) as raised:
        read_yaml(
            b"title: a\nsteps:\n- title: Backup\n  id: backup\n- title: Migrate\n  id: migrate\n  needs: [bakcup]\n",
            "release.yaml",
        )
    assert raised.value.render() == (
        "error: step `migrate` needs the unknown step `bakcup`\n"
        "  --> release.yaml:7:11\n"
        "  |\n"
        "7 |   needs: [bakcup]\n"
        "  |           ^^^^^^\n"
        "help: did you mean `backup`?"
    )


def test_bytes_that_are_no_text() -> None:
    """Invalid UTF-8 is refused with its line; a byte order mark is fine."""
    with pytest.raises(ChecklistError) as raised:
        read_yaml(b"title: a\ntext: \xff\n", "a.yaml")
    assert "0xFF" in raised.value.what
    assert raised.value.where is not None
    assert raised.value.where.line == 2
    assert read_yaml(b"\xef\xbb\xbftitle: a\n", "a.yaml").title == "a"


def test_line_ends_make_no_difference() -> None:
    """The same checklist with CRLF says the same."""
    unix, dos = read_yaml(WHOLE, "a.yaml"), read_yaml(WHOLE.replace(b"\n", b"\r\n"), "a.yaml")
    assert [s.digest for _, s in unix.walk()] == [s.digest for _, s in dos.walk()]
    assert [s.line for _, s in unix.walk()] == [s.line for _, s in dos.walk()]


def test_sections_nest_as_deep_as_headings() -> None:
    """Five levels of sections fit under a title; a sixth is refused."""
    lines = ["title: a"]
    for i in range(5):
        lines += [" " * (4 * i) + "sections:", " " * (4 * i) + "  - title: s"]
    checklist = read_yaml("\n".join(lines).encode(), "a.yaml")
    assert max(section.level for section in checklist.walk_sections()) == 6
    lines += [" " * 20 + "sections:", " " * 20 + "  - title: s"]
    with pytest.raises(ChecklistError, match="deeper than 5"):
        read_yaml("\n".join(lines).encode(), "a.yaml")


def big(count: int) -> bytes:
    """A checklist of many steps."""
    lines = ["title: Big", "sections:", "  - title: S", "    steps:"]
    for number in range(count):
        lines += [
            f"      - title: Step number {number} of the many",
            f"        id: step-{number}",
            "        text: |",
            "          Some prose about it, that a person reads.",
            "        run: |",
            f'          echo "this is step {number}"',
            '          sqlite3 ~/data/db "select count(*) from t"',
            "        timeout: 30s",
            f"        needs: [step-{max(0, number - 1)}]" if number else "        auto: false",
        ]
    return "\n".join(lines).encode()


def test_a_megabyte_is_read_within_a_second() -> None:
    """3,000 steps that need one another in a chain are read fast; 10,000 are refused by their size, faster."""
    data = big(3_300)
    assert 900_000 < len(data) <= 1_000_000
    started = time.process_time()
    checklist = read_yaml(data, "a.yaml")
    assert time.process_time() - started < 2.5
    assert sum(1 for _ in checklist.walk()) == 3_300
    with pytest.raises(ChecklistError, match="at most 1,000,000"):
        read_yaml(big(10_000), "a.yaml")


TOKENS = st.sampled_from(
    ["title: ", "a", "steps:", "sections:", "\n", "\n  ", "\n    ", "- ", "run: ", "|", "\n      x", "{", "}", "[", "]", ", ", "id: x",
     "needs: [x]", "check: ", "a.b", "options:", "text: ", "'", '"', "kind: rollback", "when: T", "variables: {T: 1}", "notes: {A-1: b}",
     "code: ", "language: sql", "\t", "\x00", "\u202e", "&a ", "*a", "!!x ", "<<: ", "expect: nothing", "timeout: 5m", "#", "---\n"]
)  # fmt: skip


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.lists(TOKENS, max_size=30).map("".join))
def test_any_text_is_a_checklist_or_an_error(text: str) -> None:
    """Whatever stands in the file, there is a checklist or one error with a place; never a traceback."""
    error = outcome(text.encode())
    if error is not None:
        assert error.where is not None
        assert error.render()


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.binary(max_size=60), st.integers(0, len(WHOLE)))
def test_any_bytes_within_a_checklist(noise: bytes, at: int) -> None:
    """A sound file with anything spliced in is a checklist or an error."""
    error = outcome(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
    assert error is None or error.render()


def outcome(data: bytes) -> ChecklistError | None:
    """The error that bytes give, or None."""
    try:
        read_yaml(data, "a.yaml")
    except ChecklistError as error:
        return error
    return None
