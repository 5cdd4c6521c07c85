"""The Markdown page, read by GitHub's own parser: nothing of a run's texts becomes a mark of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from support.evidence import BOOK, START, evidence, failed, passed, step_id
from support.hostile import everything, texts

from orion_deploy.kinds.verdict import Json
from orion_deploy.report.markdown import fenced, table, text
from orion_deploy.report.markdown import page as markdown
from orion_deploy.run import events as ev

TELL, DISK, WATCH, LOOK = (step_id(words) for words in ("Tell", "disk", "Watch", "Look"))


class Page(HTMLParser):
    """The tags of a rendered page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Text."""
        self.words.append(data)


def rendered(source: str) -> Page:
    """What GitHub makes of it, raw HTML let through so that it would be seen."""
    cmark = pytest.importorskip(
        "cmarkgfm", reason="the package cmarkgfm is not installed: nothing to read with"
    )
    options = cmark.cmark.Options.CMARK_OPT_UNSAFE
    return Page(cmark.github_flavored_markdown_to_html(source, options))


def squeezed(words: str) -> str:
    """Without what is nothing but room between words."""
    return re.sub(r"\s+", " ", words).strip()


@settings(deadline=None, max_examples=50)
@given(texts)
def test_any_text_is_itself_in_a_cell_an_item_and_a_paragraph(words: str) -> None:
    """A text comes out of GitHub's parser as its own characters, and brings no tag with it."""
    from orion_deploy.text import plain_line

    safe = text(words)
    expected = squeezed(plain_line(words))
    cell = rendered("\n".join(table(("h", "i"), [("x", safe)])))
    assert cell.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert squeezed("".join(cell.words)) == squeezed(f"h\ni\nx\n{expected}")
    for source, tags in (
        (f"- {safe}", ["ul", "li"]),
        (f"# {safe}", ["h1"]),
        (f"> {safe}", ["blockquote", "p"]),
    ):
        page = rendered(source)
        if expected:
            assert [tag for tag in page.tags if tag != "a"] == tags, source
            assert squeezed("".join(page.words)) == expected
    links = [tag for tag in rendered(safe).tags if tag == "a"]
    assert not links or "@" in words  # An address of mail is made a link by GitHub whatever is done.


@settings(deadline=None, max_examples=50)
@given(texts)
def test_no_output_ends_its_block(words: str) -> None:
    """A block of code holds all of an output, whatever fences stand in it."""
    page = rendered("\n".join(["before", "", *fenced(words), "", "after"]))
    assert page.tags == ["p", "pre", "code", "p"]


@settings(deadline=None, max_examples=50)
@given(texts)
def test_the_whole_page_has_the_same_shape_whatever_the_texts_are(words: str) -> None:
    """Tables, headings, blocks and folds of the page are ours: a hostile text changes none of them."""
    plain = rendered(markdown(everything("word" if words.strip() else words)))
    hostile = rendered(markdown(everything(words)))
    optional = {"p", "blockquote", "a", "br"}  # An own line of somebody's words, or an address of mail.
    assert [t for t in hostile.tags if t not in optional] == [t for t in plain.tags if t not in optional]


def test_the_result_comes_first_then_what_needs_eyes_then_the_steps() -> None:
    """A reviewer reads from the top, and finds what deviates before what went well."""
    page = markdown(
        evidence(
            ev.Ticked(step=TELL, value="told Ada"),
            ev.Started(step=DISK, attempt=1, what="command"),
            ev.Finished(step=DISK, attempt=1, duration_s=0.2, verdict=failed("no room")),
            ev.Ticked(step=DISK, override="the old files go tonight"),
            ev.Skipped(step=LOOK, reason="nobody is awake"),
            ev.RunFinished(result="closed with 1 override, 1 skipped, 1 open"),
        )
    )
    places = [
        page.index(words)
        for words in (
            "**closed with 1 override, 1 skipped, 1 open**",
            "What needs your eyes",
            "ticked against its verdict: the old files go tonight",
            "nobody is awake",
            "### Before",
            "told Ada",
            "What happened, step by step",
            "The record",
        )
    ]
    assert places == sorted(places)


def test_a_run_without_a_deviation_says_so() -> None:
    """What is not there is said, so that nobody looks for it."""
    short = "# A\n\n## B\n\n- [ ] C\n"
    done = evidence(
        ev.Ticked(step=step_id("C", short)), ev.RunFinished(result="completed"), ev.Closed(), text=short
    )
    assert "Nothing needs your eyes" in markdown(done)


def test_secrets_stand_only_by_name() -> None:
    """Of a secret a report tells that it was given."""
    page = markdown(
        evidence(ev.VariableSet(name="TOKEN", secret=True), ev.VariableSet(name="PLACE", value="eu"))
    )
    assert "| TOKEN | *secret, given* |" in page
    assert "| PLACE | eu |" in page


