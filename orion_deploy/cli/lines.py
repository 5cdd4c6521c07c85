"""Reports of a run as lines for a person, or as JSON lines. State is always a word: no colour, no drawing."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from orion_deploy.cli.out import data_now, json_data
from orion_deploy.run import reports
from orion_deploy.text import plain, plain_line
from orion_deploy.tui.words import clock, duration, size

OUTPUT_MARK = "  | "


def print_json(report: reports.Report) -> None:
    """Print a report as one line of JSON."""
    json_data(report.to_json(), indent=None)


def print_text(report: reports.Report) -> None:
    """Print a report for a person."""
    text = text_of(report)
    if text:
        data_now(text)


def text_of(report: reports.Report) -> str:
    """Return a report as lines that hold no byte a terminal acts upon."""
    match report:
        case reports.Opened():
            word = "goes on" if report.resumed else "begins"
            lines = [
                f"{plain_line(report.title)}",
                f"run {plain_line(report.run)} {word}, in {plain_line(report.cwd)}",
            ]
            return "\n".join([*lines, *(f"  {plain_line(fact)}" for fact in report.facts)])
        case reports.Decides():
            from orion_deploy.cli.way_back import lines_of_facts

            return "\n".join(["\nWhat decides the way back", *lines_of_facts(report.facts, report.at)])
        case reports.Escalates():
            return "\n".join(escalation_lines((each["title"], each["text"]) for each in report.sections))
        case reports.Section():
            return f"\n{plain_line(report.title) or '(no heading)'}: {report.settled} of {report.total}"
        case reports.Started():
            more = f", block {report.block} of {report.blocks}" if report.blocks > 1 else ""
            return f"start   {_name(report.step, report.title)} ({plain_line(report.what)}{more})"
        case reports.Followed():
            return (
                f"running {_name(report.step, report.title)}, since {clock(report.started_at)}; following it"
            )
        case reports.Watching():
            seen = f"; {plain_line(report.shown)}" if report.shown else ""
            return f"watch   {_name(report.step, report.title)}: until {clock(report.due_at, report.at)}, if it is watched all the time{seen}"
        case reports.Fired():
            return f"FIRED   {_name(report.step, report.title)}, {clock(report.fired_at)}: {plain_line(report.reason)}"
        case reports.Printed():
            return "\n".join(OUTPUT_MARK + line for line in plain(report.text).split("\n"))
        case reports.Withheld():
            return f"{OUTPUT_MARK}... {size(report.size_bytes)} not shown here; kept in {plain_line(report.path)}"
        case reports.Advanced():
            return f"  {_progress(report)}"
        case reports.Finished():
            return f"{_outcome(report)} {plain_line(report.step)} ({duration(report.duration_s)}): {plain_line(report.verdict.reason)}"
        case reports.NotFinished():
            word = "it never began" if report.ending == "never started" else "how it ended is not known"
            return f"{report.status} {plain_line(report.step)}: {word}"
        case reports.Verifying():
            return (
                f"verify  {_name(report.step, report.title)} ({plain_line(report.what)}): was it carried out?"
            )
        case reports.Verified():
            return f"{_verified(report)} {plain_line(report.step)}: {plain_line(report.verdict.reason)}"
        case reports.Ticked():
            value = f": {plain_line(report.value)}" if report.value else ""
            return f"done    {_name(report.step, report.title)}{value}"
        case reports.LeftOpen():
            return f"open    {_name(report.step, report.title)}: {plain_line(report.why)}"
        case reports.Settled():
            return f"settled {_name(report.step, report.title)}: {plain_line(report.why)}"
        case reports.Survived():
            name = signal.Signals(report.signal).name
            return (
                f"note    the running step {plain_line(report.step)} sent {name} to this app too; it goes on"
            )
        case reports.Stopped():
            where = f" at {_name(report.step, report.title)}" if report.step else ""
            help = f"\nhelp: {plain_line(report.help)}" if report.help else ""
            return f"\nstopped{where}: {plain_line(report.why)}{help}"
        case reports.Ended():
            return f"\n{_counts(report)}"
    return ""


def escalation_lines(sections: Iterable[tuple[str, str]]) -> list[str]:
    """Whom to turn to and what to do when it goes wrong: each section's title, and below it its text."""
    lines: list[str] = []
    for title, text in sections:
        lines += [
            f"{plain_line(title)}:",
            *(f"  {row}".rstrip() for row in plain(text).strip("\n").split("\n")),
        ]
    return lines


def _name(step_id: str, title: str) -> str:
    return f"{plain_line(step_id)} ({plain_line(title)})"


def _outcome(report: reports.Finished) -> str:
    word = report.verdict.outcome.value
    return {"passed": "passed ", "failed": "failed "}.get(word, word)


def _verified(report: reports.Verified) -> str:
    words = {"done": "it was carried out:", "todo": "not carried out:"}
    return words.get(report.status, "not known:")


def _progress(report: reports.Advanced) -> str:
    done = f"{report.done * 100 // report.total} %" if report.total else f"for {duration(report.elapsed_s)}"
    left = f", about {duration(report.eta_s)} left" if report.eta_s is not None else ""
    return f"{plain_line(report.message)} {done}{left}".strip()


def _counts(report: reports.Ended) -> str:
    counts = report.counts
    text = f"{counts['done']} of {counts['total']} done"
    for key in ("skipped", "not_applicable", "failed", "unknown", "undecided"):
        if counts[key]:
            text += f", {counts[key]} {key.replace('_', ' ')}"
    if counts["overrides"]:
        text += f", {counts['overrides']} overridden"
    return text + (f", {counts['open']} open" if counts["open"] else "")
