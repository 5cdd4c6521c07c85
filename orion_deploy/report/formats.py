"""The formats of a report. Adding one is a module and a line here; a test fails when the documents do not name it. Pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from orion_deploy.report.evidence import Evidence


class Format(NamedTuple):
    """One way to write the evidence down."""

    module: str
    """In `orion_deploy.report`; it has a function `page`."""
    endings: tuple[str, ...]
    """Of files that are written in it; the first is the one we give."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "md": Format("markdown", (".md", ".markdown")),
        "html": Format("html_page", (".html", ".htm")),
        "json": Format("json_data", (".json",)),
        "junit": Format("junit_xml", (".xml",)),
    }
)
DEFAULT = "md"


def render(evidence: Evidence, name: str) -> str:
    """Return the evidence in the format of this name."""
    module = FORMATS[name].module
    write: Callable[[Evidence], str] = import_module(f"orion_deploy.report.{module}").page
    return write(evidence)


def format_of(file: str | None) -> str | None:
    """The format that a file's ending asks for, or None."""
    ending = os.path.splitext(file)[1].lower() if file else ""
    return next((name for name, form in FORMATS.items() if ending in form.endings), None)
