"""Sizes, durations and times in words."""

from __future__ import annotations

import time

HOURS_MAX = 48
"""So many hours and more are told as days: checklists speak of 24 hours."""


def bytes_words(size: float) -> str:
    """A size in words: `1.8 GB`, by powers of 1024."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:,.0f} bytes" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def duration_words(seconds: float) -> str:
    """A duration in the two units that matter: `3 d 4 h`, `24 h`, `2 h 10 min`, `12 s`, `13 ms`; in hours up to two days."""
    whole = int(seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours < HOURS_MAX:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def clock_words(at: float) -> str:
    """A time of the wall clock as an operator reads it: `22:04:31`."""
    return time.strftime("%H:%M:%S", time.localtime(at))
