"""What an author expects to see, read from the comments of a script: `# Should return 0`, `# Expected: ...`.

Only what a machine can decide without guessing becomes a matcher; everything else is `prose`, which stands
beside the output for a person. A wrong matcher would fail a good step, so the readings are narrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.model import Expectation, Step

EXPECTATIONS_MAX: Final = 50
TEXT_CHARACTERS_MAX: Final = 500

_HINT = re.compile(r"should|must|expect|look\s+for", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"(?:(?:this|it|output|result|(?P<status>exit\s+(?:status|code)))\s+)?(?:should|must)\s+(?:only\s+)?"
    r"(?P<verb>return|show|print|output|display|say|report|contain|equal|match|be|exit)s?\b(?P<rest>.*)"
    r"|(?:you\s+)?(?:should\s+see\b|expect(?:ed|s|ing)?\b)(?:\s+(?:to\s+see|output|results?|value|response)\b)?(?P<expected>.*)",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(r"\b(?:should|must|expect(?:ed|s)?)\b|^look\s+for\b", re.IGNORECASE)
_ASIDE = re.compile(
    r"(?:\s*\([^()]*\)|,\s.*|\s+(?:-+|\u2013|\u2014)\s.*|\s+(?:since|because|as|if|when|after|before|meaning)\s.*)$",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"(?:with\s+|an?\s+)?(?:(?:exit|return)\s*)?(?:status|code)\s*(?:of\s+|is\s+|:\s*|=+\s*)?(?P<value>\d{1,3})",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"nothing|blank|(?:an?\s+)?empty(?:\s+(?:output|results?|set|list|string))?"
    r"|(?:no|zero|0)\s+(?:output|rows?|results?|lines?|matches|match)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_COMPARED = re.compile(
    r"(?P<sign><=|>=|==|!=|=|<|>|\u2264|\u2265|(?:less|fewer|lower)\s+than|(?:more|greater|higher)\s+than|under|below|over|above"
    r"|at\s+most|at\s+least|exactly)\s*(?P<value>[-+]?\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_SIGNS: Final = {
    "\u2264": "<=", "\u2265": ">=", "=": "==", "exactly": "==", "at most": "<=", "at least": ">=",
    "less than": "<", "fewer than": "<", "lower than": "<", "under": "<", "below": "<",
    "more than": ">", "greater than": ">", "higher than": ">", "over": ">", "above": ">",
}  # fmt: skip
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'|`([^`]+)`|\u201c([^\u201d]+)\u201d")
_PATTERN = re.compile(r"/(.+)/")
_HOLE = re.compile(r"<[^<>]*>|\.\.\.|\u2026|\bN\b|\bX{1,4}\b|\{[^{}]*\}|\*|%s")
_LITERAL = re.compile(r"(?=\S*(?:[A-Za-z]\S*[\d_/=:.@-]|[\d_/=:.@-]\S*[A-Za-z]|[A-Z]{2}))[^\s]*[^\s.:;!]")
_STATE_WORDS: Final = frozenset(
    {"true", "false", "ok", "pong", "yes", "no", "active", "inactive", "enabled", "disabled", "healthy", "ready", "running", "stopped", "up", "down"}
)  # fmt: skip


def expectations_in(script: str, line_before: int = 0) -> tuple[Expectation, ...]:
    """Return what the comments of a script announce, in order, at most `EXPECTATIONS_MAX`.

    `line_before` is the file's line just before the script's first line (that of the opening fence).
    """
    if "#" not in script or _HINT.search(script) is None:
        return ()
    found: list[Expectation] = []
    for number, comment, is_whole_line in _comments(script):
        line = line_before + number
        if is_whole_line and found and found[-1].text.endswith((":", ";")) and comment[:1] in "-*\u2022":
            text = f"{found.pop().text} {comment[1:].strip()};"
            found.append(Expectation(text[:TEXT_CHARACTERS_MAX], "prose", line=line, from_comment=True))
            continue
        expectation = expectation_of(comment, line)
        if expectation is not None:
            found.append(expectation)
            if len(found) > EXPECTATIONS_MAX:
                break
    return tuple(_tidy(expectation) for expectation in found[:EXPECTATIONS_MAX])


def expectations_of(step: Step) -> tuple[Expectation, ...]:
    """Return what a step's author expects: the key `expect`, else what the comments of its commands offer."""
    if step.facts.expect:
        return step.facts.expect
    return tuple(found for block in step.code for found in expectations_in(block.script, block.line))


