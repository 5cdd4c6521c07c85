"""`report --verify`: what was altered is found with its place; what was not is proved, by every format of a report."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.cli import Done, orion
from support.sessions import book, opened

from orion_deploy.report.formats import FORMATS
from orion_deploy.run import events as ev
from orion_deploy.run import journal as journals
from orion_deploy.run.desk import folder_name

BOOK = """\
# Release

## Before

- [ ] Greet

  ```bash
  echo hello to all
  ```
- [ ] Look
"""
GREET, LOOK = "before.greet", "before.look"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in which a step printed something, and one was skipped."""
    path = book(tmp_path, BOOK)
    with opened(path, cwd=str(tmp_path), run="night") as driven:
        driven.run(GREET)
        driven.session.tick(GREET)
        driven.session.skip(LOOK, reason="nobody is awake")
    return path


def folder(path: Path) -> Path:
    """The run's folder."""
    return path.with_name(path.name + ".runs") / "night"


def journal(path: Path) -> Path:
    """The run's journal."""
    return folder(path) / "journal.jsonl"


def attempt(path: Path) -> Path:
    """The folder of the step's attempt."""
    return folder(path) / "attempts" / folder_name(GREET) / "1"


def verify(path: Path, *options: str) -> Done:
    """Run it."""
    return orion("report", path, "--verify", *options, cwd=path.parent)


def test_an_untouched_run_is_unaltered(run: Path) -> None:
    """Records, scripts and outputs are counted: nothing was left out."""
    done = verify(run, "--format", "json")
    assert done.code == 0
    proof = done.json
    assert proof["unaltered"]
    assert proof["journal"]["records"] == len(journal(run).read_bytes().splitlines())
    assert (proof["scripts_compared"], proof["outputs_compared"], proof["outputs_without_hash"]) == (1, 1, 0)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_report_of_any_format_proves_that_nothing_before_it_was_altered(
    run: Path, format_name: str
) -> None:
    """What came later does not matter; what the report saw does."""
    report = run.with_name(f"report{FORMATS[format_name].endings[0]}")
    assert orion("report", run, "-o", report, cwd=run.parent).code == 0
    assert orion("note", run, LOOK, "later", cwd=run.parent).code == 0
    done = verify(run, "--against", str(report))
    assert done.code == 0, done
    assert "nothing up to there was altered" in done.out


def test_a_changed_byte_is_found_with_its_line_and_byte(run: Path) -> None:
    """An auditor is led to the record."""
    lines = journal(run).read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b"nobody is awake" in line)
    lines[number] = lines[number].replace(b"nobody is awake", b"everybody agreed")
    journal(run).write_bytes(b"".join(lines))
    done = verify(run)
    assert done.code == 1
    byte = len(b"".join(lines[:number]))
    assert f"line {number + 1} (byte {byte:,})" in done.out


def test_a_journal_that_was_made_anew_is_found_by_an_earlier_report(run: Path) -> None:
    """Whoever knows the format can make a chain that is sound in itself; not one with the hash that was noted."""
    report = run.with_name("report.html")
    orion("report", run, "-o", report, cwd=run.parent)
    events = [
        replace(e, reason="everybody agreed") if isinstance(e, ev.Skipped) else e
        for e in journals.parse(journal(run).read_bytes()).events
    ]
    journal(run).write_bytes(journals.encode_all(events, journals.START)[0])
    assert verify(run).code == 0
    done = verify(run, "--against", str(report))
    assert done.code == 1
    assert "is not the one that the report saw" in done.out


def test_an_end_that_was_cut_off_is_found_by_an_earlier_report(run: Path) -> None:
    """Records that are gone without a trace are missed."""
    report = run.with_name("report.json")
    orion("report", run, "-o", report, cwd=run.parent)
    lines = journal(run).read_bytes().splitlines(keepends=True)
    journal(run).write_bytes(b"".join(lines[:-2]))
    assert verify(run).code == 0
    done = verify(run, "--against", str(report))
    assert done.code == 1
    assert f"it ends after record {len(lines) - 2}" in done.out


