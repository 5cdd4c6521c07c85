"""Telling beyond the screen: what goes to the terminal past the painted screen is one sequence, of plain words alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.text import is_hidden
from orion_deploy.tui.telling import TEXT_CHARACTERS_MAX, notification

FORMS = {
    "osc9": re.compile(r"\x1b\]9;orion-deploy: ([^\x07]*)\x07"),
    "osc777": re.compile(r"\x1b\]777;notify;orion-deploy: ([^\x07;]*);([^\x07;]*)\x07"),
}


@given(st.text(), st.text(), st.sampled_from(sorted(FORMS)))
def test_no_text_ends_the_sequence_or_begins_another(title: str, text: str, terminal: str) -> None:
    """Whatever a log or a checklist says: one sequence, ended by its own end, nothing hidden in it, bounded."""
    made = notification(terminal, title, text)
    match = FORMS[terminal].fullmatch(made)
    assert match is not None
    assert not any(is_hidden(part) or "\n" in part for part in match.groups())
    assert len(made) <= 2 * TEXT_CHARACTERS_MAX + 60


@pytest.mark.parametrize("terminal", ["off", "", "osc8"])
def test_what_is_off_sends_nothing(terminal: str) -> None:
    """No wish, no byte."""
    assert notification(terminal, "FIRED", "too slow") == ""


def test_the_words_of_a_notification() -> None:
    """What a person reads in it."""
    assert (
        notification("osc9", "FIRED", "Errors: 3 lines") == "\x1b]9;orion-deploy: FIRED: Errors: 3 lines\x07"
    )
    assert (
        notification("osc777", "FI;RED", "a;b\x1b]0;x\x07")
        == "\x1b]777;notify;orion-deploy: FI,RED;a,b␛]0,x␇\x07"
    )
