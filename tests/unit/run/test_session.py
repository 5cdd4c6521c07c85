"""A session on real files and real processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.attempts import kill_attempt
from support.sessions import Driven, book, opened

from orion_deploy.errors import HeldError, OrionError, RefusedError
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.attempt import Finding
from orion_deploy.run.opening import open_session
from orion_deploy.run.places import Places
from orion_deploy.run.state import Status

TEXT = """# Release

## Prepare

- [ ] Say where
  ```bash
  cd /usr
  export COLOUR=green
  echo here
  ```
- [ ] Look around
  ```bash
  pwd; echo "$COLOUR"
  ```
- [ ] **Guard (MANDATORY)**
  ```bash
  test -e /nonexistent && echo "it is there" && exit 1
  ```
- [ ] Ask a person

## Deploy

- [ ] Two blocks
  ```bash
  echo one
  ```
  ```bash
  echo two
  ```
- [ ] Break
  ```bash
  echo broken; exit 3
  ```

## Rollback

1. Undo
   ```bash
   echo undone
   ```
"""


def test_a_run_from_start_to_end_is_kept_and_found_again(tmp_path: Path) -> None:
    """What was ticked, skipped, noted and run is there for the next session, and in the readable sidecar."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        assert run.run(ids[0]).outcome is Outcome.PASSED
        assert run.session.state.step(ids[0]).status is Status.UNDECIDED
        run.session.tick(ids[0])
        run.session.skip(ids[3], "nobody is here")
        run.session.note("slow tonight", ids[1])
        name = run.session.run
    sidecar = json.loads((tmp_path / "book.md.state.json").read_text())
    assert "nobody is here" in json.dumps(sidecar)
    with opened(path) as again:
        assert again.session.run == name
        assert again.session.resume.is_resumed
        assert again.session.resume.is_quiet
        assert again.session.state.step(ids[0]).status is Status.DONE
        assert again.session.state.step(ids[3]).reason == "nobody is here"
        assert [n.text for n in again.session.state.step(ids[1]).notes] == ["slow tonight"]
        assert again.session.cwd == str(tmp_path)


def test_cd_and_export_reach_the_next_step_and_the_next_session(tmp_path: Path) -> None:
    """`cd` and `export` of a step hold for the later ones, visibly, and across a restart."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        run.run(ids[0])
        assert set(run.session.state.step(ids[0]).attempts[0].carried) == {"cwd", "COLOUR"}
    with opened(path) as again:
        again.run(ids[1])
        assert again.text(ids[1]) == "/usr\ngreen\n"


def test_a_guard_that_did_not_fire_passes_and_says_why(tmp_path: Path) -> None:
    """The seed's commonest line, `A && echo ERROR && exit 1`, passes when A does not hold."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        verdict = run.run(ids[2])
        assert verdict.outcome is Outcome.PASSED
        assert "was not reached" in verdict.reason


def test_a_mandatory_step_holds_the_later_ones_until_overridden(tmp_path: Path) -> None:
    """An open mandatory step refuses what comes after it; a skip with a reason is an override."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        with pytest.raises(RefusedError, match="mandatory"):
            run.session.start(ids[5])
        run.session.skip(ids[2], "checked by hand")
        assert run.session.state.step(ids[2]).override
        verdict = run.run(ids[5])
        assert verdict.outcome is Outcome.FAILED
        assert run.session.state.step(ids[5]).status is Status.FAILED


def test_blocks_of_a_step_run_one_after_the_other(tmp_path: Path) -> None:
    """After the first of two blocks the step is open and the next run carries the second one out."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        run.session.skip(ids[2], "not now")
        run.run(ids[4])
        assert run.session.state.step(ids[4]).status is Status.TODO
        run.run(ids[4])
        assert run.text(ids[4]) == "two\n"
        assert run.session.state.step(ids[4]).status is Status.UNDECIDED


def test_an_edited_script_runs_and_its_diff_is_kept(tmp_path: Path) -> None:
    """What was edited before the run is what runs, and the diff stands beside the attempt."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        run.run(ids[1], script="echo edited")
        assert run.text(ids[1]) == "edited\n"
        attempt = run.session.state.step(ids[1]).attempts[0]
        assert attempt.edited
        diff = (run.session.attempt_folder(ids[1], 1) / "edit.diff").read_text()
        assert "+echo edited" in diff


def test_the_rollback_runs_only_once_entered(tmp_path: Path) -> None:
    """The rollback section is never on the forward path."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        undo = [step.id for _, step in run.session.checklist.walk()][-1]
        with pytest.raises(RefusedError, match="rollback"):
            run.session.start(undo)
        run.session.enter_rollback("it broke")
        assert run.run(undo).outcome is Outcome.PASSED
        assert run.session.finish() == "rolled back with 1 open"


