"""The evidence as Markdown, for a reviewer: the result, what needs eyes, the steps as tables, then the outputs.

No text of a checklist, an operator or a process can become a mark of the page: every character that means something
to Markdown or HTML is escaped, and a fence is longer than any run of backticks in what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from orion_deploy.report import telling
from orion_deploy.report.concerns import Concern, concerns
from orion_deploy.report.evidence import Attempt, Evidence, Section, Step, Watch
from orion_deploy.report.marks import markdown_mark
from orion_deploy.report.telling import Clock, Fact
from orion_deploy.run.words import size
from orion_deploy.text import plain, plain_line

_MEANS_SOMETHING = re.compile(r"[\\`*\[\]#~$<&|]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|:(?=[a-z_+-]+:)")
"""Anywhere in a line. An underscore within a word is none, a colon only in a link or in the name of an emoji."""
_BEGINS_SOMETHING = re.compile(r"^(?:>|[+-](?=[\s+-]|$)|=+(?=\s*$)|\d{1,9}(?=[.)](?:\s|$)))")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_ENTITIES = {"<": "&lt;", "&": "&amp;", "|": "&#124;", ":": "&#58;"}
"""Escaped so, and not by a backslash: HTML, tables and automatic links look at these before Markdown does."""
LISTED_MAX = 50


def text(words: str) -> str:
    """Make a text safe for any place of a line: in a paragraph, a heading, a table's cell, an item of a list."""
    line = plain_line(words).strip()
    line = _MEANS_SOMETHING.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), line)
    line = _BEGINS_SOMETHING.sub(lambda m: f"&#{ord(m[0][0])};{m[0][1:]}", line)
    return _WWW.sub(r"\1&#46;", line)


def fenced(words: str, language: str = "text") -> list[str]:
    """A block of code that nothing in it can end."""
    body = plain(words).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *body.split("\n"), fence]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table of texts that are safe already."""
    heads = list(head)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def facts_table(facts: Iterable[Fact]) -> list[str]:
    """Labels and texts, one a row."""
    return table(("", ""), ((f"**{text(label)}**" if label else "", text(words)) for label, words in facts))


def page(evidence: Evidence) -> str:
    """Return the evidence as Markdown."""
    clock = Clock(evidence.started_at)
    found = concerns(evidence)
    lines = [markdown_mark(evidence.mark), "", f"# {text(evidence.title)}", ""]
    lines += [f"**{text(evidence.result)}**", "", *facts_table(telling.head_facts(evidence, clock)), ""]
    lines += _concerns(found, clock)
    if evidence.rollback is not None:
        lines += ["## The way back", "", *facts_table(telling.rollback_facts(evidence.rollback, clock)), ""]
    lines += ["## Steps", ""]
    for section in evidence.sections:
        lines += _section(section, clock)
    lines += _details(evidence, clock)
    lines += _record(evidence, clock)
    return "\n".join(lines) + "\n"


def _concerns(found: tuple[Concern, ...], clock: Clock) -> list[str]:
    if not found:
        return [
            "Nothing needs your eyes: every step was settled, and each by its own verdict or by a person.",
            "",
        ]
    rows = (
        (
            f"**{text(concern.what)}**",
            text(concern.title),
            text(concern.text),
            clock(concern.at) if concern.at else "",
            text(concern.by),
        )
        for concern in found
    )
    return ["## What needs your eyes", "", *table(("What", "Step", "Why", "When", "Who"), rows), ""]


def _section(section: Section, clock: Clock) -> list[str]:
    kind = telling.KIND_WORDS.get(section.kind, section.kind)
    lines = [f"### {text(section.title) or '(no heading)'}{f' ({kind})' if kind else ''}", ""]
    if telling.is_untouched_way_back(section):
        return [*lines, f"{telling.NOT_TURNED_BACK}", ""]
    if section.completed_at is not None:
        lines += [f"Completed {clock(section.completed_at)} by {text(section.completed_by)}.", ""]
    rows = ((*_cells(step, clock),) for step in section.steps)
    return [*lines, *table(("State", "Step", "Value", "Took", "When", "Who", "Why"), rows), ""]


def _cells(step: Step, clock: Clock) -> Iterator[str]:
    yield telling.sign_of(step).text
    yield text(step.title) + (" **(mandatory)**" if step.is_mandatory else "")
    yield text(telling.value_of(step))
    yield telling.took(step)
    yield clock(step.at) if step.at else ""
    yield text(telling.by_whom(step))
    yield text(telling.why_of(step))


def _details(evidence: Evidence, clock: Clock) -> list[str]:
    steps = [step for _, step in evidence.steps() if telling.has_detail(step)]
    if not steps:
        return []
    lines = ["## What happened, step by step", ""]
    for step in steps:
        lines += [f"### {text(step.title)}", "", *facts_table(telling.step_facts(step, clock)), ""]
        for note in step.notes:
            lines += [f"Note of {clock(note.at)} by {text(note.by)}:", "", *quoted(note.text), ""]
        for attempt in step.attempts:
            lines += _attempt(attempt, clock, evidence.cwd)
    return lines


def quoted(words: str) -> list[str]:
    """Somebody's own words, line by line."""
    return [f"> {text(line)}" if line.strip() else ">" for line in plain(words).split("\n")]


