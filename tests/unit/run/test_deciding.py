"""A session decides criteria from its own record: at once, in one write, and never before the evidence is there."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.sessions import book, opened

from orion_deploy.errors import ChecklistError, RefusedError
from orion_deploy.run import events as ev
from orion_deploy.run.criteria import Stand
from orion_deploy.run.edge import Edge
from orion_deploy.run.opening import open_session
from orion_deploy.run.state import Status

TEXT = """---
variables:
  LIMIT: {default: "30"}
---

# Release

## Deploy

- [ ] Deploy
  ```yaml step
  id: deploy
  auto: true
  ```
  ```bash
  test ! -e broken
  ```
- [ ] Watch the marker
  ```yaml step
  id: marker
  watch: {files.exists: {path: marker}}
  for: 1h
  every: 0.2
  ```

## Success criteria

- [ ] It was fast
  ```yaml step
  id: fast
  check: {evidence.value: {step: deploy, below: $LIMIT}}
  ```
- [ ] It stayed
  ```yaml step
  id: stayed
  check: {evidence.passed: {steps: [deploy, marker]}}
  ```
- [ ] No complaints after 24 hours
- [ ] It works

## Gates to Phase 1

- [ ] A person has a look
  ```yaml step
  id: looked
  auto: false
  check: {evidence.passed: {steps: [deploy]}}
  ```
"""
COMPLAINTS = "success-criteria.no-complaints-after-24-hours"
DAY_S = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The checklist, and what it watches."""
    (tmp_path / "marker").touch()
    return book(tmp_path, TEXT)


def test_evidence_is_decided_in_one_write_without_a_process(path: Path) -> None:
    """Started, finished and ticked are there together, `on_ended` is called, and no attempt's folder is made."""
    with opened(path, cwd=str(path.parent)) as driven:
        session = driven.session
        driven.run("deploy")
        before = session.state.sequence
        attempt = session.start("fast")
        assert driven.ended.get(timeout=5) == ("fast", attempt)
        assert session.state.sequence == before + 3
        step = session.state.step("fast")
        assert (step.status, step.auto) == (Status.DONE, True)
        assert step.verdict is not None
        assert "is below 30 s" in step.verdict.reason
        assert not session.attempt_folder("fast", attempt).exists()
        output = session.output("fast")
        assert output is not None
        assert output.tail(10) == b""
        assert session.criterion("fast").stand is Stand.HOLDS
    kinds = [e.kind for e in _events(path)]
    assert kinds[-4:-1] == ["started", "finished", "ticked"]


def _events(path: Path) -> list[ev.Event]:
    session = open_session(path, look_on=True)
    try:
        return [e for e in session.events() if e.kind != "opened"]
    finally:
        session.close()


def test_what_cannot_be_decided_is_refused_and_stays_open(path: Path) -> None:
    """Nothing is recorded; the refusal says what it waits for, and of a watch when that is due."""
    with opened(path, cwd=str(path.parent)) as driven:
        session = driven.session
        with pytest.raises(RefusedError, match="`deploy` was not carried out yet"):
            session.start("fast")
        driven.run("deploy")
        session.start("marker")
        end = time.monotonic() + 20
        while not session.watches():
            assert time.monotonic() < end
            time.sleep(0.02)
        with pytest.raises(RefusedError, match=r"due in (59|60) min|due in 1 h"):
            session.start("stayed")
        assert session.state.step("stayed").status is Status.TODO
        found = session.criterion("stayed")
        assert (found.stand, found.waits_for) == (Stand.OPEN, ("marker",))
        assert found.due_at is not None
        assert 3500 < found.due_at - time.time() < 3700
        sidecar = json.loads(path.with_name("book.md.state.json").read_text()) if _written(driven) else {}
        assert sidecar["watching"][0]["step"] == "marker"
        session.stop_watch("marker", "enough")
        with pytest.raises(RefusedError, match="`marker` is undecided"):
            session.start("stayed")


def _written(driven: object) -> bool:
    driven.session._snapshot_now()  # type: ignore[attr-defined]
    return True


