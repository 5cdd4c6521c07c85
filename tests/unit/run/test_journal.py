"""The journal's bytes: every cut, every flipped bit, every hole is told apart, and nothing is dropped or invented."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import GOLDEN, GOLDEN_EVENTS, lines_of, one_of_each

from orion_deploy.kinds.verdict import Json
from orion_deploy.run import events as ev
from orion_deploy.run import journal
from orion_deploy.run.fold import fold
from orion_deploy.run.journal import START, parse, verify

EVENTS = one_of_each()
DATA = lines_of(EVENTS)
ENDS = [i + 1 for i, byte in enumerate(DATA) if byte == 10]


def reseal(line: bytes, after: journal.Link = START) -> bytes:
    """A line whose content was changed, with a checksum that fits it."""
    body = line[: line.rindex(b',"h":"')]
    text = body + b',"h":"' + journal.chain(after.hash, body).encode() + b'"'
    return text + b',"c":"%08x"}\n' % zlib.crc32(text)


def test_what_was_written_is_read() -> None:
    """Every event of every type comes back as it was, with hostile text in it, and in ASCII on the disk."""
    parsed = parse(DATA)
    assert parsed.events == EVENTS
    assert {type(event) for event in EVENTS} == set(ev.EVENT_TYPES)
    assert (parsed.good_bytes, parsed.torn_bytes, parsed.damage, parsed.newer) == (len(DATA), 0, None, "")
    assert parsed.link.sequence == len(EVENTS)
    assert DATA.isascii()
    assert all(byte >= 32 or byte == 10 for byte in DATA)


def test_no_events_are_an_empty_journal() -> None:
    """Nothing written, nothing read, nothing wrong."""
    assert parse(b"") == journal.ParsedJournal([], START)
    assert journal.encode_all([], START) == (b"", START)


def test_the_golden_journal_of_schema_1_is_still_read() -> None:
    """A run of an earlier release opens, with the state that it had; its bytes are what this release writes."""
    data = (GOLDEN / "journal-v1.jsonl").read_bytes()
    parsed = parse(data)
    assert len(parsed.events) == GOLDEN_EVENTS
    assert parsed.events == EVENTS[:GOLDEN_EVENTS]
    assert lines_of(EVENTS[:GOLDEN_EVENTS], (1, 1, 3)) == data
    assert json.loads((GOLDEN / "journal-v1.state.json").read_text()) == outline(parsed.events)


def outline(events: list[ev.Event]) -> dict[str, Any]:
    """The state after the events, in JSON."""
    run = fold(events)
    return {
        "operators": list(run.operators),
        "variables": dict(run.variables),
        "secrets": sorted(run.secrets),
        "gone": sorted(run.gone),
        "result": run.result,
        "rollback_at": run.rollback_at,
        "steps": {
            step_id: [step.status.value, step.reason, [a.ending for a in step.attempts], len(step.notes)]
            for step_id, step in run.steps.items()
        },
    }


def test_fields_of_a_record_have_no_name_of_the_envelope() -> None:
    """`v n p b k h c` belong to the record itself."""
    for cls in ev.EVENT_TYPES:
        assert not {"v", "n", "p", "b", "k", "h", "c"} & set(cls.__dataclass_fields__)


def test_a_value_that_json_does_not_know_is_recorded_all_the_same() -> None:
    """`nan` seconds in a verdict must not keep an outcome from being recorded."""
    values: dict[str, Json] = {"a": math.nan, "b": [math.inf], "c": 1.5}
    line, _ = journal.encode(ev.Finished(step="s", attempt=1, verdict={"values": values}), START)
    (event,) = parse(line).events
    assert isinstance(event, ev.Finished)
    assert event.verdict == {"values": {"a": "nan", "b": ["inf"], "c": 1.5}}


def test_a_record_has_a_limit() -> None:
    """What is too long is refused before a byte is written."""
    with pytest.raises(ValueError, match="at most 16,777,216"):
        journal.encode(ev.Noted(text="x" * journal.RECORD_BYTES_MAX), START)


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_comes_back(step: str, text: str, at: float) -> None:
    """Surrogates, controls, any float: what was recorded is what is read."""
    event = ev.Noted(step=step, text=text, at=at)
    line, link = journal.encode(event, START)
    parsed = parse(line)
    assert parsed.events == [event]
    assert parsed.link == link
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("writes", [(), (len(EVENTS),), (1, 4, 2)])
def test_a_cut_at_any_byte_keeps_the_whole_records_before_it(writes: tuple[int, ...]) -> None:
    """A crash in a write leaves a beginning of it: what is whole stays, the rest is torn, nothing is damage."""
    data = lines_of(EVENTS, writes)
    ends = [0] + [i + 1 for i, byte in enumerate(data) if byte == 10]
    for cut in range(ends[-4], len(data) + 1):
        parsed = parse(data[:cut])
        whole = max(i for i, end in enumerate(ends) if end <= cut)
        assert len(parsed.events) == whole, cut
        assert (parsed.good_bytes, parsed.torn_bytes) == (ends[whole], cut - ends[whole])
        assert parsed.damage is None


def test_every_flipped_bit_before_the_last_newline_is_damage() -> None:
    """No single changed bit is believed, dropped or taken for the rest of a torn write."""
    for place in range(len(DATA)):
        for bit in (0, 3, 6):
            data = bytearray(DATA)
            data[place] ^= 1 << bit
            parsed = parse(bytes(data))
            line = sum(1 for end in ENDS if end <= place)
            assert parsed.damage is not None, (place, bit)
            assert parsed.torn_bytes == 0
            assert len(parsed.events) == line
            assert (parsed.damage.line, parsed.damage.byte) == (line + 1, ([0, *ENDS])[line])


def test_lines_that_are_missing_doubled_or_exchanged_are_damage() -> None:
    """Each record names the one before it."""
    lines = DATA.splitlines(keepends=True)
    for broken in (
        lines[:3] + lines[4:],
        [*lines[:4], *lines[3:]],
        [*lines[:3], lines[4], lines[3], *lines[5:]],
        lines[1:],
        [*lines[:5], b"\n", *lines[5:]],
        [*lines, b"not a record\n"],
        [*lines, lines[0]],
    ):
        parsed = parse(b"".join(broken))
        assert parsed.damage is not None
        assert parsed.events == EVENTS[: len(parsed.events)]


def test_a_whole_record_without_its_newline_was_never_acknowledged() -> None:
    """The newline is part of the write; a newline that was overwritten is another thing, and is damage."""
    assert parse(DATA[:-1]).torn_bytes == len(DATA) - ENDS[-2] - 1
    assert parse(DATA[:-1]).events == EVENTS[:-1]
    damaged = parse(DATA[:-1] + b"x")
    assert damaged.torn_bytes == 0
    assert damaged.damage is not None
    assert "newline" in damaged.damage.what


def with_hole(data: bytes, start: int, end: int) -> bytes:
    """The same bytes, with a block that was never written: it reads as zeros."""
    return data[:start] + b"\0" * (end - start) + data[end:]


def test_a_hole_in_the_last_write_is_torn() -> None:
    """A power cut can leave any block of the last write unwritten, its newlines whole behind the hole."""
    data = lines_of(EVENTS, (1, 1, len(EVENTS) - 2))
    first = ENDS[1]
    sector = -(-first // 512) * 512
    for start, end in ((first, len(data)), (first, sector), (sector, sector + 1024), (sector, len(data))):
        parsed = parse(with_hole(data, start, end))
        assert parsed.damage is None, (start, end)
        assert parsed.events == EVENTS[: len(parsed.events)]
        assert len(parsed.events) >= 2
        assert parsed.torn_bytes == len(data) - parsed.good_bytes
        assert (
            parse(with_hole(data, start, end)[first:], parse(data[:first]).link).torn_bytes
            == parsed.torn_bytes
        )


def test_zeros_that_are_no_sectors_are_damage() -> None:
    """A byte that became zero is a damaged byte, in the last record too."""
    for start, end in ((ENDS[-2] + 50, ENDS[-2] + 51), (ENDS[-2] + 1, ENDS[-2] + 9)):
        assert parse(with_hole(DATA, start, end)).damage is not None


def test_a_hole_before_an_acknowledged_write_is_damage() -> None:
    """A later write proves that the one with the hole was on the disk: then the disk has lost something."""
    parsed = parse(with_hole(DATA, ENDS[3], -(-ENDS[3] // 512) * 512))
    assert parsed.torn_bytes == 0
    assert parsed.damage is not None
    assert (parsed.damage.line, parsed.damage.byte) == (5, ENDS[3])


def test_a_newer_schema_is_told_from_damage() -> None:
    """What a newer program wrote is believed up to there, and not further."""
    link = parse(DATA[: ENDS[2]]).link
    line = DATA[ENDS[2] : ENDS[3]].replace(b'{"v":1,', b'{"v":2,')
    parsed = parse(DATA[: ENDS[2]] + reseal(line, link))
    assert parsed.events == EVENTS[:3]
    assert parsed.damage is None
    assert "schema is 2" in parsed.newer
    torn = parse(DATA[: ENDS[2]] + line)
    assert torn.newer == ""
    assert torn.damage is not None


def test_an_event_that_is_not_known_was_written_by_a_newer_program() -> None:
    """To pass over it could show a state that is not the run's."""
    line = DATA[: ENDS[0]].replace(b'"k":"opened"', b'"k":"beamed"')
    parsed = parse(reseal(line) + DATA[ENDS[0] :])
    assert parsed.events == []
    assert "`beamed`" in parsed.newer


