"""Panels that take a typed line: a word that confirms, a reason, a note, a value."""

from __future__ import annotations

from orion_deploy.checklist.model import Step, Variable
from orion_deploy.run.session import Session
from orion_deploy.text import plain_line
from orion_deploy.tui import flow
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.prose import prose_lines
from orion_deploy.tui.screens.panel import (
    KeysPanel,
    Panel,
    TypePanel,
    keys_hint,
    needed,
    word_check,
    word_label,
)
from orion_deploy.tui.shell_colour import shell_lines

SCRIPT_LINES_MAX = 200


def warning_lines(why: tuple[str, ...], width: int) -> list[Line]:
    """A line for everything that speaks for a second look."""
    lines: list[Line] = []
    for text in why:
        lines += wrap((Span("! ", "warn"), Span(plain_line(text))), width, hang="  ")
    return lines


def barred(content: list[Line], width: int) -> list[Line]:
    """Lines of code after a bar, wrapped."""
    lines: list[Line] = []
    for row in content[:SCRIPT_LINES_MAX]:
        lines += [(Span("│ ", "dim"), *part) for part in wrap(row, width - 2, hang="  ")]
    if len(content) > SCRIPT_LINES_MAX:
        lines.append(line(f"│ … {len(content) - SCRIPT_LINES_MAX:,} more lines", "dim"))
    return lines


def diff_lines(diff: str, width: int) -> list[Line]:
    """A unified diff: `+` and `-` carry the meaning, colour only repeats it."""
    roles = {"+": "added", "-": "removed", "@": "dim"}
    rows = [line(text, roles.get(text[:1], "code")) for text in plain_rows(diff)]
    return barred(rows, width)


def plain_rows(text: str) -> list[str]:
    """The lines of a text, made safe."""
    return [plain_line(row) for row in text.rstrip("\n").split("\n")]


def confirm_panel(
    session: Session, step_id: str, word: str, why: tuple[str, ...], edited: str | None
) -> Panel[str]:
    """What would run, why it needs a second look, and a word to type."""
    step = session.step(step_id)
    script = edited if edited is not None else flow.next_script(session, step_id)
    written = flow.next_script(session, step_id)

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY, *warning_lines(why, width)]
        if edited is not None:
            from orion_deploy.run.desk import edit_diff

            lines += [EMPTY, line("edited:", "label"), *diff_lines(edit_diff(written, edited), width)]
        elif script:
            lines += [EMPTY, *barred(shell_lines(script), width)]
        elif step.facts.call is not None:
            from orion_deploy.tui.page import call_lines
            from orion_deploy.tui.view import shown_values

            lines += [EMPTY, *call_lines(step, step.facts.call, width, shown_values(session))]
        return lines

    title = "Run it again?" if word == flow.WORD_AGAIN else "Run it?"
    return TypePanel(
        title,
        build,
        word_label(word, "to run it"),
        word_check(word),
        is_grave=True,
        takes_paste=False,
        enter="runs it",
    )


def word_panel(title: str, word: str, why: tuple[str, ...]) -> Panel[str]:
    """A word to type, and why."""
    return TypePanel(
        title,
        lambda width: warning_lines(why, width),
        word_label(word, "to go on"),
        word_check(word),
        is_grave=True,
        takes_paste=False,
    )


def question_panel(session: Session, question: flow.AskPerson) -> Panel[str]:
    """The question of a `people.*` step, or the blanks of a step."""

    def build(width: int) -> list[Line]:
        return prose_lines(question.question, width, "bold")

    if question.options:
        return options_panel(session, question)
    if question.word:
        return TypePanel(
            "Confirm",
            build,
            word_label(question.word, "to confirm it"),
            word_check(question.word),
            takes_paste=False,
            enter="confirms it",
        )
    return TypePanel(
        "What did you see?",
        build,
        f"{plain_line(question.value)}:",
        needed,
        enter="ticks the step with this value",
    )


