"""All keys, from the registry, and what the words of the outline mean."""

from __future__ import annotations

from collections.abc import Mapping

from orion_deploy.run.watches import standing
from orion_deploy.tui.keys import ACTIONS, GROUPS, key_name, keys_of
from orion_deploy.tui.lines import EMPTY, Line, Span, line, wrap
from orion_deploy.tui.screens.panel import KeysPanel, keys_hint
from orion_deploy.tui.words import MEANINGS, MORE_MEANINGS, SIGNS

KEY_COLUMNS = 18


def help_lines(keymap: Mapping[str, str], width: int) -> list[Line]:
    """Keys by group, then the statuses."""
    lines: list[Line] = []
    for group in GROUPS:
        lines += [EMPTY, line(group, "heading")] if lines else [line(group, "heading")]
        for action in ACTIONS:
            if action.group != group:
                continue
            names = " ".join(key_name(key) for key in keys_of(action, keymap))
            lines += wrap(
                (Span(f"  {names:<{KEY_COLUMNS}}", "key"), Span(action.help)),
                width,
                hang=" " * (KEY_COLUMNS + 2),
            )
    lines += [EMPTY, line("What the steps say", "heading")]
    words = [(sign, MEANINGS[status]) for status, sign in SIGNS.items()]
    words += MORE_MEANINGS.items()
    words += [(standing.SIGNS[word], meaning) for word, meaning in standing.MEANINGS.items()]
    for sign, meaning in words:
        lines += wrap(
            (Span(f"  {sign.text:<{KEY_COLUMNS}}", sign.role), Span(meaning)),
            width,
            hang=" " * (KEY_COLUMNS + 2),
        )
    return lines


def help_panel(keymap: Mapping[str, str]) -> KeysPanel:
    """The help."""
    return KeysPanel(
        "Keys",
        lambda width: help_lines(keymap, width),
        {"enter": "back", "q": "back", "question_mark": "back"},
        keys_hint(("↑ ↓", "scroll"), ("Esc", "back")),
    )
