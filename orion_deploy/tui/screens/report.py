"""The evidence of the run, as it would be handed over: to read, to search, and to write beside the run."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from textual.binding import Binding
from textual.message import Message

from orion_deploy.errors import OrionError
from orion_deploy.report.evidence import Evidence
from orion_deploy.run.session import Session
from orion_deploy.text import plain, plain_line
from orion_deploy.tui.output_text import OutputText
from orion_deploy.tui.screens.output import OutputScreen

GATHERING = "the evidence is being gathered ..."


def report_file(session: Session) -> Path:
    """Where the report is written: beside the run's folder, under its name."""
    return session.directory.with_name(f"{session.run}.report.html")


class Whole:
    """A text that is all there, to be read as an output is."""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "replace")

    def size(self) -> int:
        """How many bytes it has."""
        return len(self._data)

    def dropped_range(self) -> None:
        """Everything was kept."""

    def read(self, offset: int, size: int, /) -> bytes:
        """Some of it."""
        return self._data[offset : offset + size]


class ReportScreen(OutputScreen):
    """The Markdown report as plain lines, gathered from the disk on a thread of its own; `w` writes the HTML."""

    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("w", "write", show=False),
        Binding("r", "back", show=False),
    ]
    KEYS = (
        ("w", "write HTML"),
        ("/", "search"),
        ("n N", "next, previous"),
        ("← →", "long lines"),
        ("Esc", "back"),
    )

    class Gathered(Message):
        """The report is there."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Written(Message):
        """The file was written, or why it was not."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, session: Session) -> None:
        super().__init__(Whole(GATHERING), f"Report: {session.run}", lambda: False)
        self._session = session

    def on_mount(self) -> None:
        """Begin to gather."""
        super().on_mount()
        threading.Thread(target=self._gather, name="report", daemon=True).start()

    def _evidence(self) -> Evidence:
        """Raises as `gather`."""
        from orion_deploy.report.gather import gather

        edge = self._session.edge
        return gather(self._session.path, run=self._session.run, now=edge.now, who=edge.who())

    def _gather(self) -> None:
        from orion_deploy.report.formats import render

        try:
            text = render(self._evidence(), "md")
        except OrionError as error:
            text = error.render()
        self.post_message(self.Gathered(plain(text)))

    def on_report_screen_gathered(self, message: Gathered) -> None:
        """Show it."""
        message.stop()
        self.text = self.view.text = OutputText(Whole(message.text))
        self.text.read_all()
        self.view.renew()
        self._tell()

    def action_write(self) -> None:
        """Write the HTML beside the run, on a thread of its own."""
        self._tell("writing ...  ")
        threading.Thread(target=self._write, name="report", daemon=True).start()

    def _write(self) -> None:
        from orion_deploy.report.formats import render
        from orion_deploy.report.saving import save

        path = report_file(self._session)
        try:
            save(path, render(self._evidence(), "html").encode("utf-8", "replace"))
            here = os.path.relpath(path)
            words = f"written: {min(here, str(path), key=len)}"
        except OrionError as error:
            words = f"not written: {error.what}"
        self.post_message(self.Written(plain_line(words)))

    def on_report_screen_written(self, message: Written) -> None:
        """Say where."""
        message.stop()
        self._tell(f"{message.words}  ")
