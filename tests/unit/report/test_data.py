"""The evidence for machines: JSON with everything in it, JUnit XML that pipelines read, and the mark in every format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from support.evidence import HASH, evidence, failed, step_id
from support.hostile import everything, texts
from support.night import night

from orion_deploy.report.evidence import Mark
from orion_deploy.report.formats import FORMATS, format_of, render
from orion_deploy.report.json_data import page as as_json
from orion_deploy.report.json_data import to_json
from orion_deploy.report.junit_xml import page as as_junit
from orion_deploy.report.marks import find_mark
from orion_deploy.run import events as ev

TELL, DISK, LOOK = (step_id(words) for words in ("Tell", "disk", "Look"))
SUITES = {"name", "tests", "failures", "errors", "time"}
SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id"}
CASE = {"name", "classname", "time"}


@settings(deadline=None, max_examples=30)
@given(texts)
def test_json_is_ascii_and_gives_every_text_back(words: str) -> None:
    """A reader gets exactly what was said, and no byte of it acts upon a terminal."""
    text = as_json(everything(words))
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    data = json.loads(text)
    assert data["title"] == words
    assert data["rollback"]["reason"] == words


def test_json_has_all_of_the_evidence() -> None:
    """Every field of the evidence is there under its name, with the schema, the journal and what needs eyes."""
    data = to_json(night())
    missing = set(night().__dataclass_fields__) - set(data) - {"mark"}
    assert not missing
    assert data["schema"] == 1
    assert data["journal"] == {"run": "2026-01-29-2231", "records": night().mark.records, "hash": HASH}
    assert "override" in {c["what"] for c in json.loads(as_json(night()))["concerns"]}


def test_a_number_that_json_does_not_know_is_its_text() -> None:
    """`nan` in a verdict keeps no evidence from being written."""
    verdict = {"outcome": "passed", "reason": "", "value": "", "values": {"p95_ms": float("nan")}}
    made = evidence(
        ev.Started(step=DISK, attempt=1, what="command"),
        ev.Finished(step=DISK, attempt=1, verdict=verdict),  # type: ignore[arg-type]
    )
    assert '"p95_ms": "nan"' in as_json(made)


def held_to_the_schema(text: str) -> ET.Element:
    """The elements and attributes that Jenkins' schema of JUnit knows, and counts that are those of the cases."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= SUITES
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) <= SUITE
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for name in ("failure", "error", "skipped"):
            counted = suite.attrib[{"failure": "failures", "error": "errors", "skipped": "skipped"}[name]]
            assert int(counted) == sum(case.find(name) is not None for case in cases)
        for case in cases:
            assert set(case.attrib) == CASE
            float(case.attrib["time"])
            tags = [child.tag for child in case]
            assert tags in ([], ["system-out"], [*tags[:1]], [tags[0], "system-out"])
            assert set(tags) <= {"failure", "error", "skipped", "system-out"}
        names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
        assert len(set(names)) == len(names)
    assert int(root.attrib["tests"]) == sum(int(suite.attrib["tests"]) for suite in root)
    return root


@settings(deadline=None, max_examples=30)
@given(texts)
def test_any_text_gives_well_formed_xml(words: str) -> None:
    """Control characters, surrogates and noncharacters included: what comes out is XML 1.0."""
    held_to_the_schema(as_junit(everything(words)))


def test_every_state_has_its_place_in_junit() -> None:
    """Failed is a failure, unknown an error, what was not done is skipped, a person's override is a pass that says so."""
    made = evidence(
        ev.Started(step=DISK, attempt=1, what="command"),
        ev.Finished(step=DISK, attempt=1, duration_s=1.5, verdict=failed("no room")),
        ev.Ticked(step=TELL, override="told by telephone"),
        ev.Started(step=LOOK, attempt=1, what="command"),
        ev.Lost(step=LOOK, attempt=1, reason="the machine went away"),
    )
    root = held_to_the_schema(as_junit(made))
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    failure = cases["See that the disk has room"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "failed: no room"
    assert cases["See that the disk has room"].attrib["time"] == "1.500"
    error = cases["Look at the shop"].find("error")
    assert error is not None
    assert "the machine went away" in error.attrib["message"]
    assert cases["Watch the log"].find("skipped") is not None
    told = cases["Tell the support team"]
    assert [child.tag for child in told] == ["system-out"]
    assert "overridden" in (told.findtext("system-out") or "")
    assert not any("old version" in name for name in cases)


def test_a_run_of_nothing_is_a_suite_without_cases() -> None:
    """A checklist without steps gives XML with the mark in it."""
    made = evidence(text="# Nothing\n")
    held_to_the_schema(as_junit(made).replace('errors="0">', 'errors="0" skipped="0">'))
    assert find_mark(as_junit(made)) == made.mark


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=30)
@given(texts)
def test_the_mark_is_found_and_cannot_be_forged(name: str, words: str) -> None:
    """Whatever stands in titles and outputs, the mark that is read back is the one that was written."""
    mark = Mark("2026-01-29-2231", evidence().mark.records, HASH)
    forged = Mark("other", 1, "f" * 32)
    for text in (
        words,
        f"<!-- orion-deploy-journal {forged.text} -->",
        f'"journal": {{"run": "{forged.run}"}}',
    ):
        found = find_mark(render(everything(text), name))
        assert found is not None
        assert (found.run, found.hash) == (mark.run, mark.hash)


@pytest.mark.parametrize(
    "text", ["", "# A report", "<html>", "{}", '{"journal": {"run": 1}}', "<?xml version='1.0'?><a/>"]
)
def test_what_is_no_report_has_no_mark(text: str) -> None:
    """Nothing is guessed."""
    assert find_mark(text) is None


def test_endings_say_the_format() -> None:
    """`-o` needs no `--format` where the ending says it."""
    assert [format_of(name) for name in ("a.md", "a.HTML", "a.json", "a.xml", "a.txt", "a", None)] == [
        *("md", "html", "json", "junit"),
        *(None, None, None),
    ]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("at", [1e20, -1e20, 1e11])
def test_a_clock_that_is_out_of_its_mind_keeps_no_report_back(name: str, at: float) -> None:
    """Times that no calendar knows are told as they are."""
    made = evidence(ev.Ticked(step=TELL, at=at), ev.RunFinished(result="completed", at=at))
    assert "completed" in render(replace(made, started_at=at), name)
