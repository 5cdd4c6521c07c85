"""Two runs side by side: a difference is seen, what is the same is not called one, and no text breaks the page."""

from __future__ import annotations

import json

from hypothesis import given, settings
from support.balanced import Balanced
from support.evidence import BOOK, evidence, failed, passed, step_id
from support.hostile import everything, texts

from orion_deploy.report.compare import compare
from orion_deploy.report.compare_pages import as_html, as_json, as_markdown
from orion_deploy.run import events as ev

TELL, DISK, LOOK = (step_id(words) for words in ("Tell", "disk", "Look"))


def ran(duration_s: float, value: str = "2 GB") -> tuple[ev.Event, ...]:
    """The disk was looked at."""
    return (
        ev.Started(step=DISK, attempt=1, what="command"),
        ev.Finished(step=DISK, attempt=1, duration_s=duration_s, verdict=passed(value)),
        ev.Ticked(step=DISK, auto=True, value=value),
    )


def test_every_kind_of_difference_has_its_word() -> None:
    """State, value, duration, attempts, text: each where it is, and nowhere else."""
    other = BOOK.replace("Look at the shop", "Look at the shop {#look}").replace(
        "df -h /srv", "df -h /srv/shop"
    )
    first = evidence(*ran(0.5), ev.Ticked(step=TELL))
    second = evidence(
        ev.Started(step=DISK, attempt=1, what="command"),
        ev.Finished(step=DISK, attempt=1, verdict=failed()),
        *(ev.Started(step=DISK, attempt=2, what="command"),),
        ev.Finished(step=DISK, attempt=2, duration_s=9.0, verdict=passed("3 GB")),
        ev.Ticked(step=DISK, value="3 GB"),
        ev.Skipped(step=TELL, reason="nobody there"),
        text=other,
    )
    rows = {row.step: row.differences for row in compare(first, second).rows}
    assert rows[DISK] == ("text", "value", "duration", "attempts")
    assert rows[TELL] == ("state",)
    assert rows[step_id("Watch")] == ()


def test_a_step_of_one_version_of_the_file_is_only_there() -> None:
    """Which run it is in is said; a little longer is no difference."""
    shorter = BOOK.replace("- [ ] Look at the shop\n", "")
    both = compare(evidence(*ran(0.5)), evidence(*ran(0.9), text=shorter))
    assert [(row.step, row.differences) for row in both.different] == [(LOOK, ("only in the first",))]
    assert "two versions of the checklist" in as_markdown(both)


def test_the_same_run_twice_has_no_difference() -> None:
    """Nothing is called different without a reason."""
    both = compare(evidence(*ran(0.5)), evidence(*ran(0.5)))
    assert both.different == ()
    assert "No step differs; the same checklist" in as_html(both)


@settings(deadline=None, max_examples=40)
@given(texts)
def test_no_text_breaks_a_comparison(words: str) -> None:
    """The pages keep their shape, and JSON gives back what was said."""
    hostile, harmless = (compare(everything(each), everything(each)) for each in (words, "word"))
    if words.strip():
        assert Balanced(as_html(hostile)).shape == Balanced(as_html(harmless)).shape
    rows = json.loads(as_json(hostile))
    assert {row["title"] for row in [*rows["different"], *rows["same"]]} == {words}
