"""The page of a step and the head of its evidence, as lines."""

from __future__ import annotations

from dataclasses import replace

from support.build import code, section, step

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Expectation, Option, Role, Step, StepFacts
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run.state import Attempt, Note, Status, StepState
from orion_deploy.tui import page
from orion_deploy.tui.evidence import attempt_lines, progress_line
from orion_deploy.tui.lines import Line, text_of, width_of
from orion_deploy.tui.words import clock

SECTION = section("Deploy")
NOW = 2000.0


def shown(subject: Step, state: StepState | None = None, width: int = 60, **facts: object) -> str:
    """A step's page as text; every line fits."""
    told = page.StepFacts(state=state or StepState(), now=NOW, **facts)  # type: ignore[arg-type]
    lines = page.step_page(subject, SECTION, told, width)
    assert all(width_of(row) <= width for row in lines)
    return text(lines)


def text(lines: list[Line]) -> str:
    """Lines as one text."""
    return "\n".join(text_of(row).rstrip() for row in lines)


def test_a_step_tells_what_it_is_and_what_stands_beside_it() -> None:
    """Status and kind in one line, notes of its tags beside it, prose, the command, what lint says, the expectation."""
    subject = step(
        "stop",
        "systemctl stop shop",
        title="Stop it (LOCK-1)",
        mandatory=True,
        tags=("LOCK-1",),
        body="All **hosts**.",
    )
    expected = Expectation("Should show: inactive", "contains", "inactive")
    told = shown(
        subject, notes={"LOCK-1": "Nobody else."}, dangers=("it ends things",), expectations=(expected,)
    )
    assert told.split("\n") == [
        "Stop it (LOCK-1)",
        "· todo  mandatory · runs a command",
        "",
        "LOCK-1",
        "  Nobody else.",
        "",
        "All hosts.",
        "",
        "│ systemctl stop shop",
        "! it ends things",
        "",
        "expected  Should show: inactive",
    ]


def test_a_settled_step_tells_who_when_and_why() -> None:
    """An override and a value stand under the status; notes at the end."""
    state = StepState(
        Status.DONE,
        override=True,
        reason="seen by hand",
        value="10 rows",
        at=1990.0,
        by="ann@a",
        notes=(Note("call Tom", 1995.0, "bob@b"),),
    )
    told = shown(step("look"), state)
    assert f"✓ done  {clock(1990.0, NOW)} ann@a · done by a person" in told
    assert "override: seen by hand" in told
    assert "value: 10 rows" in told
    assert "call Tom" in told


def test_roles_of_blocks_are_said() -> None:
    """What never runs says so; of several commands each says which it is, and which comes next."""
    subject = step(
        "x",
        code=(
            code("one"),
            replace(code("two")),
            replace(code("select 1"), role=Role.SAMPLE, language="sql", script=""),
        ),
    )
    told = shown(subject, StepState(blocks_done=1, attempts=(Attempt(1, 0, "command", 1.0, "a"),)))
    assert "command 1 of 2: ran and passed" in told
    assert "command 2 of 2: next" in told
    assert "sample sql: shown, never run" in told


def test_a_choice_shows_its_options_and_which_was_taken() -> None:
    """Options stand above their commands, the recommended one and the one that was taken are named."""
    subject = step(
        "way",
        kind="choice",
        options=(Option(1, "Restore", 1, recommended=True), Option(2, "Go down", 2)),
        code=(code("restore", option=1), code("down", option=2)),
    )
    told = shown(subject, StepState(option=2))
    assert "Option 1: Restore (recommended)\n" in told
    assert "Option 2: Go down  taken" in told


def test_parameters_of_a_typed_step_show_what_their_variables_mean() -> None:
    """A person reads the path, not only the name of the variable."""
    call = KindCall("sqlite.ready", {"path": "$DATABASE", "trust_locks": True, "columns": {"a.b": "TEXT"}})
    told = shown(step("ready", facts=StepFacts(check=call)), values={"DATABASE": "data/a.db"})
    assert "check     sqlite.ready" in told
    assert "path: $DATABASE  = data/a.db" in told
    assert "trust_locks: true" in told
    assert "columns: a.b: TEXT" in told


def test_a_placeholder_says_whether_it_is_filled_in() -> None:
    """Before and after its value was given."""
    subject = step("x", code=(code("release <V>", placeholders=("<V>",)),))
    assert "<V> is to be filled in" in shown(subject)
    assert "<V> = 2.4" in shown(subject, values={"<V>": "2.4"})


def test_a_command_shows_what_its_variables_mean() -> None:
    """Below a command stand the values that it mentions, made visible; not the others, and none below a sample."""
    subject = step("x", code=(code('rm "$DATABASE" ${HERE}'),))
    told = shown(subject, values={"DATABASE": "/data/o\x1b.db", "HERE": "/x", "OTHER": "no", "<V>": "2"})
    assert "DATABASE = /data/o" in told
    assert "\x1b" not in told
    assert "HERE = /x" in told
    assert "OTHER" not in told
    sample = step("x", code=(replace(code("$DATABASE"), role=Role.SAMPLE),))
    assert "=" not in shown(sample, values={"DATABASE": "/data"})


def test_hostile_text_is_made_visible() -> None:
    """Control characters in a title, in prose and in a command are shown, not sent."""
    told = shown(step("x", "echo \x1b[2J", title="a\x1b]0;x\x07b", body="c\u202ed"))
    for part in ("a␛]0;x␇b", "c<U+202E>d", "echo ␛[2J"):
        assert part in told


def test_the_head_of_the_evidence_puts_the_expectation_above_the_verdict() -> None:
    """When, by whom, how long, how much; then what was expected, how it came out, and what it leaves to later steps."""
    attempt = Attempt(
        1, 0, "command", 1000.0, "ann@a", finished_at=1004.2, duration_s=4.2, output_bytes=2500, output_dropped_bytes=1200, edited=True,
        verdict=Verdict(Outcome.FAILED, "it printed 7", "7"), ending="finished", carried=("cwd", "FOO"),
    )  # fmt: skip
    state = StepState(Status.FAILED, attempts=(attempt,))
    told = text(
        attempt_lines(state, attempt, (Expectation("Should return 0", "equals", "0"),), now=NOW, width=100)
    )
    assert "ann@a · edited before it ran · took 4.2 s · output 2.5 kB, of which 1.2 kB in the" in told
    assert "verdict   ✗ failed  it printed 7  value 7" in told
    assert told.index("expected") < told.index("verdict") < told.index("carried")


def test_progress_is_a_bar_a_number_and_words() -> None:
    """With a total: per cent and time left; without one only the words."""
    assert (
        text_of(progress_line(25, 100, "copying", 12.0))
        == "progress  " + "━" * 5 + "─" * 15 + " 25%, 12 s left  copying"
    )
    assert text_of(progress_line(3, 0, "waiting", None)) == "progress  waiting"
