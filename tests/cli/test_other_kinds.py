"""A package of somebody else brings a kind: installed as any wheel is, listed, explained, checked, and carried out by a step."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.cli import orion
from support.sessions import book

EXAMPLE = Path(__file__).parents[1] / "support" / "example_kinds"
BOOK = """# Release

- [ ] See the port open

  ```yaml step
  id: port
  check:
    net.listening: {port: PORT}
  ```
"""


def wheel(folder: Path) -> Path:
    """The example as a wheel, made of what its pyproject.toml says (a wheel is a zip: PEP 427)."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in found.items())
        for group, found in project["entry-points"].items()
    )
    files = {
        "orion_example/__init__.py": (EXAMPLE / "orion_example" / "__init__.py").read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the package is installed, in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    made = wheel(folder)
    target = folder / "site"
    if find_spec("pip") is not None:
        argv = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-deps",
            "--target",
            str(target),
        ]
        subprocess.run([*argv, str(made)], check=True, capture_output=True)
    else:  # an environment without pip; unpacking is what it would do
        zipfile.ZipFile(made).extractall(target)
    return {"PYTHONPATH": str(target)}


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which somebody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_it_is_listed_and_explained(tmp_path: Path, installed: dict[str, str]) -> None:
    """`kinds` has it behind our own, with its docstring, parameters, units and example; without the package it is not known."""
    listed = orion("kinds", cwd=tmp_path, env=installed)
    assert "net.listening" in listed.out
    assert "A port of this machine takes connections." in listed.out
    told = orion("kinds", "net.listening", cwd=tmp_path, env=installed)
    assert told.code == 0, told
    for words in ("timeout_s", "seconds to wait for an answer", "net.listening: {port: 8080}"):
        assert words in told.out
    assert "net.listening" not in orion("kinds", cwd=tmp_path).out


def test_a_step_runs_it(tmp_path: Path, installed: dict[str, str], port: int) -> None:
    """In its own process, as ours do: it ticks itself with the value it saw, and fails in words."""
    path = book(tmp_path, BOOK.replace("PORT", str(port)))
    done = orion("run", path.name, "--auto", "--approve", "--json", cwd=tmp_path, env=installed)
    assert done.code == 0, done
    (finished,) = done.events("finished")
    assert finished["verdict"]["reason"] == f"port {port} takes connections"
    (ticked,) = done.events("ticked")
    assert ticked["value"] == "open"
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    (tmp_path / "other").mkdir()
    other = book(tmp_path / "other", BOOK.replace("PORT", str(free)))
    failed = orion("run", other.name, "--auto", "--approve", cwd=other.parent, env=installed)
    assert failed.code == 1
    assert f"port {free} does not answer" in failed.out


def test_its_parameters_are_checked(tmp_path: Path, installed: dict[str, str]) -> None:
    """`lint` and the step refuse what its model refuses, in words."""
    path = book(tmp_path, BOOK.replace("PORT", "70000"))
    done = orion("run", path.name, "--auto", "--approve", cwd=tmp_path, env=installed)
    assert done.code == 1
    assert "net.listening: port" in done.out
    assert "65535" in done.out


def test_without_the_package_the_checklist_is_refused_at_opening(tmp_path: Path) -> None:
    """Not in the night, at its step: nothing is begun."""
    path = book(tmp_path, BOOK.replace("PORT", "80"))
    done = orion("run", path.name, "--auto", "--approve", cwd=tmp_path)
    assert done.code == 2
    assert "there is no kind `net.listening`" in done.err
    assert os.listdir(tmp_path) == [path.name]
