"""What decides which way back to take, in plain lines and as data: looked at once, then told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from orion_deploy.errors import PersonNeededError
from orion_deploy.kinds.sqlite.way_facts import WayBack, follows, told
from orion_deploy.kinds.verdict import Json
from orion_deploy.run.following import Signals
from orion_deploy.run.session import Session
from orion_deploy.run.triggers import Trigger, of_facts, triggers, with_triggers
from orion_deploy.run.way_back import LOOK_S_MAX, WaysBack
from orion_deploy.text import plain_line
from orion_deploy.tui.words import clock, minutes

WAIT_S = 0.1


def looked(session: Session, signals: Signals | None = None) -> WaysBack:
    """Look at every database of the checklist, to the end. Raises Left when a signal comes meanwhile."""
    ways = WaysBack(session)
    ways.start()
    try:
        while not ways.wait(WAIT_S):
            if signals is not None:
                signals.leave_if_asked()
    finally:
        ways.stop()
        ways.wait(LOOK_S_MAX)
    return ways


def known_now(session: Session, ways: WaysBack) -> dict[str, Json]:
    """What was looked at, of databases and of the run itself, as data; empty where there was nothing to look at."""
    seen = triggers(session.checklist, session.state, session.seen_watches(), session.edge.now())
    return with_triggers(ways.to_json(), seen)


def trigger_lines(found: Iterable[Trigger], now: float) -> list[str]:
    """What speaks for turning back, and what was looked at and does not; each with its word."""
    lines = []
    for trigger in found:
        when = f", since {clock(trigger.since, now)}" if trigger.since else ""
        if trigger.until is not None:
            when = f", {clock(trigger.since, now)} to {clock(trigger.until, now)}"
        lines.append(f"  {trigger.what.value + ':':<11} {trigger.title}{when}: {trigger.text}")
    return lines


def lines_of(ways: tuple[WayBack, ...], fault: str, now: float) -> list[str]:
    """The facts as lines, each with its word; nothing where nothing was looked at."""
    return list(_lines(ways, fault, now))


def lines_of_facts(facts: Mapping[str, Json], now: float) -> list[str]:
    """The same, of what went into the record."""
    databases = facts.get("databases")
    ways = (
        tuple(WayBack.from_json(d) for d in databases if isinstance(d, dict))
        if isinstance(databases, list)
        else ()
    )
    return [*trigger_lines(of_facts(facts), now), *lines_of(ways, str(facts.get("fault", "")), now)]


def _lines(ways: tuple[WayBack, ...], fault: str, now: float) -> Iterator[str]:
    for way in ways:
        for fact in told(way, lambda at: f"{clock(at, now)}, {minutes(now - at)} ago"):
            yield f"  {fact.label + ':' if fact.label else '':<11} {plain_line(fact.text)}"
        for sentence in follows(way):
            yield f"  what follows: {plain_line(sentence)}"
    if fault:
        yield f"  could not be looked at: {plain_line(fault)}"


def tell_facts(file: Path, *, run: str | None, as_json: bool) -> int:
    """Print what decides the way back of a run, and change nothing. Raises PersonNeededError, or as `open_session`."""
    from orion_deploy.checklist.escalation import escalations
    from orion_deploy.cli.lines import escalation_lines
    from orion_deploy.cli.opened import close
    from orion_deploy.cli.out import data, json_data, talk
    from orion_deploy.run.opening import open_session

    session = open_session(file, run=run, look_on=True)
    try:
        if session.needs_approval:
            raise PersonNeededError(
                "the commands of this file were never looked at, or it changed since; nothing was looked at",
                help=f"`orion-deploy approve {file}` shows them and trusts them",
            )
        ways = looked(session)
        known = known_now(session, ways)
        if as_json:
            json_data({"run": session.run, "checklist": session.checklist.path, **known})
        else:
            for line in lines_of_facts(known, session.edge.now()):
                data(line)
            for line in escalation_lines(escalations(session.checklist)):
                data(line)
            if not ways:
                talk("no typed step of this checklist is about a database: there is nothing to look at")
    finally:
        close(session)
    return 0