def test_a_field_that_is_not_known_is_passed_over() -> None:
    """A newer release of the same schema may add fields."""
    line, link = journal.encode(ev.Ticked(step="a", value="x"), START)
    parsed = parse(reseal(line.replace(b'"value":"x"', b'"value":"x","mood":"good"')))
    assert parsed.events == [ev.Ticked(step="a", value="x")]
    assert link.sequence == parsed.link.sequence


@pytest.mark.parametrize(
    "body", [b'"k":"ticked"', b'"k":["ticked"]', b"oops", b'"k":"noted"},{"k":"noted"', b'"x":1']
)
def test_a_sealed_record_that_makes_no_event_is_damage(body: bytes) -> None:
    """A fitting checksum does not make sense out of nonsense."""
    whole = DATA[: ENDS[1]]
    head = b'{"v":1,"n":3,"p":"%b",' % whole[-11:-3]
    sealed = reseal(head + body + b',"h":"","c":""}\n', parse(whole).link)
    parsed = parse(whole + sealed + sealed)
    assert parsed.events == EVENTS[:2]
    assert parsed.damage is not None
    assert parsed.damage.line == 3
    assert parsed.good_bytes == len(whole)


def test_reading_goes_on_where_it_stood() -> None:
    """A follower reads only what is new, and gets the same."""
    for cut in (0, 3, len(ENDS) - 1):
        first = parse(DATA[: ENDS[cut]])
        second = parse(DATA[ENDS[cut] :], first.link)
        assert first.events + second.events == EVENTS
        assert second.link == parse(DATA).link


