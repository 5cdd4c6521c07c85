"""The bundled checklist: one model in two formats, nothing for lint to find, and no part of the seed forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from support.shared import seed

from orion_deploy import bundled
from orion_deploy.checklist.model import Checklist, Section, SectionKind, Step
from orion_deploy.checklist.read import load
from orion_deploy.checklist.show import to_json

NAME = "0001_add_active_request"


def _load(suffix: str) -> Checklist:
    home = bundled.folder("checklists")
    assert home is not None
    return load(home / (NAME + suffix))[0]


MARKDOWN = _load(".md")
STEPS: Mapping[str, tuple[Section, Step]] = {step.id: (section, step) for section, step in MARKDOWN.walk()}


class Part(NamedTuple):
    """A part of the seed in our words, and the steps that carry it out here, each with its kind."""

    what: str
    steps: Mapping[str, str]


SEED_STEPS = (
    Part(
        "copy the production database, migrate the copy, look at its schema", {"rehearse": "sqlite.rehearse"}
    ),
    Part("take the migration back on the copy", {"rehearse": "sqlite.rehearse"}),
    Part("both test suites pass on the migrated code", {"tests": "command"}),
    Part(
        "a quiet hour: late on a weekday, no holiday, nobody at work",
        {"window": "clock.window", "quiet": "people.confirm"},
    ),
    Part("the application is stopped, and seen to be", {"stop": "process.stop", "stopped": "process.absent"}),
    Part("nobody has the database open", {"closed": "files.closed"}),
    Part("how large the table is", {"size": "sqlite.query"}),
    Part("no request is under way", {"idle": "sqlite.query"}),
    Part("a backup", {"backup": "sqlite.backup"}),
    Part("the command for the way back, kept at hand and not run", {"way-back": "reference"}),
    Part("stop the application if it is not stopped", {"stop-again": "process.stop"}),
    Part("the migration, within its time", {"migrate": "sqlite.migrate"}),
    Part("column, index and version are there", {"migrated": "sqlite.schema"}),
    Part("the application is started", {"start": "process.start"}),
    Part("the log shows no errors of writing, reading or SQLite", {"errors": "logs.absent"}),
    Part("the registry restored its requests", {"restored": "logs.present"}),
    Part("a message is sent and answered", {"message": "command"}),
    Part(
        "times of flush, restore and send",
        {"flush": "logs.latency", "restore-time": "logs.present", "send": "logs.latency"},
    ),
    Part("memory, at once and after a day", {"memory": "process.memory", "day": "people.confirm"}),
    Part("back: stop", {"back-stop": "process.stop"}),
    Part(
        "back: choose between the backup and the down migration",
        {"back-way": "people.choice", "back-restore": "sqlite.restore", "back-down": "sqlite.rollback"},
    ),
    Part("back: the column is gone", {"back-verified": "sqlite.schema"}),
    Part("back: start", {"back-start": "process.start"}),
    Part("back: one session works", {"back-message": "command"}),
    Part("success: less than 30 seconds", {"success-time": "evidence.value"}),
    Part("success: no failed restore", {"success-restores": "evidence.passed"}),
    Part("success: the registry restored", {"success-registry": "evidence.value"}),
    Part("success: the message", {"success-message": "evidence.passed"}),
    Part("success: no reports from people", {"success-people": "evidence.passed"}),
    Part("success: the flush", {"success-flush": "evidence.value"}),
    Part("success: the memory", {"success-memory": "evidence.value"}),
    Part("gate: in production", {"gate-deployed": "sqlite.schema"}),
    Part("gate: no errors for a day", {"gate-errors": "evidence.passed"}),
    Part("gate: the flush", {"gate-flush": "evidence.value"}),
    Part("gate: the restore", {"gate-restore": "evidence.value"}),
    Part("gate: no leak", {"gate-leaks": "evidence.value"}),
)
"""Every step of the seed, in its order."""

ADDED = {"ready": "sqlite.ready", "before": "sqlite.state"}
"""What the seed does not ask for."""

LIMITS = {
    "REHEARSAL_S_MAX": "5",
    "FLUSH_MS_MAX": "2",
    "FLUSH_MS_ROLLBACK": "5",
    "SEND_MS_MAX": "2",
    "SEND_MS_ROLLBACK": "10",
    "RESTORE_MS_MAX": "100",
    "MEMORY_MB_MAX": "500",
    "GROWTH_PERCENT_MAX": "20",
}


def _shown(checklist: Checklist) -> object:
    """What `show --json` prints, but for what must differ: places, the file's digest, and blocks of facts."""

    def bare(value: object) -> object:
        if isinstance(value, dict):
            differs = ("line", "column", "level", "digest", "source")
            return {k: bare(v) for k, v in value.items() if k not in differs}
        if isinstance(value, list):
            return [
                bare(item) for item in value if not (isinstance(item, dict) and item.get("role") == "step")
            ]
        return value

    return bare(to_json(checklist))