def options_panel(session: Session, question: flow.AskPerson) -> Panel[str]:
    """One of several ways, by its number; at the choice of a way back with what decides it."""
    from orion_deploy.run.way_back import is_asked_at
    from orion_deploy.tui.screens.way_back import LiveWays

    live = LiveWays(session) if is_asked_at(session, question.step_id) else None

    def build(width: int) -> list[Line]:
        lines = [*prose_lines(question.question, width, "bold"), EMPTY]
        for option in question.options:
            mark = "  recommended" if option.recommended else ""
            spans = (
                Span(f"{option.number}  ", "key"),
                Span(plain_line(option.title)),
                Span(mark, "ok"),
            )
            lines += wrap(spans, width, hang="   ")
        if live is not None and (facts := live.lines(width)):
            lines += [EMPTY, *facts]
        return lines

    answers = {str(option.number): option.title for option in question.options}
    hint = keys_hint((f"1-{len(answers)}", "takes an option"), ("Esc", "leaves it"))
    panel = KeysPanel("Choose", build, answers, hint)
    return panel.following(live) if live is not None else panel


def override_panel(step: Step, why: str) -> Panel[str]:
    """Why the tick is an override, and the reason for it."""

    def build(width: int) -> list[Line]:
        return [
            *wrap(line(plain_line(step.title), "bold"), width),
            EMPTY,
            *warning_lines((f"{why}: ticking it now is an override, and the report says so",), width),
        ]

    return TypePanel(
        "Tick it all the same?", build, "Reason:", needed, is_grave=True, enter="ticks it as an override"
    )


def other_way_panel(step: Step, why: str) -> Panel[str]:
    """What would be lost by going this way back behind the other, and the reason for it all the same."""

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY, *warning_lines((why,), width)]
        text = "To do it all the same is an override: say what is lost by it, and why that is right."
        return [*lines, EMPTY, *wrap(line(text), width)]

    return TypePanel(
        "The other way back?", build, "Reason:", needed, is_grave=True, enter="goes on with this reason"
    )


def skip_panel(step: Step) -> Panel[str]:
    """The reason for a skip."""

    def build(width: int) -> list[Line]:
        lines = [*wrap(line(plain_line(step.title), "bold"), width), EMPTY]
        if step.mandatory:
            return lines + warning_lines(
                ("it is mandatory: skipping it is an override, and the report says so",), width
            )
        return [*lines, *wrap(line("A skipped step stays on the strip and in the report."), width)]

    return TypePanel("Skip the step", build, "Reason:", needed, is_grave=step.mandatory, enter="skips it")


def note_panel(title: str) -> Panel[str]:
    """A note."""
    return TypePanel(
        "Note", lambda width: wrap(line(title, "bold"), width), "Text:", needed, enter="writes it down"
    )


def resolve_panel(step: Step, how: str, known: str = "") -> Panel[str]:
    """The reason for deciding an unknown outcome, of which so much is `known`."""
    from orion_deploy.tui.screens.deciding import what_is_known

    def build(width: int) -> list[Line]:
        text = f"You mark it {how}: what did you look at, and what did you see?"
        title = wrap(line(plain_line(step.title), "bold"), width)
        return [*title, EMPTY, *what_is_known(known, width), *wrap(line(text), width)]

    return TypePanel(f"Mark it {how}", build, "Reason:", needed, is_grave=True, enter=f"marks it {how}")


def variable_panel(variable: Variable, count: tuple[int, int]) -> Panel[str]:
    """The value of a variable."""

    def build(width: int) -> list[Line]:
        lines = wrap(
            line(plain_line(variable.prompt or f"The checklist needs {variable.name}."), "bold"), width
        )
        lines += wrap(line("It reaches scripts as an environment variable of that name.", "dim"), width)
        if variable.secret:
            lines += wrap(line("It is secret: it is neither shown nor written to disk.", "dim"), width)
        return lines

    def check(value: str) -> str:
        from orion_deploy.checklist.variables import fit

        if not value:
            return "it cannot be empty"
        try:
            fit(variable, value)
        except ValueError as error:
            return str(error)
        return ""

    title = f"Value {count[0]} of {count[1]}"
    return TypePanel(title, build, f"{variable.name} ({variable.type}):", check, is_secret=variable.secret)


def placeholder_panel(placeholder: str, script: str, count: tuple[int, int]) -> Panel[str]:
    """The value of a placeholder, with the command that it stands in."""

    def build(width: int) -> list[Line]:
        lines = [*wrap((Span("The command holds "), Span(plain_line(placeholder), "warn")), width), EMPTY]
        return [*lines, *barred(shell_lines(script), width)]

    def check(value: str) -> str:
        from orion_deploy.checklist.placeholders import why_unsafe

        return f"it {why}; or edit the command with e" if (why := why_unsafe(value)) else ""

    return TypePanel(f"Value {count[0]} of {count[1]}", build, f"{plain_line(placeholder)}:", check)
