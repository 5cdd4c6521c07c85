"""The evidence as JUnit XML, for what shows the results of a pipeline: a suite for each section, a case for each step. Pure.

Failed is a failure. What has no outcome that anybody vouches for (unknown, undecided, changed since) is an error. What
was not carried out (open, running, skipped, not applicable) is skipped, and says why. An overridden step passed, as a
person decided, and says so. Elements, attributes and their order are those that Jenkins, GitLab and GitHub's reporters
read; no character stands in it that XML 1.0 does not know.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator

from orion_deploy.report import telling
from orion_deploy.report.evidence import Evidence, OutputText, Section, Step
from orion_deploy.report.marks import PROPERTY
from orion_deploy.run.state import Status
from orion_deploy.run.words import size
from orion_deploy.text import plain, plain_line

FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"
TAIL_CHARACTERS_MAX = 4_000
_OUTCOMES = {
    Status.FAILED: FAILURE,
    Status.UNKNOWN: ERROR,
    Status.UNDECIDED: ERROR,
    Status.CHANGED: ERROR,
    Status.TODO: SKIPPED,
    Status.RUNNING: SKIPPED,
    Status.SKIPPED: SKIPPED,
}
_NO_XML = re.compile("[\ufffe\uffff]")
"""Of what `plain` leaves: the two that XML 1.0 has no way to write."""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def page(evidence: Evidence) -> str:
    """Return the evidence as JUnit XML."""
    told = [section for section in evidence.sections if not telling.is_untouched_way_back(section)]
    suites = [Suite(evidence, section, number) for number, section in enumerate(told)]
    totals = Counter[str]()
    for suite in suites:
        totals.update(suite.counts)
    body = "".join(suite.text for suite in suites) or _suite_without_steps(evidence)
    seconds = sum(suite.seconds for suite in suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="{line(evidence.title)}" {_counted(totals)} time="{seconds:.3f}">\n{body}</testsuites>\n'
    )


def text(words: str) -> str:
    """A text between tags."""
    return _escaped(plain(words))


def line(words: str) -> str:
    """A text in an attribute."""
    return _escaped(plain_line(words))


def _escaped(words: str) -> str:
    return re.sub('[&<>"]', lambda m: _ESCAPES[m[0]], _NO_XML.sub("\ufffd", words))


class Suite:
    """One section."""

    def __init__(self, evidence: Evidence, section: Section, number: int) -> None:
        self.counts = Counter({"tests": len(section.steps)})
        self.seconds = sum(step.duration_s for step in section.steps)
        self._seen = Counter[str]()
        self._classname = line(section.title or evidence.title)
        cases = "".join(self._case(step) for step in section.steps)
        machine = next((session.machine for session in reversed(evidence.sessions)), "")
        first = _properties(evidence) if number == 0 else ""
        self.text = (
            f'<testsuite name="{self._classname}" id="{number}" {_counted(self.counts)} '
            f'skipped="{self.counts[SKIPPED]}" time="{self.seconds:.3f}" timestamp="{_moment(evidence.started_at)}" '
            f'hostname="{line(machine)}">\n{first}{cases}</testsuite>\n'
        )

    def _case(self, step: Step) -> str:
        self._seen[step.title] += 1
        again = f" ({self._seen[step.title]})" if self._seen[step.title] > 1 else ""
        head = f'<testcase classname="{self._classname}" name="{line(step.title)}{again}" time="{step.duration_s:.3f}">'
        out = "\n".join(_out(step))
        printed = f"<system-out>{text(out)}</system-out>" if out else ""
        return f"{head}{self._outcome(step)}{printed}</testcase>\n"

    def _outcome(self, step: Step) -> str:
        kind = _OUTCOMES.get(step.status, "")
        if not kind:
            return ""
        self.counts[kind] += 1
        why = telling.why_of(step)
        word = telling.sign_of(step).word
        message = line(f"{word}: {why}" if why else word)
        if kind == SKIPPED:
            return f'<skipped message="{message}"/>'
        return f'<{kind} message="{message}" type="{line(word)}">{text(why)}</{kind}>'


def _out(step: Step) -> Iterator[str]:
    if step.override:
        yield f"overridden by {step.by}: {step.reason}"
    if value := telling.value_of(step):
        yield f"value: {value}"
    for note in step.notes:
        yield f"note of {note.by}: {note.text}"
    if not step.attempts:
        return
    last = step.attempts[-1]
    if last.verdict is not None:
        yield f"verdict of attempt {last.number}: {last.verdict.outcome}: {last.verdict.reason}"
    if last.watch is not None:
        for firing in last.watch.fired:
            yield f"fired: {firing.reason} {firing.value}".rstrip()
    if tail := _tail(last.output):
        yield tail


def _tail(output: OutputText) -> str:
    """The end of an output, and how much of it that is."""
    if output.why_missing:
        return f"its output is not here: {output.why_missing}"
    whole = output.tail or output.head
    if not whole:
        return ""
    tail = whole[-TAIL_CHARACTERS_MAX:]
    is_all = not output.tail and len(tail) == len(whole)
    head = f"output, {size(output.total_bytes)}" + ("" if is_all else ", its end")
    return f"--- {head} ---\n{tail}"


def _counted(counts: Counter[str]) -> str:
    return f'tests="{counts["tests"]}" failures="{counts[FAILURE]}" errors="{counts[ERROR]}"'


def _properties(evidence: Evidence) -> str:
    facts = {
        PROPERTY: evidence.mark.text,
        "orion-deploy.run": evidence.mark.run,
        "orion-deploy.result": evidence.result,
        "orion-deploy.checklist": evidence.checklist,
        "orion-deploy.checklist.sha256": evidence.digest,
        "orion-deploy.version": evidence.app,
    }
    rows = "".join(f'<property name="{line(name)}" value="{line(value)}"/>' for name, value in facts.items())
    return f"<properties>{rows}</properties>\n"


def _suite_without_steps(evidence: Evidence) -> str:
    title = line(evidence.title)
    return (
        f'<testsuite name="{title}" tests="0" failures="0" errors="0">\n{_properties(evidence)}</testsuite>\n'
    )


def _moment(at: float) -> str:
    """ISO 8601 in UTC, without a zone: what the schema of JUnit knows."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(max(0.0, at)))
    except (OverflowError, ValueError, OSError):  # The clock of a broken machine.
        return "1970-01-01T00:00:00"