def test_the_way_back_has_a_part_of_its_own() -> None:
    """Why the run turned back, what had fired, what was known then, and the way that it went."""
    back = step_id("Start the old version")
    page = markdown(
        evidence(
            ev.WatchStarted(step=WATCH, attempt=1, what="logs.absent", watch_s=60.0),
            ev.WatchFired(step=WATCH, attempt=1, reason="an error in the log", value="1 line"),
            ev.RollbackEntered(
                reason="orders fail", facts={"rows written since": 12, "follows": ["restore loses 12 rows"]}
            ),
            ev.Started(step=back, attempt=1, what="command"),
            ev.Finished(step=back, attempt=1, duration_s=3.0, verdict=passed()),
            ev.Ticked(step=back, auto=True),
        )
    )
    part = page[page.index("## The way back") : page.index("## Steps")]
    for words in ("orders fail", "an error in the log", "12", "restore loses 12 rows"):
        assert words in part


def test_a_way_back_that_nobody_went_is_one_sentence() -> None:
    """Steps of the rollback that were not needed are no noise in the evidence."""
    page = markdown(evidence(ev.Ticked(step=TELL)))
    assert "The run did not turn back" in page
    assert "Start the old version" not in page


@pytest.mark.parametrize("text_of_file", [None, BOOK.replace("- [ ] Look at the shop\n", "")])
def test_steps_are_told_whatever_became_of_the_file(text_of_file: str | None) -> None:
    """A step that the file no longer has, and every step of a file that is gone, is evidence all the same."""
    page = markdown(
        evidence(
            ev.Started(step=LOOK, attempt=1, what="command", title="Look at the shop"),
            ev.Lost(step=LOOK, attempt=1, reason="the machine went away"),
            text=text_of_file,
        )
    )
    assert "Look at the shop" in page
    assert "the machine went away" in page


GATED = """\
---
variables:
  LIMIT: {default: "5"}
  TOKEN: {secret: true, default: hush}
---

# Release

## Work

- [ ] Measure

  ```yaml step
  id: measure
  action:
    sqlite.query: {path: $TOKEN, sql: select 1, rows: "$LIMIT"}
  ```

## Gates to Phase 1

- [ ] It was fast

  ```yaml step
  id: fast
  check:
    evidence.value: {step: measure, value: duration_s, below: $LIMIT}
  ```
- [ ] Nobody complains
"""


def test_criteria_and_gates_stand_with_value_limit_and_what_they_wait_for() -> None:
    """A gate that does not hold needs eyes; what decided it, or would, stands beside it."""
    ran = (
        ev.Started(step="measure", attempt=1, what="sqlite.query"),
        ev.Finished(step="measure", attempt=1, duration_s=9.0, verdict=passed("1 row")),
        ev.Ticked(step="measure", auto=True),
    )
    page = markdown(evidence(*ran, text=GATED))
    assert "| **gate** |  | Phase 1 may not start: 2 of 2 open |" in page
    (row,) = [line for line in page.split("\n") if "It was fast" in line and line.startswith("| ·")]
    assert "limit" in row
    assert "5" in row
    decided = ev.Finished(step="fast", attempt=1, verdict=failed("9 s is not below 5 s", "9 s"))
    page = markdown(
        evidence(*ran, ev.Started(step="fast", attempt=1, what="evidence.value"), decided, text=GATED)
    )
    assert "1 of 2 fails" in page


def test_parameters_have_their_values_and_no_secret() -> None:
    """A limit that a variable gives is told as a number; a secret one stays a name, even its default."""
    page = markdown(evidence(ev.Ticked(step="measure"), text=GATED))
    assert "rows: 5" in page
    assert r"path: \$TOKEN" in page
    assert "hush" not in page


def test_the_way_that_was_taken_is_named_by_its_actions_and_answers() -> None:
    """What a check of the way back saw is no way; the action that was carried out, and the person's answer, are."""
    book = """\
# Release

## Work

- [ ] Release

## Rollback

1. Choose the way

   ```yaml step
   id: way
   check:
     people.choice: {question: Which way, options: [down, restore]}
   ```
2. Take it back

   ```yaml step
   id: down
   action:
     sqlite.rollback: {path: a.db, up: up.sql, down: down.sql}
   ```
3. See it gone

   ```yaml step
   id: gone
   check:
     sqlite.schema: {path: a.db, columns: {a: []}}
   ```
"""
    ran = [
        event
        for step, what in (("down", "sqlite.rollback"), ("gone", "sqlite.schema"))
        for event in (
            ev.Started(step=step, attempt=1, what=what),
            ev.Finished(step=step, attempt=1, verdict=passed()),
            ev.Ticked(step=step, auto=True),
        )
    ]
    answered = ev.Ticked(step="way", value="down")
    made = evidence(ev.RollbackEntered(reason="slow"), answered, *ran, text=book)
    assert made.rollback is not None
    assert made.rollback.ways == ("Choose the way: down", "Take it back (sqlite.rollback)")


def test_more_gaps_than_are_listed_are_counted_without_the_record_of_the_watch() -> None:
    """The journal lists the last gaps alone; how many there were stands in the verdict, and so in the report."""
    gap: dict[str, Json] = {"at": START, "until": START + 5, "length_s": 5.0, "why": "no log"}
    told = passed(gaps=4321)
    begun = ev.WatchStarted(step="watch", attempt=1, title="Watch the log", what="logs.absent", watch_s=60.0)
    ended = ev.WatchEnded(
        step="watch", attempt=1, why="elapsed", observed_s=60.0, gap_s=21605.0, gaps=[gap], verdict=told
    )
    assert "in 4,321 gaps" in markdown(evidence(begun, ended))
