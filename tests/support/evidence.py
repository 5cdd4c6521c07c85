"""Evidence made by hand: a checklist, the events of a run, and what its attempts printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orion_deploy.checklist.read import read
from orion_deploy.kinds.verdict import Json
from orion_deploy.report.build import Known, build
from orion_deploy.report.build_steps import Kept
from orion_deploy.report.evidence import Evidence, Mark, OutputText
from orion_deploy.run import events as ev
from orion_deploy.run.fold import fold
from orion_deploy.run.watches.record import WatchRecord

START = 1_769_725_860.0
"""2026-01-29 22:31 UTC."""
BY = "mona@db1"
HASH = "0123456789abcdef" * 2
BOOK = """\
# Release 4.2

**Risk:** low

## Before (MANDATORY)

- [ ] Tell the support team
- [ ] See that the disk has room

  ```bash
  df -h /srv
  ```

## After

- [ ] Watch the log

  ```yaml step
  id: watch
  watch:
    logs.absent: {path: app.log, patterns: [ERROR]}
  ```
- [ ] Look at the shop

## Rollback

1. Start the old version

   ```bash
   systemctl restart shop@4.1
   ```
"""


def passed(value: str = "", reason: str = "as it should be", **values: Json) -> dict[str, Json]:
    """A passing verdict as an event holds it."""
    return {"outcome": "passed", "reason": reason, "value": value, "values": values}


def failed(reason: str = "it was not so", value: str = "") -> dict[str, Json]:
    """A failing verdict."""
    return {"outcome": "failed", "reason": reason, "value": value, "values": {}}


def opening(text: str = BOOK) -> ev.Opened:
    """A session opens the run of this checklist."""
    checklist = read(text.encode(), "release.md")
    return ev.Opened(
        checklist="release.md",
        digest=checklist.digest,
        cwd="/srv/shop",
        app="1.2.3",
        machine="db1",
        commit="c0ffee" * 6 + "c0ff",
        pid=4242,
        steps={step.id: step.digest for _, step in checklist.walk()},
    )


def step_id(words: str, text: str = BOOK) -> str:
    """Id of the step whose title holds the words."""
    return next(step.id for _, step in read(text.encode(), "release.md").walk() if words in step.title)


def evidence(
    *events: ev.Event,
    text: str | None = BOOK,
    outputs: Mapping[tuple[str, int], OutputText] | None = None,
    watches: Iterable[WatchRecord] = (),
    diff: str = "",
    script: str = "",
) -> Evidence:
    """The evidence of a run to which this happened, one thing a minute."""
    whole = [
        replace(event, at=event.at or START + 60.0 * number, by=event.by or BY)
        for number, event in enumerate([opening(text or BOOK), *events])
    ]

    def kept(step: str, attempt: int) -> Kept:
        return Kept(script, diff, (outputs or {}).get((step, attempt), OutputText()))

    known = Known(
        state=fold(whole),
        events=whole,
        mark=Mark("2026-01-29-2231", len(whole), HASH),
        checklist=read(text.encode(), "release.md") if text is not None else None,
        watches=tuple(watches),
        now=START + 86_400,
    )
    made = build(known, kept)
    return replace(
        made,
        title=made.title or "Release 4.2",
        directory="/srv/release.md.runs/2026-01-29-2231",
        made_at=START + 86_400,
        made_by=BY,
        app="1.2.3",
        machine="db1, Linux 6.1, Python 3.11.7",
    )
