"""What a person answers at a choice decides about other steps: which apply, which wait, and what the other way back takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.sessions import book, opened
from support.way_back import deployed

from orion_deploy.errors import RefusedError
from orion_deploy.run.events import RollbackEntered, Started, Ticked
from orion_deploy.run.progress import next_open
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status

BOOK = """# Back

## Steps

- [ ] Which way

  ```yaml step
  id: way
  mandatory: true
  check:
    people.choice:
      question: Which way?
      options: {down: Take it back, restore: Restore the backup}
  ```

- [ ] Down

  ```yaml step
  id: down
  auto: true
  when: way == down
  ```

  ```bash
  test ! -e broken || exit 1
  ```

- [ ] Restore

  ```yaml step
  id: restore
  auto: true
  when: way == restore
  ```

  ```bash
  true
  ```

- [ ] Look

  ```yaml step
  id: look
  needs: [down, restore]
  check:
    files.exists: {path: back.md}
  ```

- [ ] Begin again

  ```yaml step
  id: again
  needs: [down, restore]
  auto: true
  ```

  ```bash
  echo begun
  ```
"""


def status(session: Session, *steps: str) -> list[str]:
    """Where the steps stand."""
    return [session.state.step(step).status.value for step in steps]


def test_a_step_waits_for_its_choice_and_applies_by_the_answer(tmp_path: Path) -> None:
    """Before: refused, not offered as the next. After: one way is open, the other is not applicable with its reason; what needs both goes on."""
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        session = run.session
        assert session.why_not_start("down") == "it waits for the choice `way`"
        following = next_open(session.checklist, session.state, "way")
        assert following is not None
        assert following.id == "look"
        session.choose("way", "restore")
        assert session.state.step("way").value == "Restore the backup"
        assert status(session, "way", "down", "restore") == ["done", "skipped", "todo"]
        assert session.state.step("down").reason == "not applicable: `way` is “Restore the backup”"
        with pytest.raises(RefusedError, match="not applicable: `way` is “Restore the backup”"):
            session.start("down")
        assert "it needs `restore`" in session.why_not_start("look")
        assert run.run("restore").is_good
        assert run.run("look").is_good
        assert not any(step.override for step in session.state.steps.values())


@pytest.mark.parametrize("said", ["", "nonsense", "3", "Take it"])
def test_an_answer_that_is_no_option_is_refused(tmp_path: Path, said: str) -> None:
    """By `tick` and by `choose`: nothing is recorded, and the options are listed with a command."""
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        acts: list[Callable[[], None]] = [
            lambda: run.session.tick("way", value=said),
            lambda: run.session.choose("way", said),
        ]
        for act in acts:
            with pytest.raises(RefusedError) as refused:
                act()
            assert "1 down (Take it back), 2 restore (Restore the backup)" in refused.value.help
            assert "orion-deploy choose" in refused.value.help
        assert status(run.session, "way") == ["todo"]


@pytest.mark.parametrize("said", [1, "1", "down", "Take it back"])
def test_an_answer_is_taken_by_number_key_or_title(tmp_path: Path, said: str | int) -> None:
    """What is kept is always the title; the same answer again changes nothing."""
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        run.session.choose("way", said)
        run.session.choose("way", said)
        assert run.session.state.step("way").value == "Take it back"
        assert len([e for e in run.session.events() if isinstance(e, Ticked)]) == 1


def test_another_answer_needs_the_first_taken_back(tmp_path: Path) -> None:
    """Over a tick no other option is taken, by neither act; the help says how. Then both ways wait again."""
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        session = run.session
        session.choose("way", "down")
        acts: list[Callable[[], None]] = [
            lambda: session.tick("way", value="restore"),
            lambda: session.choose("way", 2),
        ]
        for act in acts:
            with pytest.raises(RefusedError, match="“Take it back” was chosen") as refused:
                act()
            assert "orion-deploy untick" in refused.value.help
        session.untick("way")
        assert status(session, "way", "down", "restore") == ["todo", "todo", "todo"]
        assert session.why_not_start("restore") == "it waits for the choice `way`"


def test_a_way_that_failed_does_not_hold_the_other(tmp_path: Path) -> None:
    """Its attempt stays as evidence, and it is not applicable; taken again it has failed still, and is not open by itself."""
    (tmp_path / "broken").touch()
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        session = run.session
        session.choose("way", "down")
        assert not run.run("down").is_good
        session.untick("way")
        session.choose("way", "restore")
        assert status(session, "down", "restore") == ["skipped", "todo"]
        assert len(session.state.step("down").attempts) == 1
        session.untick("way")
        session.choose("way", "down")
        assert status(session, "down") == ["failed"]
        assert "its last run failed" in session.why_reason_needed("down")


def test_another_way_opens_the_checks_behind_it_and_repeats_no_action(tmp_path: Path) -> None:
    """What ran stays done; a check that passed after the first way looks again; an action is not carried out twice."""
    with opened(book(tmp_path, BOOK, "back.md"), cwd=str(tmp_path)) as run:
        session = run.session
        session.choose("way", "down")
        for step in ("down", "look", "again"):
            assert run.run(step).is_good
        session.untick("way")
        session.choose("way", "restore")
        assert status(session, "down", "restore", "look", "again") == ["done", "todo", "todo", "done"]


def test_answers_survive_a_new_session(tmp_path: Path) -> None:
    """They come from the journal: the same steps apply when the run is opened again."""
    path = book(tmp_path, BOOK, "back.md")
    with opened(path, cwd=str(tmp_path)) as run:
        run.session.choose("way", "down")
    with opened(path, cwd=str(tmp_path)) as run:
        assert status(run.session, "way", "down", "restore") == ["done", "todo", "skipped"]


def test_a_choice_whose_text_changed_is_answered_anew(tmp_path: Path) -> None:
    """An answer to another question is none: the way that it left open waits."""
    path = book(tmp_path, BOOK, "back.md")
    with opened(path, cwd=str(tmp_path)) as run:
        run.session.choose("way", "down")
    path.write_text(path.read_text().replace("Which way?", "Which way now?"))
    with opened(path, cwd=str(tmp_path)) as run:
        assert status(run.session, "way", "down") == ["changed", "todo"]
        assert run.session.why_not_start("down") == "it waits for the choice `way`"


def test_a_choice_of_markdown_decides_too(tmp_path: Path) -> None:
    """`Option 1:` under a step is taken by `choose`, and another step applies by it."""
    text = (
        "# t\n\n## S\n\n- [ ] Way\n\n  ```yaml step\n  id: way\n  ```\n\n  Option 1: fast\n\n  ```bash\n  true\n  ```\n\n"
        "  Option 2: slow\n\n  ```bash\n  true\n  ```\n\n- [ ] Wait\n\n  ```yaml step\n  id: wait\n  when: way == slow\n  ```\n"
    )
    with opened(book(tmp_path, text), cwd=str(tmp_path)) as run:
        session = run.session
        session.choose("way", "fast")
        assert status(session, "wait") == ["skipped"]
        session.choose("way", 2)
        assert status(session, "wait") == ["todo"]


# The other way back


@pytest.mark.parametrize(
    ("first", "other", "loses"), [("down", "restore", "written since"), ("restore", "down", "down script")]
)
def test_the_other_way_back_takes_a_reason(tmp_path: Path, first: str, other: str, loses: str) -> None:
    """Whatever the checklist says: once one way was gone, the other is never the next, is refused with what it would lose, and runs only as an override."""
    with opened(deployed(tmp_path), cwd=str(tmp_path)) as run:
        session = run.session
        session.enter_rollback("to see")
        session.choose("way", 1)
        assert session.why_not_start(other) == ""
        assert run.run(first).is_good
        following = next_open(session.checklist, session.state)
        assert following is None
        with pytest.raises(RefusedError, match=loses):
            session.start(other)
        assert loses in session.why_reason_needed(other)
        with pytest.raises(RefusedError, match=loses):
            session.start(other, override=" ")
        session.start(other, override="what was written is of no use")
        run.wait_for_end(other)
        (begun,) = [e for e in session.events() if isinstance(e, Started) and e.step == other]
        assert begun.override == "what was written is of no use"
        state = session.state.step(other)
        assert state.attempts[-1].override == begun.override
        assert state.override == (state.status is Status.DONE)


def test_what_would_be_lost_is_told_in_rows(tmp_path: Path) -> None:
    """The rows that were counted when the run turned back stand in the refusal."""
    with opened(deployed(tmp_path), cwd=str(tmp_path)) as run:
        session = run.session
        session.enter_rollback("to see", {"databases": [{"written_rows": 12}]})
        assert [e.facts for e in session.events() if isinstance(e, RollbackEntered)]
        assert run.run("down").is_good
        assert (
            "everything written since it was taken (12 rows when the run turned back)"
            in session.why_not_start("restore")
        )
