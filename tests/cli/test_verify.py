"""Interrupted steps without a screen: their check decides, a harmless one runs again, and else the code is 5."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.attempts import interrupted
from support.cli import ended, orion, terminal
from support.sessions import book

AUTO = ("--auto", "--approve", "--json")


def release(folder: Path, *facts: str) -> Path:
    """A checklist of one step that sleeps at its first run, with these facts."""
    block = "".join(f"  {fact}\n" for fact in facts)
    script = '  echo x >> ran\n  touch begun\n  [ "$(wc -l < ran)" -gt 1 ] || sleep 60\n'
    facts_block = f"\n  ```yaml step\n{block}  ```\n" if facts else ""
    return book(folder, f"# R\n\n- [ ] Deploy\n{facts_block}\n  ```bash\n{script}  ```\n")


VERIFY = "verify: {files.exists: {path: deployed}}"


def runs(folder: Path) -> int:
    """How often the step ran."""
    return len((folder / "ran").read_text().splitlines())


def test_auto_takes_the_word_of_the_check(tmp_path: Path) -> None:
    """It was carried out: done, code 0, and not run again; the check and what it saw are told."""
    path = release(tmp_path, VERIFY)
    interrupted(path, "1", tmp_path / "begun")
    (tmp_path / "deployed").write_text("")
    done = orion("run", path.name, *AUTO, cwd=tmp_path)
    assert done.code == 0, done
    (seen,) = done.events("verified")
    assert (seen["status"], seen["verdict"]["outcome"]) == ("done", "passed")
    assert done.events("verifying")[0]["what"] == "files.exists"
    assert runs(tmp_path) == 1


def test_auto_runs_what_was_not_carried_out(tmp_path: Path) -> None:
    """The check says that it was not: the step runs, and is judged as any other."""
    path = release(tmp_path, VERIFY)
    interrupted(path, "1", tmp_path / "begun")
    done = orion("run", path.name, *AUTO, cwd=tmp_path)
    assert done.code == 0, done
    assert runs(tmp_path) == 2
    assert done.events("verified")[0]["status"] == "todo"


@pytest.mark.parametrize(
    "facts", [("idempotent: true",), ("idempotent: true", "verify: {files.exists: {path: x}}")]
)
def test_auto_runs_a_harmless_step_again(tmp_path: Path, facts: tuple[str, ...]) -> None:
    """The author says that a second time does no harm: it runs, and the journal says why it was opened."""
    path = release(tmp_path, *facts)
    interrupted(path, "1", tmp_path / "begun")
    assert orion("run", path.name, *AUTO, cwd=tmp_path).code == 0
    assert runs(tmp_path) == 2


def test_auto_stops_where_nobody_knows(tmp_path: Path) -> None:
    """Neither a check nor harmless, or a check that sees nothing: code 5, nothing runs, `status` names the way on."""
    path = release(tmp_path, "verify: {sqlite.query: {path: no.db, sql: SELECT 1, value: 1}}")
    interrupted(path, "1", tmp_path / "begun")
    done = orion("run", path.name, *AUTO, cwd=tmp_path)
    assert done.code == 5
    assert done.events("verified")[0]["verdict"]["outcome"] == "undecided"
    assert "verify|done|failed|rerun" in done.events("stopped")[0]["help"]
    assert runs(tmp_path) == 1
    assert f"orion-deploy resolve {path.name} deploy verify" in orion("status", path.name, cwd=tmp_path).out


def test_resolve_verify_tells_by_its_code(tmp_path: Path) -> None:
    """0: carried out, done. 1: not carried out, open. 5: not known. 2: there is nothing to verify."""
    path = release(tmp_path, VERIFY)
    interrupted(path, "1", tmp_path / "begun")
    not_done = orion("resolve", path.name, "deploy", "verify", cwd=tmp_path)
    assert not_done.code == 1, not_done
    assert "not carried out" in not_done.out
    assert "deploy is todo" in not_done.out
    again = orion("resolve", path.name, "deploy", "verify", cwd=tmp_path)
    assert again.code == 2
    assert "it is todo" in again.err


def test_resolve_verify_as_json(tmp_path: Path) -> None:
    """Only the step's new state is printed."""
    path = release(tmp_path, VERIFY)
    interrupted(path, "1", tmp_path / "begun")
    (tmp_path / "deployed").write_text("")
    done = orion("resolve", path.name, "deploy", "verify", "--json", cwd=tmp_path)
    assert (done.code, done.json["status"]) == (0, "done")
    assert runs(tmp_path) == 1


def test_resolve_verify_without_a_check(tmp_path: Path) -> None:
    """A step that has none is refused with what it lacks, and stays unknown."""
    path = release(tmp_path)
    interrupted(path, "1", tmp_path / "begun")
    refused = orion("resolve", path.name, "deploy", "verify", cwd=tmp_path)
    assert refused.code == 2
    assert "no `verify`" in refused.err
    assert orion("status", path.name, "--json", cwd=tmp_path).json["counts"]["unknown"] == 1


def test_line_mode_offers_the_check(tmp_path: Path) -> None:
    """In plain lines `c` lets the check look; what it saw settles the step."""
    path = release(tmp_path, VERIFY)
    interrupted(path, "1", tmp_path / "begun")
    (tmp_path / "deployed").write_text("")
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        child.expect(re.escape("[c]heck"))
        child.expect(re.escape("[q]uit: "))
        child.sendline("c")
        child.expect("it was carried out")
        child.expect(re.escape("[y/N] "))
        child.sendline("n")
        assert ended(child) == 0
    assert runs(tmp_path) == 1


def test_line_mode_runs_a_harmless_step_without_a_word(tmp_path: Path) -> None:
    """`a` runs it again at once, because its author says so."""
    path = release(tmp_path, "idempotent: true")
    interrupted(path, "1", tmp_path / "begun")
    with terminal("run", path.name, "--approve", cwd=tmp_path) as child:
        child.expect(re.escape("[q]uit: "))
        child.sendline("a")
        child.expect("does no harm")
        child.expect(re.escape("[q]uit: "))
        child.sendline("q")
        ended(child)
    assert runs(tmp_path) == 2
