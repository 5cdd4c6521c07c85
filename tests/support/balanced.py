"""An HTML page, read as strictly as it was written."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br"}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "id",
        "href",
        "open",
        "role",
        "aria-label",
    ),
    *(
        "viewbox",
        "data-label",
        "preserveaspectratio",
        "d",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "width",
        "height",
    ),
}


class Balanced(HTMLParser):
    """Reads a page as strictly as it was written: every tag is closed by its own, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.shape: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag with none but our attributes."""
        self.shape.append(f"{tag}.{dict(attrs).get('class', '')}")
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself: of SVG."""
        assert tag in ("rect", "line", "path")
        assert {name for name, _ in attrs} <= ATTRIBUTES
        self.shape.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes what was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """There is none."""
        raise AssertionError(data)
