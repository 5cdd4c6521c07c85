"""From roles to colours: the one place that knows how a role looks. State has colours, prose has none, and there is one accent."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.theme import Theme

from orion_deploy.tui.lines import Line

NIGHT = Theme(
    name="orion-night",
    primary="#6cb0f0",
    secondary="#3f5d7d",
    accent="#6cb0f0",
    success="#62c58a",
    warning="#e0b050",
    error="#ff7a70",
    foreground="#d6dbe1",
    background="#11151a",
    surface="#161b21",
    panel="#1e252d",
    dark=True,
)
DAY = Theme(
    name="orion-day",
    primary="#0a58a8",
    secondary="#7f9dbb",
    accent="#0a58a8",
    success="#14703a",
    warning="#8a5a00",
    error="#bf1f2b",
    foreground="#20262c",
    background="#fbfbf8",
    surface="#f3f3ef",
    panel="#e7e9e4",
    dark=False,
)

Palette = dict[str, Style]


@lru_cache(maxsize=8)
def _palette(theme_name: str, colours: tuple[str, ...], *, is_ansi: bool) -> Palette:  # noqa: ARG001  # the name is part of the key
    _, _, bad, accent, fore, back = colours
    if is_ansi:
        dim = Style(dim=True)
        quiet = Style()
    else:
        foreground, background = Color.parse(fore), Color.parse(back)
        dim = Style(color=background.blend(foreground, 0.58).hex6)
        quiet = Style(color=background.blend(foreground, 0.80).hex6)
    tone = {
        name: Style(color=_rich(c)) for name, c in zip(("ok", "warn", "bad", "accent"), colours, strict=False)
    }
    bold = Style(bold=True)
    alarm = Style(
        color=_rich(back) if not is_ansi else None, bgcolor=_rich(bad) if not is_ansi else None, bold=True
    )
    return {
        "": Style(),
        "dim": dim,
        "bold": bold,
        "title": bold,
        "heading": bold,
        "heading.off": dim + bold,
        "word": tone["warn"] + bold,
        "label": dim,
        "ok": tone["ok"],
        "warn": tone["warn"],
        "bad": tone["bad"] + bold,
        "run": tone["accent"] + bold,
        "accent": tone["accent"],
        "key": tone["accent"] + bold,
        "key.off": dim,
        "code": quiet,
        "code.command": bold,
        "code.comment": dim,
        "code.string": tone["accent"] if is_ansi else Style(color=_mix(accent, fore, 0.45)),
        "code.variable": tone["accent"],
        "code.operator": dim + bold,
        "code.option": quiet,
        "added": tone["ok"],
        "removed": tone["bad"],
        "output": quiet,
        "found": Style(reverse=True),
        "rollback": tone["bad"] + bold,
        "alarm": alarm if not is_ansi else Style(color="red", reverse=True, bold=True),
    }


def _mix(one: str, other: str, part: float) -> str:
    return Color.parse(one).blend(Color.parse(other), part).hex6


def _rich(colour: str) -> str:
    return colour.removeprefix("ansi_") if colour.startswith("ansi_") else Color.parse(colour).hex6


def palette_of(theme: Theme) -> Palette:
    """The styles of all roles under a theme; native colours of the terminal where the theme uses those."""
    back = theme.background or ("#121212" if theme.dark else "#efefef")
    fore = theme.foreground or ("#e0e0e0" if theme.dark else "#202020")
    colours = (
        theme.success or theme.primary,
        theme.warning or theme.primary,
        theme.error or theme.primary,
        theme.accent or theme.primary,
        fore,
        back,
    )
    return _palette(theme.name, colours, is_ansi=theme.ansi)


def strip_of(content: Line, width: int, palette: Palette, base: Style) -> Strip:
    """Paint a line to exactly `width` columns on top of `base`."""
    plain = palette[""]
    segments = [Segment(text, base + palette.get(role, plain)) for text, role in content if text]
    return Strip(segments).adjust_cell_length(width, base)


def cursor_style(theme: Theme, *, has_focus: bool) -> Style:
    """The background of the current row: stronger where the keys go; a bar of reversed text without colours."""
    if theme.ansi:
        return Style(reverse=has_focus, bold=True)
    back = Color.parse(theme.background or ("#121212" if theme.dark else "#efefef"))
    accent = Color.parse(theme.accent or theme.primary)
    return Style(bgcolor=back.blend(accent, 0.30 if has_focus else 0.14).hex6, bold=True)
