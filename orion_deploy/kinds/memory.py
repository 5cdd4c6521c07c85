"""A program's memory is the resident size of all its processes; growth is told against a baseline of this run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.facts import Facts, change_facts, part, read_facts
from orion_deploy.kinds.process import OfProgram, absence_doubt
from orion_deploy.kinds.processes import Running, listed, look
from orion_deploy.kinds.verdict import Json, Outcome, Verdict
from orion_deploy.kinds.words import duration_words

if TYPE_CHECKING:
    from orion_deploy.kinds.memory_watch import MemoryWatch

MB = 1024 * 1024


class ProcessMemory(OfProgram, Check):
    """The program's memory is within a limit, and has not grown beyond a percentage.

    Measured is the resident size (RSS) of all its processes together, in MB of 1,048,576 bytes. The first look with
    `growth_percent_max` takes the baseline and keeps it with the run: undecided, because nothing can be compared
    yet. A program that was started anew since then gets a new baseline, and the verdict says so. Failed when it
    is not running. A watch takes its own baseline at its first look, and again when the program was started anew; a
    limit that is passed, or a program that is gone for over a minute, is a reason to turn back.
    """

    name: ClassVar[str] = "process.memory"
    example: ClassVar[str] = """
        watch:
          process.memory:
            program: Orion
            rss_mb_max: 500
            growth_percent_max: 20
    """

    rss_mb_max: float | None = Field(None, gt=0, description="limit in MB")
    growth_percent_max: float | None = Field(
        None, ge=0, description="limit of the growth since the baseline, in %"
    )
    settle_s: float = Field(
        0,
        ge=0,
        description="a watch takes the baseline when the program has been running for so long: its warm-up is no growth; in seconds",
    )
    baseline: str = Field("", description="name of the baseline, where a run keeps several for one program")

    @model_validator(mode="after")
    def _some_limit(self) -> ProcessMemory:
        if self.rss_mb_max is None and self.growth_percent_max is None:
            raise ValueError("give `rss_mb_max`, `growth_percent_max`, or both")
        return self

    def probe(self, context: Context) -> Verdict:
        """Measure once."""
        identity = self.identity(context)
        sighting = look(identity, with_descendants=True)
        processes = (*sighting.found, *sighting.around)
        if not processes:
            doubt = absence_doubt(identity, sighting)
            if doubt:
                return Verdict(Outcome.UNDECIDED, doubt, "not known")
            return Verdict(
                Outcome.FAILED, f"{identity} is not running: there is no memory to measure", "not running"
            )
        sizes = {p.pid: _rss_bytes(p) for p in processes}
        unread = tuple(p for p in processes if sizes[p.pid] is None)
        if unread:
            return Verdict(Outcome.UNDECIDED, f"the memory of {listed(unread)} cannot be read", "not known")
        rss_mb = sum(size or 0 for size in sizes.values()) / MB
        values: dict[str, Json] = {"rss_mb": round(rss_mb, 1), "pids": [p.pid for p in processes]}
        shown = f"{rss_mb:,.0f} MB"
        if self.rss_mb_max is not None and rss_mb > self.rss_mb_max:
            return Verdict(
                Outcome.FAILED,
                f"{identity} uses {shown}, more than the {self.rss_mb_max:,g} MB allowed",
                shown,
                values,
            )
        if self.growth_percent_max is None:
            return Verdict(
                Outcome.PASSED,
                f"{identity} uses {shown} of the {self.rss_mb_max:,g} MB allowed",
                shown,
                values,
            )
        return self._growth(context, str(identity), processes, rss_mb, values)

    def observe(self, context: Context) -> MemoryWatch:
        """Measure again and again."""
        from orion_deploy.kinds.memory_watch import MemoryWatch

        return MemoryWatch(self, context)

    def _growth(
        self,
        context: Context,
        who: str,
        processes: tuple[Running, ...],
        rss_mb: float,
        values: dict[str, Json],
    ) -> Verdict:
        assert self.growth_percent_max is not None
        key = f"{who} {self.baseline}".strip()
        oldest = min(processes, key=lambda p: p.started_at)
        known = part(read_facts(context.run_directory), "memory", key)
        base_mb, taken_at = known.get("rss_mb"), known.get("at")
        same = known.get("pid") == oldest.pid and _near(known.get("started_at"), oldest.started_at)
        shown = f"{rss_mb:,.0f} MB"
        if not same or not isinstance(base_mb, (int, float)) or not isinstance(taken_at, (int, float)):
            fresh: Facts = {
                "rss_mb": rss_mb,
                "at": context.now(),
                "pid": oldest.pid,
                "started_at": oldest.started_at,
            }
            change_facts(context.run_directory, lambda facts: part(facts, "memory", key).update(fresh))
            why = f"{who} was started anew since the last baseline; " if known else ""
            return Verdict(
                Outcome.UNDECIDED, f"{why}the baseline is taken now: {shown}. Look again later", shown, values
            )
        growth = 100.0 * (rss_mb - base_mb) / base_mb if base_mb else 0.0
        values |= {"growth_percent": round(growth, 1), "baseline_mb": round(base_mb, 1)}
        grown = f"{growth:+.1f} % in {duration_words(max(0.0, context.now() - taken_at))}"
        outcome = Outcome.FAILED if growth > self.growth_percent_max else Outcome.PASSED
        word = "more than" if outcome is Outcome.FAILED else "within"
        return Verdict(
            outcome,
            f"{who} uses {shown}, {grown} against the baseline of {base_mb:,.0f} MB: {word} the {self.growth_percent_max:g} % allowed",
            f"{shown}, {growth:+.1f} %",
            values,
        )


def _near(seen: Json, started_at: float) -> bool:
    return isinstance(seen, (int, float)) and abs(seen - started_at) < 2.0


def _rss_bytes(process: Running) -> int | None:
    import psutil

    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return None
