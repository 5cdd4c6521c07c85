"""`demo`: one command to a sandbox that lives, and one to stop it."""

from __future__ import annotations

from pathlib import Path

from support.cli import orion


def test_no_open_prints_the_command_and_stop_ends_it(tmp_path: Path) -> None:
    """Built, told how to open it, resumed by the same command, stopped."""
    box = tmp_path / "box"
    try:
        built = orion("demo", "--no-open", "--dir", box, "--json", cwd=tmp_path)
        assert built.code == 0, built
        assert Path(built.json["checklist"]).is_file()
        assert built.json["command"].startswith("cd ")
        again = orion("demo", "--no-open", "--dir", box, cwd=tmp_path)
        assert again.out.strip() == built.json["command"]
    finally:
        stopped = orion("demo", "--stop", "--dir", box, cwd=tmp_path)
    assert stopped.code == 0
    assert "orion" in stopped.err


def test_what_excludes_each_other_is_refused(tmp_path: Path) -> None:
    """Nothing is built by a command that makes no sense."""
    for arguments in (["--auto", "--no-open"], ["--stop"], ["--json"], ["--fault", "nosuch", "--no-open"]):
        done = orion("demo", *arguments, cwd=tmp_path)
        assert done.code == 2, done
    assert list(tmp_path.iterdir()) == []
