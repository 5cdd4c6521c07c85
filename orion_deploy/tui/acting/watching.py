"""Acts around watches: begin and end one, take in what was seen, see that somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from orion_deploy.checklist.model import Step
from orion_deploy.errors import OrionError
from orion_deploy.kinds.verdict import Outcome
from orion_deploy.run.state import Attempt
from orion_deploy.run.watches.standing import GRACE_S
from orion_deploy.run.watching import firings_of
from orion_deploy.run.words import length, moment
from orion_deploy.tui.acting.base import Hands
from orion_deploy.tui.messages import Tell, WatchSeen
from orion_deploy.tui.telling import notification
from orion_deploy.tui.words import OUTCOMES

if TYPE_CHECKING:
    from orion_deploy.run.watches.wishes import Wishes

RESTART_S = 60.0
"""A keeper that is gone is started again at most so often."""
LOOK_S = 20.0
"""A look may wait so long until it is taken in, and painted; what fires or ends does not wait."""
LOOK_AT_WATCHES_S = 5.0
"""The same while the watch screen is up: each painting with its plot costs about 3 ms."""


class WatchActs(Hands):
    """The watches of the run."""

    _end_following: Callable[[], None] | None = None
    _kept_at = float("-inf")
    _told: frozenset[tuple[str, float]] = frozenset()
    """Firings that were said."""
    _wishes: Wishes | None = None
    _is_due = False
    """Whether the way back is to be offered."""
    patience_s = LOOK_S
    """How long an unremarkable look may wait now."""

    def begin_watches(self) -> None:
        """The app has come up: see that somebody looks, and hear of what they see."""
        if self.board.has_watches:
            from orion_deploy.run.watches.wishes import read_wishes

            self._wishes, fault = read_wishes(self.session.edge.environ())
            if fault:
                self.main.say(fault, "warn", stays=True)
        self._told = firings_of(self.session.state) - self.session.fired_at_opening
        if self.session.state.watched:
            self.keep_watching()
        if self.session.state.watched or self.session.fired_at_opening:
            self.main.see_watches()
        self._hear_firings()

    def keep_watching(self) -> bool:
        """See that somebody looks; whether that could be done."""
        if self.session.read_only:
            return False
        self._kept_at = monotonic()
        return self.do(self.session.keep_watching)

    def follow_watches(self, *, is_needed: bool) -> None:
        """Hear of what is seen for as long as there are watches; without any nothing runs."""
        if is_needed and self._end_following is None:
            app = self.main.app

            def changed() -> None:
                app.post_message(WatchSeen())

            self._end_following = self.session.follow_watches(changed, lambda: self.patience_s)
        elif not is_needed and self._end_following is not None:
            self._end_following()
            self._end_following = None

    def start_watch(self, step: Step) -> None:
        """Begin to watch, and say for how long."""
        self._kept_at = monotonic()  # it starts a keeper where there is none
        if self.do(lambda: self.session.start(step.id)):
            attempt = self.session.state.step(step.id).attempts[-1]
            self.main.say(begun_words(attempt, self.session.edge.now()), "ok")
        self.main.patience.hold()

    def on_watch_seen(self) -> None:
        """Somebody has looked, or nobody looks any more."""
        try:
            changed = self.session.collect_watches()
        except OrionError as error:
            self.main.say(error.what, "bad")
            changed = []
        if changed:
            self.main.on_changed()
        self.main.see_watches()
        for step_id in changed:
            self._tell_end(step_id)
        self._hear_firings()
        self.offer_if_due()
        if self.session.state.watched and self.session.keeper() is None:
            self.main.set_timer(GRACE_S, self.on_nobody)

    # What fired

    def _hear_firings(self) -> None:
        """A firing that is new: say it, and offer the way back as soon as nothing else is asked."""
        found = firings_of(self.session.state)
        fresh, self._told = found - self._told, found | self._told
        if not fresh:
            return
        step_id, at = max(fresh, key=lambda firing: firing[1])
        attempt = self.session.state.step(step_id).attempts[-1]
        fired = attempt.watched.fired if attempt.watched is not None else ()
        reason = next((f.reason for f in fired if f.at == at), "")
        title = self.board.title_of(step_id)
        self.main.say(f"{title} FIRED: {reason}", "bad", stays=True)
        self._tell("FIRED", f"{title}: {reason}", rings=True)
        state = self.session.state
        is_forward = state.rollback_at is None and state.finished_at is None
        self._is_due = is_forward and self.board.has_rollback and not self.session.read_only

    def offer_if_due(self) -> None:
        """Offer the way back for what fired, where nobody is asked anything else; a panel that is up is left first."""
        if self._is_due and self.main.app.screen is self.main:
            self._is_due = False
            if self.session.state.rollback_at is None:
                self.main.acting.offer_rollback()

    def on_nobody(self) -> None:
        """Nobody looked some seconds ago: start somebody, if there is still nobody, and say so."""
        session = self.session
        if session.read_only or not session.state.watched or session.keeper() is not None:
            self.main.see_watches()
            return
        if monotonic() - self._kept_at >= RESTART_S and self.keep_watching():
            self.main.say("nobody was watching: a keeper was started again; the time between is a gap", "bad")
        self.main.see_watches()

    def _tell_end(self, step_id: str) -> None:
        """Say how a watch ended."""
        attempt = self.session.state.step(step_id).attempts[-1]
        if not attempt.ending or attempt.verdict is None:
            return
        self.main.patience.hold()
        outcome = attempt.verdict.outcome
        role = {Outcome.FAILED: "bad", Outcome.UNDECIDED: "warn"}.get(outcome, "ok")
        title = self.board.title_of(step_id)
        words = f"the watch {OUTCOMES[outcome].word}: {attempt.verdict.reason}"
        self.main.say(f"{title}: {words}", role)
        self._tell(title, words)

    def _tell(self, title: str, text: str, *, rings: bool = False) -> None:
        """Tell it beyond the screen, as the operator wishes."""
        if self._wishes is not None:
            self.main.post_message(
                Tell(notification(self._wishes.terminal, title, text), rings=rings and self._wishes.bell)
            )

    def do_watches(self) -> None:
        """All watches; it stands on the one under the cursor, else on one that fired."""
        from orion_deploy.tui.screens.watches import WatchesScreen

        self.main.see_watches()
        watches, session, row = self.main.watches, self.session, self.main.row
        if not watches.all:
            self.main.say("no watch has been begun: Enter on a watch step begins it")
            return

        def left(_answer: None) -> None:
            self.patience_s = LOOK_S

        self.patience_s = LOOK_AT_WATCHES_S
        screen = WatchesScreen(
            watches,
            self.board.title_of,
            session.edge.now,
            at=row.id if row is not None and watches.of(row.id) is not None else watches.first_fired,
            end=self.end_watch,
            keeper=session.keeper,
            told=session.told_of,
        )
        self.main.app.push_screen(screen, left)

    def end_watch(self, step_id: str) -> None:
        """End a watch before its time, with a reason."""
        from orion_deploy.tui.screens.watching import end_panel

        def end(reason: str) -> None:
            if self.do(lambda: self.session.stop_watch(step_id, reason)):
                self.main.say("the watch was ended; what it saw is kept, and you decide about the step", "")

        seen = self.main.watches.of(step_id)
        if seen is not None:
            running = [self.board.title_of(i) for i in self.session.state.running]
            panel = end_panel(seen, self.session.step(step_id), running, self.session.edge.now())
            self.ask(panel, end)


def begun_words(attempt: Attempt, now: float) -> str:
    """`watched for 24 h, until Thu 22:40; it goes on when you leave`."""
    watch_s = attempt.watched.watch_s if attempt.watched is not None else 0.0
    until = moment(attempt.started_at + watch_s, now)
    return f"watched for {length(watch_s)}, until {until}; it goes on when you leave"
