"""One door to both formats; what cannot be read is one clear error."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orion_deploy.checklist.read import MARKDOWN_BYTES_MAX, YAML_BYTES_MAX, is_yaml, load, read
from orion_deploy.errors import ChecklistError, ExitCode


def refused(path: str | Path) -> ChecklistError:
    """The error that loading a path raises."""
    with pytest.raises(ChecklistError) as caught:
        load(path)
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "source"),
    [
        ("a.md", b"- [ ] a\n", "markdown"),
        ("a.MARKDOWN", b"title: a\n", "markdown"),
        ("a.yaml", b"title: a\nsteps: []\n", "yaml"),
        ("A.YML", b"title: a\n", "yaml"),
        ("a", b"# a\n- [ ] b\n", "markdown"),
        ("a.txt", b"- [ ] title: a\n", "markdown"),
        ("a", b"title: a\nsections: []\n", "yaml"),
        ("a", b"\n---\n# a comment\ntitle: a\n", "yaml"),
        ("a", b"---\ntitle: a\n---\n- [ ] b\n", "markdown"),
        ("-", b"", "markdown"),
    ],
)
def test_formats(name: str, data: bytes, source: str) -> None:
    """The ending tells the format; where it says nothing, how the file begins."""
    assert read(data, name).source == source


def test_bytes_are_kept(tmp_path: Path) -> None:
    """The bytes that were read come back with the checklist, and its digest is theirs."""
    path = tmp_path / "plan.md"
    path.write_bytes(b"\xef\xbb\xbf- [ ] a\r\n")
    checklist, data = load(path)
    assert data == b"\xef\xbb\xbf- [ ] a\r\n"
    assert checklist.digest == read(data, "other.md").digest
    assert checklist.path == str(path)


def test_missing(tmp_path: Path) -> None:
    """A file that is not there is an error of usage, with help."""
    error = refused(tmp_path / "no" / "such.md")
    assert (error.what, error.exit_code) == ("there is no such file", ExitCode.USAGE)
    assert error.help
    assert refused("a\0b").what.startswith("the file cannot be read")


def test_folder(tmp_path: Path) -> None:
    """A folder is no checklist."""
    assert refused(tmp_path).what == "this is a folder, not a checklist"


def test_special_files(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a socket and a device are refused at once, never waited for."""
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").what == "this is a pipe, not a checklist"
    assert refused("/dev/zero").what == "this is a device, not a checklist"
    listening = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        listening.bind("s")
        assert refused("s").what == "this is a socket, not a checklist"
    finally:
        os.chdir(here)
        listening.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    """A file without the permission to read it says so."""
    path = tmp_path / "plan.md"
    path.write_text("- [ ] a")
    path.chmod(0)
    assert refused(path).what == "the file may not be read"


def test_too_large(tmp_path: Path) -> None:
    """A file beyond the cap is refused before it is read."""
    path = tmp_path / "plan.md"
    with path.open("wb") as file:
        file.truncate(MARKDOWN_BYTES_MAX + 1)
    assert refused(path).what == "the file has 16,000,001 bytes; at most 16,000,000 are read"
    with pytest.raises(ChecklistError, match="at most"):
        read(b"#" * (YAML_BYTES_MAX + 1), "a.yaml")


def test_utf16() -> None:
    """UTF-16 is named, not shown as rubbish."""
    with pytest.raises(ChecklistError, match="UTF-16"):
        read("- [ ] a".encode("utf-16"), "a.md")


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """A file of which only reading is allowed can be loaded, and nothing stands beside it then."""
    path = tmp_path / "plan.md"
    path.write_text("- [ ] a\n  ```sh\n  touch made\n  ```\n")
    path.chmod(stat.S_IRUSR)
    load(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.md"]


def test_markdown_loads_nothing_heavy(tmp_path: Path) -> None:
    """A Markdown file without facts is read without YAML, pydantic or a Markdown library: start time is a feature."""
    path = tmp_path / "plan.md"
    path.write_text("# T\n- [ ] **a** `b`\n  ```sh\n  ls <X>  # Should return 0\n  ```\n")
    script = (
        "import sys; from orion_deploy.checklist.read import load; from orion_deploy.checklist.show import to_json\n"
        f"to_json(load({str(path)!r})[0])\n"
        "print(sorted({'yaml', 'markdown_it', 'pydantic', 'textual', 'click', 'psutil'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_sniffing_is_bounded() -> None:
    """A megabyte of blank lines is not taken apart to tell its format."""
    assert not is_yaml(b"\n" * 1_000_000, "a")
