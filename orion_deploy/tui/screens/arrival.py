"""What is seen before anything is done: where the run stands (resume), and what could run (approval)."""

from __future__ import annotations

from collections.abc import Iterator

from orion_deploy.checklist.model import Checklist, CodeBlock, Role, Section, Step
from orion_deploy.run.attempt import Finding
from orion_deploy.run.resume import Resume
from orion_deploy.run.session import Session
from orion_deploy.run.verification import is_harmless
from orion_deploy.run.watches.standing import SIGNS
from orion_deploy.run.words import length
from orion_deploy.text import is_hidden, plain_line
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.page import call_lines, code_block
from orion_deploy.tui.screens.panel import KeysPanel, keys_hint
from orion_deploy.tui.words import clock, counted, minutes

IDS_LISTED_MAX = 12

_FOUND = {
    Finding.FINISHED: ("✓", "it has ended meanwhile; its result was taken in", "ok"),
    Finding.RUNNING: ("▸", "it is still running", "run"),
    Finding.NEVER_STARTED: ("·", "it never began; it is open", "dim"),
    Finding.ORPHAN: ("▸", "it still runs, but its result can no longer be known", "bad"),
    Finding.UNKNOWN: ("?", "nobody knows how it ended: you decide", "bad"),
}


def resume_lines(session: Session, width: int) -> list[Line]:
    """Where the operator was, how long ago, what was in flight, what has changed."""
    resume, now = session.resume, session.edge.now()
    lines: list[Line] = []
    if resume.where:
        lines += [
            line("You were at", "label"),
            *wrap((Span("  "), Span(_title(session, resume.where), "bold")), width, hang="  "),
        ]
    ago = f"{minutes(resume.away_s)} ago"
    last = f"  last act {ago}" + (f", by {plain_line(resume.last_by)}" if resume.last_by else "")
    lines += wrap(line(last, "dim"), width)
    if resume.was_killed:
        lines += wrap(
            (Span("  ! ", "warn"), Span("the last session did not end in good order")), width, hang="    "
        )
    for flight in resume.in_flight:
        glyph, text, role = _FOUND[flight.finding]
        lines += [EMPTY, line("In flight", "label")]
        lines += wrap(
            (
                Span("  "),
                Span(_title(session, flight.step), "bold"),
                Span(f"  begun {clock(flight.started_at, now)}", "dim"),
            ),
            width,
            hang="  ",
        )
        lines += wrap(
            (
                Span(f"  {glyph} ", role),
                Span(text),
                Span(f" ({plain_line(flight.reason)})" if flight.reason else "", "dim"),
            ),
            width,
            hang="    ",
        )
    lines += _waited_for(session, width)
    lines += _watched(session, now, width)
    lines += _changes(session, resume, width)
    lines += [
        EMPTY,
        *wrap((Span("Steps run in ", "dim"), Span(plain_line(resume.cwd or session.cwd))), width, hang="  "),
    ]
    return lines


def _waited_for(session: Session, width: int) -> list[Line]:
    """The gates as a whole, as soon as anything of them is decided or due; before that there is nothing to remind of."""
    from orion_deploy.run.criteria import Stand
    from orion_deploy.run.gates import gates_of
    from orion_deploy.tui.criteria_lines import gate_lines

    criteria = session.criteria()
    begun = any(c.due_at or c.can_be_decided or c.stand in (Stand.HOLDS, Stand.FAILS) for c in criteria)
    gates = [gate for gate in gates_of(session.checklist, criteria) if gate.stand is not Stand.HOLDS]
    if not begun or not gates:
        return []
    rows = gate_lines(gates, session.edge.now(), width - 2)
    return [EMPTY, line("Criteria and gates (G)", "label"), *((Span("  "), *row) for row in rows)]