def test_a_second_operator_is_told_who_and_may_look_on(tmp_path: Path) -> None:
    """One operator at a time: the second is refused with a name, or looks on and sees each act."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)) as run:
        with pytest.raises(HeldError) as refused:
            open_session(path)
        assert run.session.edge.who() in str(refused.value)
        watcher = open_session(path, look_on=True)
        assert watcher.read_only
        first = next(iter(run.session.checklist.walk()))[1].id
        run.session.note("hello", first)
        assert watcher.refresh()
        assert [n.text for n in watcher.state.step(first).notes] == ["hello"]
        with pytest.raises(RefusedError, match="looking on"):
            watcher.tick(first)
        watcher.close()


def test_a_running_step_outlives_its_session(tmp_path: Path) -> None:
    """Leaving while a step runs lets it go on; the next session finds it running, then takes its result in."""
    os.mkfifo(tmp_path / "gate")
    path = book(tmp_path, "# R\n\n## S\n\n- [ ] Wait\n  ```bash\n  cat gate; echo through\n  ```\n")
    first = Driven(path, cwd=str(tmp_path))
    step = next(iter(first.session.checklist.walk()))[1].id
    first.session.start(step)
    first.session.close()
    with opened(path) as second:
        (found,) = second.session.resume.in_flight
        assert found.finding is Finding.RUNNING
        (tmp_path / "gate").write_text("go\n")
        assert second.wait(step).outcome is Outcome.PASSED
        assert second.text(step) == "go\nthrough\n"
        assert second.session.state.step(step).attempts[0].adopted
        assert len(second.session.state.step(step).attempts) == 1


@pytest.mark.hazard("interrupted, and gone on from the wrong place", half="ours")
def test_a_result_that_came_while_nobody_looked_is_adopted(tmp_path: Path) -> None:
    """A step that ended between two sessions shows its true status and output, and did not run twice."""
    path = book(tmp_path, "# R\n\n## S\n\n- [ ] Count\n  ```bash\n  echo ran >> log; exit 4\n  ```\n")
    first = Driven(path, cwd=str(tmp_path))
    step = next(iter(first.session.checklist.walk()))[1].id
    first.session.start(step)
    first.ended.get(timeout=30)
    first.session.close()
    with opened(path) as second:
        state = second.session.state.step(step)
        assert state.status is Status.FAILED
        assert state.attempts[0].exit_status == 4
        assert (tmp_path / "log").read_text() == "ran\n"


def test_a_changed_file_is_shown_and_a_settled_step_asks_for_a_look(tmp_path: Path) -> None:
    """An edited checklist keeps ticks by id; a settled step whose text changed is CHANGED, new ones are named."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        run.session.tick(ids[1])
    path.write_text(TEXT.replace('pwd; echo "$COLOUR"', "pwd") + "\n2. Tell the others\n", "utf-8")
    with opened(path) as again:
        assert again.session.resume.file_changed
        assert again.session.resume.changed == (ids[1],)
        assert len(again.session.resume.added) == 1
        assert again.session.state.step(ids[1]).status is Status.CHANGED


def test_nothing_runs_before_it_was_approved(tmp_path: Path) -> None:
    """Commands of bytes that nobody approved are refused; approving covers exactly these bytes."""
    path = book(tmp_path, TEXT)
    session = open_session(path, cwd=str(tmp_path))
    first = next(iter(session.checklist.walk()))[1].id
    with pytest.raises(RefusedError, match="approved"):
        session.start(first)
    session.approve()
    assert session.why_not_start(first) == ""
    session.close()
    path.write_text(TEXT + "\nmore\n", "utf-8")
    with_change = open_session(path)
    assert with_change.needs_approval
    with_change.close()


def test_variables_reach_scripts_as_environment_and_missing_ones_are_named(tmp_path: Path) -> None:
    """A value is never put into the text; a step that lacks one is refused and names it."""
    text = (
        "---\nvariables:\n  TARGET:\n    prompt: Which host?\n---\n# R\n\n## S\n\n"
        '- [ ] Say\n  ```bash\n  echo "$TARGET" <who>\n  ```\n'
    )
    text = text.replace(" <who>", "")
    with opened(book(tmp_path, text), cwd=str(tmp_path)) as run:
        step = next(iter(run.session.checklist.walk()))[1].id
        assert [v.name for v in run.session.missing(step).variables] == ["TARGET"]
        with pytest.raises(RefusedError, match="TARGET"):
            run.session.start(step)
        run.session.set_variable("TARGET", "$(touch hacked); `id`")
        run.run(step)
        assert run.text(step) == "$(touch hacked); `id`\n"
        assert not (tmp_path / "hacked").exists()


def test_cancel_ends_the_step_and_all_it_started(tmp_path: Path) -> None:
    """A cancelled step is failed with the word, and leaves no process of its own."""
    path = book(tmp_path, "# R\n\n## S\n\n- [ ] Wait\n  ```bash\n  echo $$ > pid; mkfifo f; cat f\n  ```\n")
    with opened(path, cwd=str(tmp_path)) as run:
        step = next(iter(run.session.checklist.walk()))[1].id
        os.mkfifo(tmp_path / "f")
        run.session.start(step, script="echo up > f; cat f")
        with (tmp_path / "f").open() as fifo:
            assert fifo.readline() == "up\n"
        assert run.session.cancel(step)
        verdict = run.wait(step)
        assert verdict.outcome is Outcome.FAILED
        assert "cancel" in verdict.reason


