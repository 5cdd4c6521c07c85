"""`report`: the evidence of a real run, whatever became of the run and of its checklist."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.cli import modules_after, orion
from support.sessions import book, opened

BOOK = """\
# Release

## Before

- [ ] Greet

  ```bash
  echo hello to all
  ```
- [ ] Fail

  ```bash
  echo broken; exit 3
  ```
- [ ] Look
"""
GREET, FAIL, LOOK = "before.greet", "before.fail", "before.look"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in which one step passed, one failed and was overridden, one was skipped; left in order."""
    path = book(tmp_path, BOOK)
    with opened(path, cwd=str(tmp_path), run="night") as driven:
        driven.run(GREET)
        if driven.session.state.step(GREET).status != "done":
            driven.session.tick(GREET)
        driven.run(FAIL)
        driven.session.tick(FAIL, reason="known, and harmless")
        driven.session.skip(LOOK, reason="nobody is awake")
    return path


def report(path: Path, *options: str) -> str:
    """What it prints."""
    done = orion("report", path, *options, cwd=path.parent)
    assert done.code == 0, done
    return done.out


def journal(path: Path) -> Path:
    """The run's journal."""
    return path.with_name(path.name + ".runs") / "night" / "journal.jsonl"


def test_it_tells_the_run(run: Path) -> None:
    """Outputs, verdicts, the override and the skip with their reasons are there."""
    page = report(run)
    for words in ("hello to all", "known, and harmless", "nobody is awake", "exit status 3", "broken"):
        assert words in page


def test_it_reads_while_another_operator_holds_the_run_and_changes_nothing(tmp_path: Path) -> None:
    """A reviewer does not disturb the operator, and sees a step that runs."""
    path = book(tmp_path, "# A\n\n## B\n\n- [ ] Wait\n\n  ```bash\n  echo waiting; sleep 600\n  ```\n")
    with opened(path, cwd=str(tmp_path), run="night") as driven:
        driven.session.start("b.wait")
        before = journal(path).read_bytes()
        page = report(path)
        assert "Held by" in page
        assert "▸ running" in page
        assert journal(path).read_bytes() == before
        driven.session.cancel("b.wait", now=True)
        driven.wait("b.wait")


def test_a_damaged_run_is_told_as_far_as_it_can_be_read(run: Path) -> None:
    """What stands before the damage is evidence; that there is more is said on the page and beside it."""
    lines = journal(run).read_bytes().splitlines(keepends=True)
    lines[-3] = lines[-3].replace(b'"at":', b'"aT":')
    journal(run).write_bytes(b"".join(lines))
    done = orion("report", run, cwd=run.parent)
    assert done.code == 0
    assert "hello to all" in done.out
    assert "**damaged**" in done.out
    assert "damaged at line" in done.err


def test_a_checklist_that_changed_is_said_and_nothing_is_lost(run: Path) -> None:
    """A step that was taken out of the file is told from what the run recorded."""
    run.write_text(BOOK.replace("- [ ] Fail\n\n  ```bash\n  echo broken; exit 3\n  ```\n", ""), "utf-8")
    page = report(run)
    assert "**file changed**" in page
    assert "Steps that the file no longer has" in page
    assert "known, and harmless" in page


@pytest.mark.parametrize("text", [None, "- [ ] A\n\n  ```yaml step\n  nonsense: [\n  ```\n"])
def test_a_checklist_that_cannot_be_read_keeps_no_evidence_back(run: Path, text: str | None) -> None:
    """The file is gone, or is no checklist any more: titles and facts are those of the run."""
    if text is None:
        run.unlink()
    else:
        run.write_text(text, "utf-8")
    page = report(run)
    assert "**no checklist**" in page
    assert "# Release" in page
    for words in ("Greet", "hello to all", "nobody is awake"):
        assert words in page


def test_a_run_by_name_and_one_that_is_not_there(run: Path) -> None:
    """`--run` names the run; a name that is near is told."""
    assert "| night |" in report(run, "--run", "night")
    done = orion("report", run, "--run", "nigth", cwd=run.parent)
    assert done.code == 2
    assert "did you mean `night`?" in done.err


def test_a_checklist_without_runs_is_an_error_of_use(tmp_path: Path) -> None:
    """There is nothing to tell, and nothing is begun."""
    path = book(tmp_path, BOOK)
    done = orion("report", path, cwd=tmp_path)
    assert done.code == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_written_for_its_user_alone(run: Path) -> None:
    """`-o` writes 0600 whatever the umask and whatever was there, and prints where."""
    target = run.with_name("evidence.md")
    target.write_text("old")
    target.chmod(0o644)
    assert report(run, "-o", str(target)).strip() == str(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text("utf-8").startswith("<!-- orion-deploy-journal night ")


def test_nothing_is_written_through_a_symbolic_link(run: Path) -> None:
    """A link in the place of the file could lead anywhere: it is refused, and what it leads to stays."""
    other = run.with_name("precious")
    other.write_text("precious")
    link = run.with_name("evidence.md")
    os.symlink(other, link)
    done = orion("report", run, "-o", link, cwd=run.parent)
    assert done.code == 2
    assert other.read_text() == "precious"
    assert link.is_symlink()


def test_a_file_that_cannot_be_written_is_told(run: Path) -> None:
    """Code 6, and nothing half written."""
    done = orion("report", run, "-o", run.parent / "nowhere" / "evidence.md", cwd=run.parent)
    assert done.code == 6


def test_an_ending_that_says_no_format_is_an_error_of_use(run: Path) -> None:
    """Nothing is guessed: the endings are named."""
    done = orion("report", run, "-o", run.with_name("evidence.doc"), cwd=run.parent)
    assert done.code == 2
    assert ".md" in done.err


def test_a_report_beside_its_run_does_not_slow_status_down(run: Path) -> None:
    """The file that the screen writes is no run: the others are still told from their snapshots alone."""
    (journal(run).parent.parent / "night.report.html").write_text("<!doctype html>")
    assert "pathlib" not in modules_after("status", run.name, "--json", cwd=run.parent)
    assert [r["run"] for r in orion("status", run, "--json", cwd=run.parent).json["runs"]] == ["night"]
