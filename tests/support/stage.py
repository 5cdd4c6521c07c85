"""A run of the release checklist with its outline, for the tests of the screens."""

from __future__ import annotations

from pathlib import Path

from orion_deploy.tui.board import Board, Row
from support.sessions import Driven

RELEASE = Path(__file__).parent.parent / "tui" / "release.md"


class Stage:
    """A session with its board; steps by the words of their titles."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven
        self.session = driven.session
        self.board = Board(self.session.checklist, self.session.state)

    def row(self, words: str, section: str = "") -> Row:
        """The row of the step whose title holds the words."""
        self.board.update(self.session.state)
        return next(
            row
            for row in self.board.rows
            if words in row.title
            and row.kind != "section"
            and self.board.sections[row.section].title.startswith(section)
        )

    def section_row(self, title: str) -> Row:
        """The row of a section."""
        return next(row for row in self.board.rows if row.kind == "section" and row.title == title)

    def run(self, words: str) -> None:
        """Run the next block of a step to its end."""
        self.driven.run(self.row(words).id)
