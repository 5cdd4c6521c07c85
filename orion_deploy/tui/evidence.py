"""What a run of a step left: which attempt, what was expected, the verdict with its value and reason, and the output's end. Pure."""

from __future__ import annotations

from orion_deploy.checklist.model import Expectation
from orion_deploy.run.state import Attempt, StepState
from orion_deploy.text import plain_line, stripped
from orion_deploy.tui.lines import Line, Span, bounded, line, width_of, wrap
from orion_deploy.tui.page import LABEL_COLUMNS, labelled_wrap
from orion_deploy.tui.words import OUTCOMES, clock, duration, size

EXPECTATIONS_SHOWN_MAX = 4
BAR_COLUMNS = 20


def attempt_lines(
    state: StepState,
    attempt: Attempt,
    expectations: tuple[Expectation, ...],
    *,
    now: float,
    width: int,
    seen_bytes: int = 0,
    progress: Line = (),
) -> list[Line]:
    """The head of the evidence: the attempt in one line, the expectation above the verdict, so that both are read together."""
    parts = [f"attempt {attempt.number}"] if len(state.attempts) > 1 or attempt.number > 1 else []
    parts.append(clock(attempt.started_at, now))
    parts.append(plain_line(attempt.by))
    if attempt.edited:
        parts.append("edited before it ran")
    if attempt.duration_s is not None:
        parts.append(f"took {duration(attempt.duration_s)}")
    parts.append(_output(attempt, seen_bytes))
    lines: list[Line] = []
    head: list[Span] = []
    if attempt.finished_at is None and not attempt.ending:
        head.append(Span(f"▸ running {duration(now - attempt.started_at)}  ", "run"))
    head.append(Span(" · ".join(parts), "dim"))
    lines += wrap(head, width)
    if progress:
        lines += wrap(progress, width, hang=" " * LABEL_COLUMNS)
    for expectation in expectations[:EXPECTATIONS_SHOWN_MAX]:
        lines += labelled_wrap("expected", plain_line(expectation.text), width)
    if (more := len(expectations) - EXPECTATIONS_SHOWN_MAX) > 0:
        lines += labelled_wrap("", f"and {more} more", width, "dim")
    lines += verdict_lines(attempt, width)
    if attempt.carried:
        names = ", ".join(plain_line(name) for name in attempt.carried)
        lines += labelled_wrap("carried", f"later steps start with its {names}", width)
    return lines


def progress_line(done: int, total: int, message: str, eta_s: float | None) -> Line:
    """How far a typed step is: a bar, per cent, time left, in its own words; without a total only the words."""
    text = plain_line(message)
    if total <= 0:
        return (Span("progress  ", "label"), Span(text or f"{done:,}"))
    part = max(0.0, min(1.0, done / total))
    full = round(part * BAR_COLUMNS)
    left = f", {duration(eta_s)} left" if eta_s is not None else ""
    return (
        Span("progress  ", "label"),
        Span("━" * full, "run"),
        Span("─" * (BAR_COLUMNS - full), "dim"),
        Span(f" {part:.0%}{left}  ", "bold"),
        Span(text),
    )


def _output(attempt: Attempt, seen_bytes: int) -> str:
    """How much it printed, and how much of that was not kept."""
    total, dropped = attempt.output_bytes or seen_bytes, attempt.output_dropped_bytes
    if not total:
        return "no output yet" if attempt.finished_at is None and not attempt.ending else "no output"
    return f"output {size(total)}" + (
        f", of which {size(dropped)} in the middle were not kept" if dropped else ""
    )


def verdict_lines(attempt: Attempt, width: int) -> list[Line]:
    """The verdict, its value, its reason."""
    verdict = attempt.verdict
    if verdict is None:
        if attempt.ending:
            return labelled_wrap("outcome", attempt.ending, width, "warn")
        return []
    sign = OUTCOMES[verdict.outcome]
    spans = [Span("verdict   ", "label"), Span(sign.text, sign.role), Span(f"  {plain_line(verdict.reason)}")]
    value = [Span("  value ", "label"), Span(plain_line(verdict.value), "bold")]
    if verdict.value and width_of(spans) + width_of(value) <= width:
        return [(*spans, *value)]
    lines = wrap(spans, width, hang=" " * LABEL_COLUMNS)
    if verdict.value:
        lines += labelled_wrap("value", plain_line(verdict.value), width, "bold")
    return lines


def tail_lines(data: bytes, height: int, width: int, *, is_whole: bool) -> list[Line]:
    """The last lines of an output that fit, made safe; a line that was cut at the front of `data` is left out."""
    if height <= 0:
        return []
    if not is_whole:
        _, newline, rest = data.partition(b"\n")
        data = rest if newline else data
    text = stripped(data.decode("utf-8", "replace"))
    rows = text.split("\n")
    if rows and not rows[-1]:
        rows.pop()
    lines: list[Line] = []
    for row in reversed(rows[-height:]):
        wrapped = wrap(line(bounded(row), "output"), max(4, width - 2))
        lines[:0] = [(Span("│ ", "dim"), *part) for part in wrapped[-height:]]
        if len(lines) >= height:
            break
    return lines[-height:]
