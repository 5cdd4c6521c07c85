"""YAML as a tree of texts with their places; everything clever in YAML (aliases, anchors, tags, merging) is refused.

A checklist is read by people at night: one key means one thing, and it stands where it takes effect. The
caps are held while events arrive, so that a hostile file costs no more than its first fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from orion_deploy.errors import ChecklistError, Place

if TYPE_CHECKING:
    import yaml

SOURCE_BYTES_MAX: Final = 1_000_000
"""Bytes of one YAML text (design, "Hostile input")."""
DEPTH_MAX: Final = 32
"""Collections within one another."""
NODES_MAX: Final = 200_000
"""Values of one YAML text; a checklist of one megabyte has about 40,000."""
DIGITS_MAX: Final = 18
NUMBER_CHARACTERS_MAX: Final = 32
NUMBER_MAX: Final = 1e18

_LINE_BREAK = re.compile("\r\n|\r|\n")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class Node:
    """A value with its place: 0-based line and column within the YAML text."""

    __slots__ = ("column", "end_column", "end_line", "line")

    def __init__(self, start: Any, end: Any) -> None:
        self.line: int = start.line
        self.column: int = start.column
        self.end_line: int = end.line
        self.end_column: int = end.column


class Scalar(Node):
    """A text. `is_plain`: written without quotes and not as a block, so that `true` and `5` mean a value."""

    __slots__ = ("is_plain", "value")

    def __init__(self, event: yaml.ScalarEvent) -> None:
        super().__init__(event.start_mark, event.end_mark)
        self.value: str = event.value
        self.is_plain = not event.style

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is given: an empty value, `null` or `~`."""
        return self.is_plain and self.value in ("", "null", "~")

    @property
    def number(self) -> int | float | None:
        """The number it is, or None. `0644`, `1_000`, `12:30` and numbers of more than 18 digits are texts."""
        if not self.is_plain or len(self.value) > NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(self.value):
            return None
        if self.value.lstrip("+-").isdigit():
            return int(self.value) if len(self.value.lstrip("+-")) <= DIGITS_MAX else None
        number = float(self.value)
        return number if abs(number) < NUMBER_MAX else None

    @property
    def boolean(self) -> bool | None:
        """True or false where exactly that is written, or None."""
        return {"true": True, "false": False}.get(self.value) if self.is_plain else None


class ListNode(Node):
    """A sequence."""

    __slots__ = ("items",)

    def __init__(self, event: yaml.SequenceStartEvent) -> None:
        super().__init__(event.start_mark, event.end_mark)
        self.items: list[Node] = []


class MapNode(Node):
    """A mapping: keys are texts, each stands once."""

    __slots__ = ("entries",)

    def __init__(self, event: yaml.MappingStartEvent) -> None:
        super().__init__(event.start_mark, event.end_mark)
        self.entries: dict[str, tuple[Scalar, Node]] = {}

    def get(self, key: str) -> Node | None:
        """Return the value under `key`; None where it is absent or `null`."""
        entry = self.entries.get(key)
        if entry is None or (isinstance(entry[1], Scalar) and entry[1].is_nothing):
            return None
        return entry[1]


class Source:
    """A YAML text and where it stands: in a file of its own, or in a block of a Markdown file.

    `first_line` is the file's line of the text's first line. `file_lines` are the lines of the whole file,
    where the text is an indented part of it: columns then count from the file's margin.
    """

    def __init__(self, text: str, path: str, first_line: int = 1, file_lines: Sequence[str] = ()) -> None:
        self.text = text
        self.path = path
        self.first_line = first_line
        self._file_lines = file_lines
        self._lines: list[str] | None = None

    def place(self, line: int, column: int, width: int = 1) -> Place:
        """Return the place in the file of a 0-based line and column of the text."""
        if self._lines is None:
            self._lines = _LINE_BREAK.split(self.text)
        if line >= len(self._lines):  # libyaml counts a line after the last one
            line = len(self._lines) - 1
            column = len(self._lines[line])
        own = self._lines[line]
        number = self.first_line + line
        shown = own
        if 0 < number <= len(self._file_lines):
            whole = self._file_lines[number - 1].rstrip("\r\n")
            if whole.endswith(own):
                column += len(whole) - len(own)
                shown = whole
        return Place(self.path, number, column + 1, shown, max(1, width))

    def place_of(self, node: Node) -> Place:
        """Return the place of a node; it is underlined up to the end of its first line."""
        width = node.end_column - node.column if node.end_line == node.line else 1
        return self.place(node.line, node.column, width)

    def line_of(self, node: Node) -> int:
        """Return the file's 1-based line where a node begins."""
        return self.first_line + node.line

    def error(self, node: Node, what: str, help: str = "") -> ChecklistError:
        """Return the error that says `what` is wrong with a node."""
        return ChecklistError(what, where=self.place_of(node), help=help)


