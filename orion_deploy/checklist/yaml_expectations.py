"""The key `expect`: words are read as a comment in a script would be, mappings say exactly what is compared."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orion_deploy.checklist.model import Expectation
from orion_deploy.checklist.yaml_nodes import MapNode, Node, Scalar, Source
from orion_deploy.checklist.yaml_values import boolean, found, items, text_given, wrong
from orion_deploy.errors import did_you_mean

MATCHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "nothing": "true: no line of the output holds anything",
        "equals": "the output is this text, blanks at its ends and runs of blanks aside",
        "contains": "the output holds this text, as whole words",
        "regex": "this regular expression is found in the output; `^` and `$` are the ends of lines",
        "number": "the last number of the output compares so: `<= 5`, `== 0`, `> 1.5`",
        "status": "the exit status is this number",
        "prose": "only a person can tell; the words stand beside the output",
    }
)
REGEX_CHARACTERS_MAX: Final = 500

_COMPARISON = re.compile(r"(?P<sign><=|>=|==|!=|<|>|=)?\s*(?P<value>[-+]?\d{1,18}(?:\.\d{1,18})?)")


def expectations(source: Source, node: Node) -> tuple[Expectation, ...]:
    """Read the value of `expect`: one expectation, or a list of them."""
    return tuple(_expectation(source, item) for item in items(node))


def expectation_in_words(words: str, line: int = 0) -> Expectation:
    """Return what the author's words expect: `nothing`, `Should return 0`, `<= 5`, or any other sentence."""
    from orion_deploy.checklist.expectations import expectation_of

    announced = expectation_of(words, line) or expectation_of(f"Expected: {words}", line)
    if announced is None:
        return Expectation(words, "prose", line=line)
    return Expectation(words, announced.matcher, announced.value, line)


def _expectation(source: Source, node: Node) -> Expectation:
    if isinstance(node, Scalar) and not node.is_nothing:
        return expectation_in_words(text_given(source, "expect", node), source.line_of(node))
    if not isinstance(node, MapNode):
        raise wrong(source, "expect", node, "a text, a mapping such as {contains: text}, or a list of them")
    words = node.get("text")
    named = [(key, value) for key, value in node.entries.values() if key.value != "text"]
    for key, _ in named:
        if key.value not in MATCHERS:
            hint = did_you_mean(key.value, MATCHERS) or "it takes: " + ", ".join(MATCHERS)
            raise source.error(key, f"`expect` has no `{key.value}`", hint)
    if len(named) != 1:
        raise source.error(
            named[1][0] if named else node,
            f"one expectation compares one thing, found {len(named)}",
            "write a list: `expect: [{contains: done}, {status: 0}]`",
        )
    key, value_node = named[0]
    value = _value(source, key.value, value_node)
    text = text_given(source, "text", words) if words is not None else in_words(key.value, value)
    return Expectation(text, key.value, "" if key.value == "prose" else value, source.line_of(node))


def in_words(matcher: str, value: str) -> str:
    """Return the words for a matcher and its value, where the author gave none."""
    if matcher in ("nothing", "prose"):
        return value or "nothing"
    return f"{matcher} {value}"


def _value(source: Source, matcher: str, node: Node) -> str:
    if matcher == "nothing":
        if boolean(source, matcher, node):
            return ""
        raise source.error(node, "`nothing` takes true", "to expect some output, write `regex: .`")
    words = text_given(source, matcher, node)
    if matcher == "number":
        compared = _COMPARISON.fullmatch(words.strip())
        if compared is None:
            raise wrong(source, matcher, node, "a comparison such as `<= 5`, in quotes")
        sign = compared["sign"] or "=="
        return f"{'==' if sign == '=' else sign} {compared['value']}"
    if matcher == "status" and not (words.isascii() and words.isdigit() and int(words[:9]) <= 255):
        raise wrong(source, matcher, node, "an exit status from 0 to 255")
    if matcher == "regex":
        _check_regex(source, node, words)
    return str(int(words)) if matcher == "status" else words


def _check_regex(source: Source, node: Node, pattern: str) -> None:
    if len(pattern) > REGEX_CHARACTERS_MAX:
        raise source.error(node, f"the expression is longer than {REGEX_CHARACTERS_MAX} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the future of `[[`, which is nobody's concern here
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        hint = "in single quotes a backslash stands for itself: '\\d+'"
        raise source.error(node, f"{found(node)} is no regular expression: {error}", hint) from None
