"""How fast a checklist of 10,000 tasks (2.3 MB) is read, as ratios to plain markdown-it-py with its tasklists plugin.

    python benchmarks/bench_read.py

Alternatives are interleaved in one process, medians compared; what ours finds is compared with what the plugin
finds first. Goal: at most 0.6 for the whole checklist (markdown-it-py only makes tokens). Exit code 1 when missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

from orion_deploy.checklist.markdown import read_markdown
from orion_deploy.checklist.markdown_blocks import parse_blocks
from orion_deploy.checklist.show import to_json

TASKS = 10_000
ROUNDS = 5
GOAL = 0.6
FLOOR = "markdown-it-py + tasklists"
WHOLE = "read: the whole checklist"


def checklist(tasks: int) -> str:
    """A checklist of so many tasks, each with marks in its title, an inner list and four lines of shell."""
    parts = ["# Big deployment checklist\n\n**Risk:** medium\n\n---\n"]
    for number in range(tasks):
        if number % 20 == 0:
            parts.append(f"\n## Section {number // 20}\n\n### Part A\n\n")
        parts.append(
            f"- [{'x' if number % 7 == 0 else ' '}] **Step {number}: verify `table_{number}`** (if not done)\n"
            "  - Recommended: after 10 PM\n"
            "  ```bash\n"
            f"  # Verify schema {number}\n"
            f'  sqlite3 ~/Orion/data/orion.db "PRAGMA table_info(t{number});" | grep active_request_id\n'
            "  test $? -eq 0\n"
            "  ```\n\n"
        )
    return "".join(parts)


def plugin_tasks(text: str) -> list[tuple[int, bool]]:
    """The line and the tick of each task, as the plugin sees them."""
    tokens = MarkdownIt("commonmark").use(tasklists_plugin).parse(text)
    found: list[tuple[int, bool]] = []
    for at, token in enumerate(tokens):
        if token.type == "list_item_open" and "task-list-item" in str(token.attrGet("class") or ""):
            box = next(inner for inner in tokens[at:] if inner.type == "inline")
            is_ticked = 'checked="checked"' in (box.children or [box])[0].content
            found.append(((token.map or [0])[0] + 1, is_ticked))
    return found


def block_rules_only(text: str) -> object:
    """Parse without inline rules: what a faster reader on top of markdown-it-py would start from."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser.parse(text)


def main() -> int:
    """Measure, print the table, and say whether the goal is met."""
    text = checklist(TASKS)
    data = text.encode()
    read = read_markdown(data, "big.md")
    ours = [(step.line, step.checked) for _, step in read.walk()]
    if ours != plugin_tasks(text) or len(ours) != TASKS:
        print("the tasks differ from those of markdown-it-py: nothing to compare")
        return 1
    cases: dict[str, Callable[[], object]] = {
        FLOOR: lambda: MarkdownIt("commonmark").use(tasklists_plugin).parse(text),
        "markdown-it-py, block rules only": lambda: block_rules_only(text),
        "read: blocks only": lambda: parse_blocks(text.split("\n")),
        WHOLE: lambda: read_markdown(data, "big.md"),
        "show: as JSON": lambda: to_json(read),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            begin = time.perf_counter()
            case()
            seconds[name].append(time.perf_counter() - begin)
    floor = statistics.median(seconds[FLOOR])
    print(f"{TASKS:,} tasks, {len(data):,} bytes, median of {ROUNDS}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:34} {median * 1000:8.0f} ms  {median / floor:6.3f}x")
    ratio = statistics.median(seconds[WHOLE]) / floor
    print(f"goal {GOAL}x: {'met' if ratio <= GOAL else 'missed'}")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