def compose(source: Source) -> Node | None:
    """Return the one document of a YAML text as a tree, or None where it holds nothing.

    Raises ChecklistError, with the place, for a text that is too large or too deep, is not YAML, or uses
    aliases, anchors, tags, merge keys, duplicate keys, keys that are no texts, or more than one document.
    """
    import yaml

    _refuse_large(source)
    _refuse_unreadable(source)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _build(source, yaml.parse(source.text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(source, error) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise ChecklistError(f"this is not YAML: {error}", where=Place(source.path)) from None


def _build(source: Source, events: Iterator[yaml.Event]) -> Node | None:
    """Put events together; faults are told at the first event that shows them."""
    import yaml

    root: Node | None = None
    documents = nodes = 0
    stack: list[tuple[Node, Scalar | None]] = []
    """Open collections; for a mapping the key that waits for its value."""
    for event in events:
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None or event.tag is not None:
                raise _clever(source, event)
            node = Scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if event.anchor is not None or event.tag is not None:
                raise _clever(source, event)
            node = MapNode(event) if isinstance(event, yaml.MappingStartEvent) else ListNode(event)
            if len(stack) == DEPTH_MAX:
                raise source.error(node, f"nested deeper than {DEPTH_MAX} levels")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            closed = stack.pop()[0]
            closed.end_line, closed.end_column = _spot(event.end_mark)
            continue
        elif isinstance(event, yaml.AliasEvent):
            raise _clever(source, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            _check_document(source, event, documents)
            continue
        else:
            continue
        nodes += 1
        if nodes > NODES_MAX:
            raise source.error(node, f"more than {NODES_MAX:,} values")
        if not stack:
            root = node
        else:
            _add(source, stack, node)
        if not isinstance(node, Scalar):
            stack.append((node, None))
    if isinstance(root, Scalar) and root.is_plain and root.value == "":
        return None
    return root


def _add(source: Source, stack: list[tuple[Node, Scalar | None]], node: Node) -> None:
    """Put a node into the innermost open collection."""
    parent, key = stack[-1]
    if isinstance(parent, ListNode):
        parent.items.append(node)
        return
    assert isinstance(parent, MapNode)
    if key is not None:
        parent.entries[key.value] = (key, node)
        stack[-1] = (parent, None)
        return
    if not isinstance(node, Scalar):
        raise source.error(node, "a list or a mapping cannot be a key", "a key is one word or a quoted text")
    if node.is_nothing or node.number is not None or node.boolean is not None:
        shown = node.value or "nothing"
        raise source.error(
            node, f"the key `{shown}` is not a text", f'if it is meant as a text, write "{shown}"'
        )
    if node.value == "<<" and node.is_plain:
        raise source.error(node, "merge keys are not allowed", "write the keys out where they apply")
    first = parent.entries.get(node.value)
    if first is not None:
        line = source.line_of(first[0])
        raise source.error(
            node,
            f"the key `{node.value}` stands twice",
            f"it is first given in line {line}; keep one of them",
        )
    stack[-1] = (parent, node)


def _spot(mark: Any) -> tuple[int, int]:
    """Return the 0-based line and column of a mark (libyaml's and PyYAML's have no common type)."""
    return mark.line, mark.column


def _clever(source: Source, event: Any) -> ChecklistError:
    """Return the error for an alias, an anchor or a tag."""
    import yaml

    if event.anchor is not None:
        what = (
            f"the alias `*{event.anchor}`"
            if isinstance(event, yaml.AliasEvent)
            else f"the anchor `&{event.anchor}`"
        )
        hint = "write the value out where it is used; a text that begins with this sign needs quotes"
        width = len(event.anchor) + 1
    else:
        what = f"the tag `{event.tag.replace('tag:yaml.org,2002:', '!!')}`"
        hint = "a value's type follows from its key; a text that begins with `!` needs quotes"
        width = 1
    return ChecklistError(
        f"{what} is not allowed", where=source.place(*_spot(event.start_mark), width), help=hint
    )


def _check_document(source: Source, event: yaml.DocumentStartEvent, number: int) -> None:
    where = source.place(*_spot(event.start_mark), 3)
    if number > 1:
        hint = "one file holds one checklist; in a text, `---` needs indentation or quotes"
        raise ChecklistError("a second YAML document begins here", where=where, help=hint)
    if event.tags:
        raise ChecklistError("a %TAG line is not allowed", where=where)


def _refuse_large(source: Source) -> None:
    size = len(source.text) if source.text.isascii() else len(source.text.encode("utf-8", "surrogatepass"))
    if size > SOURCE_BYTES_MAX:
        raise ChecklistError(
            f"the YAML is {size:,} bytes; at most {SOURCE_BYTES_MAX:,} are read",
            where=Place(source.path, source.first_line),
            help="split the checklist, or write it as Markdown, which may be larger",
        )


def _refuse_unreadable(source: Source) -> None:
    """Refuse characters that YAML does not allow, or that would break lines where no editor does."""
    if source.text.isascii() and source.text.isprintable():
        return
    found = _UNREADABLE.search(source.text)
    if found is None:
        return
    before = _LINE_BREAK.split(source.text[: found.start()])
    code = ord(found[0])
    raise ChecklistError(
        f"the character U+{code:04X} cannot stand in YAML",
        where=source.place(len(before) - 1, len(before[-1])),
        help=f'take it out, or write it as "\\u{code:04x}" in a double-quoted text',
    )


_HELP: Final = (
    (
        "mapping values are not allowed",
        'a text with ": " in it needs quotes, or `|` and lines of its own; a key needs its colon',
    ),
    (
        "cannot start any token",
        "indent with spaces, not tabs; put a text that begins with @, `, % or a tab in quotes",
    ),
    ("found a tab", "indent with spaces, not tabs"),
    (
        "did not find expected key",
        "the indentation of this line fits no key above it, or quotes were closed early",
    ),
    ("could not find expected ':'", "a key ends with a colon and a space: `title: Stop the app`"),
    ("did not find expected '-'", "the items of a list begin with `- ` in the same column"),
    ("never closed", "close the quotes or the bracket; a text that begins with one needs quotes around it"),
    ("unknown escape", "in double quotes write \\\\ for one backslash, or use single quotes"),
)


def _not_yaml(source: Source, error: yaml.MarkedYAMLError) -> ChecklistError:
    """Return libyaml's complaint with its place and, where the usual cause is known, help."""
    problem, mark = error.problem or error.context or "not understood", error.problem_mark
    context, opened = error.context or "", error.context_mark
    if mark is None or opened is None:
        where = Place(source.path, source.first_line) if mark is None else source.place(*_spot(mark))
    elif ("flow" in context or "quoted" in context) and not _text_from(source.text, _spot(mark)).strip():
        problem, where = "what is opened here is never closed", source.place(*_spot(opened))
    else:
        where = source.place(*_spot(mark))
    hint = next((text for words, text in _HELP if words in problem), "")
    return ChecklistError(f"this is not YAML: {problem}", where=where, help=hint)


def _text_from(text: str, spot: tuple[int, int]) -> str:
    lines = _LINE_BREAK.split(text)[spot[0] :]
    return "\n".join([lines[0][spot[1] :], *lines[1:]]) if lines else ""
