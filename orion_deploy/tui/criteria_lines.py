"""Criteria and gates as lines: the gate as a whole, one row for each, and of one of them everything. Pure.

Texts of a checklist and of evidence are hostile: each goes through `plain_line` here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from orion_deploy.checklist.model import SectionKind
from orion_deploy.run.criteria import Criterion, Stand
from orion_deploy.run.gates import STANDS, Gate, due_words, value_words
from orion_deploy.text import plain_line
from orion_deploy.tui.lines import Line, Span, fit, line, wrap
from orion_deploy.tui.page import labelled_wrap
from orion_deploy.tui.words import clock

STAND_COLUMNS = 9
VALUE_COLUMNS = 24
WITH_VALUE_COLUMNS = 92
"""From which width on a row has the value against its limit."""
TITLE_COLUMNS_LEAST = 24
GATES_SHOWN_MAX = 3
_ROLES = {Stand.HOLDS: "ok", Stand.FAILS: "bad", Stand.OPEN: "bold", Stand.PERSON: "bold"}


def gate_lines(gates: Sequence[Gate], now: float, width: int) -> list[Line]:
    """The gates as a whole, one line each: gates before criteria, since something waits for them."""
    ordered = sorted(gates, key=lambda gate: gate.kind is not SectionKind.GATES)
    lines: list[Line] = []
    for gate in ordered[:GATES_SHOWN_MAX]:
        sign = STANDS[gate.stand]
        text = f"{sign.glyph} {plain_line(gate.sentence)}"
        due_at = gate.next_due_at
        due = f"  next due {due_words(due_at, now)}" if due_at is not None and due_at > now else ""
        due = due if cell_len(text) + cell_len(due) <= width else ""
        lines.append((Span(fit(text, width), _ROLES[gate.stand]), Span(due, "dim")))
    if len(ordered) > GATES_SHOWN_MAX:
        lines.append(line(f"and {len(ordered) - GATES_SHOWN_MAX} more", "dim"))
    return lines


def when(criterion: Criterion, now: float) -> str:
    """What stands at the right of a row: when it is due, that it is out of date, or who decided it."""
    if criterion.can_be_decided:
        return "out of date: decide anew" if criterion.is_outdated else "can be decided now"
    if criterion.is_outdated:
        return "out of date"
    if criterion.stand in (Stand.OPEN, Stand.PERSON):
        return (
            due_words(criterion.due_at, now)
            if criterion.due_at is not None and criterion.due_at > now
            else ""
        )
    by = plain_line(criterion.by).partition("@")[0] if criterion.by_person else ""
    return f"{by} {clock(criterion.at, now)}".strip() if criterion.at is not None else by


def criterion_row(criterion: Criterion, now: float, width: int) -> Line:
    """A criterion in one row: how it stands, its title, the value against its limit, and when, as there is room."""
    sign = STANDS[criterion.stand]
    right = when(criterion, now)
    role = "warn" if criterion.is_outdated or criterion.can_be_decided else "dim"
    value = ""
    if width >= WITH_VALUE_COLUMNS:
        value = f"  {fit(plain_line(value_words(criterion)), VALUE_COLUMNS):<{VALUE_COLUMNS}}"
    room = width - STAND_COLUMNS - cell_len(value) - cell_len(right) - 2
    if room < TITLE_COLUMNS_LEAST:
        right = fit(right, max(0, width - STAND_COLUMNS - cell_len(value) - TITLE_COLUMNS_LEAST - 2))
        room = width - STAND_COLUMNS - cell_len(value) - cell_len(right) - 2
    title = fit(plain_line(criterion.title), room)
    pad = " " * max(0, room - cell_len(title))
    word = f"{sign.text:<{STAND_COLUMNS}}"
    return (Span(word, sign.role), Span(title), Span(f"{pad}{value}", "bold"), Span(f"  {right}", role))


def criterion_page(
    criterion: Criterion, now: float, width: int, *, who: str, titles: Callable[[str], str], does: str
) -> list[Line]:
    """Everything about one criterion. `titles` turns ids in a sentence into titles, `does` is what Enter does."""
    sign = STANDS[criterion.stand]
    lines = wrap(line(plain_line(criterion.title), "title"), width)
    lines += wrap(
        (Span(sign.text, sign.role), Span(f"  {plain_line(titles(criterion.why))}")), width, hang="  "
    )
    if value := value_words(criterion):
        so_far = f"  so far: {criterion.so_far}" if criterion.so_far and criterion.stand is Stand.OPEN else ""
        lines += labelled_wrap("value", f"{plain_line(value)}{so_far}", width, "bold")
    if criterion.due_at is not None and criterion.stand in (Stand.OPEN, Stand.PERSON):
        lines += labelled_wrap("due", due_words(criterion.due_at, now), width)
    if criterion.by and criterion.at is not None:
        word = "said by" if criterion.by_person else "decided"
        override = ", against the evidence" if criterion.is_override else ""
        past = ", out of date" if criterion.is_outdated else ""
        by = f"{plain_line(criterion.by)} {clock(criterion.at, now)}{override}{past}"
        lines += labelled_wrap(word, by, width, "warn" if override or past else "")
    if does:
        told = f"{does}, as {plain_line(who)}" if who else does
        lines += labelled_wrap("Enter", told, width, "", "key")
    return lines
