"""What the edge takes from a run's files: enough of each output, and of all together never more than a limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orion_deploy.report import gather
from orion_deploy.report.gather import (
    HEAD_CHARACTERS_MAX,
    OUTPUT_CHARACTERS_MIN,
    TAIL_CHARACTERS_MAX,
    ends,
    share,
)
from orion_deploy.run.output import Output, Recorder, digest

ONE_MAX = HEAD_CHARACTERS_MAX + TAIL_CHARACTERS_MAX


@given(st.lists(st.integers(0, 100_000), max_size=60), st.integers(20_000, 200_000))
def test_all_outputs_share_their_room_fairly(sizes: list[int], room: int) -> None:
    """Together they stay within the room, none gets more than one may have, and no short one is cut for a long one."""
    level = share(sizes, room)
    assert level <= ONE_MAX
    if level > OUTPUT_CHARACTERS_MIN:
        assert sum(min(size, level) for size in sizes) <= room
    if sum(min(size, ONE_MAX) for size in sizes) <= room:
        assert level == ONE_MAX


def recorded(folder: Path, data: bytes, bytes_max: int = 1 << 24) -> Output:
    """An output that a step printed."""
    recorder = Recorder(str(folder), bytes_max)
    recorder.write(data)
    recorder.flush()
    return Output(folder)


def test_a_short_output_is_all_there(tmp_path: Path) -> None:
    """Terminal sequences are taken out, everything else stands as it was."""
    output = recorded(tmp_path, b"\x1b[31mred\x1b[0m\nand more\n")
    assert ends(output, output.size(), 1000) == ("red\nand more\n", "", 0)


def test_of_a_long_output_the_beginning_and_the_end_are_shown_in_whole_lines(tmp_path: Path) -> None:
    """What is between is counted, and the two ends do not run into each other."""
    data = b"".join(b"line %06d\n" % n for n in range(5000))
    output = recorded(tmp_path, data)
    head, tail, left_out = ends(output, output.size(), 1000)
    assert head.startswith("line 000000\n")
    assert tail.endswith("line 004999\n")
    assert all(len(line) == 11 for line in [*head.split("\n"), *tail.rstrip("\n").split("\n")])
    assert len(head) + len(tail) <= 1000
    assert left_out == len(data) - 1000


def test_an_output_of_which_the_middle_was_never_kept_is_shown_by_its_ends(tmp_path: Path) -> None:
    """The gap is within what is left out."""
    data = b"".join(b"line %06d\n" % n for n in range(5000))
    output = recorded(tmp_path, data, bytes_max=8000)
    head, tail, left_out = ends(output, output.size(), 1000)
    assert head.startswith("line 000000")
    assert tail.endswith("line 004999\n")
    assert left_out == len(data) - 1000


def test_the_hash_of_an_output_is_of_all_that_is_kept_and_of_nothing_later(tmp_path: Path) -> None:
    """Head and tails count, in their places; what is printed after the end that is meant does not."""
    data = b"".join(b"line %06d\n" % n for n in range(5000))
    long = tmp_path / "long"
    long.mkdir()
    recorded(long, data, bytes_max=8000)
    before = digest(long, len(data))
    assert before
    tail = next(path for path in long.iterdir() if path.name.startswith("out.tail"))
    tail.write_bytes(tail.read_bytes().replace(b"line", b"LINE", 1))
    assert digest(long, len(data)) != before
    short = tmp_path / "short"
    short.mkdir()
    recorded(short, b"up\n")
    before = digest(short, 3)
    with (short / "out").open("ab") as file:
        file.write(b"later\n")
    assert digest(short, 3) == before
    assert digest(short, 9) != before
    assert digest(short, 0) == ""


def test_scripts_of_many_attempts_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script is shown whole where there is room, and says how long it is where there is none."""
    from support.sessions import book, opened

    path = book(tmp_path, "# A\n\n## B\n\n- [ ] C\n\n  ```bash\n  : " + "x" * 600 + "\n  ```\n")
    with opened(path, cwd=str(tmp_path)) as driven:
        driven.run("b.c")
    (whole,) = [s for _, s in gather.gather(path).steps() if s.id == "b.c"]
    assert whole.attempts[0].script.count("x") == 600
    monkeypatch.setattr(gather, "OUTPUT_CHARACTERS_MAX", 300)
    (cut,) = [s for _, s in gather.gather(path).steps() if s.id == "b.c"]
    assert 200 < cut.attempts[0].script.count("x") < 400
    assert "bytes in all" in cut.attempts[0].script
