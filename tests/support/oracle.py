"""The oracle of the corpus: what GitHub's own parser says a file contains, held against `show --json`."""

from __future__ import annotations

from typing import Any


def differences(expected: dict[str, Any], shown: dict[str, Any]) -> list[str]:
    """Where `show --json` differs from the oracle's entry for the same file, in words; empty where it does not.

    Tasks that only GitHub's renderer counts, and not the specification, may be there or not (`optional`).
    Numbered steps are ours: their code counts as code under no task.
    """
    found: list[str] = []
    tasks, unowned = _tasks_and_unowned(shown)
    wanted = expected["tasks"]
    required = [task for task in wanted if not task.get("optional")]
    optional_lines = {task["line"] for task in wanted if task.get("optional")}
    ours = [task for task in tasks if task["line"] not in optional_lines]
    if [task["line"] for task in ours] != [task["line"] for task in required]:
        missing = sorted({t["line"] for t in required} - {t["line"] for t in ours})
        extra = sorted({t["line"] for t in ours} - {t["line"] for t in required})
        return [f"tasks differ: missing in lines {missing}, too many in lines {extra}"]
    for task, want in zip(ours, required, strict=True):
        for key, value in (
            ("text", _words(task["title"])),
            ("checked", task["checked"]),
            ("depth", task["depth"]),
            ("section", _words(task["section"])),
        ):
            wish = _words(want[key]) if isinstance(want[key], str) else want[key]
            if wish is None:
                wish = ""
            if value != wish:
                found.append(f"line {task['line']}: {key} is {value!r}, wanted {wish!r}")
        found += _code_differences(task["line"], task["code"], want["code"])
    found += _code_differences(0, unowned, expected["code_unowned"])
    return found


def _code_differences(line: int, blocks: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[str]:
    ours = [_block(block) for block in blocks]
    theirs = [(w["lang"], w["first_line"].strip(), w["n_lines"], w["line"]) for w in wanted]
    return [] if ours == theirs else [f"code under line {line}: {ours} instead of {theirs}"]


def _block(block: dict[str, Any]) -> tuple[str, str, int, int]:
    lines = block["text"].split("\n") if block["text"] else []
    return block["language"], lines[0].strip() if lines else "", len(lines), block["line"]


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def _tasks_and_unowned(shown: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All tasks, with their section's title, and the blocks under no task, both in the order of the file."""
    tasks: list[dict[str, Any]] = []
    unowned: list[dict[str, Any]] = []

    def steps(items: list[dict[str, Any]], section: str, owner: dict[str, Any] | None) -> None:
        for step in items:
            inner = owner
            if step["task"]:
                inner = step | {"section": section, "code": []}
                tasks.append(inner)
            (unowned if inner is None else inner["code"]).extend(step["code"])
            steps(step["steps"], section, inner)

    def sections(items: list[dict[str, Any]]) -> None:
        for section in items:
            unowned.extend(section["code"])
            steps(section["steps"], section["title"], None)
            sections(section["sections"])

    sections(shown["sections"])
    tasks.sort(key=lambda task: task["line"])
    unowned.sort(key=lambda block: block["line"])
    for task in tasks:
        task["code"].sort(key=lambda block: block["line"])
    return tasks, unowned
