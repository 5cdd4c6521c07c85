"""Every test gets a home of its own: nothing of the machine's state, cache or configuration is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.compiled import compile_package


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once: the tests start hundreds of processes of it."""
    if not hasattr(config, "workerinput"):
        compile_package()


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh HOME and XDG folders."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
    ):
        monkeypatch.setenv(name, str(home / folder))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return home
