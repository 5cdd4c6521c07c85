"""Markdown's inline marks taken off a line: what a reader of the rendered page would read, as plain words.

The rules are those of GitHub Flavored Markdown (spec 0.29, chapter 6): escapes, entities, code spans, raw
HTML, links, emphasis by delimiter runs, strikethrough, and bare web addresses, in which nothing is a mark.
Every step goes forward over the text, so that no title costs more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from html import unescape
from html.entities import html5
from typing import Final

TITLE_CHARACTERS_MAX: Final = 5_000
"""A longer text is data, not a title: its marks stay."""

LABEL_CHARACTERS_MAX: Final = 999
"""Of a link label (spec, "link label")."""

NO_REFERENCES: Final[frozenset[str]] = frozenset()

_MARK = re.compile(r"[\\`*_~<&\[\]\n]|!\[")
_MARK_OR_WEB = re.compile(_MARK.pattern + r"|https?://|www\.")
"""Slower: for texts that hold an address."""
_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9.+-]{1,31}:[^\s<>\x00-\x1f]*+)>")
_MAIL = re.compile(r"<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*+)>")
_TAG = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9-]*+(?>\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?+)*+\s*+/?>"
    r"|/[A-Za-z][A-Za-z0-9-]*+\s*+>)",
    re.ASCII,
)
_OTHER_HTML: Final = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
_TICKS = re.compile(r"`+")
_WEB = re.compile(r"(?:https?://|www\.)(?=[^\s<.])[^\s<]++")
_LETTER = re.compile(r"[A-Za-z]")
_WEB_END = re.compile(r"(?:[?!.,:*_~'\"]|&[A-Za-z0-9]++;)$")
_ENTITY_CHARACTERS_MAX: Final = 34
_DESTINATION = re.compile(r"<(?:[^<>\\\n]|\\.)*+>")
_DESTINATION_PART = re.compile(r"[^\\()\s\x00-\x1f]++|\\[!-/:-@\[-`{-~]|[()\\]")
_LINK_TITLE = re.compile(r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)", re.DOTALL)
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)*+)\]", re.DOTALL)
_SPACE = re.compile(r"[ \t]*\n?[ \t]*")
_PARENTHESES_MAX: Final = 32


def plain_title(source: str, references: AbstractSet[str] = NO_REFERENCES) -> str:
    """Return the words of inline Markdown, with white space as single spaces.

    `references` are the labels (see `label_of`) for which the document defines a link. The words of an image
    count only where there are no others.
    """
    if _MARK.search(source) is None or len(source) > TITLE_CHARACTERS_MAX:
        return " ".join(source.split())
    inline = _Inline(source, references)
    inline.run()
    words = " ".join(inline.words(with_images=False).split())
    return words or " ".join(inline.words(with_images=True).split())


def label_of(text: str) -> str:
    """Return a link label as labels are compared: case-folded, white space as single spaces."""
    return " ".join(text.split()).casefold()


class _Run:
    """A delimiter run of `*`, `_` or `~`; `left` characters of it are not yet part of emphasis."""

    __slots__ = ("can_close", "can_open", "char", "left", "length", "part")

    def __init__(self, char: str, length: int, part: int, *, can_open: bool, can_close: bool) -> None:
        self.char, self.length, self.left, self.part = char, length, length, part
        self.can_open, self.can_close = can_open, can_close


class _Bracket:
    """An opening `[` or `![`: the part that holds it, how many runs stood before it, and whether it may open a link."""

    __slots__ = ("at", "is_active", "is_image", "part", "runs")

    def __init__(self, part: int, at: int, runs: int, *, is_image: bool) -> None:
        self.part, self.at, self.runs, self.is_image = part, at, runs, is_image
        self.is_active = True


class _Inline:
    """One pass over a text; `parts` are the pieces of what is read, in order."""

    def __init__(self, source: str, references: AbstractSet[str]) -> None:
        self.source = source
        self.references = references
        self.parts: list[str] = []
        self.images: set[int] = set()
        """Parts that are words of an image."""
        self.runs: list[_Run] = []
        self.brackets: list[_Bracket] = []
        self._missing: set[str] = set()
        """Closers (backticks, ends of comments) that are known not to come any more."""

    def words(self, *, with_images: bool) -> str:
        """Return what was read."""
        if with_images or not self.images:
            return "".join(self.parts)
        return "".join(part for index, part in enumerate(self.parts) if index not in self.images)

    def run(self) -> None:
        """Read the whole text."""
        source, at = self.source, 0
        marks = _MARK_OR_WEB if "://" in source or "www." in source else _MARK
        while (match := marks.search(source, at)) is not None:
            if match.start() > at:
                self.parts.append(source[at : match.start()])
            at = self._mark(match.start(), match[0])
        self.parts.append(source[at:])
        self._pair(0)

    def _mark(self, at: int, mark: str) -> int:
        """Read what begins with a mark; return where to go on."""
        source = self.source
        if mark == "\\":
            following = source[at + 1 : at + 2]
            if following == "\n" or following in _PUNCTUATION:
                self.parts.append(following)
                return at + 2
        elif mark == "`":
            return self._code(at)
        elif mark in "*_~":
            return self._delimiters(at, mark)
        elif mark == "<":
            return self._angle(at)
        elif mark == "&":
            entity = _ENTITY.match(source, at)
            if entity is not None and (entity[0][1] == "#" or entity[0][1:] in html5):
                self.parts.append(unescape(entity[0]))
                return entity.end()
        elif mark in ("[", "!["):
            return self._open_bracket(at, mark)
        elif mark == "]":
            return self._close_bracket(at)
        elif mark != "\n":
            return self._web(at)
        self.parts.append(" " if mark == "\n" else mark)
        return at + 1

    def _code(self, at: int) -> int:
        ticks = _TICKS.match(self.source, at)
        assert ticks is not None
        fence, start = ticks[0], ticks.end()
        if fence not in self._missing:
            for closer in _TICKS.finditer(self.source, start):
                if closer[0] == fence:
                    code = self.source[start : closer.start()].replace("\n", " ")
                    if len(code) > 1 and code[0] == code[-1] == " " and code.strip(" "):
                        code = code[1:-1]
                    self.parts.append(code)
                    return closer.end()
            self._missing.add(fence)
        self.parts.append(fence)
        return start

    def _angle(self, at: int) -> int:
        source = self.source
        link = _AUTOLINK.match(source, at) or _MAIL.match(source, at)
        if link is not None:
            self.parts.append(link[1])
            return link.end()
        tag = _TAG.match(source, at)
        if tag is not None:
            return tag.end()
        end = self._other_html_end(at)
        if end is not None:
            return end
        self.parts.append("<")
        return at + 1

    def _other_html_end(self, at: int) -> int | None:
        """Return the end of a comment, an instruction or a declaration that begins at `at`."""
        source = self.source
        for opener, closer in _OTHER_HTML:
            if not source.startswith(opener, at):
                continue
            if closer in self._missing or (opener == "<!" and not source[at + 2 : at + 3].isalpha()):
                return None
            end = source.find(closer, at + 2)
            if end < 0:
                self._missing.add(closer)
                return None
            return end + len(closer)
        return None

    def _web(self, at: int) -> int:
        """Read a bare web address: GitHub makes a link of it, and no mark within it counts."""
        source = self.source
        match = _WEB.match(source, at)
        before = source[at - 1 : at]
        may_begin = not before or before in " \n\t*_~(" or (source[at] == "h" and not _LETTER.match(before))
        is_link = match is not None and may_begin and not self.brackets
        if not is_link or match is None:
            end = at + 4
            self.parts.append(source[at:end])
            return end
        address = match[0]
        while True:
            if ending := _WEB_END.search(address, max(0, len(address) - _ENTITY_CHARACTERS_MAX)):
                address = address[: ending.start()]
            elif address.endswith(")") and address.count(")") > address.count("("):
                address = address[:-1]
            else:
                break
        if len(address) <= 4:
            address = source[at : at + 4]
        self.parts.append(address)
        return at + len(address)

    def _delimiters(self, at: int, char: str) -> int:
        source = self.source
        end = at + 1
        while end < len(source) and source[end] == char:
            end += 1
        before, after = self._around(at, end, "" if char == "~" else "~")
        after_space, before_space = after.isspace(), before.isspace()
        after_mark, before_mark = _is_punctuation(after), _is_punctuation(before)
        left = not after_space and (not after_mark or before_space or before_mark)
        right = not before_space and (not before_mark or after_space or after_mark)
        if char == "_":
            can_open = left and (not right or before_mark)
            can_close = right and (not left or after_mark)
        else:
            can_open, can_close = left, right
        if char != "~" or end - at <= 2:
            self.runs.append(_Run(char, end - at, len(self.parts), can_open=can_open, can_close=can_close))
        self.parts.append(source[at:end])
        return end

    def _around(self, start: int, end: int, skipped: str) -> tuple[str, str]:
        """Return the characters around a run. GitHub looks through `~` there."""
        source, first = self.source, start - 1
        while skipped and first >= 0 and source[first] == skipped:
            first -= 1
        while skipped and end < len(source) and source[end] == skipped:
            end += 1
        return source[first] if first >= 0 else "\n", source[end] if end < len(source) else "\n"

    def _pair(self, bottom: int) -> None:
        """Match delimiter runs from `bottom` on, and take the matched characters off (spec, "process emphasis")."""
        runs = self.runs[bottom:]
        del self.runs[bottom:]
        openers: list[_Run] = []
        floor: dict[tuple[str, int, bool], int] = {}
        for run in runs:
            if run.can_close:
                self._close_run(run, openers, floor)
            if run.left and run.can_open:
                openers.append(run)
        for run in runs:
            if run.left != run.length:
                self.parts[run.part] = run.char * run.left

    def _close_run(self, closer: _Run, openers: list[_Run], floor: dict[tuple[str, int, bool], int]) -> None:
        while closer.left:
            key = (closer.char, closer.length % 3 if closer.char != "~" else closer.length, closer.can_open)
            index = len(openers) - 1
            lowest = floor.get(key, 0)
            while index >= lowest and not _match(openers[index], closer):
                index -= 1
            if index < lowest:
                floor[key] = len(openers)
                return
            opener = openers[index]
            used = opener.left if closer.char == "~" else 2 if opener.left >= 2 and closer.left >= 2 else 1
            opener.left -= used
            closer.left -= used
            keep = index + 1 if opener.left else index
            del openers[keep:]
            for known, value in floor.items():
                if value > keep:
                    floor[known] = keep

    def _open_bracket(self, at: int, mark: str) -> int:
        start = at + len(mark)
        self.brackets.append(_Bracket(len(self.parts), start, len(self.runs), is_image=mark == "!["))
        self.parts.append(mark)
        return start

    def _close_bracket(self, at: int) -> int:
        bracket = self.brackets.pop() if self.brackets else None
        if bracket is None or not bracket.is_active:
            self.parts.append("]")
            return at + 1
        end = self._link_end(at + 1, self.source[bracket.at : at])
        if end is None:
            self.parts.append("]")
            return at + 1
        self.parts[bracket.part] = ""
        self._pair(bracket.runs)
        if bracket.is_image:
            self.images.update(range(bracket.part, len(self.parts)))
        else:
            for outer in self.brackets:
                if not outer.is_image:
                    outer.is_active = False
        return end

    def _link_end(self, at: int, text: str) -> int | None:
        """Return where a link ends whose text ended before `at`: `(destination)`, `[label]`, or its own text as label."""
        if self.source.startswith("(", at):
            end = _inline_end(self.source, at + 1)
            if end is not None:
                return end
        if not self.references:
            return None
        label = _LABEL.match(self.source, at)
        if label is not None and label[1].strip():
            return label.end() if label_of(label[1]) in self.references else None
        if len(text) <= LABEL_CHARACTERS_MAX and label_of(text) in self.references:
            return label.end() if label is not None else at
        return None


def _match(opener: _Run, closer: _Run) -> bool:
    if opener.char != closer.char:
        return False
    if closer.char == "~":
        return opener.length == closer.length
    if (opener.can_close or closer.can_open) and (opener.length + closer.length) % 3 == 0:
        return opener.length % 3 == 0 and closer.length % 3 == 0
    return True


def _is_punctuation(char: str) -> bool:
    if char in _PUNCTUATION:
        return True
    if char.isascii():
        return False
    import unicodedata

    return unicodedata.category(char).startswith("P")


def _inline_end(source: str, at: int) -> int | None:
    """Return the end of `destination "title")`, or None where that does not stand at `at`."""
    at = _skip_space(source, at)
    angle = _DESTINATION.match(source, at)
    if angle is not None:
        at = angle.end()
    elif source.startswith("<", at):
        return None
    else:
        bare_end = _bare_end(source, at)
        if bare_end is None:
            return None
        at = bare_end
    after = _skip_space(source, at)
    if after > at and (title := _LINK_TITLE.match(source, after)):
        after = _skip_space(source, title.end())
    return after + 1 if source.startswith(")", after) else None


def _skip_space(source: str, at: int) -> int:
    space = _SPACE.match(source, at)
    return space.end() if space else at


def is_destination(text: str) -> bool:
    """Whether a text without spaces can stand as a link's destination: its parentheses are in pairs."""
    return text.startswith("<") or _bare_end(text, 0) == len(text)


def _bare_end(source: str, at: int) -> int | None:
    """Return the end of a destination without brackets: no spaces, parentheses in pairs."""
    depth = 0
    while part := _DESTINATION_PART.match(source, at):
        if part[0] == "(":
            depth += 1
            if depth > _PARENTHESES_MAX:
                return None
        elif part[0] == ")":
            if depth == 0:
                return at
            depth -= 1
        at = part.end()
    return at if depth == 0 else None