@pytest.mark.parametrize("piece", [1, 700, 2_000])
def test_where_a_piece_ends_makes_no_difference(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """A long journal is read in pieces: the same events, the same tears, the same damage."""
    changed = bytearray(DATA)
    changed[ENDS[7] + 30] ^= 1
    link = parse(DATA[: ENDS[8]]).link
    sealed = (
        DATA[: ENDS[8]]
        + reseal(DATA[ENDS[8] : ENDS[9]].replace(b'"k":"', b'"k":"not '), link)
        + DATA[ENDS[9] :]
    )
    inputs = [b"", DATA, DATA[:-30], DATA[:-1], bytes(changed), sealed, DATA + b"\n", b"x" * 3000]
    whole = [parse(data) for data in inputs]
    monkeypatch.setattr(journal, "PIECE_BYTES", piece)
    assert [parse(data) for data in inputs] == whole
    assert [bool(parsed.damage) for parsed in whole] == [False, False, False, False, True, False, True, False]
    assert whole[5].newer


def test_an_older_schema_is_upgraded_while_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record says its own schema: an old run is read as it stands, and goes on in the new one."""

    def renamed(body: dict[str, Json]) -> dict[str, Json]:
        if body["k"] == "noted":
            body["text"] = f"upgraded: {body.get('text', '')}"
        return body

    old, link = journal.encode(ev.Noted(text="a"), START)
    monkeypatch.setattr(journal, "SCHEMA", 2)
    monkeypatch.setitem(journal.UPGRADES, 1, renamed)
    new, _ = journal.encode(ev.Noted(text="b"), link)
    assert new.startswith(b'{"v":2,')
    parsed = parse(old + new)
    assert parsed.events == [ev.Noted(text="upgraded: a"), ev.Noted(text="b")]
    assert (parsed.oldest_schema, parsed.damage) == (1, None)
    monkeypatch.delitem(journal.UPGRADES, 1)
    assert parse(old + new).damage is not None


def test_the_hash_chain_finds_what_was_altered_with_its_checksums_set_right() -> None:
    """Somebody who changes a value and every checksum behind it still has to change the last hash."""
    assert verify(DATA).hashes[-1] == parse(DATA).link.hash
    assert verify(DATA).damage is None
    lines = DATA.splitlines(keepends=True)
    forged = lines[3].replace(b'"TOKEN"', b'"TAKEN"')
    crc = b"%08x" % zlib.crc32(forged[:-17])
    broken = verify(b"".join([*lines[:3], forged[:-11] + crc + b'"}\n', *lines[4:]]))
    assert broken.damage is not None
    assert (broken.damage.line, broken.damage.byte) == (4, ENDS[2])
    rewritten = lines_of([*EVENTS[:3], ev.VariableSet(name="TAKEN"), *EVENTS[4:]])
    assert verify(rewritten).damage is None
    assert verify(rewritten).hashes[2] == verify(DATA).hashes[2]
    assert verify(rewritten).hashes[-1] != verify(DATA).hashes[-1]