def _attempt(attempt: Attempt, clock: Clock, cwd: str) -> list[str]:
    sign = telling.attempt_sign(attempt)
    head = f"Attempt {attempt.number}: {sign.text}"
    lines = [f"**{head}** ({text(attempt.what)})", ""]
    lines += [*facts_table(telling.attempt_facts(attempt, clock, cwd)), ""]
    if attempt.watch is not None:
        lines += _watch(attempt.watch, clock)
    if attempt.script:
        lines += folded("What ran", fenced(attempt.script, "bash"))
    if attempt.diff:
        lines += folded("What was edited", fenced(attempt.diff, "diff"))
    output = attempt.output
    if output.why_missing:
        lines += [f"Its output ({size(output.total_bytes)}) is not here: {text(output.why_missing)}", ""]
    elif output.head or output.tail:
        lines += folded(f"Output, {size(output.total_bytes)}", _output(attempt))
    return lines


def _output(attempt: Attempt) -> list[str]:
    output = attempt.output
    lines = fenced(output.head) if output.head else []
    if output.tail:
        lines += ["", f"{size(output.left_out_bytes)} left out here", "", *fenced(output.tail)]
    return lines


def folded(summary: str, lines: list[str]) -> list[str]:
    """A block that is opened by a click, where the page is shown as HTML."""
    return [f"<details><summary>{text(summary)}</summary>", "", *lines, "", "</details>", ""]


def _watch(watch: Watch, clock: Clock) -> list[str]:
    lines = [*facts_table(telling.watch_facts(watch, clock)), ""]
    for title, items in (
        ("Fired", [telling.firing_words(firing, clock) for firing in watch.fired]),
        ("Not observed", [telling.gap_words(gap, clock) for gap in watch.gaps]),
    ):
        if items:
            lines += [f"{title}:", "", *listed(items), ""]
    if watch.lines:
        lines += folded("Last lines that it was about", fenced("\n".join(line.text for line in watch.lines)))
    return lines


def listed(items: list[str]) -> list[str]:
    """A list; of many the first ones, and how many more."""
    lines = [f"- {text(item)}" for item in items[:LISTED_MAX]]
    more = len(items) - LISTED_MAX
    return [*lines, f"- and {more:,} more"] if more > 0 else lines


def _record(evidence: Evidence, clock: Clock) -> list[str]:
    """What the evidence rests on."""
    lines = ["## The record", ""]
    if evidence.variables:
        rows = (
            (text(v.name), "*secret, given*" if v.is_secret else text(v.text)) for v in evidence.variables
        )
        lines += ["Values:", "", *table(("Name", "Value"), rows), ""]
    for note in evidence.notes:
        lines += [f"Note of {clock(note.at)} by {text(note.by)}:", "", *quoted(note.text), ""]
    lines += ["Sessions:", "", *listed([telling.session_words(s, clock) for s in evidence.sessions]), ""]
    acts = [*evidence.survived, *evidence.others]
    if acts:
        lines += ["Also recorded:", "", *listed([f"{clock(a.at)} {a.what}: {a.text}" for a in acts]), ""]
    approvals = [f"{clock(a.at)} by {a.by}: sha256 {a.digest}" for a in evidence.approvals]
    if approvals:
        lines += ["Commands approved:", "", *listed(approvals), ""]
    return [*lines, *facts_table(telling.record_facts(evidence, clock)), ""]