def expectation_of(comment: str, line: int = 0) -> Expectation | None:
    """Return what one comment (without its `#`) announces, or None where it announces nothing."""
    text = comment[:TEXT_CHARACTERS_MAX].strip()
    announced = _ANNOUNCED.match(text)
    if announced is None:
        if _SPOKEN_OF.search(text) is None:
            return None
        matcher, value = "prose", ""
    elif announced["verb"] is None:
        matcher, value = _reading("show", announced["expected"])
    else:
        verb = "exit" if announced["status"] else announced["verb"].lower()
        matcher, value = _reading(verb, announced["rest"])
    return Expectation(text, matcher, value, line, from_comment=True)


def _reading(verb: str, rest: str) -> tuple[str, str]:
    """Return the matcher and its value for `rest`, what follows the verb."""
    words = rest.strip().lstrip(":").strip()
    quoted = _QUOTED.match(words)
    if quoted is not None and not _ASIDE.sub("", words[quoted.end() :]).strip(" ."):
        literal = next(group for group in quoted.groups() if group is not None)
        if _HOLE.search(literal) is None:
            return ("equals" if verb == "equal" else "contains"), literal
    words = _ASIDE.sub("", words).strip().rstrip(".!;")
    if status := _STATUS.fullmatch(words):
        return "status", status["value"]
    if verb == "exit":
        number = re.fullmatch(r"(?:with\s+)?(\d{1,3})", words)
        return ("status", number[1]) if number else ("prose", "")
    if _NOTHING.fullmatch(words):
        return "nothing", ""
    if _NUMBER.fullmatch(words):
        return "number", f"== {words}"
    if compared := _COMPARED.fullmatch(words):
        sign = " ".join(compared["sign"].lower().split())
        return "number", f"{_SIGNS.get(sign, sign)} {compared['value']}"
    return ("prose", "") if verb == "be" or not words else _literal(verb, words)


def _literal(verb: str, words: str) -> tuple[str, str]:
    """Return the matcher for words that may stand in the output as they are."""
    pattern = _PATTERN.fullmatch(words)
    if verb == "match" and pattern is not None and _is_regex(pattern[1]):
        return "regex", pattern[1]
    if _HOLE.search(words) is not None:
        return "prose", ""
    if " | " in words:
        cells = [re.escape(cell.strip()) for cell in words.split("|")]
        return "regex", r"\s*\|\s*".join(cells)
    if words.lower() in _STATE_WORDS:
        return "regex", rf"\b{re.escape(words)}\b"
    if _LITERAL.fullmatch(words):
        return ("equals" if verb == "equal" else "contains"), words
    return "prose", ""


def _is_regex(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _tidy(expectation: Expectation) -> Expectation:
    """Take off the separator after the last item of a list."""
    if not expectation.text.endswith(";"):
        return expectation
    return Expectation(
        expectation.text[:-1], expectation.matcher, expectation.value, expectation.line, from_comment=True
    )


def _comments(script: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each comment: its 1-based line in the script, its words, and whether it has the line to itself."""
    from orion_deploy.checklist.shell_text import parse

    line, counted = 1, 0
    for span in parse(script).spans:
        if span.state != "#":
            continue
        line += script.count("\n", counted, span.start)
        counted = span.start
        begins = script.rfind("\n", 0, span.start) + 1
        is_whole_line = not script[begins : span.start].strip()
        yield line, script[span.start : span.end].lstrip("#").strip(), is_whole_line
