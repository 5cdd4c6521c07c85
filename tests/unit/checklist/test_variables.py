"""Values of variables: the order of their sources, their types, their names, and conditions on them."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.checklist.conditions import applies, check_condition
from orion_deploy.checklist.model import Variable
from orion_deploy.checklist.variables import (
    Origin,
    fit,
    parse_sets,
    resolve,
    why_bad_name,
)
from orion_deploy.errors import OrionError

DATABASE = Variable("DATABASE", default="a.db")


def test_the_first_source_that_has_a_value_wins() -> None:
    """`--set` beats the environment, which beats an earlier answer, which beats the default."""
    sources = {
        "given": {"DATABASE": "1"},
        "environment": {"ORION_DATABASE": "2"},
        "earlier": {"DATABASE": "3"},
    }
    expected = [
        ("1", Origin.GIVEN),
        ("2", Origin.ENVIRONMENT),
        ("3", Origin.EARLIER),
        ("a.db", Origin.DEFAULT),
    ]
    for value, origin in expected:
        found = resolve((DATABASE,), **sources)
        assert (found.values["DATABASE"], found.origins["DATABASE"]) == (value, origin)
        sources.pop(next(iter(sources)), None) if sources else None


def test_what_has_no_value_must_be_asked_for() -> None:
    """A variable without default is missing; an empty default is a value."""
    asked, empty = Variable("A", prompt="Which?"), Variable("B", default="")
    found = resolve((asked, empty))
    assert found.missing == (asked,)
    assert dict(found.values) == {"B": ""}


def test_the_environment_name_is_upper_case() -> None:
    """`ORION_TARGET` gives `target`, under the name as declared."""
    found = resolve((Variable("target"),), environment={"ORION_TARGET": "x", "target": "y"})
    assert dict(found.values) == {"target": "x"}


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    """`--set DATABSE=x` is a slip, not a new variable."""
    with pytest.raises(OrionError) as raised:
        resolve((DATABASE,), given={"DATABSE": "x"})
    assert "did you mean `DATABASE`" in raised.value.help


@pytest.mark.parametrize("item", ["", "A", "=x", "1A=x", "A B=x", "A\n=x"])
def test_a_malformed_set_is_refused(item: str) -> None:
    """`--set` takes NAME=VALUE and nothing else."""
    with pytest.raises(OrionError):
        parse_sets([item])
    assert parse_sets(["A=b=c", "B="]) == {"A": "b=c", "B": ""}


@pytest.mark.parametrize(
    ("kind", "value", "fitted"),
    [
        ("integer", " 42 ", "42"),
        ("integer", "-7", "-7"),
        ("integer", "007", "7"),
        ("integer", "4.2", None),
        ("integer", "\u0664", None),
        ("integer", "9" * 5000, None),
        ("number", "4.20", "4.20"),
        ("number", "1e3", "1e3"),
        ("number", "nan", None),
        ("boolean", "Yes", "true"),
        ("boolean", "off", "false"),
        ("boolean", "maybe", None),
        ("path", "~/x y", "/home/o/x y"),
        ("path", "~other/x", "~other/x"),
        ("path", " ", None),
        ("text", "", ""),
        ("text", "a\nb", "a\nb"),
        ("text", "a\x00b", None),
        ("text", "x" * 40_000, None),
    ],
)
def test_types(kind: str, value: str, fitted: str | None) -> None:
    """A value is written as its type writes it, or refused with a sentence."""
    variable = Variable("V", type=kind)
    if fitted is None:
        with pytest.raises(ValueError, match="`V`"):
            fit(variable, value, "/home/o")
    else:
        assert fit(variable, value, "/home/o") == fitted


def test_a_secret_value_never_stands_in_a_message() -> None:
    """What does not fit is not repeated where the variable is secret."""
    with pytest.raises(OrionError) as raised:
        resolve((Variable("PIN", secret=True, type="integer"),), given={"PIN": "hunter2"})
    assert "hunter2" not in raised.value.render()


def test_secrets_are_listed_for_redaction() -> None:
    """Longest first, so that a secret within another never leaves half of it readable."""
    secrets = (Variable("A", secret=True), Variable("B", secret=True), Variable("C", secret=True))
    found = resolve((*secrets, DATABASE), given={"A": "pass", "B": "password", "C": ""})
    assert found.secret_values == ("password", "pass")


@pytest.mark.parametrize(
    "name",
    ["PATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "HOME",
     "PYTHONPATH", "PERL5OPT", "NODE_OPTIONS", "ORION_X", "GIT_SSH_COMMAND", "BASH_FUNC_ls%%", "1A", "A-B", "A B", "", "\u00c4",
     "A\n", "A=", "x" * 101],
)  # fmt: skip
def test_names_that_change_other_programs_are_refused(name: str) -> None:
    """A variable is a fresh, valid shell name."""
    assert why_bad_name(name)


@pytest.mark.parametrize(
    "name", ["DATABASE", "target", "_x", "HOME_DIR", "PATHS", "ENVIRONMENT", "VERSION_2"]
)
def test_ordinary_names_are_fine(name: str) -> None:
    """Names that only resemble reserved ones are allowed."""
    assert why_bad_name(name) == ""


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50))
def test_any_value_reaches_a_script_as_it_is(value: str) -> None:
    """A text value comes out of the environment byte for byte, whatever it holds."""
    values = resolve((Variable("V"),), given={"V": value}).values
    assert values["V"] == value


def test_hostile_values_do_nothing_in_a_real_shell() -> None:
    """Through the environment, a value that is a command stays a value."""
    for value in ("; exit 9", "$(exit 9)", "`exit 9`", "' ; exit 9 ; '", '"; exit 9; "', "a\nexit 9"):
        env = {**os.environ, **resolve((Variable("V"),), given={"V": value}).values}
        done = subprocess.run(["bash", "-c", 'printf %s "$V"'], env=env, capture_output=True)
        assert (done.returncode, done.stdout.decode()) == (0, value)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("T", "x", True),
        ("T", "false", False),
        ("T", "", False),
        ("not T", "no", True),
        ("T == prod", "prod", True),
        ("T == 'a b'", "a b", True),
        ("T != prod", "test", True),
        ("T == prod", "test", False),
        ("T", None, None),
        (None, None, True),
    ],
)
def test_conditions(condition: str | None, value: str | None, expected: bool | None) -> None:
    """A condition is true, false, or open while its variable has no value."""
    assert applies(condition, {} if value is None else {"T": value}) is expected


@pytest.mark.parametrize("condition", ["T = prod", "T &&", "only on Fridays", "not T == x", "", "U", "$T"])
def test_a_bad_condition_is_told(condition: str) -> None:
    """A condition that could silently never apply is refused."""
    assert check_condition(condition, ["T"])
    assert check_condition("T == x", ["T"]) == ""
