"""What marks a block in one line: patterns and measures, and nothing that remembers another line.

The rules are those of the GitHub Flavored Markdown specification 0.29, chapters 4 and 5.
"""

from __future__ import annotations

import re
from typing import Final

STARTERS: Final = frozenset("#`~<>=-*+_:|0123456789")
HEADING_MARK = re.compile(r"(#{1,6})(?:[ \t]+|$)")
FENCE = re.compile(r"(?P<fence>`{3,}+)(?P<info>[^`]*)$|(?P<tildes>~{3,}+)(?P<words>.*)$")
UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
RULE_LINE = re.compile(r"(?:(?:\*[ \t]*){3,}+|(?:-[ \t]*){3,}+|(?:_[ \t]*){3,}+)$")
MARKER = re.compile(r"([-*+]|([0-9]{1,9})[.)])(?=[ \t]|$)")
TABLE_RULE = re.compile(r"\|?[ \t\f\v]*:?-+:?[ \t\f\v]*(?:\|[ \t\f\v]*:?-+:?[ \t\f\v]*)*+\|?[ \t\f\v]*$")
CELL_END = re.compile(r"\\.|\|")
HTML_KINDS: Final = (
    (re.compile(r"<(?:script|pre|style|textarea)(?:[\s>]|$)", re.IGNORECASE), re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE)),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(r"<![A-Z]"), re.compile(r">")),
    (
        re.compile(
            r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
            r"fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|"
            r"nav|noframes|ol|optgroup|option|p|param|section|source|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)(?:\s|/?>|$)",
            re.IGNORECASE,
        ),
        None,
    ),
    (
        re.compile(
            r"<(?:[A-Za-z][A-Za-z0-9-]*+(?>\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^\s\"'=<>`]++|'[^']*+'|\"[^\"]*+\"))?+)*+\s*+/?>"
            r"|/[A-Za-z][A-Za-z0-9-]*+\s*+>)\s*$",
            re.ASCII,
        ),
        None,
    ),
)  # fmt: skip
HTML_TO_BLANK: Final = 5
"""From this kind on, a blank line ends the HTML."""
HTML_LOOSE: Final = 6
"""The kind of HTML that cannot interrupt a paragraph."""
DEFINITION = re.compile(
    r"\[(?P<label>(?:[^\[\]\\]|\\.)*+)\]:[ \t]*+\n?[ \t]*+(?P<to><(?:[^<>\\\n]|\\.)*+>|[^\s<]\S*+)"
    r"(?P<title>(?:[ \t]++\n?[ \t]*+|\n[ \t]*+)(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\))[ \t]*+(?=\n|$))?+"
    r"[ \t]*+(?:\n|$)",
    re.DOTALL,
)


def closes(rest: str, fence: str) -> bool:
    """Whether a line is the closing fence: at least as long, and nothing behind it."""
    bare = rest.rstrip(" \t")
    return len(bare) >= len(fence) and not bare.strip(fence[0])


def expand(line: str, position: int) -> tuple[str, int]:
    """Return the line with the tabs at `position` as spaces, and the column of the first other character."""
    rest = line[position:].lstrip(" \t")
    indent = len(line) - len(rest)
    if "\t" in line[position:indent]:
        line = line[:indent].expandtabs(4) + rest
        indent = len(line) - len(rest)
    return line, indent


def behind_quote(line: str, indent: int) -> tuple[int, str, int]:
    """Return where the content of a quote begins whose `>` stands at `indent`: one space belongs to the mark."""
    line, inner = expand(line, indent + 1)
    return (indent + 2 if inner > indent + 1 else indent + 1), line, inner


def cut(line: str, columns: int) -> str:
    """Return the line without its first columns; a tab of which only a part is cut leaves spaces."""
    if "\t" not in line[:columns]:
        return line[columns:]
    at = column = 0
    while at < len(line) and column < columns:
        column += 4 - column % 4 if line[at] == "\t" else 1
        at += 1
    return " " * (column - columns) + line[at:]


def cells_in(row: str) -> int:
    """Count the cells of a table's row."""
    bare = row.strip(" \t").removeprefix("|")
    ends = [match.end() for match in CELL_END.finditer(bare) if match[0] == "|"]
    return len(ends) + (not ends or ends[-1] < len(bare))
