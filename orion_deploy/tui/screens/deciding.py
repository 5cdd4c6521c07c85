"""Panels that are answered by one key: an unknown outcome, a choice, a section, a cancel, leaving."""

from __future__ import annotations

from orion_deploy.checklist.model import Step
from orion_deploy.run.session import Session
from orion_deploy.run.state import Status
from orion_deploy.run.verification import is_harmless
from orion_deploy.text import plain_line
from orion_deploy.tui.board import Board
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.page import attempt_spans, look_spans
from orion_deploy.tui.screens.panel import KeysPanel, keys_hint
from orion_deploy.tui.words import clock, counted

STEPS_LISTED_MAX = 40
LOOKS_SHOWN_MAX = 3


def unknown_panel(session: Session, step_id: str) -> KeysPanel:
    """An outcome that nobody knows: the ways on, none of them the obvious one."""
    step, state = session.step(step_id), session.state.step(step_id)
    now = session.edge.now()

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY]
        lines += wrap(
            line("It was interrupted, and nobody knows how far it came. It is never run again by itself."),
            width,
        )
        lines += [*what_is_known(state.reason, width), EMPTY]
        if state.attempts:
            lines += wrap(attempt_spans(state.attempts[-1], now), width, hang="    ")
        for look in state.verifications[-LOOKS_SHOWN_MAX:]:
            lines += wrap(look_spans(look, now), width, hang="    ")
        lines.append(EMPTY)
        for key, text in ways:
            lines += wrap((Span(f"{key}  ", "key"), Span(text)), width, hang="   ")
        return lines

    ways = [("o", "look at what it printed")]
    answers = {"o": "look", "r": "rerun", "d": "done", "f": "failed"}
    call = session.verification(step_id)
    if call is not None:
        ways.append(
            ("v", f"verify: let {plain_line(call.name)} look whether it was carried out; it only looks")
        )
        answers["v"] = "verify"
    if is_harmless(step):
        says = (
            "it only looks" if step.facts.check is not None else "the checklist says that this does no harm"
        )
        ways.insert(0, ("r", f"run it again: {says}"))
        answers["r"] = "again"
    ways += [("d", "mark it done, with a reason"), ("f", "mark it failed, with a reason")]
    if not is_harmless(step):
        ways.append(("r", "open it again, to run it once more"))
    return KeysPanel("Outcome unknown", build, answers, keys_hint(("Esc", "decide later")), is_grave=True)


def what_is_known(reason: str, width: int) -> list[Line]:
    """What the run knows of an interrupted step: it may be all that there is to decide by."""
    if not reason:
        return []
    return wrap((Span("known: ", "label"), Span(plain_line(reason), "bold")), width, hang="  ")


def choice_panel(step: Step) -> KeysPanel:
    """The options of a step; nothing runs yet."""

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY]
        for option in step.options:
            spans = [Span(f"{option.number}  ", "key"), Span(plain_line(option.title))]
            if option.recommended and "recommended" not in option.title.lower():
                spans.append(Span("  recommended", "ok"))
            lines += wrap(spans, width, hang="   ")
        return [*lines, EMPTY, *wrap(line("Taking an option runs nothing.", "dim"), width)]

    answers = {str(option.number): str(option.number) for option in step.options if option.number < 10}
    return KeysPanel(
        "Take an option", build, answers, keys_hint(("1-9", "takes an option"), ("Esc", "leaves it"))
    )


def section_panel(session: Session, board: Board, number: int) -> KeysPanel:
    """A section at its end: what is done, what was skipped and why, what is open."""
    section = board.sections[number]
    state = session.state
    rows = [r for r in board.rows if r.section == number and r.kind == "step"]
    settled, total = board.section_progress(number)
    open_rows = [r for r in rows if state.step(r.id).status not in (Status.DONE, Status.SKIPPED)]
    ruled_out = [r for r in rows if state.step(r.id).is_passed_over]
    skipped = [r for r in rows if state.step(r.id).status is Status.SKIPPED and r not in ruled_out]
    overrides = [r for r in rows if state.step(r.id).override]

    def build(width: int) -> list[Line]:
        lines = wrap(line(plain_line(section.title), "bold"), width)
        lines += wrap((Span(f"{settled} of {total} settled", "ok" if settled == total else "warn"),), width)
        completed = state.sections_completed.get(section.id)
        if completed is not None:
            lines += wrap(line(f"completed {clock(completed, session.edge.now())}", "dim"), width)
        for label, listed in (
            ("open", open_rows),
            ("skipped", skipped),
            ("not applicable", ruled_out),
            ("overrides", overrides),
        ):
            if not listed:
                continue
            lines += [EMPTY, line(f"{label}:", "label")]
            for row in listed[:STEPS_LISTED_MAX]:
                step_state = state.step(row.id)
                sign = board.sign_of(row.id)
                spans = [Span(f"{sign.text:<11} ", sign.role), Span(row.title)]
                if step_state.reason:
                    spans.append(Span(f"  ({plain_line(step_state.reason)})", "dim"))
                lines += wrap(spans, width, hang=" " * 12)
            if len(listed) > STEPS_LISTED_MAX:
                lines.append(line(f"and {len(listed) - STEPS_LISTED_MAX:,} more", "dim"))
        if not (open_rows or skipped or overrides):
            lines += [EMPTY, *wrap(line("Nothing was skipped or overridden."), width)]
        return lines

    title = "Section complete?" if not open_rows else f"{counted(len(open_rows), 'step')} still open"
    word = "the section is complete" if not open_rows else "record it as complete all the same"
    hint = keys_hint(("c", word), ("Esc", "not yet"))
    return KeysPanel(title, build, {"c": "complete"}, hint, is_grave=bool(open_rows))


def cancel_panel(step: Step) -> KeysPanel:
    """How to stop a running step."""

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY]
        lines += wrap(line("It is running. What it has done so far stays done."), width)
        lines.append(EMPTY)
        lines += wrap(
            (Span("x  ", "key"), Span("ask it to stop (TERM), and kill it if it does not within 5 s")),
            width,
            hang="   ",
        )
        return lines + wrap(
            (Span("k  ", "key"), Span("kill it at once (KILL): it cannot tidy up")), width, hang="   "
        )

    return KeysPanel(
        "Stop the running step?",
        build,
        {"x": "stop", "k": "kill"},
        keys_hint(("Esc", "let it run")),
        is_grave=True,
    )


def leave_panel(session: Session) -> KeysPanel:
    """Leaving while a step runs."""
    running = [plain_line(session.step(i).title) for i in session.state.running]

    def build(width: int) -> list[Line]:
        lines: list[Line] = []
        for title in running:
            lines += wrap((Span("▸ running  ", "run"), Span(title)), width, hang=" " * 11)
        text = "It goes on without this screen. When you come back, you find it where it then is."
        return [*lines, EMPTY, *wrap(line(text), width)]

    hint = keys_hint(("q", "leave, it goes on"), ("x", "stop it first"), ("Esc", "stay"))
    return KeysPanel("A step is running", build, {"q": "leave", "x": "cancel"}, hint)
