"""The kept output: head and tail within the limit, every byte of them at its place, whatever was printed."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.run.output import TAIL_HEADER_BYTES, Output, Recorder


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 90), max_size=50), st.sampled_from([4, 8, 40, 100, 1000]), st.data())
def test_head_and_tail_are_exact(sizes: list[int], bytes_max: int, data: st.DataObject) -> None:
    """After every write: the size is true, head and tail are the stream's, the gap is what is missing, the limit holds."""
    with tempfile.TemporaryDirectory() as folder:
        recorder, output, whole = Recorder(folder, bytes_max), Output(Path(folder)), b""
        for size in sizes:
            piece = os.urandom(size)
            recorder.write(piece)
            recorder.flush()
            whole += piece
            gap = output.dropped_range()
            assert output.size() == recorder.total == len(whole)
            assert recorder.kept <= max(bytes_max, 4)
            tail = output.tail(len(whole))
            assert whole.endswith(tail)
            if gap is None:
                assert output.read(0, len(whole) + 1) == tail == whole
                assert recorder.kept == len(whole)
            else:
                assert output.read(0, len(whole)) == whole[: gap[0]]
                assert output.read(gap[1], len(whole)) == whole[gap[1] :] == tail
                assert output.read(gap[0], 10) == b""
                assert recorder.kept == len(whole) - (gap[1] - gap[0])
                assert len(tail) >= bytes_max // 4
        start = data.draw(st.integers(0, len(whole) + 2))
        count = data.draw(st.integers(0, 60))
        assert whole[start : start + count].startswith(output.read(start, count))
        assert output.tail(5) == whole[-5:] or bytes_max < 40


def test_an_attempt_without_output_is_empty(tmp_path: Path) -> None:
    """Before anything was written, and without a folder, there is nothing; no error."""
    for folder in (tmp_path, tmp_path / "missing"):
        output = Output(folder)
        assert (output.size(), output.tail(10), output.read(0, 10), output.dropped_range()) == (
            0,
            b"",
            b"",
            None,
        )


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file grows beyond `size`. The kernel refuses the write itself, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_counted_and_what_comes_after_is_kept(tmp_path: Path) -> None:
    """What finds no room is counted; the stream goes on, and its end is there once there is room again."""
    recorder = Recorder(str(tmp_path), 4000)
    with room_for(300):
        recorder.write(b"a" * 1000)
        assert recorder.error == "EFBIG"
    with room_for(10):
        recorder.write(b"b" * 500)
        recorder.flush()
        assert recorder.is_pending
    recorder.write(b"c" * 100)
    recorder.write(b"d" * 100)
    recorder.flush()
    recorder.sync()
    output = Output(tmp_path)
    assert output.size() == recorder.total == 1700
    assert output.dropped_range() == (300, 700)
    assert output.tail(200) == b"c" * 100 + b"d" * 100
    assert recorder.kept == 1300
    assert not recorder.is_pending


def test_what_finds_room_soon_enough_is_not_lost(tmp_path: Path) -> None:
    """A disk that was full for a moment costs nothing."""
    recorder = Recorder(str(tmp_path), 4000)
    with room_for(300):
        recorder.write(b"a" * 400)
        recorder.flush()
    recorder.flush()
    assert Output(tmp_path).read(0, 1000) == b"a" * 400
    assert recorder.kept == 400


def test_a_flood_leaves_its_end(tmp_path: Path) -> None:
    """Between two flushes only the newest bytes are held; there is never more than one gap."""
    recorder = Recorder(str(tmp_path), 400)
    recorder.write(b"h" * 200 + b"1" * 60)
    recorder.flush()
    for digit in (b"2", b"3", b"4"):
        recorder.write(digit * 70)
    recorder.flush()
    output = Output(tmp_path)
    assert output.dropped_range() == (200, 370)
    assert output.tail(1000) == b"3" * 30 + b"4" * 70
    recorder.write(b"5" * 20)
    recorder.flush()
    assert output.tail(1000) == b"3" * 30 + b"4" * 70 + b"5" * 20
    assert output.size() == 490
    assert recorder.kept == 320


def test_a_tail_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    """A tail that found no room for its end goes on in the next one, without a gap."""
    recorder = Recorder(str(tmp_path), 400)
    recorder.write(b"h" * 200)
    with room_for(TAIL_HEADER_BYTES + 60):
        recorder.write(b"1" * 80)
        recorder.flush()
    recorder.write(b"2" * 10)
    recorder.flush()
    output = Output(tmp_path)
    assert output.dropped_range() is None
    assert output.read(200, 100) == b"1" * 80 + b"2" * 10


def test_a_reader_reads_on_while_tails_turn(tmp_path: Path) -> None:
    """Tails appear by rename: whoever has one open still reads the bytes that it was opened for."""
    recorder = Recorder(str(tmp_path), 40)
    recorder.write(b"h" * 20 + b"0123456789")
    recorder.flush()
    held = os.open(tmp_path / "out.tail0", os.O_RDONLY)
    try:
        for _ in range(10):
            recorder.write(b"x" * 10)
            recorder.flush()
        assert os.pread(held, 100, TAIL_HEADER_BYTES) == b"0123456789"
    finally:
        os.close(held)


def test_output_is_never_written_over(tmp_path: Path) -> None:
    """A second recorder in the same folder is refused: one attempt, one output."""
    Recorder(str(tmp_path), 10).write(b"first")
    with pytest.raises(FileExistsError):
        Recorder(str(tmp_path), 10)


def test_files_are_private(tmp_path: Path) -> None:
    """Head and tails are 0600."""
    mask = os.umask(0)
    try:
        recorder = Recorder(str(tmp_path), 8)
        recorder.write(b"x" * 100)
        recorder.flush()
    finally:
        os.umask(mask)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
