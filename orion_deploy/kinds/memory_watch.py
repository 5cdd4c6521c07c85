"""A program's memory over hours: limit, growth since a baseline, restarts, and whether it is there at all.

All processes are looked through only when one that is known has gone, and once in a while for new ones; between
that a look reads a number of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from orion_deploy.kinds.base import Context
from orion_deploy.kinds.process import absence_doubt
from orion_deploy.kinds.processes import START_TOLERANCE_S, Running, listed, look
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.watching import Look, Observer
from orion_deploy.kinds.words import duration_words

if TYPE_CHECKING:
    import psutil

    from orion_deploy.kinds.memory import ProcessMemory

MB = 1024 * 1024
EVERY_S = 10.0
SCAN_S = 60.0
"""So often new processes of the program are looked for."""
RESTART_GRACE_S = 60.0
"""A program that was seen running may be gone for so long before that is a reason to turn back."""


class MemoryWatch(Observer):
    """Measures again and again."""

    every_s = EVERY_S
    unit = "MB"
    sees_back: ClassVar[bool] = False

    def __init__(self, check: ProcessMemory, context: Context) -> None:
        """Nothing is looked at yet."""
        self._check = check
        self._identity = check.identity(context)
        self._handles: list[psutil.Process] = []
        self._scanned_at: float | None = None
        self._known: dict[int, float] = {}
        """When each known process began, by its pid."""
        self._rss_mb: float | None = None
        self._peak_mb = 0.0
        self._baseline_mb: float | None = None
        self._baseline_at = 0.0
        self._growth_peak_percent: float | None = None
        self._restarts = 0
        self._gone_at: float | None = None
        self._gone_s_max = 0.0
        self.limit = check.rss_mb_max

    def resume(self, state: Mapping[str, Json], context: Context) -> None:
        """Go on."""
        known = state["known"]
        if not isinstance(known, dict):
            raise TypeError("no state of process.memory")
        self._known = {int(pid): _number(at) for pid, at in known.items()}
        self._restarts = int(_number(state["restarts"]))
        self._peak_mb, self._baseline_at, self._gone_s_max = (
            _number(state[key]) for key in ("peak_mb", "baseline_at", "gone_s_max")
        )
        self._rss_mb, self._baseline_mb, self._growth_peak_percent, self._gone_at = (
            None if state[key] is None else _number(state[key])
            for key in ("rss_mb", "baseline_mb", "growth_peak_percent", "gone_at")
        )

    def state(self) -> dict[str, Json]:
        """The processes, the baseline, and the greatest figures."""
        return {
            "known": {str(pid): at for pid, at in self._known.items()},
            "rss_mb": self._rss_mb,
            "peak_mb": self._peak_mb,
            "baseline_mb": self._baseline_mb,
            "baseline_at": self._baseline_at,
            "growth_peak_percent": self._growth_peak_percent,
            "restarts": self._restarts,
            "gone_at": self._gone_at,
            "gone_s_max": self._gone_s_max,
        }

    def look(self, context: Context) -> Look:
        """Measure once."""
        now = context.now()
        size_bytes = self._read_known(now)
        said = ""
        if size_bytes is None:
            sighting = look(self._identity, with_descendants=True)
            processes = (*sighting.found, *sighting.around)
            if not processes:
                return self._not_there(absence_doubt(self._identity, sighting), now)
            said = self._meet(processes)
            self._scanned_at = now
            unread = self._open(processes)
            if unread:
                return Look(lost=f"the memory of {listed(unread)} cannot be read")
            size_bytes = self._read_known(now)
            if size_bytes is None:
                return Look(lost=f"{self._identity} ended while it was being looked at")
        return self._measured(size_bytes / MB, now, said)

    def _read_known(self, now: float) -> int | None:
        """The size of all known processes; None where the processes have to be looked through."""
        import psutil

        is_due = self._scanned_at is None or not 0 <= now - self._scanned_at < SCAN_S
        if is_due or not self._handles:
            return None
        total = 0
        try:
            for handle in self._handles:
                if not handle.is_running():
                    return None
                size = int(handle.memory_info().rss)
                if not size and handle.status() == psutil.STATUS_ZOMBIE:
                    return None
                total += size
        except psutil.Error:
            return None
        return total

    def _meet(self, processes: tuple[Running, ...]) -> str:
        """Take note of the processes. Returns what is to be said of a program that was started anew."""
        is_anew = bool(self._known) and not any(
            abs(self._known.get(p.pid, -1e18) - p.started_at) <= START_TOLERANCE_S for p in processes
        )
        self._known = {p.pid: p.started_at for p in processes}
        self._gone_at = None
        if not is_anew:
            return ""
        self._restarts += 1
        self._baseline_mb = None
        return f"started anew as pid {min(processes, key=lambda p: p.started_at).pid}"

    def _open(self, processes: tuple[Running, ...]) -> tuple[Running, ...]:
        """Keep a handle of each process. Returns those that cannot be read."""
        import psutil

        self._handles, unread = [], []
        for process in processes:
            try:
                handle = psutil.Process(process.pid)
                if abs(handle.create_time() - process.started_at) <= START_TOLERANCE_S:
                    handle.memory_info()
                    self._handles.append(handle)
            except psutil.AccessDenied:
                unread.append(process)
            except psutil.NoSuchProcess:
                continue
        self._scanned_at = self._scanned_at if not unread else None
        return tuple(unread)

    def _not_there(self, doubt: str, now: float) -> Look:
        self._handles, self._rss_mb = [], None
        if doubt:
            return Look(lost=doubt)
        if not self._known:
            return Look(
                shown="not running", lost=f"{self._identity} is not running: there is nothing to measure"
            )
        if self._gone_at is None or now < self._gone_at:
            self._gone_at = now
        gone_s = now - self._gone_at
        self._gone_s_max = max(self._gone_s_max, gone_s)
        if gone_s <= RESTART_GRACE_S:
            return Look(shown="not running", lost=f"{self._identity} is not running; it may be starting anew")
        return Look(
            shown="not running", fired=f"{self._identity} is not running, for {duration_words(gone_s)} now"
        )

    def _measured(self, rss_mb: float, now: float, said: str) -> Look:
        check = self._check
        self._rss_mb = rss_mb
        self._peak_mb = max(self._peak_mb, rss_mb)
        oldest_at = min(self._known.values())
        if self._baseline_mb is None and now - oldest_at >= check.settle_s:
            self._baseline_mb, self._baseline_at = rss_mb, now
        shown, fired = f"{rss_mb:,.0f} MB", ""
        growth = self._growth_percent
        if growth is not None:
            shown += f", {growth:+.1f} %"
            self._growth_peak_percent = max(growth, self._growth_peak_percent or growth)
            if check.growth_percent_max is not None and growth > check.growth_percent_max:
                since = duration_words(max(0.0, now - self._baseline_at))
                fired = (
                    f"{self._identity} uses {rss_mb:,.0f} MB, {growth:+.1f} % in {since} against the baseline of "
                    f"{self._baseline_mb:,.0f} MB: more than the {check.growth_percent_max:g} % allowed"
                )
        if check.rss_mb_max is not None and rss_mb > check.rss_mb_max:
            fired = f"{self._identity} uses {rss_mb:,.0f} MB, more than the {check.rss_mb_max:,g} MB allowed"
        return Look(rss_mb, f"{shown}, {said}" if said else shown, fired)

    @property
    def _growth_percent(self) -> float | None:
        if not self._baseline_mb or self._rss_mb is None:
            return None
        return 100.0 * (self._rss_mb - self._baseline_mb) / self._baseline_mb

    def verdict(self) -> Verdict:
        """Failed when a limit was passed at any look, or the program was gone for too long."""
        check, who = self._check, self._identity
        growth = self._growth_percent
        values: dict[str, Json] = {
            "rss_mb": _rounded(self._rss_mb),
            "peak_mb": _rounded(self._peak_mb or None),
            "baseline_mb": _rounded(self._baseline_mb),
            "growth_percent": _rounded(growth),
            "growth_peak_percent": _rounded(self._growth_peak_percent),
            "restarts": self._restarts,
        }
        shown = "not running" if self._rss_mb is None else f"{self._rss_mb:,.0f} MB"
        if growth is not None:
            shown += f", {growth:+.1f} %"
        if not self._known:
            return Verdict(Outcome.UNDECIDED, f"{who} was never seen running", "not running", values)
        if self._gone_s_max > RESTART_GRACE_S:
            reason = f"{who} was not running for {duration_words(self._gone_s_max)}"
            return Verdict(Outcome.FAILED, reason, shown, values)
        if check.rss_mb_max is not None and self._peak_mb > check.rss_mb_max:
            reason = (
                f"{who} used {self._peak_mb:,.0f} MB at most, more than the {check.rss_mb_max:,g} MB allowed"
            )
            return Verdict(Outcome.FAILED, reason, shown, values)
        grown = self._growth_peak_percent
        times = "once" if self._restarts == 1 else f"{self._restarts:,} times"
        anew = f"; it was started anew {times}" if self._restarts else ""
        if check.growth_percent_max is not None:
            if grown is None:
                return Verdict(Outcome.UNDECIDED, f"no baseline of {who} has been taken yet", shown, values)
            if grown > check.growth_percent_max:
                reason = f"{who} grew by {grown:.1f} %, more than the {check.growth_percent_max:g} % allowed"
                return Verdict(Outcome.FAILED, reason + anew, shown, values)
        reason = f"{who} used {self._peak_mb:,.0f} MB at most"
        if grown is not None:
            reason += f" and grew by {max(0.0, grown):.1f} % at most"
        return Verdict(Outcome.PASSED, reason + anew, shown, values)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
