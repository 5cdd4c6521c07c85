"""The strip that never leaves and the key bar, as lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orion_deploy.run.watches.standing import NO_WATCHES, Summary
from orion_deploy.tui.board import Totals
from orion_deploy.tui.keys import ACTIONS, Action, shown_key
from orion_deploy.tui.lines import Line, Span, fit, width_of
from orion_deploy.tui.words import clock, counted, minutes

_ESTIMATE = re.compile(
    r"(?:\d+(?:\.\d+)?\s*(?:-|–|to)\s*)?(\d+(?:\.\d+)?)\s*(s|sec|min|m|h|hour)", re.IGNORECASE
)
LEFT_COLUMNS_MIN = 38
"""Of the second line, for what is settled and how long it took."""
_UNIT_S = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class StripFacts:
    """What the strip tells. All text is plain already."""

    title: str
    run: str
    cwd: str
    totals: Totals
    elapsed_s: float
    estimate: str = ""
    watches: Summary = NO_WATCHES
    running: str = ""
    """Title of the step that runs."""
    running_s: float = 0.0
    rollback: str = "none"
    """`none` where the checklist has no way back, `ready`, or `entered`."""
    rollback_at: float = 0.0
    only_looks: str = ""
    """Why nothing can be done here: who holds the run, and since when."""
    result: str = ""
    now: float = 0.0


def estimate_s(text: str) -> float | None:
    """The upper bound of an estimate in words (`15-30 minutes`), in seconds; None where there is none."""
    match = _ESTIMATE.search(text)
    return float(match[1]) * _UNIT_S[match[2][0].lower()] if match else None


def strip_lines(facts: StripFacts, width: int) -> list[Line]:
    """Two lines: what and where, with the way back (or why one only looks on) at the right; how far, how long, what is outstanding."""
    back = _rollback(facts)
    room = width - width_of(back) - 2
    name = fit(f" {facts.title}", room)
    spare = room - len(name) - 5
    run = f"run {facts.run}"
    first = [Span(name, "title")]
    if spare >= len(run):
        first.append(Span(f"  {run}", "dim"))
    if facts.cwd and (spare := room - width_of(first) - 5) >= 8:
        first.append(Span(f"  in {_left_fit(facts.cwd, spare)}", "dim"))
    gap = width - width_of(first) - width_of(back)
    lines: list[Line] = [(*first, Span(" " * max(1, gap)), *back)]
    lines.append(_second(facts, width))
    return lines


def _second(facts: StripFacts, width: int) -> Line:
    totals = facts.totals
    outstanding = [
        Span(text, role)
        for number, noun, role in (
            (totals.unknown, "unknown", "bad"),
            (totals.failed, "failed", "bad"),
            (totals.undecided, "undecided", "warn"),
            (totals.overrides, "override", "warn"),
            (totals.skipped, "skipped", "warn"),
            (totals.changed, "changed", "warn"),
        )
        if number
        for text in [_count(number, noun)]
    ]
    right: list[Span] = []
    if facts.watches.is_alarm:
        outstanding.insert(0, Span(f" {facts.watches.text} ", "alarm"))
    elif facts.watches.text:
        room = width - width_of(outstanding) - 2 * len(outstanding) - LEFT_COLUMNS_MIN
        is_long = len(facts.watches.text) <= room
        outstanding.append(Span(facts.watches.text if is_long else facts.watches.short, "accent"))
    for span in outstanding:
        right += [span, Span("  ")]
    if not outstanding:
        right = [Span("nothing outstanding ", "dim")]
    left = [Span(f" {totals.settled} of {totals.total} settled", "bold"), Span("  ")]
    room = width - width_of(left) - width_of(right) - 2
    left.append(_time(facts, room))
    if facts.result:
        left += [Span("  "), Span(facts.result, "ok")]
    if facts.running:
        text = f"▸ running {minutes(facts.running_s) if facts.running_s >= 60 else f'{int(facts.running_s)} s'}: {facts.running}"
        room = width - width_of(left) - width_of(right) - 4
        if room >= 16:
            left += [Span("  "), Span(fit(text, room), "run")]
    gap = width - width_of(left) - width_of(right)
    return (*left, Span(" " * max(2, gap)), *right)


def _time(facts: StripFacts, room: int) -> Span:
    """Elapsed against the estimate, as much of it as there is room for; that it is over is never cut off."""
    limit = estimate_s(facts.estimate)
    is_late = limit is not None and facts.elapsed_s > limit
    over = ", over" if is_late else ""
    text = minutes(facts.elapsed_s) + over
    if facts.estimate and room - len(text) >= 12:
        text = fit(f"{minutes(facts.elapsed_s)} of {facts.estimate}", room - len(over)) + over
    return Span(fit(text, room), "warn" if is_late else "dim")


def _count(number: int, noun: str) -> str:
    return counted(number, noun) if noun == "override" else f"{number:,} {noun}"


def _rollback(facts: StripFacts) -> Line:
    if facts.only_looks:
        return (Span(f" {facts.only_looks} ", "alarm"),)
    if facts.rollback == "entered":
        return (Span(f" ROLLING BACK since {clock(facts.rollback_at, facts.now)} ", "alarm"),)
    if facts.rollback == "ready":
        return (Span("R", "key"), Span(" ROLLBACK ", "rollback"))
    return (Span("no rollback section ", "dim"),)


def _left_fit(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]


def bar_keys(
    width: int,
    keymap: Mapping[str, str],
    why_not: Callable[[str], str],
    run_label: str = "run",
    actions: Sequence[Action] = ACTIONS,
) -> list[tuple[str, Line]]:
    """The keys that fit, the most needed first chosen and then in the registry's order; those that are off, in grey.

    `run_label` is what Enter means at the current row.
    """
    chosen: set[str] = set()
    room = width - 1
    for action in sorted((a for a in actions if a.rank), key=lambda a: a.rank):
        label = run_label if action.id == "run" else action.label
        size = len(shown_key(action, keymap)) + 1 + len(label) + 2
        if size <= room:
            chosen.add(action.id)
            room -= size
    keys: list[tuple[str, Line]] = []
    for action in actions:
        if action.id in chosen:
            is_off = bool(why_not(action.id))
            key = Span(f" {shown_key(action, keymap)}", "key.off" if is_off else "key")
            label = run_label if action.id == "run" else action.label
            keys.append((action.id, (key, Span(f" {label} ", "key.off" if is_off else ""))))
    return keys