def _watched(session: Session, now: float, width: int) -> list[Line]:
    """How the watches stand: those that went on, and those that fired or ended while nobody was here."""
    fired = {step_id for step_id, _ in session.fired_at_opening}
    lines: list[Line] = []
    for seen in session.seen_watches():
        if not seen.is_open and seen.record.step not in fired:
            continue
        sign = SIGNS[seen.standing(now)]
        shown = plain_line(seen.record.shown)
        about = [shown, f"{length(seen.record.left_s)} left" if seen.is_open else "", seen.why_unwatched(now)]
        spans = (
            Span(f"  {sign.text:<12} ", sign.role),
            Span(_title(session, seen.record.step)),
            Span(f"  {', '.join(text for text in about if text)}", "dim"),
        )
        lines += wrap(spans, width, hang=" " * 15)
    return [EMPTY, line("Watches", "label"), *lines] if lines else []


def _changes(session: Session, resume: Resume, width: int) -> list[Line]:
    lines: list[Line] = []

    def listed(label: str, ids: tuple[str, ...], role: str) -> None:
        if not ids:
            return
        lines.extend([EMPTY, line(label, role)])
        for step_id in ids[:IDS_LISTED_MAX]:
            lines.extend(wrap((Span("  "), Span(_title(session, step_id))), width, hang="  "))
        if len(ids) > IDS_LISTED_MAX:
            lines.append(line(f"  and {len(ids) - IDS_LISTED_MAX:,} more", "dim"))

    if resume.file_changed:
        lines += [
            EMPTY,
            *wrap((Span("! ", "warn"), Span("The checklist's file has changed since.")), width, hang="  "),
        ]
    listed("Changed since they were ticked", resume.changed, "warn")
    listed("New in the file", resume.added, "label")
    listed("No longer in the file", resume.gone, "warn")
    listed(
        "Outcome unknown: you decide",
        tuple(i for i in resume.unknown if i not in {f.step for f in resume.in_flight}),
        "bad",
    )
    lines += _verifiable(session, resume, width)
    if resume.commit_before and resume.commit_before != resume.commit_now:
        text = f"The repository stood at {resume.commit_before[:12]} and stands at {resume.commit_now[:12] or 'no commit'} now."
        lines += [EMPTY, *wrap((Span("! ", "warn"), Span(plain_line(text))), width, hang="  ")]
    if resume.torn_bytes:
        text = f"The journal ended in a half-written record ({counted(resume.torn_bytes, 'byte')}); it was set aside, nothing whole was lost."
        lines += [EMPTY, *wrap((Span("! ", "warn"), Span(text)), width, hang="  ")]
    return lines


def _verifiable(session: Session, resume: Resume, width: int) -> list[Line]:
    """How the outcomes that nobody knows can be found out: by a check, or by running a harmless step again."""
    lines: list[Line] = []
    for step_id in resume.unknown[:IDS_LISTED_MAX]:
        found = next((step for _, step in session.checklist.walk() if step.id == step_id), None)
        if found is None:
            continue
        call = session.verification(step_id)
        if call is not None:
            way = f"Enter, then v: {plain_line(call.name)} looks whether it was carried out."
        elif is_harmless(found):
            way = "Enter, then r: running it again does no harm."
        else:
            continue
        spans = (Span(f"  {plain_line(found.title)}: ", "dim"), Span(way))
        lines += [EMPTY, *wrap(spans, width, hang="  ")]
    return lines


def _title(session: Session, step_id: str) -> str:
    row = next((step for _, step in session.checklist.walk() if step.id == step_id), None)
    return plain_line(row.title) if row is not None else plain_line(step_id)


def resume_panel(session: Session) -> KeysPanel:
    """The resume screen. Enter only closes it: nothing runs, nothing is ticked."""
    return KeysPanel(
        f"Back in run {session.run}",
        lambda width: resume_lines(session, width),
        {"enter": "on"},
        keys_hint(("Enter", "to the steps; nothing runs by it")),
        is_grave=not session.resume.is_quiet,
    )


