"""Files that are no text, or text of another kind, or no files."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import zlib
from pathlib import Path

from support.bad_checklists.model import MARKDOWN, YAML, Bad

BOM = b"\xef\xbb\xbf"
PLAN = "# Plan\n\n- [ ] caf\u00e9\n  ```bash\n  ls\n  ```\n"
BOOK = "title: Plan\nsteps:\n- title: caf\u00e9\n  run: ls\n"


def _picture() -> bytes:
    """A PNG of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


_ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0\x01\0\0\0" + bytes(range(256)) * 4
_GZIP = gzip.compress(PLAN.encode() * 50, mtime=0)
_SQLITE = b"SQLite format 3\0" + b"\x10\0\x01\x01\0\x40\x20\x20" + b"\0" * 2_000
_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n%%EOF\n"

ODD: dict[str, tuple[bytes, str]] = {
    # name to content, and the words that refuse it as YAML; as Markdown each loads, but for UTF-16
    "empty file": (b"", "holds no checklist"),
    "only spaces": (b"    \n  \n \n", "holds no checklist"),
    "only tabs": (b"\t\t\n\t\n", "YAML"),
    "only line ends": (b"\n" * 500, "holds no checklist"),
    "only a byte order mark": (BOM, "holds no checklist"),
    "one NUL": (b"\0", "U+0000"),
    "NUL and other controls": (b"\x00\x01\x02", "U+0000"),
    "10,000 NUL bytes": (b"\0" * 10_000, "U+0000"),
    "bare carriage returns": (b"\r\r\r", "holds no checklist"),
    "a bracket never closed": (b"sections: [", "never closed"),
    "braces never closed": (b"{{{", "cannot be a key"),
    "invalid UTF-8 in a task": (b"- [ ] \xff\xfe\n", "0xFF"),
    "every byte once": (bytes(range(256)), "0x80"),
    "overlong UTF-8": (b"title: \xc0\xaf\xe0\x80\xaf\n", "0xC0"),
    "a cut UTF-8 sequence at the end": (b"title: caf\xc3", "0xC3"),
    "UTF-8 of surrogates": (b"title: \xed\xa0\x80\xed\xb0\x80\n", "0xED"),
    "UTF-8 beyond Unicode": (b"title: \xf4\x90\x80\x80\n", "0xF4"),
    "Latin-1": (PLAN.encode("latin-1"), "0xE9"),
    "two byte order marks": (BOM + BOM + b"title: a\n", "U+FEFF"),
    "a byte order mark in the middle": (b"title: a\n" + BOM + b"steps: []\n", "U+FEFF"),
    "a picture": (_picture(), "0x89"),
    "gzip": (_GZIP, "0x8B"),
    "a program (ELF)": (_ELF, "0x80"),
    "a database": (_SQLITE, "U+0000"),
    "a PDF": (_PDF, "0xE2"),
    "a terminal's recording": (b"\x1b[2J\x1b[H\x1b]0;owned\x07\x1b[31mred\x1b[0m\n", "U+001B"),
    "C1 controls": ("- [ ] \x9b31m \x90q\x9c\n".encode(), "U+009B"),
    "bidi overrides": ("title: \u202egnp.exe\u202c \u2066x\u2069\n".encode(), ""),
    "line separators of Unicode": ("title: a\u2028steps: b\u2029\n".encode(), "U+2028"),
    "form feeds and vertical tabs": (b"- [ ] a\x0c\x0b\n", "U+000C"),
    "backspaces over a command": (b"- [ ] rm -rf /\x08\x08\x08ls\n", "U+0008"),
    "DEL": (b"title: a\x7f\n", "U+007F"),
    "characters that are none": ("title: \ufffe\uffff\n".encode(), "U+FFFE"),
    "emoji, joined and with modifiers": ("title: \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd\n".encode(), ""),
    "500 combining accents": (b"title: a" + "\u0301".encode() * 500 + b"\n", ""),
    "tag characters": ("title: a\U000e0041\U000e0042\n".encode(), ""),
    "soft hyphens and zero-width spaces": ("title: a\u00adb\u200bc\n".encode(), ""),
    "right-to-left words": ("title: \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627\n".encode(), ""),
}  # fmt: skip

UTF_16: dict[str, bytes] = {
    "UTF-16, little end first": "\ufeff# Plan\n".encode("utf-16-le"),
    "UTF-16, big end first": "\ufeff# Plan\n".encode("utf-16-be"),
    "UTF-32, which begins like UTF-16": "\ufeff# Plan\n".encode("utf-32-le"),
    "half a character of UTF-16": b"\xff\xfe#",
}


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # The name of a socket may not be long.
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 16 << 30)


NO_FILES: tuple[Bad, ...] = (
    Bad("a folder", MARKDOWN, refused="a folder", make=lambda path: path.mkdir()),
    Bad("a folder named like YAML", YAML, refused="a folder", make=lambda path: path.mkdir()),
    Bad("a pipe that nobody writes to", MARKDOWN, refused="a pipe", make=os.mkfifo),
    Bad("a link to itself", MARKDOWN, refused="symbolic links", make=_loop),
    Bad("a link to nothing", YAML, refused="no such file", make=lambda path: path.symlink_to("gone")),
    Bad("a link to a device", MARKDOWN, refused="a device", make=lambda path: path.symlink_to("/dev/zero")),
    Bad("a link to what cannot be read", MARKDOWN, refused="cannot be read", make=lambda path: path.symlink_to("/proc/self/mem")),
    Bad("a socket", MARKDOWN, refused="a socket", make=_socket),
    Bad("a file of 16 GB without a byte on the disk", MARKDOWN, refused="at most", make=_sparse),
    Bad("nothing at all", YAML, refused="no", make=lambda _: None),
)  # fmt: skip


FILES: tuple[Bad, ...] = (
    *(Bad(f"{name} (Markdown)", MARKDOWN, data, "", "bytes") for name, (data, _) in ODD.items()),
    *(Bad(f"{name} (YAML)", YAML, data, words or "no key", "bytes") for name, (data, words) in ODD.items() if words),
    *(Bad(f"{name} (YAML)", YAML, data, "", "bytes") for name, (data, words) in ODD.items() if not words),
    *(Bad(f"{name} ({ending[1:]})", ending, data, "UTF-16", "bytes") for name, data in UTF_16.items() for ending in (MARKDOWN, YAML)),
    Bad("Windows line ends (Markdown)", MARKDOWN, PLAN.replace("\n", "\r\n").encode(), "", "bytes"),
    Bad("Windows line ends (YAML)", YAML, BOOK.replace("\n", "\r\n").encode(), "", "bytes"),
    Bad("an old Macintosh's line ends (Markdown)", MARKDOWN, PLAN.replace("\n", "\r").encode(), "", "bytes"),
    Bad("an old Macintosh's line ends (YAML)", YAML, BOOK.replace("\n", "\r").encode(), "", "bytes"),
    Bad("line ends of three kinds", MARKDOWN, b"# a\r\n- [ ] b\r- [ ] c\n\r- [ ] d\r\r\n", "", "bytes"),
    Bad("no line end at the end", MARKDOWN, PLAN.rstrip().encode(), "", "bytes"),
    Bad("cut in the middle of a character", MARKDOWN, PLAN.encode()[:17], "", "bytes"),
    *NO_FILES,
)  # fmt: skip