def test_a_step_is_found_by_id_number_and_the_end_of_its_id(tmp_path: Path) -> None:
    """Scripts may name a step by its id, its number, or an ending that only one id has; else the nearest is named."""
    with opened(book(tmp_path, TEXT), cwd=str(tmp_path)) as run:
        ids = [step.id for _, step in run.session.checklist.walk()]
        assert run.session.step(ids[1]).id == run.session.step("2").id == ids[1]
        assert run.session.step("look-around").id == ids[1]
        with pytest.raises(RefusedError, match="did you mean"):
            run.session.step(ids[1] + "x")


def test_turning_back_opens_a_finished_run_again(tmp_path: Path) -> None:
    """The way back after the end belongs to the run that went there: its backup and its facts are in it."""
    path = book(tmp_path, TEXT)
    with opened(path, cwd=str(tmp_path)) as run:
        name = run.session.run
        run.session.finish()
        assert Places.of(path).unfinished() is None
        assert Places.of(path).latest() == name
    with opened(path, run=name) as again:
        undo = [step.id for _, step in again.session.checklist.walk()][-1]
        assert "finished" in again.session.why_not_start(undo)
        again.session.enter_rollback("errors after a day")
        assert again.run(undo).outcome is Outcome.PASSED


CHOICE = """# R

## S

- [ ] way

  Option 1: fast
  ```bash
  echo fast
  ```
  Option 2: slow
  ```bash
  mkfifo f; cat f
  ```
"""


def test_what_an_option_did_stands_until_it_is_taken_back(tmp_path: Path) -> None:
    """Another option can be taken neither while one runs nor over a tick; after a run it opens the step again."""
    with opened(book(tmp_path, CHOICE), cwd=str(tmp_path)) as run:
        session = run.session
        session.choose("s.way", 2)
        session.start("s.way")
        with pytest.raises(RefusedError, match="running"):
            session.choose("s.way", 1)
        session.cancel("s.way")
        run.wait("s.way")
        session.choose("s.way", 1)
        assert run.run("s.way").is_good
        session.tick("s.way")
        with pytest.raises(RefusedError, match="done with option 1"):
            session.choose("s.way", 2)
        session.untick("s.way")
        session.choose("s.way", 2)
        with pytest.raises(RefusedError, match="no passing verdict"):
            session.tick_by_verdict("s.way")


def test_a_value_that_does_not_fit_is_not_recorded_and_never_locks_the_run(tmp_path: Path) -> None:
    """A wrong value is refused before it is on disk; one that fitted an earlier type is asked for again."""
    text = "---\nvariables:\n  COUNT:\n    type: %s\n---\n# R\n\n## S\n\n- [ ] Say\n  ```bash\n  echo $COUNT\n  ```\n"
    with opened(book(tmp_path, text % "integer"), cwd=str(tmp_path)) as run:
        with pytest.raises(OrionError, match="integer"):
            run.session.set_variable("COUNT", "many")
        assert not run.session.state.variables
    with opened(book(tmp_path, text % "text"), cwd=str(tmp_path)) as run:
        run.session.set_variable("COUNT", "many")
    with opened(book(tmp_path, text % "integer"), cwd=str(tmp_path)) as run:
        assert [v.name for v in run.session.missing("s.say").variables] == ["COUNT"]
        run.session.set_variable("COUNT", "3")
        run.run("s.say")
        assert run.text("s.say") == "3\n"


def test_a_changed_step_begins_with_its_first_block(tmp_path: Path) -> None:
    """Of a text that was never run no block is passed over."""
    text = "# R\n\n## S\n\n- [ ] Two\n  ```bash\n  echo one\n  ```\n"
    with opened(book(tmp_path, text), cwd=str(tmp_path)) as run:
        run.run("s.two")
        run.session.tick("s.two")
    more = text.replace("one", "ONE") + "  ```bash\n  echo TWO\n  ```\n"
    with opened(book(tmp_path, more), cwd=str(tmp_path)) as run:
        run.run("s.two")
        assert run.text("s.two") == "ONE\n"


def test_an_unknown_outcome_is_not_taken_back(tmp_path: Path) -> None:
    """Taking a tick back is no way around deciding what an interrupted step did."""
    text = "# R\n\n## S\n\n- [ ] Wait\n  ```bash\n  echo > written; mkfifo f; cat f\n  ```\n"
    with opened(book(tmp_path, text), cwd=str(tmp_path)) as run:
        number = run.session.start("s.wait")
        kill_attempt(run.session.attempt_folder("s.wait", number), tmp_path / "written")
        run.ended.get(timeout=30)
        run.session.collect("s.wait")
        assert run.session.state.step("s.wait").status is Status.UNKNOWN
        with pytest.raises(RefusedError, match="unknown"):
            run.session.untick("s.wait")
