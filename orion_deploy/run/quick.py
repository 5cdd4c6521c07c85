"""Frozen dataclasses made three times faster, where tens of thousands are made at once: reading a long journal.

The `__init__` of a frozen class sets each field through `object.__setattr__` by name: 2.6 µs for the 22 fields of an
attempt, 0.8 µs in this way (CPython 3.11, `timeit`). An object of a class of the same layout that is not frozen is
filled by plain stores, and then becomes one of the frozen class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def constructor(cls: type[T]) -> Callable[..., T]:
    """Return what makes instances of a frozen dataclass with slots, with the parameters of the class.

    A class that looks at its fields when it is made (`__post_init__`) is returned as it is.
    """
    if hasattr(cls, "__post_init__"):
        return cls
    known = fields(cls)  # type: ignore[arg-type]  # a dataclass
    body = {  # Both of them: where one is a Python function, CPython takes the slow way for the other too.
        "__slots__": cls.__dict__["__slots__"],
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    given: dict[str, Any] = {
        "_MISSING": MISSING,
        "_cls": cls,
        "_new": object.__new__,
        "_twin": type(cls.__name__, cls.__bases__, body),
    }
    parameters = ["*"] if any(field.kw_only for field in known) else []
    stores = []
    for number, field in enumerate(known):
        value = field.name
        if field.default_factory is not MISSING:
            given[f"_f{number}"] = field.default_factory
            parameters.append(f"{field.name}=_MISSING")
            value = f"_f{number}() if {field.name} is _MISSING else {field.name}"
        elif field.default is not MISSING:
            given[f"_d{number}"] = field.default
            parameters.append(f"{field.name}=_d{number}")
        else:
            parameters.append(field.name)
        stores.append(f"    made.{field.name} = {value}\n")
    code = (
        f"def make({', '.join(parameters)}):\n    made = _new(_twin)\n{''.join(stores)}"
        "    made.__class__ = _cls\n    return made\n"
    )
    exec(code, given)  # noqa: S102  # nothing but names of fields stands in it
    make: Callable[..., T] = given["make"]
    return make