def test_a_criterion_that_failed_is_decided_again(path: Path) -> None:
    """The evidence changed: a second look takes the new one; the first stays in the record."""
    with opened(path, cwd=str(path.parent), assignments={"LIMIT": "0"}) as driven:
        session = driven.session
        driven.run("deploy")
        session.start("fast")
        assert session.criterion("fast").stand is Stand.FAILS
        session.set_variable("LIMIT", "30")
        session.start("fast")
        assert session.state.step("fast").status is Status.DONE
        assert [a.verdict.outcome.value for a in session.state.step("fast").attempts if a.verdict] == [
            "failed",
            "passed",
        ]


def test_a_person_who_wants_to_see_it_ticks_it(path: Path) -> None:
    """`auto: false`: the evidence passes, and a person's tick needs no reason; before that it needs one."""
    with opened(path, cwd=str(path.parent)) as driven:
        session = driven.session
        with pytest.raises(RefusedError, match="its evidence is not there yet"):
            session.tick("looked")
        driven.run("deploy")
        session.start("looked")
        assert session.state.step("looked").status is Status.UNDECIDED
        assert session.criterion("looked").stand is Stand.PERSON
        session.tick("looked")
        found = session.criterion("looked")
        assert (found.stand, found.by_person, found.is_override) == (Stand.HOLDS, True, False)


def test_deciding_all_decides_what_can_be(path: Path) -> None:
    """Evidence that is there is decided; what waits is left, and a person's word is never given for them."""
    with opened(path, cwd=str(path.parent)) as driven:
        session = driven.session
        assert session.decide_all() == []
        driven.run("deploy")
        assert session.decide_all() == ["fast", "looked"]
        assert session.decide_all() == []
        assert session.state.step(COMPLAINTS).status is Status.TODO


def test_the_words_of_a_checklist_hold_a_tick_back_until_their_time(path: Path) -> None:
    """`After 24 hours` needs a reason before, which is an override, and none afterwards."""
    now = [time.time()]
    edge = replace(Edge(), now=lambda: now[0])
    with opened(path, cwd=str(path.parent), edge=edge) as driven:
        session = driven.session
        with pytest.raises(RefusedError, match="counts from the end of the deployment"):
            session.tick(COMPLAINTS)
        driven.run("deploy")
        with pytest.raises(RefusedError, match=r"is not over \(due in (23 h 59 min|24 h)"):
            session.tick(COMPLAINTS)
        session.tick("success-criteria.it-works")
        now[0] += DAY_S + 10
        session.tick(COMPLAINTS, value="asked in the channel")
        found = session.criterion(COMPLAINTS)
        assert (found.stand, found.is_override, found.value) == (Stand.HOLDS, False, "asked in the channel")
        session.untick(COMPLAINTS)
        now[0] -= DAY_S
        session.tick(COMPLAINTS, reason="the customer signed it off")
        assert session.criterion(COMPLAINTS).is_override


def test_every_act_of_a_criterion_survives_a_new_session(path: Path) -> None:
    """Who said it, when, and by which evidence are in the journal, not in memory."""
    with opened(path, cwd=str(path.parent)) as driven:
        driven.run("deploy")
        driven.session.decide_all()
        before = driven.session.criteria()
    with opened(path, cwd=str(path.parent)) as driven:
        after = driven.session.criteria()
    assert after == before
    assert next(c for c in after if c.step == "fast").by == driven.session.edge.who()


@pytest.mark.parametrize(
    ("call", "words", "hint"),
    [
        (
            "check: {evidence.passed: {steps: [deploi]}}",
            "names the unknown step `deploi`",
            "did you mean `deploy`?",
        ),
        ("check: {evidence.value: {step: itself, below: 3}}", "cannot be evidence of itself", ""),
        ("watch: {evidence.passed: {steps: [deploy]}}", "cannot be a `watch`", "write it as `check`"),
    ],
)
def test_evidence_that_is_not_there_is_told_at_opening(
    tmp_path: Path, call: str, words: str, hint: str
) -> None:
    """In the night it would be too late: the fault has its place in the file, and nothing is begun."""
    steps = "- [ ] Deploy\n  ```yaml step\n  id: deploy\n  ```\n\n- [ ] Judge\n  ```yaml step\n  id: itself\n"
    path = book(tmp_path, f"# R\n\n{steps}  {call}\n  ```\n")
    with pytest.raises(ChecklistError) as caught:
        open_session(path)
    assert words in caught.value.what
    assert hint in caught.value.help
    assert caught.value.where is not None
    assert caught.value.where.line == 11
    assert [p.name for p in tmp_path.iterdir()] == ["book.md"]
