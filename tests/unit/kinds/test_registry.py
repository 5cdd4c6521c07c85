from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

import orion_deploy.kinds
from orion_deploy.checklist.facts import parse_step_facts
from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.errors import ChecklistError
from orion_deploy.kinds import registry
from orion_deploy.kinds.base import Action, Check, Kind


def kinds_in_code() -> dict[str, type[Kind]]:
    """Every kind that any module of the package defines."""
    found: dict[str, type[Kind]] = {}
    for module in pkgutil.walk_packages(orion_deploy.kinds.__path__, "orion_deploy.kinds."):
        for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(cls, Kind) and cls.__module__ == module.name and "name" in vars(cls):
                found[cls.name] = cls
    return found


def test_every_kind_has_its_line_in_the_table_and_every_line_its_kind() -> None:
    """A kind without a line in `KINDS`, or a line without a kind, is an error of ours."""
    assert set(kinds_in_code()) == set(registry.KINDS)
    for name in registry.KINDS:
        cls = registry.kind_class(name)
        assert cls.name == name
        assert issubclass(cls, Action if registry.is_action(name) else Check)
        assert not (issubclass(cls, Action) and issubclass(cls, Check))


@pytest.mark.parametrize("name", list(registry.KINDS))
def test_every_kind_explains_itself(name: str) -> None:
    """Help has a summary, a sentence for every parameter, and an example that a checklist can hold as it stands."""
    told = registry.describe(name)
    assert told.summary.endswith(".")
    assert len(told.text) > len(told.summary)
    assert all(p.help and p.type != "any value" for p in told.parameters), told.parameters
    facts = parse_step_facts(told.example, "example", 1).facts
    call = facts.action if told.is_action else facts.watch or facts.check
    assert call is not None
    assert call.name == name
    assert registry.validate(call) == []


def test_names_and_acts_are_known_without_pydantic() -> None:
    """Start time: the table answers without importing pydantic, psutil or sqlite3."""
    code = (
        "import sys; from orion_deploy.kinds import registry as r; r.kind_names(); r.is_action('sqlite.backup');"
        "r.needs_person('people.confirm');"
        "print([m for m in ('pydantic', 'psutil', 'sqlite3') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_only_the_module_of_the_domain_is_imported() -> None:
    """Building a clock check imports no database and no process library."""
    code = (
        "import sys; from orion_deploy.checklist.model import KindCall; from orion_deploy.kinds import registry as r;"
        "r.build(KindCall('clock.window', {'start': '22:00', 'end': '05:00'}));"
        "print([m for m in ('psutil', 'sqlite3') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_unknown_kind_is_told_with_the_nearest_name() -> None:
    """A typing mistake in a kind's name names the kind that was meant."""
    with pytest.raises(ChecklistError) as caught:
        registry.kind_class("sqlite.bakcup")
    assert "sqlite.bakcup" in caught.value.what
    assert "sqlite.backup" in caught.value.help
    assert not registry.is_action("sqlite.bakcup")


@pytest.mark.parametrize(
    ("name", "parameters", "parameter", "words", "hint"),
    [
        ("files.exists", {}, "path", "required", "relative"),
        ("files.exists", {"path": "x", "tpye": "file"}, "tpye", "no such parameter", "did you mean `type`?"),
        ("files.exists", {"path": "x", "type": "fil"}, "type", "should be 'file'", ""),
        ("files.exists", {"path": "x", "size_bytes_min": "big"}, "size_bytes_min", "integer", "bytes"),
        ("process.stop", {"program": "a", "deadline_s": 0}, "deadline_s", "greater than 0", "seconds"),
        ("process.absent", {"program": "a", "pidfile": "b"}, "", "exactly one", ""),
        ("process.absent", {"program": "/opt/orion"}, "", "executable", ""),
        ("clock.window", {"start": "22:00", "end": "05:00", "days": ["mon", "tus"]}, "days", "should be", ""),
        (
            "clock.window",
            {"start": "22:00", "end": "5", "timezone": "Mars/Base"},
            "timezone",
            "no time zone",
            "",
        ),
        ("people.choice", {"question": "?", "options": ["a"]}, "options", "at least 2", ""),
        ("process.start", {"command": "orion > log"}, "", "not a shell line", ""),
    ],
)
def test_wrong_parameters_are_told_in_words(
    name: str, parameters: dict[str, object], parameter: str, words: str, hint: str
) -> None:
    """Every problem names its parameter, says what is wrong, and keeps the line; build refuses with the same words."""
    problems = registry.validate(KindCall(name, parameters, line=7))
    problem = next(p for p in problems if p.parameter == parameter)
    assert words in problem.message
    assert hint in problem.help
    assert problem.line == 7
    assert "pydantic" not in problem.message + problem.help
    with pytest.raises(ChecklistError):
        registry.build(KindCall(name, parameters))


def test_a_package_adds_a_kind_through_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of an installed package is listed, built and known as an action."""
    from importlib.metadata import EntryPoint

    points = {
        "people.ask": EntryPoint(
            "people.ask", "orion_deploy.kinds.people:PeopleConfirm", registry.ENTRY_POINT_GROUP
        ),
        "broken.one": EntryPoint("broken.one", "no_such_module:X", registry.ENTRY_POINT_GROUP),
        "wrong.one": EntryPoint("wrong.one", "json:loads", registry.ENTRY_POINT_GROUP),
    }
    monkeypatch.setattr(registry, "_entry_points", lambda: points)
    assert registry.kind_names()[-3:] == ("people.ask", "broken.one", "wrong.one")
    assert registry.build(KindCall("people.ask", {"question": "?"})).name == "people.confirm"
    assert not registry.is_action("people.ask")
    for name in ("broken.one", "wrong.one"):
        with pytest.raises(ChecklistError, match=name):
            registry.kind_class(name)


@pytest.mark.parametrize("name", registry.KINDS)
def test_each_kind_says_when_it_does_not_pass(name: str) -> None:
    """Its help names a failure or a refusal (or that there is none): not only what it does when all is well."""
    text = registry.describe(name).text.lower()
    assert any(word in text for word in ("fail", "refuse")), text
