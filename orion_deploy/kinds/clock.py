"""Time as the operator's clock shows it: a window is wall-clock time, an age is counted from a recorded moment."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from time import localtime, strftime
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.facts import read_facts
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import duration_words

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEARCHED_DAYS_MAX = 400
"""How far ahead the next opening is looked for: past a year of holidays."""


class ClockWindow(Check):
    """Now is within the deployment window.

    Times are `HH:MM` on the local wall clock (or that of `timezone`); `end` at or before `start` means the next
    morning. A window belongs to the day on which it begins: Friday 22:00 to 05:00 is still open early on
    Saturday, and one that would begin on a holiday does not open. Failed outside, with the next opening.
    """

    name: ClassVar[str] = "clock.window"
    example: ClassVar[str] = """
        check:
          clock.window:
            days: [mon, tue, wed, thu]
            start: "22:00"
            end: "05:00"
            holidays: [2026-12-24]
    """

    start: time = Field(description="when it opens, `HH:MM`")
    end: time = Field(description="when it closes, `HH:MM`; at or before `start`: on the next day")
    days: tuple[Day, ...] = Field(DAYS, min_length=1, description="days on which it begins")
    holidays: tuple[date, ...] = Field((), description="dates (`YYYY-MM-DD`) on which it does not begin")
    left_min: float = Field(0, ge=0, le=1440, description="minutes that must be left of it")
    timezone: str | None = Field(None, description="name such as `Europe/Berlin`; default: this machine's")

    @field_validator("start", "end", mode="before")
    @classmethod
    def _clock_time(cls, value: object) -> object:
        # YAML 1.1 reads an unquoted 22:00 as the number 1320, in base 60.
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
            return time(value // 60, value % 60)
        return value

    @field_validator("start", "end")
    @classmethod
    def _no_zone(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("give the time alone, and its zone as `timezone`")
        return value

    @field_validator("days", mode="before")
    @classmethod
    def _short_days(cls, value: object) -> object:
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, (list, tuple)):
            return value
        days: list[object] = []
        for word in words:
            first, dash, last = str(word).strip().lower().partition("-")
            if dash and first[:3] in DAYS and last[:3] in DAYS:
                begin, stop = DAYS.index(first[:3]), DAYS.index(last[:3])
                days += [DAYS[(begin + n) % 7] for n in range((stop - begin) % 7 + 1)]
            else:
                days.append(first[:3] if first[:3] in DAYS else word)
        return tuple(dict.fromkeys(days))

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            from zoneinfo import ZoneInfo

            try:
                ZoneInfo(value)
            except (OSError, ValueError) as fault:  # ZoneInfoNotFoundError is a KeyError
                raise ValueError(f"there is no time zone `{value}`") from fault
            except KeyError as fault:
                raise ValueError(f"there is no time zone `{value}`") from fault
        return value

    def probe(self, context: Context) -> Verdict:
        """Look at the clock."""
        zone = self._zone()
        now = datetime.fromtimestamp(context.now(), zone)
        today = now.date()
        shown = now.strftime("%a %H:%M")
        for begins_on in (today - timedelta(days=1), today):
            opens_at, closes_at = self._bounds(begins_on, zone)
            if self._is_day(begins_on) and opens_at <= context.now() < closes_at:
                return self._inside(self._closes_at(begins_on, zone) - context.now(), shown)
        opens_in_s = self._next_opening_s(context.now(), today, zone)
        values: dict[str, Json] = {"opens_in_s": opens_in_s}
        nxt = (
            f"it opens in {duration_words(opens_in_s)}"
            if opens_in_s is not None
            else "it does not open within a year"
        )
        holiday = " (a holiday)" if today in self.holidays else ""
        return Verdict(
            Outcome.FAILED,
            f"it is {shown}{holiday}, outside the window {self._words()}: {nxt}",
            shown,
            values,
        )

    def _inside(self, left_s: float, shown: str) -> Verdict:
        values: dict[str, Json] = {"left_s": round(left_s)}
        left = duration_words(left_s)
        if left_s < self.left_min * 60:
            reason = f"it is {shown}: only {left} of the window are left, {self.left_min:g} min are needed"
            return Verdict(Outcome.FAILED, reason, f"{left} left", values)
        return Verdict(
            Outcome.PASSED, f"it is {shown}: the window is open for another {left}", f"{left} left", values
        )

    def _zone(self) -> tzinfo | None:
        if self.timezone is None:
            return None
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.timezone)

    def _is_day(self, day: date) -> bool:
        return DAYS[day.weekday()] in self.days and day not in self.holidays

    def _bounds(self, day: date, zone: tzinfo | None) -> tuple[float, float]:
        """When the window of a day opens and closes, in seconds since the epoch.

        The wall clock is turned into an instant by the zone's own rules, so that a night with a change of
        the clocks is an hour longer or shorter, as it is on the wall.
        """
        end_day = day if self.end > self.start else day + timedelta(days=1)
        opens = datetime.combine(day, self.start, zone)
        closes = datetime.combine(end_day, self.end, zone)
        return opens.timestamp(), closes.timestamp()

    def _closes_at(self, day: date, zone: tzinfo | None) -> float:
        """When the window of a day closes: one that adjoins the next day's goes on with it, as far as a week."""
        closes_at = self._bounds(day, zone)[1]
        for ahead in range(1, 8):
            following = day + timedelta(days=ahead)
            opens_at, next_closes_at = self._bounds(following, zone)
            if not self._is_day(following) or opens_at > closes_at:
                break
            closes_at = next_closes_at
        return closes_at

    def _next_opening_s(self, now: float, today: date, zone: tzinfo | None) -> float | None:
        for ahead in range(SEARCHED_DAYS_MAX):
            day = today + timedelta(days=ahead)
            opens_at = self._bounds(day, zone)[0]
            if self._is_day(day) and opens_at > now:
                return round(opens_at - now)
        return None

    def _words(self) -> str:
        days = "every day" if len(self.days) == 7 else ", ".join(self.days)
        return f"{days} {self.start:%H:%M} to {self.end:%H:%M}"


