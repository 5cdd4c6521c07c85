"""Text of a checklist or a process never acts on the terminal: every byte that the app sends is known, on every screen."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from support.screen import ENTER, ESCAPE, PAGE_DOWN, PROGRAM, Screen

PAYLOADS: dict[str, bytes] = {
    "title": b"\x1b]0;PWN\x07",
    "title-st": b"\x1b]2;PWN\x1b\\",
    "clipboard": b"\x1b]52;c;cm0gLXJm\x07",
    "link": b"\x1b]8;;http://evil\x1b\\t\x1b]8;;\x1b\\",
    "notify": b"\x1b]9;PWN\x07",
    "palette": b"\x1b]4;1;#ff0000\x07",
    "report-cursor": b"\x1b[6n",
    "report-title": b"\x1b[21t",
    "report-device": b"\x1b[c",
    "request-status": b'\x1bP$q"p\x1b\\',
    "sixel": b"\x1bPq#0~\x1b\\",
    "apc": b"\x1b_Gf=100;AAAA\x1b\\",
    "pm": b"\x1b^x\x1b\\",
    "clear": b"\x1b[2J\x1b[H",
    "scroll": b"\x1b[1;3r",
    "resize": b"\x1b[8;5;5t",
    "main-screen": b"\x1b[?1049lQQ",
    "mouse-on": b"\x1b[?1000hQQ",
    "paste-off": b"\x1b[?2004lQQ",
    "reset": b"\x1bcQQ",
    "soft-reset": b"\x1b[!pQQ",
    "charset": b"\x1b(0lqk",
    "shift-out": b"q\x0eq",
    "blink": b"\x1b[5mQQ",
    "conceal": b"\x1b[8mQQ",
    "insert": b"\x1b[4hQQ",
    "media-copy": b"\x1b[5iQQ",
    "c1-csi": "\u009b6nQ".encode(),
    "c1-osc": "\u009d0;PWN\u009cQ".encode(),
    "c1-dcs": "\u0090qQ\u009c".encode(),
    "nel": "q\u0085q".encode(),
    "bell": b"q\x07q",
    "backspace": b"q\x08\x08q",
    "vertical-tab": b"q\x0bq",
    "form-feed": b"q\x0cq",
    "delete": b"q\x7fq",
    "bidi": "q\u202eq\u2066q".encode(),
    "zero-width": "q\u200bq\u2060q".encode(),
    "separator": "q\u2028q\u2029q".encode(),
    "tags": "q\U000e0041q".encode(),
    "bad-utf8": b"q\xff\xfe\xc3(q",
    "overlong": b"q\xc0\x9bq",
}
"""Forty-two ways of text to reach a terminal's ear."""

KNOWN = re.compile(
    r"\x1b\[[0-9;:]*m"  # colours
    r"|\x1b\[\d+;\d+H"  # where to draw
    r"|\x1b\[\?(?:1049|1000|1003|1006|1015|1016|1004|2004|2026|2048|25|7)[hl]"  # modes of the driver
    r"|\x1b\[\?(?:2026|2048)\$p"  # what the terminal can do
    r"|\x1b\[>\d+u|\x1b\[<u"  # its keyboard
    r"|\x1b\]22;[a-z-]+\x07"  # the shape of the pointer
    r"|\x1b\[2J\x1b\[H"  # the first line of the start
)
"""Everything that the app and its driver send on purpose."""
FOREIGN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def foreign_in(sent: bytes) -> list[str]:
    """What of the bytes that were sent nobody sends on purpose, each with what stands around it."""
    text = KNOWN.sub("", sent.decode("utf-8", "replace"))
    return [text[max(0, m.start() - 20) : m.end() + 20] for m in FOREIGN.finditer(text)]


def test_the_check_finds_every_payload() -> None:
    """The check itself is no decoration: each payload alone is foreign to it."""
    for name, payload in PAYLOADS.items():
        if name not in (
            "blink",
            "conceal",
            "main-screen",
            "mouse-on",
            "paste-off",
            "clear",
            "bad-utf8",
            "overlong",
            "charset",
        ):
            assert foreign_in(b"A" + payload + b"Z"), name