def test_both_formats_say_the_same() -> None:
    """The YAML twin is the same checklist: titles, prose, facts, scripts, variables and notes."""
    yaml = _load(".yaml")
    assert yaml.source == "yaml"
    assert _shown(yaml) == _shown(MARKDOWN)


@pytest.mark.parametrize("suffix", [".md", ".yaml"])
def test_nothing_is_wrong_with_it(suffix: str) -> None:
    """The reader has no problem with it, and every typed step has sound parameters."""
    from orion_deploy.kinds.registry import validate

    checklist = _load(suffix)
    assert checklist.problems == ()
    for _, step in checklist.walk():
        for call in (step.facts.call, step.facts.verify):
            assert call is None or validate(call) == [], step.id


@pytest.mark.parametrize("suffix", [".md", ".yaml"])
def test_lint_finds_nothing(suffix: str) -> None:
    """What we hand out as an example follows our own advice."""
    from orion_deploy.checklist.lint import lint

    home = bundled.folder("checklists")
    assert home is not None
    path = home / (NAME + suffix)
    assert [finding.render() for finding in lint(load(path)[0], path.read_text("utf-8"))] == []


@pytest.mark.parametrize("part", [*SEED_STEPS, Part("added", ADDED)], ids=lambda part: part.what)
def test_every_part_of_the_seed_is_carried_out(part: Part) -> None:
    """Each part has its steps, typed wherever there is a kind for it."""
    assert {step_id: STEPS[step_id][1].kind for step_id in part.steps} == dict(part.steps)


def test_there_is_no_step_without_a_reason() -> None:
    """Every step of ours is in the table above, and every id is written, not made from a title."""
    assert set(STEPS) == {i for part in SEED_STEPS for i in part.steps} | set(ADDED)
    home = bundled.folder("checklists")
    assert home is not None
    text = (home / f"{NAME}.md").read_text("utf-8")
    assert all(re.search(rf"^\s*id: {re.escape(step_id)}$", text, re.MULTILINE) for step_id in STEPS)


def test_the_table_is_as_long_as_the_seed() -> None:
    """The seed has exactly the steps that the table names: none was overlooked."""
    assert len(list(load(seed())[0].walk())) == len(SEED_STEPS)


def test_sections_are_what_they_are_for() -> None:
    """What is checked or done before the migration is mandatory, what a person is asked is not: `--auto` goes by it.

    The way back is off the way forward; criteria and gates wait.
    """
    kinds = {section.id: section.kind for section, _ in STEPS.values()}
    assert list(kinds.values()) == [
        SectionKind.STEPS, SectionKind.STEPS, SectionKind.STEPS, SectionKind.STEPS,
        SectionKind.ROLLBACK, SectionKind.CRITERIA, SectionKind.GATES,
    ]  # fmt: skip
    before = STEPS["backup"][0]
    assert before.mandatory
    left_to_people = {i for i, (section, step) in STEPS.items() if section is before and not step.mandatory}
    assert left_to_people == {"quiet", "way-back"}
    assert STEPS["migrate"][1].mandatory


