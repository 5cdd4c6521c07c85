"""The steps on the HTML page: each is one row, and opens to all that happened to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orion_deploy.report import plot, telling
from orion_deploy.report.evidence import Attempt, Evidence, OutputText, Section, Step, Watch
from orion_deploy.report.html_marks import block, chip, diff, facts, folded, line, listed, pre
from orion_deploy.report.telling import Clock
from orion_deploy.run.state import Status
from orion_deploy.run.words import size

PRINTED_LINES_MAX = 10
PRINTED_CHARACTERS_MAX = 900
"""Of an output's end, on paper, where its step is not open on the page."""


class StepWriter:
    """Writes the steps of one run."""

    def __init__(self, evidence: Evidence, clock: Clock) -> None:
        self._cwd = evidence.cwd
        self._clock = clock
        self._end = evidence.made_at
        self.anchors = {
            step.id: f"step-{number}" for number, (_, step) in enumerate(evidence.steps(), start=1)
        }

    def section(self, section: Section, number: int) -> str:
        """A section with its steps."""
        kind = telling.KIND_WORDS.get(section.kind, section.kind)
        done = ""
        if section.completed_at is not None:
            done = f"completed {self._clock(section.completed_at)} by {section.completed_by}"
        settled = sum(step.status in (Status.DONE, Status.SKIPPED) for step in section.steps)
        is_untouched = telling.is_untouched_way_back(section)
        count = "" if is_untouched else f"{settled:,} of {len(section.steps):,}"
        notes = " · ".join(words for words in (kind, count, done) if words)
        head = f'<h3 id="section-{number}">{line(section.title) or "(no heading)"} <small>{line(notes)}</small></h3>'
        if is_untouched:
            return f'<section>{head}<p class="quiet">{line(telling.NOT_TURNED_BACK)}</p></section>'
        rows = "".join(self._step(step) for step in section.steps)
        return f'<section>{head}<div class="steps">{rows}</div></section>'

    def _step(self, step: Step) -> str:
        row = self._row(step)
        anchor = self.anchors[step.id]
        if not telling.has_detail(step):
            return f'<div class="step" id="{anchor}"><div class="row">{row}</div></div>'
        is_open = " open" if _needs_eyes(step) else ""
        printed = f'<div class="printed">{self._printed(step)}</div>'
        return (
            f'<details class="step" id="{anchor}"{is_open}><summary class="row">{row}</summary>'
            f'<div class="detail">{"".join(self._detail(step))}</div></details>{printed}'
        )

    def _row(self, step: Step) -> str:
        why, value = telling.why_of(step), telling.value_of(step)
        words = [f'<b class="title">{line(step.title)}</b>']
        if step.is_mandatory:
            words.append('<span class="tag">mandatory</span>')
        if value:
            words.append(f'<span class="seen">{line(value)}</span>')
        if why:
            words.append(f'<span class="why">{line(why)}</span>')
        when = self._clock(step.at) if step.at else ""
        who = telling.by_whom(step)
        return (
            f'{chip(telling.sign_of(step))}<span class="words">{"".join(words)}</span>'
            f'<span class="took">{line(telling.took(step))}</span>'
            f'<span class="when"><span>{line(when)}</span> <span>{line(who)}</span></span>'
        )

    def _detail(self, step: Step) -> Iterator[str]:
        yield facts(telling.step_facts(step, self._clock))
        for note in step.notes:
            yield (
                f"<blockquote><p>{block(note.text)}</p><footer>{line(f'{note.by}, {self._clock(note.at)}')}"
                "</footer></blockquote>"
            )
        for attempt in step.attempts:
            yield self._attempt(attempt)

    def _attempt(self, attempt: Attempt) -> str:
        sign = chip(telling.attempt_sign(attempt))
        parts = [
            f"<h4>Attempt {attempt.number} {sign} <small>{line(attempt.what)}</small></h4>",
            facts(telling.attempt_facts(attempt, self._clock, self._cwd)),
        ]
        if attempt.watch is not None:
            parts.append(self._watch(attempt, attempt.watch))
        if attempt.diff:
            parts.append(f"<p>Edited before it ran:</p>{diff(attempt.diff)}")
        if attempt.script:
            parts.append(folded("What ran", pre(attempt.script)))
        parts.append(_output(attempt.output))
        return f'<div class="attempt">{"".join(parts)}</div>'

    def _watch(self, attempt: Attempt, watch: Watch) -> str:
        parts = [facts(telling.watch_facts(watch, self._clock))]
        if watch.points or watch.gaps or watch.fired:
            parts.append(self._figure(attempt, watch))
        if watch.fired:
            parts.append(f"<p>Fired:</p>{listed(telling.firing_words(f, self._clock) for f in watch.fired)}")
        if watch.gaps:
            parts.append(
                f"<p>Not observed:</p>{listed(telling.gap_words(g, self._clock) for g in watch.gaps)}"
            )
        if watch.lines:
            rows = "\n".join(found.text for found in watch.lines)
            parts.append(folded("Last lines that it was about", pre(rows)))
        return "".join(parts)

    def _figure(self, attempt: Attempt, watch: Watch) -> str:
        start = attempt.started_at
        end = attempt.finished_at or max(watch.looked_at, start)
        frame = plot.frame_of(watch, start, end)
        described = ", ".join(
            f"{label.lower()} {words}" for label, words in telling.watch_facts(watch, self._clock)
        )
        keys = ['<span class="key value">value</span>']
        if watch.limit is not None:
            limit = telling.quantity(watch.limit, watch.unit)
            keys.append(f'<span class="key limit">limit {line(limit)}</span>')
        if watch.gaps:
            keys.append('<span class="key gap">not observed</span>')
        if watch.fired:
            keys.append('<span class="key fired">fired</span>')
        high, low = (line(telling.quantity(value, watch.unit)) for value in (frame.high, frame.low))
        return (
            f'<figure><div class="axis"><span>{high}</span><span>{low}</span></div>'
            f"{plot.svg(watch, start, end, line(described))}"
            f'<div class="times"><span>{line(self._clock(frame.start))}</span>'
            f"<span>{line(self._clock(frame.end))}</span></div>"
            f"<figcaption>{''.join(keys)}</figcaption></figure>"
        )

    def _printed(self, step: Step) -> str:
        """What stands on paper of a step that is not open: how it ended, and the end of its output."""
        attempt = step.attempts[-1] if step.attempts else None
        acts = [f"{self._clock(a.at)} {a.what} by {a.by}{f': {a.text}' if a.text else ''}" for a in step.acts]
        notes = [f"{note.by}: {note.text}" for note in step.notes]
        parts = [listed([*acts, *notes])]
        if attempt is not None:
            verdict = attempt.verdict.reason if attempt.verdict is not None else attempt.ending
            more = f" (of {len(step.attempts)} attempts)" if len(step.attempts) > 1 else ""
            parts.append(f"<p>{line(verdict + more)}</p>")
            parts.append(_printed_tail(attempt.output))
        return "".join(parts)


def _needs_eyes(step: Step) -> bool:
    if step.override or step.status in (Status.FAILED, Status.UNKNOWN):
        return True
    return any(attempt.watch is not None and attempt.watch.fired for attempt in step.attempts)


def _output(output: OutputText) -> str:
    if output.why_missing:
        words = f"Its output ({size(output.total_bytes)}) is not here: {output.why_missing}"
        return f'<p class="missing">{line(words)}</p>'
    if not output.head and not output.tail:
        return ""
    body = pre(output.head, "output") if output.head else ""
    if output.tail:
        body += f'<p class="cut">{size(output.left_out_bytes)} left out here</p>{pre(output.tail, "output")}'
    return folded(f"Output, {size(output.total_bytes)}", body)


def _printed_tail(output: OutputText) -> str:
    whole = (output.tail or output.head).rstrip("\n")
    if not whole:
        return ""
    rows = whole[-PRINTED_CHARACTERS_MAX:].split("\n")[-PRINTED_LINES_MAX:]
    tail = "\n".join(rows)
    cut = '<p class="cut">the end of its output</p>' if tail != whole or output.tail else ""
    return cut + pre(tail, "output")