def hostile_book(payloads: dict[str, bytes]) -> bytes:
    """A checklist with the payloads in every place that takes text, and in what its steps print."""
    parts = [
        b"# Book A"
        + b"A".join(payloads.values())
        + b"Z\n\n**Estimated Time:** 5 min "
        + b"".join(payloads.values())
        + b"\n\n"
    ]
    for number, payload in enumerate(payloads.values()):
        parts.append(b"## Section %d A%sZ\n\nProse A%sZ\n\n" % (number, payload, payload))
        parts.append(
            b"- [ ] Step %d A%sZ (NOTE-%d)\n\n  Body A%sZ `A%sZ` **A%sZ**\n\n"
            % (number, payload, number, payload, payload, payload)
        )
        parts.append(
            b"  ```bash\n  # Should show: A%sZ\n  cat payloads/* # A%sZ\n  ```\n" % (payload, payload)
        )
        parts.append(b"  ```A%sZ\n  sample A%sZ\n  ```\n\n" % (payload, payload))
    parts.append(b"## Rollback\n\nif A%sZ\n\n1. Back A%sZ\n" % ((b"".join(payloads.values()),) * 2))
    parts.append(b"\n## Notes\n\n")
    parts += [
        b"- **NOTE-%d (x):** A%sZ\n" % (number, payload) for number, payload in enumerate(payloads.values())
    ]
    return b"".join(parts)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_no_foreign_byte_reaches_the_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    """All payloads in titles, prose, code, tags, metadata, expectations, reasons and output, through every screen."""
    (tmp_path / "payloads").mkdir()
    for name, payload in PAYLOADS.items():
        (tmp_path / "payloads" / name).write_bytes(b"A" + payload + b"Z\n")
    sound = {name: payload for name, payload in PAYLOADS.items() if name not in ("bad-utf8", "overlong")}
    book = tmp_path / "hostile.md"
    book.write_bytes(hostile_book(sound))
    with Screen([*PROGRAM, "open", book.name], cwd=tmp_path, size=size) as screen:
        screen.wait("Approve them?")
        screen.press(PAGE_DOWN * 3 + "a")
        screen.wait("q leave")
        screen.press(ENTER)
        screen.wait("Type run to run it")
        screen.press("run" + ENTER)
        screen.wait("✗ failed    Step 0")
        for number in range(1, len(sound)):
            screen.type("jj")
            screen.wait(partial(is_at, number))
        screen.press("\x1b[H" + "jo")
        screen.press(ESCAPE)
        screen.press(ENTER + ESCAPE)
        screen.press("e")
        screen.press(ESCAPE)
        screen.press("s")
        screen.type("because\r")
        screen.press(ESCAPE)
        screen.press("R" + ESCAPE)
        screen.press("/Step" + ESCAPE)
        screen.press("\x10" + "Step" + ESCAPE)
        screen.press("F" + ESCAPE)
        screen.press("q")
        assert screen.end() == 0
        assert foreign_in(bytes(screen.sent)) == []
        assert b"PWN" in screen.sent, "the payloads were shown at all"


def is_at(number: int, text: str) -> bool:
    """Whether the cursor stands on this step."""
    return any(row.startswith("›") and f"Step {number} A" in row for row in text.split("\n"))


def test_a_hostile_error_is_harmless(tmp_path: Path) -> None:
    """A file name and a file that cannot be read are told in an error without a foreign byte."""
    name = "a\x1b]0;PWN\x07\u202e.yaml"
    (tmp_path / name).write_text("title: \x1b]0;PWN\x07\nstepz: 1\n", errors="surrogateescape")
    with Screen([*PROGRAM, "open", name], cwd=tmp_path) as screen:
        assert screen.end() == 2
        assert foreign_in(bytes(screen.sent)) == []
