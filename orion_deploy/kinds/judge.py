"""The rules of a shell step's verdict, in the order in which they apply (docs/verdict.md). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orion_deploy.checklist.model import Expectation
from orion_deploy.checklist.shell_text import commands_named, parse
from orion_deploy.kinds.answers import answers_of
from orion_deploy.kinds.expected import ERROR, Met, Printed, Seen, check, quote, shown
from orion_deploy.kinds.hidden import CANNOT_RUN, Scene, blind_guard, broken_end, hidden_failures
from orion_deploy.kinds.shell import ShellResult
from orion_deploy.kinds.shellscript import (
    Statement,
    name_of,
    shortened,
    words_of,
)
from orion_deploy.kinds.verdict import Json, Outcome, Verdict

ERROR_LINES = 20
"""Of the output's end: where to look for the error message of a command that answered nothing."""
_SIGNALS = {
    1: "HUP",
    2: "INT",
    3: "QUIT",
    6: "ABRT",
    9: "KILL",
    11: "SEGV",
    13: "PIPE",
    14: "ALRM",
    15: "TERM",
}
_STOPPERS = frozenset({"pkill", "killall"})

_FUNCTION = re.compile(r"\s*(?:function\s+[\w.:-]+|[\w.:-]+\s*\(\s*\))")


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a script came to its end: good, an answer (a search that found nothing), or open to doubt."""

    is_good: bool
    is_answer: bool
    reason: str


class Judge:
    """The rules, in the order in which they apply."""

    def __init__(self, script: str, result: ShellResult, output: str | None) -> None:
        self._scene = Scene(script, result, output or "")
        self._output = output

    def verdict(self, expectations: tuple[Expectation, ...]) -> Verdict:
        """Apply the rules, with what the author expects to see."""
        result = self._scene.result
        if reason := self._broken_off() or self._left_with_failure(expectations) or self._left_a_subshell():
            return self._given(Outcome.FAILED, reason)
        ending = self._ending()
        seen = check(self._printed(ending), expectations)
        missed = [s for s in seen if s.met is Met.NO]
        is_decided = any(s.met is Met.YES for s in seen)
        shown_failure, hidden = hidden_failures(self._scene, is_decided=is_decided)
        if missed or shown_failure:
            value = missed[0].value if missed else ""
            return self._given(Outcome.FAILED, _joined(_missed(missed), shown_failure), value)
        if hidden or (hidden := blind_guard(self._scene) or broken_end(self._scene)):
            return self._given(Outcome.UNDECIDED, hidden)
        unsure = [s for s in seen if s.met is Met.UNSURE]
        is_met = is_decided and not unsure
        expects_status = any(s.expectation.matcher == "status" and s.met is Met.YES for s in seen)
        if not (ending.is_good or (is_met and (ending.is_answer or expects_status))):
            return self._given(Outcome.UNDECIDED, _joined(ending.reason, *(_doubt(s) for s in unsure)))
        if unsure:
            return self._given(Outcome.UNDECIDED, _joined(*(_doubt(s) for s in unsure), ending.reason))
        value = next((s.value for s in seen if s.value), "")
        reasons = [f"{s.what}, as expected (\u201c{shown(s.expectation.text)}\u201d)" for s in seen]
        if not reasons or result.exit_status:
            reasons.append(ending.reason)
        return self._given(Outcome.PASSED, _joined(*reasons), value)

    def _given(self, outcome: Outcome, reason: str, value: str = "") -> Verdict:
        result = self._scene.result
        values: dict[str, Json] = {
            "exit_status": result.exit_status,
            "signal": result.signal,
            "why": result.why,
            "reached_end": result.reached_end,
            "failures": [
                {"line": f.line, "status": f.status, "command": shortened(f.command)} for f in result.failures
            ],
        }
        return Verdict(outcome, reason, value or self._value(), values)

    def _value(self) -> str:
        if not self._scene.lines:
            if self._output is None:
                return _status_words(self._scene.result)
            return (
                "nothing printed"
                if self._scene.result.exit_status == 0
                else _status_words(self._scene.result)
            )
        if len(self._scene.lines) == 1:
            return shown(self._scene.lines[0])
        return quote(self._scene.lines)

    # Before its end

    def _broken_off(self) -> str:
        """Say how the script was kept from coming to an end of its own, if it was."""
        result = self._scene.result
        if result.why == "timeout":
            return "it ran out of time and was ended"
        if result.why:
            return f"it was {result.why}"
        if result.signal is not None:
            return f"signal {result.signal} ({_SIGNALS.get(result.signal, 'unknown')}) ended it"
        if result.is_syntax_error:
            where = next((line for line in reversed(self._scene.lines) if "line " in line), "")
            said = f": {shown(where.partition(': ')[2] or where)}" if where else ""
            return f"the shell cannot read the script (syntax error){said}; what stands after it did not run"
        return ""

    def _left_with_failure(self, expectations: tuple[Expectation, ...]) -> str:
        """Say where the script left with a status that is not 0, if it did."""
        result = self._scene.result
        status = result.exit_status
        if result.reached_end is not False or not status:
            return ""
        if any(e.matcher == "status" and e.value.strip() == str(status) for e in expectations):
            return ""
        said = f"; it said \u201c{shown(self._scene.lines[-1])}\u201d" if self._scene.lines else ""
        if result.left_line:
            statement = self._scene.at(result.left_line)
            where = f": `{statement.text}`" if statement else ""
            return f"line {result.left_line} left the script with status {status}{where}{said}"
        if result.failures and result.failures[-1].status == status:
            last = result.failures[-1]
            return f"line {last.line}: `{self._scene.text_of(last)}` ended with status {status}, at which the script left (set -e){said}"
        return f"it left before its end with status {status}{said}"

    def _left_a_subshell(self) -> str:
        """`A && (echo ERROR; exit 1)` as the last command: its `exit` leaves the subshell alone, and yet A found something.

        The shell reports the group's failure (bash from 4.0 on); else what the group says stands in the output.
        """
        result = self._scene.result
        last = self._scene.statements[-1] if self._scene.statements else None
        if last is None or not last.is_guard or not result.exit_status or not last.links[-1].is_compound:
            return ""
        was_run = any(last.line <= f.line <= last.end_line for f in result.failures[-1:])
        if not was_run and not any(
            " ".join(text.split()) in self._scene.lines for text in last.links[-1].said
        ):
            return ""
        said = f"; it said \u201c{shown(self._scene.lines[-1])}\u201d" if self._scene.lines else ""
        return f"line {last.line}: `{last.text}` ended with status {result.exit_status}{said}"

    # At its end

    def _ending(self) -> _Ending:
        result = self._scene.result
        status = result.exit_status
        if status is None:
            return _Ending(is_good=False, is_answer=False, reason="how it ended is not known")
        if status == 0:
            if result.reached_end is False and result.left_line:
                return _Ending(True, False, f"line {result.left_line} left with `exit 0`")
            return self._unseen_end() or _Ending(True, False, "it ended with status 0")
        if not self._scene.statements or result.reached_end is None:
            return _Ending(False, False, f"it ended with status {status}")
        if result.reached_end is False:
            return _Ending(False, False, f"it left with status {status}")
        last = self._scene.statements[-1]
        where = f"line {last.line}: `{last.text}`"
        return self._guard(last, status) or self._stopped(last, status) or self._answered(last, status, where)

    def _unseen_end(self) -> _Ending | None:
        """Status 0, and yet the shell did not come to say that it was at its end: only an `exec` as the last line may do that."""
        if self._scene.result.reached_end is not None or not self._scene.statements:
            return None
        last = self._scene.statements[-1].text
        if last.startswith("exec "):
            return _Ending(True, False, f"`{last}` took the shell's place, and ended with status 0")
        return _Ending(
            False,
            False,
            "it ended with status 0, but nobody has seen it reach its end: an `exec`, or `set -n`, may have kept"
            " lines from running",
        )

    def _guard(self, last: Statement, status: int) -> _Ending | None:
        """`A && echo ERROR && exit 1` as the last command, which A kept from leaving: its status tells nothing else."""
        if not last.is_guard:
            return None
        if any(may_return(statement.text) for statement in self._scene.statements[:-1]):
            # Sourced, a script may end by `return`, and reads as having reached its end: then the guard never looked.
            return _Ending(False, False, f"it ended with status {status}, by its last line or by a `return`")
        probe = last.links[0]
        text = self._scene.part(last, 0)
        if doubt := self._doubt_about(status, is_negated=probe.is_negated):
            return _Ending(False, False, f"line {last.line}: the check `{text}` itself failed: {doubt}")
        found = "succeeded" if probe.is_negated else "found nothing"
        return _Ending(
            True,
            False,
            f"line {last.line}: the check `{text}` {found} (status {status}), so its `exit` was not reached",
        )

    def _doubt_about(self, status: int, *, is_negated: bool = False) -> str:
        """Say why a status of 1 is no plain "no", if it is not."""
        if status in CANNOT_RUN and not is_negated:
            return f"status {status}, {CANNOT_RUN[status]}"
        if status != 1:
            return f"status {status}"
        if self._scene.has_broken_pipe(self._scene.statements[-1], 0, self._scene.result.pipeline):
            return f"a command of its pipeline failed ({' | '.join(map(str, self._scene.result.pipeline))})"
        if (line := self._error_line()) is not None:
            return f"it said \u201c{shown(line)}\u201d"
        return ""

    def _error_line(self) -> str | None:
        return next((line for line in reversed(self._scene.lines[-ERROR_LINES:]) if ERROR.search(line)), None)

    def _stopped(self, last: Statement, status: int) -> _Ending | None:
        """`pkill` that found nothing to stop."""
        stopper = last.links[0].commands[-1]
        rest = last.links[1:]
        if (
            name_of(stopper) not in _STOPPERS
            or any(x.operator != "&&" for x in rest)
            or self._doubt_about(status)
        ):
            return None
        return _Ending(
            True,
            False,
            f"line {last.line}: `{self._scene.part(last, 0)}` found nothing to stop: it was not running",
        )

    def _answered(self, last: Statement, status: int, where: str) -> _Ending:
        command = last.last
        if not last.links[-1].is_compound and status in answers_of(name_of(command), words_of(command)):
            if doubt := self._doubt_about(status):
                return _Ending(False, False, f"{where} ended with status {status}: {doubt}")
            return _Ending(
                False,
                True,
                f"{where} answered \u201cno\u201d (status {status}); whether that is good, the script does not say",
            )
        why = f" ({CANNOT_RUN[status]})" if status in CANNOT_RUN else ""
        return _Ending(False, False, f"{where} ended with status {status}{why}, and nothing follows it")

    def _printed(self, ending: _Ending) -> Printed:
        return Printed(
            self._output,
            self._scene.script,
            self._scene.statements,
            self._scene.result.exit_status,
            ending.is_answer,
        )


def _missed(missed: list[Seen]) -> str:
    return _joined(*(f"{s.what}, but \u201c{shown(s.expectation.text)}\u201d" for s in missed))


def _doubt(seen: Seen) -> str:
    return f"\u201c{shown(seen.expectation.text)}\u201d: {seen.what}"


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _status_words(result: ShellResult) -> str:
    if result.signal is not None:
        return f"signal {result.signal}"
    return f"status {result.exit_status}"


def may_return(statement: str) -> bool:
    """Whether a statement may leave the whole script by `return`; within a function it leaves only that."""
    if "return" not in statement or _FUNCTION.match(statement):
        return False
    return next(commands_named(parse(statement), "return"), None) is not None
