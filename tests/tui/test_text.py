"""The pure text work of the screens: lines, prose, shell colours, words, output."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from orion_deploy.run.output import Output
from orion_deploy.text import is_hidden
from orion_deploy.tui import words
from orion_deploy.tui.evidence import tail_lines
from orion_deploy.tui.lines import Span, fit, text_of, width_of, wrap
from orion_deploy.tui.output_text import OutputText
from orion_deploy.tui.prose import prose_lines
from orion_deploy.tui.shell_colour import shell_lines

ROWS = st.lists(
    st.builds(
        Span, st.text(st.characters(exclude_characters="\n\t\r"), max_size=30), st.sampled_from(["", "bold"])
    ),
    max_size=5,
)


@given(ROWS, st.integers(6, 60))
def test_wrapped_lines_fit_and_lose_nothing(content: list[Span], width: int) -> None:
    """Wrapping keeps every character but the spaces at breaks, in order, within the width."""
    lines = wrap(content, width)
    assert all(width_of(row) <= max(width, 4) for row in lines)
    before = "".join(text_of(tuple(content)).split())
    assert "".join("".join(text_of(row) for row in lines).split()) == before


def test_a_long_word_is_broken_within() -> None:
    """A word longer than the width goes on in the next line, behind the hanging indent."""
    assert [text_of(row) for row in wrap((Span("x" * 10),), 6, hang="> ")] == ["xxxxxx", "> xxxx"]


@given(st.text(max_size=40), st.integers(0, 20))
def test_a_fitted_text_fits(text: str, width: int) -> None:
    """`fit` never gives more columns than there are."""
    assert cell_len(fit(text, width)) <= width


def test_prose_shows_bullets_bold_and_code() -> None:
    """Light Markdown: marks become roles, paragraphs are joined, lists keep their hanging indent."""
    lines = prose_lines("Wait for **the mailer**\n(`*/5`).\n\n- one two three\n  four\n1. first", 14)
    assert [text_of(row).rstrip() for row in lines] == [
        "Wait for the",
        "mailer (*/5).",
        "",
        "• one two",
        "  three four",
        "1. first",
    ]
    roles = {span.text: span.role for row in lines for span in row}
    assert roles["mailer"] == "bold"
    assert roles["*/5"] == "code"


def test_prose_shows_markup_of_others_as_it_is_written() -> None:
    """Textual's and Rich's markup is text like any other."""
    assert text_of(prose_lines("[red]x[/] [@click=app.quit]y[/]", 80)[0]) == "[red]x[/] [@click=app.quit]y[/]"


@given(st.text(max_size=200))
def test_no_text_work_lets_a_control_character_through(text: str) -> None:
    """Whatever a checklist or a process says, lines hold no character that a terminal acts upon."""
    shown = [
        *prose_lines(text, 40),
        *shell_lines(text),
        *tail_lines(text.encode("utf-8", "replace"), 10, 40, is_whole=True),
    ]
    assert not any(is_hidden(span.text) or "\n" in span.text for row in shown for span in row)


def test_shell_roles() -> None:
    """Commands, options, strings, variables and comments can be told apart, after pipes and assignments too."""
    (row,) = shell_lines("A=1 ls -l \"$HOME\" | grep -v 'x' && echo $? # why")
    roles = {span.text: span.role for span in row}
    assert roles["ls"] == roles["grep"] == roles["echo"] == "code.command"
    assert roles["-l"] == "code.option"
    assert roles["'x'"] == roles['"$HOME"'] == "code.string"
    assert roles["$?"] == "code.variable"
    assert roles["# why"] == "code.comment"
    assert text_of(row) == "A=1 ls -l \"$HOME\" | grep -v 'x' && echo $? # why"


@given(st.text(max_size=120))
def test_colouring_changes_no_character(script: str) -> None:
    """A script is shown as it will run: colouring splits it and changes nothing but control characters and tabs."""
    if not is_hidden(script) and "\t" not in script and "\r" not in script:
        assert "\n".join(text_of(row) for row in shell_lines(script)) == script


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "under 0.1 s"),
        (0.25, "0.2 s"),
        (42.9, "42 s"),
        (725, "12 min 05 s"),
        (3840, "1 h 04 min"),
        (7200, "2 h"),
        (86400, "24 h"),
        (90000, "25 h"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d"),
        (183600, "2 d 3 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """A duration has its two largest units, hours up to two days: a day of watching is 24 h, as checklists say it."""
    assert words.duration(seconds) == text


def test_every_status_has_a_glyph_of_one_column_and_a_word_that_fits() -> None:
    """No glyph stands alone, none is two columns wide, and the column of statuses holds the longest."""
    for sign in words.SIGNS.values():
        assert cell_len(sign.glyph) == 1
        assert sign.word
        assert len(sign.text) <= words.STATUS_COLUMNS
    assert len({sign.glyph for sign in words.SIGNS.values()}) == len(words.SIGNS)


def test_the_tail_shows_the_last_lines_whole() -> None:
    """The tail ends with the last line, leaves a cut first line out, and drops colour codes."""
    data = b"cut off\n" + b"".join(b"\x1b[32mrow %d\x1b[0m\n" % n for n in range(20))
    shown = [text_of(row) for row in tail_lines(data, 3, 40, is_whole=False)]
    assert shown == ["│ row 17", "│ row 18", "│ row 19"]
    assert [text_of(row) for row in tail_lines(b"only", 3, 40, is_whole=True)] == ["│ only"]


def test_an_output_is_read_on_line_by_line(tmp_path: Path) -> None:
    """A line that comes in two parts is one line; nothing is read twice."""
    (tmp_path / "out").write_bytes(b"one\ntw")
    text = OutputText(Output(tmp_path))
    assert text.refresh()
    assert not text.refresh()
    with open(tmp_path / "out", "ab") as file:
        file.write(b"o\nthree\n")
    assert text.refresh()
    assert [text.text(n) for n in range(text.count)] == ["one", "two", "three"]
    assert text.find("T") == [1, 2]
    assert text.find("") == []


def test_a_gap_in_an_output_is_said(tmp_path: Path) -> None:
    """What the recorder dropped stands as a line of its own between head and tail."""
    from orion_deploy.run.output import Recorder

    recorder = Recorder(os.fspath(tmp_path), 4096)
    for number in range(2000):
        recorder.write(b"row %06d\n" % number)
    recorder.flush()
    text = OutputText(Output(tmp_path))
    text.read_all()
    shown = [text.text(n) for n in range(text.count)]
    assert shown[0] == "row 000000"
    assert shown[-1] == "row 001999"
    assert sum("were not kept here" in row for row in shown) == 1