class ClockElapsed(Check):
    """Enough time has passed since something.

    `since` is a step's id or an action's kind (`sqlite.migrate`) of this run, counted from when it last passed, or a
    moment (`2026-01-29 22:10`, local). Undecided before it is due, with the time that is left; also
    when the step has not passed yet, or lies in the future because the clock was set. It never fails: to wait is all there is to do.
    """

    name: ClassVar[str] = "clock.elapsed"
    example: ClassVar[str] = """
        check:
          clock.elapsed:
            since: sqlite.migrate
            hours: 24
    """

    since: str = Field(min_length=1, description="a step's id, an action's kind, or a date and time")
    hours: float = Field(0, ge=0, description="hours that must have passed")
    minutes: float = Field(0, ge=0, description="further minutes")

    @model_validator(mode="after")
    def _some_time(self) -> ClockElapsed:
        if not self.hours and not self.minutes:
            raise ValueError("give `hours`, `minutes`, or both")
        return self

    @field_validator("since", mode="before")
    @classmethod
    def _moment(cls, value: object) -> object:
        return value.isoformat(" ") if isinstance(value, datetime) else value

    def probe(self, context: Context) -> Verdict:
        """Look at the clock, and at the run's marks."""
        since = context.text(self.since)
        marks = read_facts(context.run_directory).get("marks")
        began_at = marks.get(since) if isinstance(marks, dict) else None
        if not isinstance(began_at, (int, float)):
            try:
                began_at = datetime.fromisoformat(since).timestamp()
            except ValueError:
                return Verdict(Outcome.UNDECIDED, f"`{since}` has not passed in this run yet", "not begun")
        needed_s = self.hours * 3600 + self.minutes * 60
        elapsed_s = context.now() - began_at
        values: dict[str, Json] = {"elapsed_s": round(elapsed_s), "due_at": began_at + needed_s}
        if elapsed_s < 0:
            return Verdict(
                Outcome.UNDECIDED, f"`{since}` lies in the future: has the clock been set?", "", values
            )
        gone = duration_words(elapsed_s)
        if elapsed_s < needed_s:
            due = strftime("%a %H:%M", localtime(began_at + needed_s))
            left = duration_words(needed_s - elapsed_s)
            return Verdict(
                Outcome.UNDECIDED, f"{gone} since {since}; due {due}, in {left}", f"{left} left", values
            )
        return Verdict(Outcome.PASSED, f"{gone} have passed since {since}", gone, values)