def runnable(checklist: Checklist) -> Iterator[tuple[Section, Step | None, CodeBlock | None]]:
    """Everything that could run: blocks of steps, typed steps, and blocks under no step."""
    for section in checklist.walk_sections():
        for block in section.code:
            if block.role is Role.COMMAND:
                yield section, None, block
        stack = list(reversed(section.steps))
        while stack:
            step = stack.pop()
            stack.extend(reversed(step.steps))
            if step.facts.call is not None:
                yield section, step, None
                continue
            for block in step.code:
                if block.role is Role.COMMAND:
                    yield section, step, block


def last_block(step: Step) -> CodeBlock:
    """The last command of a step: behind it stands what lint has to say of all of them."""
    return [block for block in step.code if block.role is Role.COMMAND][-1]


def approval_lines(session: Session, width: int) -> list[Line]:
    """What could run, in order; before it the difference to what was approved last, and what is strange."""
    checklist = session.checklist
    items = list(runnable(checklist))
    lines: list[Line] = []
    hidden = [item for item in items if item[2] is not None and is_hidden(item[2].text)]
    if hidden:
        text = f"{counted(len(hidden), 'command')} with characters that cannot be seen; they are shown as <U+....>"
        lines += wrap((Span("✗ ", "bad"), Span(text)), width, hang="  ")
    for problem in checklist.problems:
        lines += wrap(
            (Span("! ", "warn"), Span(f"line {problem.line}: {plain_line(problem.message)}")),
            width,
            hang="  ",
        )
    if lines:
        lines.append(EMPTY)
    lines += _difference(session, width)
    text = session.data.decode("utf-8", "replace")
    section_id = ""
    step_id: str | None = None
    for section, step, block in items:
        if section.id != section_id:
            section_id = section.id
            lines += [line(plain_line(section.title) or "Before the first heading", "heading"), EMPTY]
        if step is not None and step.id != step_id:
            lines += wrap(line(plain_line(step.title), "bold"), width)
        step_id = step.id if step is not None else None
        if block is not None:
            label = "" if step is not None else "block under no step, run only on its own row"
            lines += code_block(block, label, {}, width)
            if step is None or block == last_block(step):
                lines += _warnings(session, section, step, text, width)
                if step is not None and step.facts.verify is not None:
                    lines += call_lines(step, step.facts.verify, width)
        elif step is not None and step.facts.call is not None:
            lines += call_lines(step, step.facts.call, width)
            if step.facts.verify is not None:
                lines += call_lines(step, step.facts.verify, width)
        lines.append(EMPTY)
    return lines


def _warnings(session: Session, section: Section, step: Step | None, text: str, width: int) -> list[Line]:
    """What lint finds in a step's commands."""
    from orion_deploy.tui.dangers import findings_of

    if step is None:
        return []
    lines: list[Line] = []
    for finding in findings_of(session.checklist, section, step, text):
        lines += wrap((Span("! ", "warn"), Span(plain_line(finding.message))), width, hang="  ")
    return lines


def _difference(session: Session, width: int) -> list[Line]:
    """What has changed since this file was last approved."""
    import difflib

    from orion_deploy.run.approvals import last_approved
    from orion_deploy.tui.screens.asking import diff_lines

    before = last_approved(session.path)
    if before is None or before == session.data:
        return []
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, session.data))
    diff = "\n".join(difflib.unified_diff(old, new, "approved", "now", lineterm="", n=2))
    return [line("Changed since you last approved it", "heading"), *diff_lines(diff, width), EMPTY]


def approval_screen(session: Session) -> KeysPanel:
    """The approval: only `a` trusts these bytes; Enter is no answer."""
    count = sum(1 for _ in runnable(session.checklist))
    panel = KeysPanel(
        f"{counted(count, 'command')} could run. Approve them?",
        lambda width: approval_lines(session, width),
        {"a": "approve"},
        keys_hint(
            ("a", "approve exactly these"), ("↑ ↓ PgDn", "read on"), ("Esc", "only look; nothing can run")
        ),
    )
    panel.add_class("tall")
    return panel
