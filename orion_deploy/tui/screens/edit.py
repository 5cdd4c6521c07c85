"""Edit a command before it runs. The checklist stays as it is; the difference is kept with the attempt."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import TextArea

from orion_deploy.text import is_hidden
from orion_deploy.tui.lines import line
from orion_deploy.tui.patience import Patience
from orion_deploy.tui.screens.panel import keys_hint
from orion_deploy.tui.widgets.bars import LinesBar


class EditScreen(ModalScreen[str | None]):
    """A text area, or the operator's own editor. Gives the text, or None."""

    AUTO_FOCUS = "#text"
    BINDINGS = [  # noqa: RUF012  # Textual declares it so
        Binding("ctrl+s", "keep", show=False, priority=True),
        Binding("ctrl+o", "own_editor", show=False, priority=True),
        Binding("escape", "abandon", show=False, priority=True),
    ]

    def __init__(self, script: str, title: str) -> None:
        super().__init__()
        self.script = script
        self.heading = title
        self.patience = Patience()
        self.add_class("tall")

    def compose(self) -> ComposeResult:
        """The script and the keys."""
        with Vertical(id="panel") as panel:
            panel.border_title = Content(f"Edit before it runs: {self.heading}")
            area = TextArea(
                self.script,
                id="text",
                show_line_numbers=True,
                tab_behavior="indent",
                highlight_cursor_line=False,
            )
            area.cursor_blink = False
            yield area
            yield LinesBar(1, id="fault")
            yield LinesBar(1, id="hint")

    def on_mount(self) -> None:
        """Say which keys there are."""
        hint = keys_hint(("Ctrl+S", "go on with it"), ("Ctrl+O", "your own editor"), ("Esc", "as written"))
        self.query_one("#hint", LinesBar).show([hint])
        self.call_after_refresh(self.patience.shown)

    def action_keep(self) -> None:
        """Go on with the text; it runs only after a word."""
        text = self.query_one(TextArea).text
        if not text.strip():
            self._fault("there is nothing left to run")
        elif is_hidden(text) and not is_hidden(self.script):
            self._fault("the text holds characters that cannot be seen")
        else:
            self.dismiss(text)

    def action_abandon(self) -> None:
        """Leave the command as it is written."""
        self.dismiss(None)

    def action_own_editor(self) -> None:
        """Open the text in `$VISUAL` or `$EDITOR`."""
        area = self.query_one(TextArea)
        try:
            with self.app.suspend():
                text, fault = edited_in_own_editor(area.text)
        except SuspendNotSupported:
            text, fault = None, "this is no real terminal"
        if text is not None:
            area.text = text
        self._fault(fault)

    def _fault(self, text: str) -> None:
        self.query_one("#fault", LinesBar).show([line(text, "bad")] if text else [])


def edited_in_own_editor(text: str) -> tuple[str | None, str]:
    """The text as the operator's editor left it, or None and why. Raises nothing: the app is suspended around it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        with tempfile.TemporaryDirectory(prefix="edit-") as folder:
            path = os.path.join(folder, "command.sh")
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
            status = subprocess.run([*shlex.split(editor), path], check=False).returncode
            if status:
                return None, f"the editor ended with status {status}; the text is as it was"
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read().rstrip("\n"), ""
    except (OSError, ValueError) as error:
        return None, f"the editor `{editor}` cannot be started: {error}"
