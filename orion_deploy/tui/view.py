"""From the session to what the main screen shows: pages, evidence, strip. It asks; it changes nothing."""

from __future__ import annotations

import os

from orion_deploy.checklist.model import Expectation, Section, Step
from orion_deploy.errors import OrionError
from orion_deploy.run.session import Session
from orion_deploy.run.state import Attempt, Status, StepState
from orion_deploy.text import plain_line
from orion_deploy.tui.board import Board, Row
from orion_deploy.tui.chrome import StripFacts
from orion_deploy.tui.evidence import attempt_lines, progress_line, tail_lines
from orion_deploy.tui.lines import EMPTY, Line
from orion_deploy.tui.page import StepFacts, section_page, step_page
from orion_deploy.tui.watch_lines import sign_of, watch_head, watch_tail
from orion_deploy.tui.watches import Watches
from orion_deploy.tui.widgets.evidence_pane import Head, Tail
from orion_deploy.tui.widgets.lines_view import Build
from orion_deploy.tui.words import clock

TAIL_BYTES_PER_LINE = 400
"""Bytes read for every line of the pane: more than most lines have; what is cut is in the full output."""


def homely(path: str) -> str:
    """A path with `~` for the home folder."""
    home = os.path.expanduser("~").rstrip("/")
    return "~" + path[len(home) :] if home and (path == home or path.startswith(home + "/")) else path


def shown_values(session: Session) -> dict[str, str]:
    """The values that may be shown: of variables that are not secret, and of placeholders."""
    secret = {v.name for v in session.checklist.variables if v.secret}
    try:
        known = {**session.values, **session.state.variables}
    except OrionError:
        known = dict(session.state.variables)
    return {name: value for name, value in known.items() if name not in secret}


