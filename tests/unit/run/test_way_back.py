from __future__ import annotations

from pathlib import Path

from support.build import checklist, section, step
from support.sessions import opened
from support.way_back import deployed

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import SectionKind, StepFacts
from orion_deploy.kinds.sqlite.way_facts import follows
from orion_deploy.run.way_back import DATABASES_MAX, WaysBack, is_asked_at, questions


def typed(step_id: str, kind: str, **parameters: object):  # type: ignore[no-untyped-def]  # a Step
    """A typed step."""
    return step(step_id, facts=StepFacts(action=KindCall(kind, parameters)))


BACK = section("Back", typed("r", "sqlite.restore", path="$DB", folder="kept"), kind=SectionKind.ROLLBACK)


def test_each_database_is_looked_at_once_with_what_its_steps_know() -> None:
    """Paths are compared with their variables put in; scripts come from the step that has them, the folder from the way back first."""
    book = checklist(
        section(
            "A",
            typed("b", "sqlite.backup", path="$DB", folder="backups"),
            typed("m", "sqlite.migrate", path="${DB}", up="up.sql", down="down.sql"),
            typed("o", "sqlite.query", path="other.db", sql="SELECT 1", value=1),
            typed("c", "clock.window", start="22:00", end="05:00"),
        ),
        BACK,
    )
    first, second = questions(book, {"DB": "orion.db"}, "/srv")
    assert first.call.parameters == {
        "path": "orion.db",
        "up": "up.sql",
        "down": "down.sql",
        "folder": "kept",
    }
    assert second.call.parameters == {"path": "other.db"}
    assert first.cwd == "/srv"


def test_a_step_in_a_folder_of_its_own_has_a_database_of_its_own() -> None:
    """The same relative path means another file there."""
    here = typed("a", "sqlite.backup", path="x.db", folder="b")
    there = step("b", facts=StepFacts(action=KindCall("sqlite.backup", {"path": "x.db"}), cwd="sub"))
    book = checklist(section("A", here, there), BACK)
    assert {(q.cwd, q.call.parameters["path"]) for q in questions(book, {}, "/srv")} == {
        ("/srv", "x.db"),
        ("/srv/sub", "x.db"),
        ("/srv", "$DB"),
    }


def test_where_there_is_no_way_back_nothing_is_looked_at() -> None:
    """No rollback section, no question; and never more databases than the limit."""
    steps = [typed(f"s{n}", "sqlite.ready", path=f"{n}.db") for n in range(DATABASES_MAX + 3)]
    assert questions(checklist(section("A", *steps)), {}, "/") == ()
    assert len(questions(checklist(section("A", *steps), BACK), {}, "/")) == DATABASES_MAX


def test_a_look_beside_a_run_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """The facts come in one after the other; the run's folder and its journal are as they were."""
    path = deployed(tmp_path)
    with opened(path, cwd=str(tmp_path)) as driven:
        before = sorted(p for p in driven.session.directory.rglob("*"))
        sequence = driven.session.state.sequence
        ways = WaysBack(driven.session)
        assert ways
        news: list[int] = []
        ways.start(lambda: news.append(len(ways.ways)))
        assert ways.wait(30)
        assert ways.fault == ""
        (way,) = ways.ways
        assert way.is_complete
        assert "keeps the 1 row" in follows(way)[0]
        assert len(news) >= 2
        assert sorted(p for p in driven.session.directory.rglob("*")) == before
        assert driven.session.state.sequence == sequence
        assert is_asked_at(driven.session, "way")
        assert not is_asked_at(driven.session, "down")


def test_an_unapproved_checklist_has_nothing_looked_at(tmp_path: Path) -> None:
    """Its paths and scripts were never seen by anybody."""
    from orion_deploy.run.opening import open_session

    path = deployed(tmp_path)
    path.write_text(path.read_text() + "\n3. One more\n")
    session = open_session(path, cwd=str(tmp_path))
    try:
        ways = WaysBack(session)
        ways.start()
        assert not ways
        assert ways.is_over
        assert ways.to_json() == {}
    finally:
        session.close()


def test_what_cannot_be_looked_at_is_a_fault_in_words(tmp_path: Path) -> None:
    """A parameter that is none: the look ends early, and says why."""
    path = deployed(tmp_path)
    path.write_text(
        path.read_text().replace("sqlite.rollback: {path", "sqlite.rollback: {version_table: '', path")
    )
    with opened(path, cwd=str(tmp_path)) as driven:
        ways = WaysBack(driven.session)
        ways.start()
        assert ways.wait(30)
        assert "version_table" in ways.fault
        assert ways.to_json()["fault"] == ways.fault
