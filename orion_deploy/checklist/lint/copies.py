"""Rules about copies: backups that lose rows, "on a copy" that touches the original, restores that undo themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orion_deploy.checklist.lint import instead
from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.sqlite_calls import (
    COPIERS,
    SHELLS,
    copies,
    is_backup,
    is_database,
    is_live,
    is_same_path,
    sqlite_calls,
)
from orion_deploy.checklist.lint.subject import Subject

_ON_COPY = re.compile(
    r"\b(?:on|against|with|using|from)\b.*\b(?:copy|clone|snapshot|duplicate)\b|\b(?:database|db)\s+copy\b",
    re.IGNORECASE,
)
_DAY_ONLY = re.compile(r"(?:\$\(|`)\s*date\s+[^)`]*(?:%F|%j|%x|%D|%d)[^)`]*[)`]")
_TIME_TOO = re.compile(r"%[HIMSTsNRkl]|%-[HIMS]")
_ARCHIVERS: Final = ("tar", "zip", "gzip", "bzip2", "xz", "zstd", "cat")


def _live_copy(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*COPIERS, *_ARCHIVERS):
        for command, sources, destination in copies(block):
            live = next((source for source in sources if is_live(source.text)), None)
            if live is not None and not is_live(destination.text):
                yield block.hit(
                    command,
                    f"a copy of `{live.text}` lacks what still stands in `{live.text}-wal`",
                    instead.backup(live.text),
                )
        for command, words in block.named(*_ARCHIVERS):
            live = next((word for word in words[1:] if is_live(word.text)), None)
            if live is not None and (words[0].text != "cat" or command.redirects):
                yield block.hit(
                    command,
                    f"an archive of `{live.text}` lacks what still stands in `{live.text}-wal`",
                    instead.backup(live.text),
                )


def _restore(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*COPIERS):
        for command, sources, destination in copies(block):
            if not is_live(destination.text):
                continue
            source = sources[-1]
            if not (is_database(source.text) or is_backup(source.text) or _is_glob(source.raw)):
                continue
            yield block.hit(
                command,
                f"beside an old `{destination.text}-wal` this restore is undone, or the database is damaged",
                instead.restore(destination.text),
            )


def _restore_glob(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling(*COPIERS):
        for _, sources, destination in copies(block):
            for source in sources:
                if (
                    _is_glob(source.raw)
                    and not destination.text.endswith("/")
                    and is_database(destination.text)
                ):
                    yield block.hit(
                        source,
                        f"`{source.raw}` fails with no match or with two, and takes any old one if it is alone",
                        instead.restore(destination.text),
                    )


def _is_glob(raw: str) -> bool:
    return "*" in raw or "?" in raw


def _by_day(subject: Subject) -> Iterator[Hit]:
    for block in subject.scripts:
        names = [destination for _, _, destination in copies(block)]
        names += [
            r.target
            for c in block.script.commands
            for r in c.redirects
            if r.target and r.operator in (">", ">|")
        ]
        names += [
            word
            for call in sqlite_calls(block)
            for word in call.sql
            if ".backup" in word.text or "into" in word.text.lower()
        ]
        for name in names:
            match = _DAY_ONLY.search(name.text)
            if match is None or _TIME_TOO.search(match[0]):
                continue
            rest = name.text.replace(match[0], "")
            if is_backup(rest) or is_database(rest):
                yield block.hit(
                    name, "a second run on the same day overwrites the first backup", "$(date +%Y%m%d-%H%M%S)"
                )


def _into_missing_folder(subject: Subject) -> Iterator[Hit]:
    for block in subject.calling("cp", "mv"):
        script = block.code.script
        for _, words in block.named("cp", "mv"):
            options = [word.raw for word in words[1:] if word.raw.startswith("-")]
            names = [word for word in words[1:] if not word.raw.startswith("-")]
            if len(names) != 2 or any(
                re.fullmatch(r"-\w*[rRatT]\w*|--(?:recursive|archive|target.*)", o) for o in options
            ):
                continue
            folder = names[1].text
            last = folder.rsplit("/", 1)[-1]
            is_folder = re.fullmatch(
                r"\w*(?:backups?|archives?|dumps?|snapshots?|dist|bin|etc|logs?|data|release\w*|configs?|tmp)",
                last,
            )
            if (
                not is_folder
                or f"mkdir -p {names[1].raw}" in script
                or re.search(rf"-d\s+{re.escape(names[1].raw)}\s", script)
            ):
                continue
            yield block.hit(
                names[1],
                f"where there is no folder `{folder}`, `{words[0].text}` makes a file of that name",
                f"mkdir -p {names[1].raw} && {words[0].raw} {names[0].raw} {names[1].raw}/",
            )


def _copy_is_original(subject: Subject) -> Iterator[Hit]:
    """Where titles say "on a copy", whatever was copied from is the original, in this section and the rest of it."""
    originals: dict[str, set[str]] = {}
    for block in subject.calling(*COPIERS, *SHELLS):
        if not _ON_COPY.search(block.titles):
            continue
        known = originals.setdefault(block.section.id, set())
        copied = {
            c.start: [s.text for s in sources if is_database(s.text)] for c, sources, _ in copies(block)
        }
        calls = {call.command.start: call for call in sqlite_calls(block)}
        for start in sorted({*copied, *calls}):
            known.update(copied.get(start, ()))
            call = calls.get(start)
            database = call.database.text if call is not None and call.database else ""
            if (
                call is not None
                and call.writes
                and any(is_same_path(database, original) for original in known)
            ):
                message = f"this changes `{database}`, the original and not the copy"
                yield block.hit(call.command, message, instead.rehearse(database, call.sql_file))


RULES: Final = (
    Rule(
        "live-copy", Severity.DANGER, "a database file copied while it may be in use",
        "Rows that are still in the write-ahead log are lost, silently and with `integrity_check` ok; under a writer 4 of 12 "
        "copies were malformed.",
        instead.backup(), _live_copy,
    ),
    Rule(
        "restore-by-copy", Severity.DANGER, "a backup copied over the database",
        "SQLite replays a write-ahead log that is left beside it into the restored file. Nothing keeps the failed database "
        "for the search of its cause.",
        instead.restore(), _restore,
    ),
    Rule(
        "restore-glob", Severity.DANGER, "a backup chosen by a pattern",
        "Which backup is meant must not depend on which files lie in a folder: this run's own is.",
        instead.restore(), _restore_glob,
    ),
    Rule(
        "backup-by-day", Severity.WARNING, "a backup named by the day alone",
        "The first backup of the day, taken before anything went wrong, is the one that is needed.",
        "$(date +%Y%m%d-%H%M%S)", _by_day,
    ),
    Rule(
        "copy-into-missing-folder", Severity.WARNING, "`cp FILE FOLDER` without a slash",
        "The backup is then a file called like the folder, and the next one overwrites it.",
        "mkdir -p FOLDER && cp FILE FOLDER/", _into_missing_folder,
    ),
    Rule(
        "copy-is-original", Severity.DANGER, "a test on a copy that changes the original",
        "The commands copy the database and then migrate what they copied from: production is migrated before anyone decided to.",
        instead.rehearse(), _copy_is_original,
    ),
)  # fmt: skip