@pytest.mark.parametrize(("name", "said"), [("out", "its output is not"), ("script", "what ran is not")])
def test_an_altered_output_or_script_is_found(run: Path, name: str, said: str) -> None:
    """The journal holds their hashes."""
    file = attempt(run) / name
    file.write_bytes(file.read_bytes().replace(b"hello", b"howdy"))
    done = verify(run)
    assert done.code == 1
    assert said in done.out
    assert GREET in done.out


@pytest.mark.parametrize("name", ["out", "script"])
def test_an_output_or_script_that_is_gone_is_found(run: Path, name: str) -> None:
    """Evidence that was taken away is no evidence."""
    (attempt(run) / name).unlink()
    done = verify(run)
    assert done.code == 1
    assert "is gone" in done.out


def test_what_a_step_left_running_may_print_on(tmp_path: Path) -> None:
    """The hash is of what was printed until the step ended: a program that goes on logging alters nothing."""
    path = book(
        tmp_path,
        "# A\n\n## B\n\n- [ ] Start\n\n  ```bash\n  echo up; (until [ -e go ]; do sleep 0.05; done; echo more) &\n  ```\n",
    )
    with opened(path, cwd=str(tmp_path), run="night") as driven:
        driven.run("b.start")
        out = folder(path) / "attempts" / folder_name("b.start") / "1" / "out"
        assert b"more" not in out.read_bytes()
        (tmp_path / "go").touch()
        until = time.monotonic() + 30
        while b"more" not in out.read_bytes():
            assert time.monotonic() < until
            time.sleep(0.02)
    assert verify(path).code == 0


def test_a_write_under_way_is_no_alteration(run: Path) -> None:
    """Bytes behind the last record are what a crash, or a writer at this moment, leaves; they are told."""
    with journal(run).open("ab") as file:
        file.write(b'{"v":1,"n":99')
    done = verify(run)
    assert done.code == 0
    assert "13 bytes behind the last record" in done.out


@pytest.mark.parametrize(
    "options",
    [
        ("--against", "nothing.html", "--verify"),
        ("--against", "book.md", "--verify"),
        ("--against", "book.md"),
        ("--verify", "--format", "html"),
        ("--verify", "-o", "x.md"),
        ("--compare", "night", "night", "--format", "junit"),
        ("--compare", "night", "night", "--run", "night"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_use(run: Path, options: tuple[str, ...]) -> None:
    """Code 2, never 1: a script must not take it for an alteration."""
    assert orion("report", run, *options, cwd=run.parent).code == 2


def test_a_report_of_another_run_is_an_error_of_use(run: Path) -> None:
    """The report says which run it is of: that one is looked at, and no other."""
    report = run.with_name("report.md")
    orion("report", run, "-o", report, cwd=run.parent)
    orion("note", run, LOOK, "x", "--run", "other", cwd=run.parent)
    assert "run night" in verify(run, "--against", str(report)).out
    assert verify(run, "--run", "other", "--against", str(report)).code == 2


def test_two_runs_are_compared_with_the_differences_first(run: Path) -> None:
    """A rehearsal against the real night: what came out otherwise is at the top."""
    with opened(run, cwd=str(run.parent), run="rehearsal") as driven:
        driven.run(GREET)
        driven.session.tick(GREET)
        driven.session.tick(LOOK, value="all is well")
    page = orion("report", run, "--compare", "rehearsal", "night", cwd=run.parent)
    assert page.code == 0
    assert page.out.index("What differs") < page.out.index("all is well") < page.out.index("What is the same")
    data = orion("report", run, "--compare", "rehearsal", "night", "--format", "json", cwd=run.parent).json
    assert [row["step"] for row in data["different"]] == [LOOK]
    assert data["same_checklist"]