def test_the_migration_has_thirty_seconds_and_needs_a_backup() -> None:
    """The seed's time limit, and an order that cannot be broken without an override."""
    facts = STEPS["migrate"][1].facts
    assert facts.action is not None
    assert facts.action.parameters["timeout_s"] == 30
    assert set(facts.needs) == {"rehearse", "backup", "stop-again"}
    assert STEPS["back-restore"][1].facts.confirm


def test_the_way_back_is_chosen_before_anything_is_stopped() -> None:
    """The choice comes first and cannot be passed by; each way applies by one answer alone, and the verification needs the way that was taken."""
    back = [i for i in STEPS if i.startswith("back-")]
    assert back[:2] == ["back-way", "back-stop"]
    assert STEPS["back-way"][1].mandatory
    assert {STEPS[i][1].facts.when for i in ("back-down", "back-restore")} == {
        "back-way == down",
        "back-way == restore",
    }
    assert set(STEPS["back-verified"][1].facts.needs) == {"back-down", "back-restore"}


def test_the_first_day_is_watched() -> None:
    """What the seed asks to be monitored for 24 hours is watched for as long, and a person is asked when it is over."""
    watches = {i for i, (_, step) in STEPS.items() if step.facts.watch is not None}
    assert watches == {"errors", "flush", "send", "memory"}
    assert {STEPS[i][1].facts.watch_for for i in watches} == {"$WATCH_FOR"}
    assert next(v.default for v in MARKDOWN.variables if v.name == "WATCH_FOR") == "24h"
    assert set(STEPS["day"][1].facts.needs) == watches


def test_limits_stand_once() -> None:
    """Each figure is a variable with one default; no step has a figure of its own for it."""
    assert {v.name: v.default for v in MARKDOWN.variables if v.name in LIMITS} == LIMITS
    for name in LIMITS:
        assert any(name in text for text in _used()), name


def _used() -> Iterator[str]:
    for _, step in STEPS.values():
        if step.facts.call:
            yield str(dict(step.facts.call.parameters))
        yield from (block.script for block in step.code)


def test_the_way_back_says_when_to_go_it() -> None:
    """The five reasons to turn back stand in the rollback section."""
    bodies = " ".join(s.body for s in MARKDOWN.walk_sections() if s.kind is SectionKind.ROLLBACK)
    for word in ("time limit", "crashes", "Failed to restore from DB", "lost", "10 ms"):
        assert word in bodies, word


def test_it_says_whom_to_turn_to() -> None:
    """What to do when it goes badly wrong: back first, then the known issues, then the plan."""
    (section,) = (s for s in MARKDOWN.walk_sections() if s.title == "If it goes badly wrong")
    body = section.body
    assert body.index("Rollback") < body.index("issues") < body.index("PLAN-concurrent-sessions")


def test_metadata_is_complete() -> None:
    """What a person wants to know before the first step."""
    assert {key.lower() for key in MARKDOWN.metadata} >= {
        "phase", "migration", "risk", "estimated time", "checklist version", "last updated", "plan",
    }  # fmt: skip
    assert MARKDOWN.metadata["Migration"] == NAME


def test_every_note_stands_beside_a_step() -> None:
    """A tag in a title finds its note, and no note is without a step."""
    used = {tag for _, step in STEPS.values() for tag in step.tags}
    assert used == set(MARKDOWN.notes) == {"LOCK-1", "SIZE-1", "VERSION-1"}


def test_it_is_written_in_words_of_its_own() -> None:
    """No seven words in a row are the seed's, but for commands and names of files."""
    home = bundled.folder("checklists")
    assert home is not None
    ours, theirs = _runs(home / f"{NAME}.md"), _runs(seed())
    commands = {"npm run test npm run test integration"}
    both = {run for run in ours & theirs if "active_request_id" not in run} - commands
    assert both == set()


def _runs(path: Path, words: int = 7) -> set[str]:
    found = re.findall(r"[a-z0-9_<>%]+", path.read_text("utf-8").lower())
    return {" ".join(found[i : i + words]) for i in range(len(found) - words + 1)}
