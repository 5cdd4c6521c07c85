"""What is made quickly is what the class itself makes: the same fields, the same defaults, and as frozen."""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields
from typing import Any

import pytest

from orion_deploy.run.events import EVENT_TYPES
from orion_deploy.run.quick import constructor
from orion_deploy.run.state import Attempt, StepState

CLASSES = [*EVENT_TYPES, Attempt, StepState]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_it_is_the_same(cls: Any) -> None:
    """With every field given, and with those only that have no default; equal, of the same class, with the same hash or none."""
    make = constructor(cls)
    known = fields(cls)
    needed = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
    for values in ({name: f"<{name}>" for name in needed}, {f.name: f"<{f.name}>" for f in known}):
        quick, plain = make(**values), cls(**values)
        assert type(quick) is cls
        assert quick == plain
        assert repr(quick) == repr(plain)
        with pytest.raises(FrozenInstanceError):
            setattr(quick, known[0].name, "other")
        for name in (f.name for f in known if f.default_factory is not MISSING and f.name not in values):
            assert getattr(quick, name) is not getattr(make(**values), name)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_what_does_not_fit_is_refused(cls: Any) -> None:
    """An unknown field and a missing one are a TypeError, as of the class: a journal of another program is read by that."""
    make = constructor(cls)
    needed = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    with pytest.raises(TypeError):
        make(**dict.fromkeys(needed, ""), nobody_knows_this=1)
    if needed:
        with pytest.raises(TypeError):
            make()
