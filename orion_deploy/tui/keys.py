"""The one registry of actions: keys, key bar, help, palette and keymaps are all read from here.

An action's `id` is also the id of its binding, by which a person's own keymap may give it other keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orion_deploy.errors import did_you_mean


class Action(NamedTuple):
    """Something that a person can do on the main screen."""

    id: str
    keys: tuple[str, ...]
    """Textual's names of keys; the first one is shown."""
    label: str
    """One word, for the key bar."""
    help: str
    group: str
    rank: int = 0
    """Place in the key bar when there is no room for all; 0 is never in it."""


RUN, STEP, LOOK, MOVE, APP = "Run", "Step", "Look", "Move", "The whole run"
GROUPS = (RUN, STEP, LOOK, MOVE, APP)

ACTIONS: tuple[Action, ...] = (
    Action("run", ("enter",), "run", "run the step's command or check", RUN, 1),
    Action("edit", ("e",), "edit", "edit the command before it runs; the difference is kept", RUN, 11),
    Action("choose", ("t",), "take", "take an option of a choice", RUN),
    Action(
        "cancel",
        ("x", "ctrl+c"),
        "cancel",
        "stop the running step, or end the watch, after a question",
        RUN,
        8,
    ),
    Action("tick", ("space",), "tick", "tick the step: you saw that it is done", STEP, 2),
    Action("untick", ("u",), "untick", "take a tick or a skip back", STEP),
    Action("skip", ("s",), "skip", "pass over the step, with a reason", STEP, 5),
    Action("note", ("n",), "note", "write something down at this step", STEP, 6),
    Action("output", ("o",), "output", "the whole output, to read and search", LOOK, 7),
    Action("copy", ("c",), "copy", "copy the command to the clipboard, with this run's values", LOOK, 12),
    Action("search", ("slash",), "search", "find a step by its words", LOOK, 9),
    Action("watches", ("w",), "watches", "the watches: value, limit, trend, gaps, what fired", LOOK, 8),
    Action(
        "criteria",
        ("G",),
        "gates",
        "criteria and gates: how each stands, by what, and when it can be told",
        LOOK,
    ),
    Action("report", ("r",), "report", "the evidence of this run", LOOK, 13),
    Action("next", ("g",), "next open", "go to the next open step", MOVE, 10),
    Action("up", ("up", "k"), "up", "one row up", MOVE),
    Action("down", ("down", "j"), "down", "one row down", MOVE),
    Action("page_up", ("pageup", "ctrl+b"), "page up", "one page up", MOVE),
    Action("page_down", ("pagedown", "ctrl+f"), "page down", "one page down", MOVE),
    Action("first", ("home",), "first", "the first row", MOVE),
    Action("last", ("end",), "last", "the last row", MOVE),
    Action("step_pane", ("right", "l", "tab"), "step", "into the step: arrows scroll it", MOVE),
    Action("outline", ("left", "h", "escape", "shift+tab"), "steps", "back to the steps", MOVE),
    Action("rollback", ("R",), "ROLLBACK", "turn back: look at the way back, then enter it", APP),
    Action("approve", ("a",), "approve", "look at the commands and approve them", APP),
    Action(
        "forget", ("D",), "forget", "drop the folder and the variables that steps left for later ones", APP
    ),
    Action(
        "take_over", ("O",), "take over", "go on with a run that you looked on at, when nobody holds it", APP
    ),
    Action("finish", ("F",), "finish", "close the run for good", APP),
    Action("help", ("question_mark",), "keys", "all keys and what they do", APP, 3),
    Action("palette", ("ctrl+p",), "palette", "every command by name, and jump to a step", APP),
    Action(
        "leave", ("q", "ctrl+q"), "leave", "leave; a running step goes on, and the run waits for you", APP, 4
    ),
)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_NAMES = {
    "enter": "Enter",
    "space": "Space",
    "escape": "Esc",
    "slash": "/",
    "question_mark": "?",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
}


def key_name(key: str) -> str:
    """How a key is written for a person: `Enter`, `/`, `Ctrl+P`."""
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return f"Ctrl+{key.removeprefix('ctrl+').upper()}"
    return key


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Textual's names of an action's keys: those of the person's keymap, else its own."""
    keys = keymap.get(action.id)
    return tuple(key.strip() for key in keys.split(",")) if keys else action.keys


def shown_key(action: Action, keymap: Mapping[str, str]) -> str:
    """The key to show for an action: the first."""
    return key_name(keys_of(action, keymap)[0])


_KNOWN_KEYS = frozenset(_NAMES) | {"backspace", "delete", "insert", *(f"f{n}" for n in range(1, 13))}


def is_key(name: str) -> bool:
    """Whether `name` is a key that a keymap may use: a character, a named key, with modifiers before it."""
    *modifiers, key = name.split("+") if name != "+" else [name]
    if any(modifier not in ("ctrl", "shift", "alt") for modifier in modifiers):
        return False
    return key in _KNOWN_KEYS or (len(key) == 1 and key.isprintable() and not key.isspace())


def check_keymap(keymap: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """Return what of a person's keymap can be used, and a sentence for each entry that cannot.

    `keymap` maps an action's id to keys, separated by commas. A key that another action holds is refused:
    Textual would silently unbind one of the two.
    """
    good: dict[str, str] = {}
    faults: list[str] = []
    for name, value in keymap.items():
        if name not in BY_ID:
            faults.append(f"there is no action `{name}`; {did_you_mean(name, BY_ID) or 'Help lists them'}")
            continue
        keys = [key.strip() for key in value.split(",")] if isinstance(value, str) else []
        bad = [key for key in keys if not is_key(key)]
        if not keys or bad:
            faults.append(f"`{name}` cannot have the key `{bad[0] if bad else value}`")
            continue
        good[name] = ",".join(keys)
    for name in list(good):
        taken = _holder(good, name)
        if taken:
            faults.append(f"`{name}` and `{taken}` cannot have the same key")
            del good[name]
    return good, faults


def _holder(keymap: Mapping[str, str], name: str) -> str:
    mine = set(keys_of(BY_ID[name], keymap))
    for other in ACTIONS:
        if other.id != name and mine & set(keys_of(other, keymap)):
            return other.id
    return ""
