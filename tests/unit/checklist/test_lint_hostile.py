"""Whatever stands in a checklist, lint looks at it in bounded time, runs nothing, and shows nothing that acts upon a terminal."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_checklists.large_files import traps
from support.fuzz import EXAMPLES

from orion_deploy.checklist.lint import lint
from orion_deploy.checklist.lint.fix import fix
from orion_deploy.checklist.model import Checklist
from orion_deploy.checklist.read import read
from orion_deploy.errors import ChecklistError

SMALL_TRAPS = traps(20_000)
TRAP_S_MAX = 1.0
"""What takes time with the square of the length takes minutes at this one."""

PIECES = st.sampled_from(
    ["pgrep -f x", "pkill", "-f", "kill -9 1", "sleep 2", "lsof a.db", "sqlite3 a.db", "< up.sql", "< x_down.sql", "<<E", "E", "'", '"', "$(", ")",
     "`", "&&", "||", "|", "&", ";", "exit 1", "{", "}", "cp a.db b.db", "cp", "*.db", "$(date +%F)", "~/backups", "rm -rf", "$X", "/", "tail -f",
     "echo $?", "grep x", "# Should return nothing", "# Should return 0", "SELECT", "WHERE", '"c" IS NOT NULL', "DROP TABLE t", ".backup x",
     "timeout 5", "sudo", "vim", "<VERSION>", "while true; do", "\u202e", "\x1b[31m", "PRAGMA table_info(t)", "git push -f", "<5ms", ">10k rows take >5s",
     "memory", "write-behind", "\\", "\t", " "]
)  # fmt: skip
FRAMES = st.sampled_from(
    ["- [ ] Test on a copy\n  ```bash\n  {}\n  ```", "- [ ] {}", "## {}", "1. a\n   ```console\n   $ {}\n   ```", "{}", "```sh\n{}\n```",
     "- [ ] Choose\n\n  Option 1: a (Recommended)\n  ```sh\n  {}\n  ```\n\n  Option 2: b\n  ```sh\n  {}\n  ```"]
)  # fmt: skip
SCRIPTS = st.lists(st.lists(PIECES, max_size=6).map(" ".join), max_size=4)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Markdown around scripts."""
    parts = []
    for frame in draw(st.lists(FRAMES, max_size=5)):
        margin = "\n" + " " * (len(frame) - len(frame.lstrip()) + (2 if "bash" in frame else 0))
        parts.append(frame.replace("{}", margin.join(draw(SCRIPTS))))
    return "\n".join(parts)


def checklist_of(text: str) -> Checklist | None:
    """The checklist, or None where the text holds none."""
    try:
        return read(text.encode("utf-8", "surrogatepass"), "a.md")
    except ChecklistError:
        return None


@settings(deadline=None, max_examples=EXAMPLES)
@given(texts())
def test_any_checklist_is_looked_at(text: str) -> None:
    """Nothing fails; places lie within the file; what is shown is plain; what is fixed still reads."""
    checklist = checklist_of(text)
    if checklist is None:
        return
    found = lint(checklist, text)
    for finding in found:
        shown = finding.render()
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert 1 <= finding.line <= text.count("\n") + 1
    assert checklist_of(fix(text, found)) is not None


def test_a_large_checklist_is_looked_at_in_time() -> None:
    """Five hundred dangerous steps, and scripts of thousands of commands, take a few seconds at most."""
    step = "- [ ] Step {}\n  ```bash\n  pgrep -f x && echo a && exit 1\n  cp a.db b.db # Should return 0\n  ```\n"
    text = "# T\n\n" + "".join(step.format(number) for number in range(500))
    long = "".join(
        f"# T\n\n- [ ] A\n  ```bash\n  {piece * 6_000}\n  ```\n"
        for piece in ("a && ", "$(x ", "cp a.db ", "<5ms ")
    )
    for case in (text, long):
        checklist = read(case.encode(), "a.md")
        started = time.process_time()
        lint(checklist, case)
        assert time.process_time() - started < 10


@pytest.mark.parametrize("name", SMALL_TRAPS)
def test_no_text_is_a_trap(name: str) -> None:
    """One piece over and over, where a rule might look for it again at each place: the time grows with the length alone."""
    data = SMALL_TRAPS[name]()
    text = data.decode()
    started = time.process_time()
    for finding in lint(read(data, "a.md"), text):
        finding.render()
    assert time.process_time() - started < TRAP_S_MAX


def test_findings_of_a_long_line_are_small() -> None:
    """A line of a megabyte is not told again with each of its findings."""
    text = "# T\n\n- [ ] A\n  ```bash\n  " + "pgrep -f x; " * 9_000 + "\n  ```\n"
    found = lint(read(text.encode(), "a.md"), text)
    assert len(found) > 1_000
    assert max(len(str(finding.to_json())) for finding in found) < 4_000
    assert max(len(finding.render()) for finding in found) < 1_000


def test_fixing_leaves_odd_line_ends_alone() -> None:
    """A file with line ends of several kinds, or with bare carriage returns, is not touched."""
    for text in ("- [ ] Look\r\n- [ ] Look\n", "- [ ] Look\r- [ ] Look\r"):
        assert fix(text, lint(read(text.encode(), "a.md"), text)) == text