class Views:
    """The views of one session."""

    def __init__(self, session: Session, board: Board) -> None:
        self.session = session
        self.board = board
        self.watches = Watches(session)
        self._estimate = next(
            (
                plain_line(v)
                for k, v in session.checklist.metadata.items()
                if k.lower().startswith("estimated")
            ),
            "",
        )
        self._text = session.data.decode("utf-8", "replace")
        self._seen: dict[str, int] = {}
        self._dangers: dict[str, tuple[str, ...]] = {}
        self.has_time = False
        """False until the first paint: what needs lint, or the reading of comments, comes after it."""

    def first_row(self) -> int:
        """Where the cursor stands at first: the step where the operator was, else the next open one."""
        state = self.session.state
        was = self.board.row_of(state.last_step) if state.last_step else None
        if was is not None and state.step(state.last_step).status not in ("done", "skipped"):
            return was
        step_id = self.board.next_open(was if was is not None else -1)
        row = self.board.row_of(step_id) if step_id is not None else None
        return row if row is not None else 0

    def page_of(self, row: Row) -> Build:
        """The page of a row."""
        now = self.session.edge.now()
        if row.kind == "section":
            section = self.board.sections[row.section]
            completed = self.session.state.sections_completed.get(section.id)
            counts = self.board.section_progress(row.section)
            return lambda width: section_page(section, counts, completed, now, width)
        section, step = self.session.find(row.id)
        state = self.session.state.step(row.id)
        has_something = step.facts.call is not None or bool(self.session.scripts(row.id))
        seen = self.watches.of(row.id)
        facts = StepFacts(
            state=state,
            sign=sign_of(seen, now) if seen is not None and seen.is_open else self.board.sign_of(row.id),
            now=now,
            notes=self.session.checklist.notes,
            values=shown_values(self.session),
            escalations=self.session.escalations_at(row.id),
            expectations=self.expectations(step, state),
            why_not=self.board.with_titles(self.session.why_not_start(row.id)) if has_something else "",
            dangers=self.dangers(section, step),
        )
        return lambda width: step_page(step, section, facts, width)

    def dangers(self, section: Section, step: Step) -> tuple[str, ...]:
        """What lint says of the step's commands, found once."""
        if step.facts.call is not None or not step.code or not self.has_time:
            return ()
        if step.id not in self._dangers:
            from orion_deploy.tui.dangers import findings_of

            found = findings_of(self.session.checklist, section, step, self._text)
            self._dangers[step.id] = tuple(finding.message for finding in found)
        return self._dangers[step.id]

    def expectations(self, step: Step, state: StepState) -> tuple[Expectation, ...]:
        """What the author expects of the block that ran last, or of the one that comes next."""
        from orion_deploy.run.desk import expectations_for

        if step.facts.expect:
            return step.facts.expect
        if step.facts.call is not None or not self.has_time:
            return ()
        blocks = step.scripts(state.option)
        if not blocks:
            return ()
        number = state.attempts[-1].block if state.attempts else 0
        if number >= len(blocks):
            return ()
        return expectations_for(
            step, blocks[number], blocks[number].script, is_last=number + 1 == len(blocks)
        )

    def evidence_of(self, row: Row) -> tuple[Head | None, Tail | None]:
        """Head and tail of the last attempt of a row; nothing where it has not run."""
        if row.kind == "section" or not self.session.state.step(row.id).attempts:
            return None, None
        if self.session.state.step(row.id).attempts[-1].watched is not None:
            return self._watched(row.id)
        step = self.session.step(row.id)

        def head(width: int) -> list[Line]:
            state = self.session.state.step(row.id)
            attempt = state.attempts[-1]
            return attempt_lines(
                state,
                attempt,
                self.expectations(step, state),
                now=self.session.edge.now(),
                width=width,
                seen_bytes=self._seen.get(row.id, 0),
                progress=self.progress_of(step, state),
            )

        def tail(height: int, width: int) -> list[Line]:
            output = self.session.output(row.id)
            if output is None or height <= 0:
                return []
            self._seen[row.id] = output.size()
            data = output.tail(height * TAIL_BYTES_PER_LINE)
            return tail_lines(data, height, width, is_whole=len(data) >= self._seen[row.id])

        return head, tail

    def _watched(self, step_id: str) -> tuple[Head, Tail]:
        """What a watch has seen."""

        def head(width: int) -> list[Line]:
            seen = self.watches.of(step_id)
            return watch_head(seen, self.session.edge.now(), width) if seen is not None else []

        def tail(height: int, width: int) -> list[Line]:
            seen = self.watches.of(step_id)
            if seen is None:
                return []
            return watch_tail(seen.record.lines, self.session.edge.now(), height, width)

        return head, tail

    def progress_of(self, step: Step, state: StepState) -> Line:
        """How far a running typed step is, as its worker last said."""
        if step.facts.call is None or state.status is not Status.RUNNING:
            return EMPTY
        from orion_deploy.kinds.worker import read_progress

        seen = read_progress(self.session.attempt_folder(step.id, state.attempts[-1].number))
        return progress_line(seen.done, seen.total, seen.message, seen.eta_s) if seen is not None else EMPTY

    def has_grown(self, step_id: str) -> bool:
        """Whether there is more to show than was last painted: more output, or a typed step's progress."""
        output = self.session.output(step_id)
        if output is not None and output.size() != self._seen.get(step_id, 0):
            return True
        return self.session.step(step_id).facts.call is not None

    def why_only_looks(self, now: float) -> str:
        """Who holds the run, where this session only looks on; empty where it acts."""
        session = self.session
        if not session.read_only:
            return ""
        if session.held_by is None:
            can_be_taken = session.looks_on and session.state.finished_at is None
            return "THEY HAVE LEFT: O takes over" if can_be_taken else "READ ONLY"
        since = f" since {clock(session.held_by.since, now)}" if session.held_by.since else ""
        return f"LOOKING ON: {plain_line(session.held_by.who)}{since}"

    def strip(self) -> StripFacts:
        """What the strip tells now."""
        session, state = self.session, self.session.state
        now = session.edge.now()
        running = state.running
        attempt: Attempt | None = state.step(running[0]).attempts[-1] if running else None
        until = state.finished_at or now
        return StripFacts(
            title=plain_line(session.checklist.title),
            run=plain_line(session.run),
            cwd=plain_line(homely(session.cwd)),
            totals=self.board.totals(),
            watches=self.watches.summary(now),
            elapsed_s=max(0.0, until - state.started_at) if state.started_at else 0.0,
            estimate=self._estimate,
            running=plain_line(session.step(running[0]).title) if running else "",
            running_s=now - attempt.started_at if attempt else 0.0,
            rollback="entered"
            if state.rollback_at is not None
            else "ready"
            if self.board.has_rollback
            else "none",
            rollback_at=state.rollback_at or 0.0,
            only_looks=self.why_only_looks(now),
            result=plain_line(state.result),
            now=now,
        )
