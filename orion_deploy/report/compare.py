"""Two runs of one checklist side by side, the differences first: a rehearsal against the real night. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orion_deploy.kinds.verdict import Json
from orion_deploy.report import telling
from orion_deploy.report.evidence import Evidence, Step
from orion_deploy.report.json_data import as_data
from orion_deploy.report.telling import Clock
from orion_deploy.run.state import Status
from orion_deploy.run.words import SIGNS, counted, duration

FORMAT = "orion-deploy comparison"
SCHEMA = 1
SLOWER_TIMES, SLOWER_S = 2.0, 1.0
"""A step took notably longer in one run: by so many times, and by more than so many seconds."""

TODO = SIGNS[Status.TODO].word


@dataclass(frozen=True, slots=True)
class Side:
    """A step in one of the runs."""

    status: str
    """Its word, `overridden` among them."""
    glyph: str
    role: str
    value: str
    duration_s: float
    took: str
    attempts: int
    why: str
    digest: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step in both. `differences` says in words what is not the same; empty where nothing is."""

    step: str
    title: str
    section: str
    sides: tuple[Side | None, Side | None]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs and their steps, in the order of the file."""

    runs: tuple[Evidence, Evidence]
    rows: tuple[Row, ...]

    @property
    def different(self) -> tuple[Row, ...]:
        """The steps that are not the same in both."""
        return tuple(row for row in self.rows if row.differences)

    @property
    def same(self) -> tuple[Row, ...]:
        """The steps that are."""
        return tuple(row for row in self.rows if not row.differences)


def compare(first: Evidence, second: Evidence) -> Comparison:
    """Put two runs side by side: a step is known by its id."""
    sides = [{step.id: (section.title, step) for section, step in run.steps()} for run in (first, second)]
    order = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows = (_row(step_id, sides[0].get(step_id), sides[1].get(step_id)) for step_id in order)
    return Comparison((first, second), tuple(row for row in rows if row is not None))


def _row(step_id: str, first: tuple[str, Step] | None, second: tuple[str, Step] | None) -> Row | None:
    found = first or second
    assert found is not None
    section, step = found
    # A step that one run's file did not have is one that happened in no way there.
    one, two = (
        _side(pair[1]) if pair is not None and _is_known(pair[1]) else None for pair in (first, second)
    )
    if one is None and two is None:
        return None
    return Row(step_id, step.title, section, (one, two), tuple(_differences(one, two)))


def _is_known(step: Step) -> bool:
    """Whether the run's own version of the file had the step."""
    return bool(step.digest) or telling.has_detail(step)


def _side(step: Step) -> Side:
    sign = telling.sign_of(step)
    return Side(
        status=sign.word,
        glyph=sign.glyph,
        role=sign.role,
        value=telling.value_of(step),
        duration_s=step.duration_s,
        took=telling.took(step),
        attempts=len(step.attempts),
        why=telling.why_of(step),
        digest=step.digest,
    )


def _differences(one: Side | None, two: Side | None) -> Iterator[str]:
    if one is None or two is None:
        yield "only in the first" if two is None else "only in the second"
        return
    if one.status != two.status:
        yield "state"
    if one.digest != two.digest:
        yield "text"
    if TODO in (one.status, two.status):
        return  # It was not come to in one of them: there is no more to compare.
    if one.value != two.value:
        yield "value"
    low, high = sorted((one.duration_s, two.duration_s))
    if high > SLOWER_TIMES * low and high - low > SLOWER_S:
        yield "duration"
    if max(one.attempts, 1) != max(two.attempts, 1):
        yield "attempts"


def heads(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """Label, and what there is to say of each run."""
    first, second = (dict(_head(run)) for run in comparison.runs)
    for label in dict.fromkeys([*first, *second]):
        if first.get(label) or second.get(label):
            yield label, first.get(label, ""), second.get(label, "")


def _head(run: Evidence) -> Iterator[tuple[str, str]]:
    yield "Result", run.result
    yield "Begun", Clock.full(run.started_at)
    end = run.finished_at if run.finished_at is not None else run.last_at
    yield "Took", duration(max(0.0, end - run.started_at))
    yield "By", ", ".join(run.operators)
    yield "On", ", ".join(dict.fromkeys(session.machine for session in run.sessions))
    yield "In", run.cwd
    yield "Steps", telling.count_words(run.counts)
    yield "Checklist", f"sha256 {run.digest[: telling.DIGEST_SHOWN]}"
    yield "Commit", run.commit[: telling.DIGEST_SHOWN]
    yield "App", ", ".join(dict.fromkeys(session.app for session in run.sessions))
    yield "Turned back", run.rollback.reason if run.rollback is not None else "no"
    yield "Damage", run.damage


def headline(comparison: Comparison) -> str:
    """How many steps differ, and whether both runs had the same checklist."""
    first, second = comparison.runs
    files = "the same checklist" if first.digest == second.digest else "two versions of the checklist"
    number = len(comparison.different)
    steps = f"{counted(number, 'step')} of {len(comparison.rows):,} {'differs' if number == 1 else 'differ'}"
    return f"{steps if number else 'No step differs'}; {files}"


def side_words(side: Side | None) -> list[str]:
    """A side in short lines: state, value, time, attempts, reason."""
    if side is None:
        return ["not there"]
    attempts = f"{side.attempts} attempts" if side.attempts > 1 else ""
    times = ", ".join(words for words in (side.took, attempts) if words)
    return [words for words in (side.value, times, side.why) if words]


def to_json(comparison: Comparison) -> dict[str, Json]:
    """The comparison as data."""
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "same_checklist": comparison.runs[0].digest == comparison.runs[1].digest,
        "runs": [_run_data(run) for run in comparison.runs],
        "different": as_data(comparison.different),
        "same": as_data(comparison.same),
    }


def _run_data(run: Evidence) -> dict[str, Json]:
    return {
        "journal": as_data(run.mark),
        "result": run.result,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "last_at": run.last_at,
        "digest": run.digest,
        "commit": run.commit,
        "operators": list(run.operators),
        "counts": as_data(run.counts),
        "rollback": run.rollback.reason if run.rollback is not None else None,
        "damage": run.damage,
    }
