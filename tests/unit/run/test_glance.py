"""A glance at a journal agrees with the reader: it passes nothing that the reader refuses, and all that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.run import events as ev
from orion_deploy.run import glance, journal

WHOLE, LINK = journal.encode_all([ev.Ticked(step=f"s{n}", at=float(n)) for n in range(12)], journal.START)


def is_sound(data: bytes) -> bool:
    """What the reader says of exactly these bytes."""
    found = journal.parse(data)
    return found.damage is None and not found.torn_bytes and found.link == LINK


def test_a_whole_journal_passes() -> None:
    """And an empty one, of no records."""
    assert glance.is_chained(WHOLE, LINK.sequence)
    assert glance.is_chained(b"", 0)
    assert not glance.is_chained(WHOLE, LINK.sequence - 1)
    assert not glance.is_chained(WHOLE[:-1], LINK.sequence)


@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_any_other_byte_anywhere_is_seen(place: int, byte: int) -> None:
    """Wherever one byte is another one, glance and reader say the same."""
    data = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    assert glance.is_chained(data, LINK.sequence) is is_sound(data)


@given(st.lists(st.integers(0, LINK.sequence - 1), min_size=0, max_size=14))
def test_lines_left_out_doubled_or_swapped_are_seen(order: list[int]) -> None:
    """Whatever becomes of the order of the lines: only the whole journal passes."""
    lines = WHOLE.splitlines(keepends=True)
    data = b"".join(lines[number] for number in order)
    assert glance.is_chained(data, LINK.sequence) is (data == WHOLE)


def test_the_limit_is_of_all_journals_of_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond it is not called sound; one that is small enough still is looked at."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(WHOLE)
    short = WHOLE.splitlines(keepends=True)[0]
    monkeypatch.setattr(glance, "GLANCE_BYTES_MAX", len(WHOLE) + len(short))
    look = glance.Glance()
    link = {"bytes": len(WHOLE), "records": LINK.sequence}
    assert look.is_sound(path, link) is True
    assert look.is_sound(path, link) is None
    assert look.is_sound(path, {"bytes": len(short), "records": 1}) is True
    assert glance.Glance().is_sound(tmp_path / "none", link) is False
    assert glance.Glance().is_sound(path, {"bytes": "x"}) is False
