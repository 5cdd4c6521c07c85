"""What `status` tells a person: aligned lines, every state a word."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orion_deploy.run.words import duration, length
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.run.status import Facts

RUNS_LISTED_MAX = 10
FIRINGS_LISTED_MAX = 3


def lines_near(found: list[Facts], now: float) -> list[str]:
    """The current run of every checklist near, one a line."""
    if not found:
        return ["no runs here; `orion-deploy run FILE` begins one"]
    rows = [
        (
            plain_line(f["checklist"]),
            plain_line(f["run"]),
            _stand(f),
            _ago(f["last_at"], now) if f["last_at"] else "",
            _waits_for(f, now),
        )
        for f in found
    ]
    return aligned(rows)


def lines_of(facts: Facts, now: float) -> list[str]:
    """One run in full: progress by section, what is outstanding, how to go on, and which other runs there are."""
    if facts["run"] is None:
        return [f"{plain_line(facts['checklist'])}: no runs yet", f"begin: {facts['go_on'][0]}"]
    lines = [plain_line(facts["title"]) or plain_line(facts["checklist"])]
    by = f" by {plain_line(', '.join(facts['operators']))}" if facts["operators"] else ""
    begun = f", begun {_clock(facts['started_at'])}{by}" if facts["started_at"] else ""
    lines.append(f"run {plain_line(facts['run'])}{begun}; last {_ago(facts['last_at'], now)}")
    if facts["cwd"]:
        lines.append(f"in {plain_line(facts['cwd'])}")
    if facts["damage"]:
        lines += _damage_lines(facts)
    if facts["not_checked"]:
        command = f"orion-deploy report {plain_line(facts['checklist'])} --run {facts['run']} --verify"
        lines.append(f"{facts['not_checked']}: it is longer than a glance; `{command}` reads it in full")
    if facts["rollback_at"]:
        lines.append(
            f"rolled back since {_clock(facts['rollback_at'])}: {plain_line(facts['rollback_reason'])}"
        )
    if facts["finished_at"]:
        lines.append(f"finished {_clock(facts['finished_at'])}: {plain_line(facts['result'])}")
    if facts["held_by"]:
        held = facts["held_by"]
        lines.append(
            f"{plain_line(held['who'])} works on it since {_clock(held['since'])} (process {held['pid']})"
        )
    lines += ["", *aligned([_section_row(section) for section in facts["sections"] if section["total"]])]
    if facts["outstanding"]:
        lines += ["", "outstanding:", *aligned([_outstanding_row(step) for step in facts["outstanding"]])]
    if facts["watches"]:
        lines += ["", "watches:", *watch_lines(facts["watches"])]
    if facts["criteria"] and not facts["finished_at"]:
        from orion_deploy.cli.gates import missing_lines
        from orion_deploy.run.gates import of_facts

        for gate in of_facts(facts["criteria"]):
            lines += ["", *missing_lines(gate, now)]
    if facts["go_on"]:
        lines += ["", "go on:", *(f"  {plain_line(command)}" for command in facts["go_on"])]
    others = [run for run in facts["runs"] if run["run"] != facts["run"]]
    if others:
        rows = [
            (plain_line(run["run"]), _stand(run), _ago(run["last_at"], now))
            for run in others[:RUNS_LISTED_MAX]
        ]
        lines += ["", "other runs:", *aligned(rows)]
        if len(others) > RUNS_LISTED_MAX:
            lines.append(f"  and {len(others) - RUNS_LISTED_MAX} more")
    return lines


def _damage_lines(facts: Facts) -> list[str]:
    """Why the run cannot be read, where, and what to do next."""
    place = facts["damage_at"]
    line = f":{place['line']}" if place["line"] else ""
    return [
        f"it cannot be read in full: {plain_line(facts['damage'])}",
        f"  --> {plain_line(place['file'])}{line}",
        f"help: {plain_line(facts['help'])}",
    ]


def watch_lines(watches: list[Facts]) -> list[str]:
    """The watches under way, one a line, and below each that fires why it does."""
    rows = aligned([_watch_row(watch) for watch in watches])
    lines = []
    for row, watch in zip(rows, watches, strict=True):
        lines.append(row)
        for firing in watch["fired"][-FIRINGS_LISTED_MAX:]:
            over = f" until {_clock(firing['until'])}" if firing["until"] is not None else ""
            lines.append(f"    fired {_clock(firing['at'])}{over}: {plain_line(firing['reason'])}")
    if watches[0]["fault"]:
        lines.append(f"  {plain_line(watches[0]['fault'])}")
    elif not watches[0]["is_watched_now"]:
        lines.append(f"  nobody has watched for {duration(min(w['looked_s_ago'] for w in watches))}")
    return lines


def _watch_row(watch: Facts) -> tuple[str, ...]:
    gaps = f", not watched {length(watch['gap_s'])}" if watch["gaps"] else ""
    return (
        watch["state"],
        plain_line(watch["step"]),
        plain_line(watch["lost"] or (watch["is_watched_now"] and watch["unwatched"]) or watch["shown"]),
        f"watched {length(watch['observed_s'])} of {length(watch['watch_s'])}{gaps}",
        f"due {_clock(watch['due_at'])}",
    )


def _section_row(section: Facts) -> tuple[str, ...]:
    rest = ", ".join(
        f"{number} {status}" for status, number in section["counts"].items() if status not in ("todo", "done")
    )
    kind = f" [{section['kind']}]" if section["kind"] != "steps" else ""
    title = (plain_line(section["title"]) or "(no heading)") + kind
    return title, f"{section['settled']} of {section['total']}", rest


def _outstanding_row(step: Facts) -> tuple[str, ...]:
    status = "overridden" if step["override"] else "open" if step["status"] == "todo" else step["status"]
    why = plain_line(step["why"])
    if "elapsed_s" in step:
        why += f", for {duration(step['elapsed_s'])}"
    return status, plain_line(step["step"]), why


def _waits_for(run: Facts, now: float) -> str:
    """What an unfinished run that was left still waits for."""
    if run["finished_at"] or run["damage"] or not (run["watching"] or run["criteria_counts"]):
        return ""
    from orion_deploy.run.due import next_due_at
    from orion_deploy.run.gates import reminder

    due_at = next_due_at(run["watching"], run["criteria_counts"], now)
    return reminder(run["criteria_counts"], run["watching"], due_at, now)


def _stand(run: Facts) -> str:
    if run["damage"]:
        return f"cannot be read: {plain_line(run['damage'])}"
    not_checked = f"; {run['not_checked']}" if run["not_checked"] else ""
    if run["finished_at"]:
        return (plain_line(run["result"]) or "finished") + not_checked
    counts = run["counts"]
    settled = counts.get("total", 0) - counts.get("open", 0)
    more = "".join(
        f", {counts[word]} {word}" for word in ("running", "unknown", "failed") if counts.get(word)
    )
    return f"{settled} of {counts.get('total', 0)}{more}{not_checked}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns, indented."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _ago(at: float, now: float) -> str:
    from humanize import naturaldelta

    return f"{naturaldelta(max(0.0, now - at))} ago"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
