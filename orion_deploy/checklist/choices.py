"""The options of a choice, wherever they were written: under the step, or in its `people.choice`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Option, Step

KIND = "people.choice"


def options_of(step: Step) -> tuple[Option, ...]:
    """The options that a person has at this step, in order; empty where it is no choice."""
    return asked_by(step.facts.call) or step.options


def asked_by(call: KindCall | None) -> tuple[Option, ...]:
    """The options of a `people.choice`: texts, or keys with their texts; empty for anything else."""
    if call is None or call.name != KIND:
        return ()
    given, recommended = call.parameters.get("options"), call.parameters.get("recommended")
    if isinstance(given, Mapping):
        pairs = [(str(key), str(text)) for key, text in given.items()]
    elif isinstance(given, list | tuple):
        pairs = [("", str(text)) for text in given]
    else:
        return ()
    return tuple(
        Option(
            number, text, call.line, recommended is not None and str(recommended) in (key or text, text), key
        )
        for number, (key, text) in enumerate(pairs, start=1)
    )


def find_option(options: Iterable[Option], said: str) -> Option | None:
    """The option that a person means by its key, its title or its number; None where it is none of them."""
    known, said = tuple(options), said.strip()
    for name in (lambda o: o.key, lambda o: o.title, lambda o: str(o.number)):
        if found := next((o for o in known if said and name(o) == said), None):
            return found
    return None


def name_of(option: Option) -> str:
    """The shortest word for an option that stays right when options are put in another order: its key, else its title."""
    return option.key or option.title


def told(options: Iterable[Option]) -> str:
    """The options for a person: `1 down (Take the migration back), 2 ...`."""
    return ", ".join(f"{o.number} {f'{o.key} ({o.title})' if o.key else o.title}" for o in options)
