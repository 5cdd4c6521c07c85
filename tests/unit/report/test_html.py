"""The HTML page: well formed whatever is told, nothing but text where there is text, and no need of anything else."""

from __future__ import annotations

import base64
import hashlib
import re

from hypothesis import given, settings
from support.balanced import Balanced
from support.evidence import evidence, step_id
from support.hostile import everything, texts
from support.night import night

from orion_deploy.report import plot
from orion_deploy.report.evidence import Watch
from orion_deploy.report.html_page import page, style
from orion_deploy.run import events as ev
from orion_deploy.run.watches.record import Firing, Gap, Point
from orion_deploy.text import plain_line


@settings(deadline=None, max_examples=50)
@given(texts)
def test_any_text_anywhere_is_text_and_nothing_else(words: str) -> None:
    """The tags, classes and links of a page are the same for a hostile text as for a harmless one."""
    hostile, harmless = Balanced(page(everything(words))), Balanced(page(everything("word")))
    if words.strip() and "\n" not in words:
        skipped = {"span.added", "span.removed", "span.place"}
        assert [t for t in hostile.shape if t not in skipped] == [
            t for t in harmless.shape if t not in skipped
        ]
    assert all(re.fullmatch(r"#step-\d+", link) for link in hostile.links)
    if words.strip():
        assert plain_line(words).strip() in re.sub(r"\s*\n", "\n", "".join(hostile.words))


def test_the_policy_allows_exactly_the_style_that_is_there() -> None:
    """Everything is forbidden but the one style sheet, by its hash: no script, no address, no `style` attribute."""
    text = page(night())
    (sheet,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in text
    assert "style=" not in text
    assert "url(" not in style()
    assert "@import" not in style()


def test_what_needs_eyes_is_open_and_the_rest_is_folded() -> None:
    """A failed, unknown or overridden step shows at once what happened; a good one when it is asked for."""
    good, bad = step_id("Tell"), step_id("Look")
    text = page(evidence(ev.Ticked(step=good), ev.Ticked(step=bad, override="it must be")))
    assert re.findall(r'<details class="step" id="step-\d+"( open)?>', text) == ["", " open"]


def test_a_drawing_breaks_at_gaps_and_marks_what_fired() -> None:
    """No line runs over a time in which nobody looked; the limit is in the frame."""
    points = tuple(Point(at, at, at + 2, at + 1) for at in (0.0, 10.0, 20.0, 50.0, 60.0))
    watch = Watch(
        watch_s=100.0,
        limit=200.0,
        points=points,
        gaps=(Gap(21.0, 49.0, 28.0, "asleep"),),
        fired=(Firing(55.0, "too high"),),
    )
    assert [len(stretch) for stretch in plot.stretches(points, watch.gaps)] == [3, 2]
    drawing = plot.svg(watch, 0.0, 100.0, "label")
    assert drawing.count('class="value"') == 2
    assert (
        drawing.count('class="gap"') == drawing.count('class="fired"') == drawing.count('class="limit"') == 1
    )
    assert plot.frame_of(watch, 0.0, 100.0).high > 200.0
    assert 'x1="550.0"' in drawing


def test_a_drawing_of_nothing_and_of_one_value_is_one() -> None:
    """A watch that fired at its first look, and one that only has a gap, are drawn without a fault."""
    for watch in (
        Watch(watch_s=60.0, points=(Point(5.0, 3.0, 3.0, 3.0),)),
        Watch(watch_s=60.0, gaps=(Gap(0.0, 60.0, None, "the clock went back"),)),
        Watch(watch_s=60.0, points=(Point(5.0, 0.0, 0.0, 0.0),), limit=0.0),
    ):
        assert "nan" not in plot.svg(watch, 0.0, 0.0, "label")
