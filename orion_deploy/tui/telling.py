"""Telling beyond the screen while the app is open: the bell, and a notification by the terminal itself.

The only text that goes to the terminal past the filter of what is painted. It is made here, of plain words alone.
"""

from __future__ import annotations

from orion_deploy.text import plain_line

TEXT_CHARACTERS_MAX = 200
PREFIX = "orion-deploy"


def notification(terminal: str, title: str, text: str) -> str:
    """The sequence that asks a terminal to tell the operator; empty where that is off.

    OSC 9 takes one text, OSC 777 a title and a text, kept apart by `;`. The text never begins with a number: some
    terminals take `9;4;...` for something else.
    """
    title, text = _bounded(title), _bounded(text)
    match terminal:
        case "osc9":
            return f"\x1b]9;{PREFIX}: {title}: {text}\x07"
        case "osc777":
            return f"\x1b]777;notify;{PREFIX}: {title.replace(';', ',')};{text.replace(';', ',')}\x07"
        case _:
            return ""


def _bounded(text: str) -> str:
    return plain_line(text)[:TEXT_CHARACTERS_MAX]
