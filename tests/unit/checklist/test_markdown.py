"""A Markdown file becomes the checklist that its author meant."""

from __future__ import annotations

import gc

import pytest

from orion_deploy.checklist.markdown import read_markdown
from orion_deploy.checklist.model import Checklist, Role, SectionKind, Step
from orion_deploy.errors import ChecklistError


def read(text: str, path: str = "plan.md") -> Checklist:
    """A checklist from a text."""
    return read_markdown(text.encode(), path)


def steps(text: str) -> list[Step]:
    """All its steps in document order."""
    return [step for _, step in read(text).walk()]


def titles(text: str) -> list[str]:
    """Their titles."""
    return [step.title for step in steps(text)]


@pytest.mark.parametrize(
    "source",
    [
        "- [ ] a\n- [x] b",
        "* [ ] a\n* [X] b",
        "+ [ ] a\n+ [x] b",
        "1. [ ] a\n2. [x] b",
        "1) [ ] a\n2) [x] b",
        "1. - [ ] a\n2. - [x] b",
        "-   [ ] a\n-   [x] b",
        "-\t[ ] a\n-\t[x]\tb",
        "- [ ] a\r\n- [x] b\r\n",
        "- [ ] a\r- [x] b",
        " - [ ] a\n - [x] b",
        "> - [ ] a\n> - [x] b",
        "> 1. > - [ ] a\n> 2. > - [x] b",
        "<details>\n\n- [ ] a\n- [x] b\n\n</details>",
        "-\n  [ ] a\n-\n  [x] b",
        "\ufeff- [ ] a\n- [x] b",
        "- [ ]   a\n- [x] b   ",
        "- [ ]\n  a\n- [x] b",
    ],
)
def test_tasks(source: str) -> None:
    """Tasks are seen in every form that GitHub sees, with their ticks."""
    assert [(s.title, s.checked, s.depth, s.is_task) for s in steps(source)] == [
        ("a", False, 0, True),
        ("b", True, 0, True),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "-[ ] a", "- []a", "- [] a", "[ ] a", "- [ ]a", "- [  ] a", "- [y] a", r"- \[ ] a", "- `[ ] a`", "- **[ ] a**",
        "<!--\n- [ ] a\n-->", "    - [ ] a", "```\n- [ ] a\n```", "| - [ ] a |\n| - |", "text\n2. [ ] a", "- [ ]",
        "- [x](http://a.b) a", "- [x]: http://a.b", "- # [ ] a", "<div>\n- [ ] a",
    ],
)  # fmt: skip
def test_no_tasks(source: str) -> None:
    """What GitHub does not see as a task is none."""
    assert steps(source) == []


def test_nesting() -> None:
    """Sub-steps nest to any depth, also through plain items; depth counts the steps around."""
    found = steps("- [ ] a\n  1. plain\n     - [ ] b\n       > - [x] c\n- [ ] d")
    assert [(s.title, s.depth, s.line) for s in found] == [("a", 0, 1), ("b", 1, 3), ("c", 2, 4), ("d", 0, 5)]
    deep = steps("".join("  " * depth + f"- [ ] s{depth}\n" for depth in range(200)))
    assert [s.depth for s in deep] == list(range(200))


def test_titles() -> None:
    """A title is the whole first paragraph, in plain words; other paragraphs are prose."""
    (step,) = steps("- [ ] **Stop** the\n      [app](x) `now`\n\n  And *wait*.\n\n  | a |\n  | - |\n")
    assert step.title == "Stop the app now"
    assert step.body == "And *wait*.\n\n| a |\n| - |"
    assert titles("- [ ] see [the plan]\n\n[the plan]: x\n") == ["see the plan"]


def test_body() -> None:
    """Prose is kept as Markdown, without the margin, code, sub-steps and comments."""
    (step, inner) = steps(
        "> - [ ] a\n>   - one\n>     - two\n>   ```sh\n>   x\n>   ```\n>   <!-- hidden -->\n>\n>   after\n>   - [ ] b\n>     more\n"
    )
    assert (step.body, inner.title, inner.body) == ("- one\n  - two\n\nafter", "b more", "")
    (details,) = steps("- [ ] a\n\n  <details><summary>Why</summary>\n\n  Because\n\n  </details>\n")
    assert details.body == "Why\n\nBecause"


def test_code_belongs_to_the_nearest_task() -> None:
    """Fenced and indented blocks are owned by the nearest enclosing task, through plain items and quotes."""
    text = "- [ ] a\n  - plain\n    ```sh\n    one\n    ```\n  - [ ] b\n\n        two\n\n  > ~~~~ SQL more\n  > three\n  > ~~~~\n\n```\nfour\n```\n"
    checklist = read(text)
    a, b = (step for _, step in checklist.walk())
    assert [(c.text, c.language, c.line, c.role) for c in a.code] == [
        ("one", "sh", 3, Role.COMMAND),
        ("three", "SQL", 10, Role.SAMPLE),
    ]
    assert [(c.text, c.language, c.line) for c in b.code] == [("two", "", 8)]
    assert [c.text for s in checklist.walk_sections() for c in s.code] == ["four"]


def test_title_of_the_checklist() -> None:
    """The only heading of level 1, where it comes first; else front matter; else the file's name."""
    assert read("# The **plan**\n## A\n").title == "The plan"
    assert read("The plan\n===\n- [ ] a").title == "The plan"
    assert read("# One\n# Two\n", "some/release.md").title == "release"
    assert read("## A\n# B\n", "release.md").title == "release"
    assert read("---\nname: 'Release me'\n---\n## A\n").title == "Release me"
    assert read("---\ntitle: T\nname: N\n---\n# H\n").title == "H"
    assert read("", "-").title == "-"


def test_sections() -> None:
    """Headings nest by level, in lists of plain items and quotes too; the title encloses nothing."""
    checklist = read("# T\n- [ ] t\n## A\n- [ ] a\n#### B\n- [ ] b\n### C\n> ## D\n> - [ ] d\n\n- [ ] e\n")
    found = [
        (section.title, section.level, [s.title for s in section.steps])
        for section in checklist.walk_sections()
    ]
    assert found == [("T", 1, ["t"]), ("A", 2, ["a"]), ("B", 4, ["b"]), ("C", 3, []), ("D", 2, ["d", "e"])]
    assert [section.title for section in checklist.sections] == ["T", "A", "D"]
    assert [section.title for section in checklist.sections[1].sections] == ["B", "C"]


def test_before_the_first_heading() -> None:
    """What stands before any heading has a section of level 0; an empty one is left out."""
    checklist = read("text\n\n- [ ] a\n\n# T\n")
    assert [(s.level, s.title, s.body) for s in checklist.sections] == [(0, "", "text")]
    assert [s.level for s in read("## A\n- [ ] a\n").sections] == [2]


def test_heading_within_a_step() -> None:
    """A heading inside a step is prose of the step: it does not take later steps away."""
    checklist = read("## A\n- [ ] a\n  ### inside\n  text\n- [ ] b\n")
    assert [(s.title, [t.title for t in s.steps]) for s in checklist.sections] == [("A", ["a", "b"])]
    assert checklist.sections[0].steps[0].body == "### inside\ntext"


def test_front_matter() -> None:
    """Front matter is metadata and facts of the checklist, and no line of it is Markdown."""
    checklist = read(
        "---\nlabels: [a, b]\nvariables:\n  DB: {default: x.db, type: path}\ncwd: ~/x\ncarry: false\n---\n- [ ] a\n"
    )
    assert dict(checklist.metadata) == {"labels": "a, b"}
    assert [(v.name, v.default, v.line) for v in checklist.variables] == [("DB", "x.db", 4)]
    assert (checklist.cwd, checklist.carry) == ("~/x", False)
    assert [(s.line, s.title) for _, s in checklist.walk()] == [(8, "a")]


@pytest.mark.parametrize(
    "text",
    ["---\n\n- [ ] a\n\n---\n", "---\n# h\n---\n- [ ] a", "--- \ntext\n---\n- [ ] a", "---\na: b\n- [ ] a"],
)
def test_a_rule_is_no_front_matter(text: str) -> None:
    """A rule on the first line hides nothing."""
    assert titles(text) == ["a"]


def test_front_matter_of_others_may_be_odd() -> None:
    """A template whose front matter is no sound YAML is read all the same; ours has to be sound."""
    checklist = read("---\nname: [Release] v1\nabout: x\n---\n- [ ] a\n")
    assert [p.rule for p in checklist.problems] == ["front-matter"]
    assert checklist.metadata["about"] == "x"
    with pytest.raises(ChecklistError) as caught:
        read("---\nvariables: [\n---\n- [ ] a\n")
    assert caught.value.where is not None
    assert caught.value.where.line in (2, 3)


def test_metadata() -> None:
    """Lines `**Key:** value` above the first section and after a last rule are metadata, others are prose."""
    checklist = read(
        "# T\n\n**Risk:** **high**  \n__Time__: 5 min\\\n**Who:** [ann](x)\n\n**Needs:**\n- x\n\n## A\n\n**Key:** value\n\n---\n\n**Version:** 2\n"
    )
    assert dict(checklist.metadata) == {"Risk": "high", "Time": "5 min", "Who": "ann", "Version": "2"}
    assert checklist.sections[0].body == "**Needs:**\n- x"
    assert checklist.sections[1].body == "**Key:** value"
    assert dict(read("# T\n## A\n- [ ] a\n\n---\n\n**Version:** 2\n\nThe end.\n").metadata) == {}


def test_numbered_steps() -> None:
    """Numbered items are steps on the way back, and where a section has code and no tasks; nowhere else."""
    back = "## Rollback\n1. stop\n2. go\n   1. first\n   2. second\n"
    assert [(s.title, s.depth, s.is_task) for s in steps(back)] == [
        ("stop", 0, False),
        ("go", 0, False),
        ("first", 1, False),
        ("second", 1, False),
    ]
    assert titles("## A\n1. stop\n   ```sh\n   x\n   ```\n2. go\n") == ["stop", "go"]
    assert titles("## A\n- plain:\n  1. stop\n     ```sh\n     x\n     ```\n") == ["stop"]
    assert titles("## A\n1. stop\n2. go\n\n```sh\nx\n```\n") == []
    assert titles("## A\n- [ ] task\n\n1. stop\n   ```sh\n   x\n   ```\n") == ["task"]
    assert titles("## Notes\n1. stop\n   ```sh\n   x\n   ```\n") == []
    assert titles("## Rollback\n### When\n1. it fails\n") == []
    assert titles("## Rollback\n- [ ] task\n  1. inner\n     ```sh\n     x\n     ```\n1. last\n") == [
        "task",
        "last",
    ]


def test_choice() -> None:
    """Options under one step, as bold lines, as items or as headings, are a choice with a block each."""
    for text in (
        "- [ ] how\n\n  **Option 1: a (Recommended)**\n  ```sh\n  x\n  ```\n  **Option 2: b**\n  ```sh\n  y\n  ```\n",
        "- [ ] how\n  - Option 1: a (recommended)\n    ```sh\n    x\n    ```\n  - Option 2: b\n    ```sh\n    y\n    ```\n",
        "- [ ] how\n\n  #### Option A: a (preferred)\n  ```sh\n  x\n  ```\n  #### Option B: b\n  ```sh\n  y\n  ```\n",
        "## Rollback\n1. how\n   1. Option 1: a (Recommended)\n      ```sh\n      x\n      ```\n   2. Option 2: b\n      ```sh\n      y\n      ```\n",
    ):
        (step,) = steps(text)
        assert step.kind == "choice"
        assert [(o.number, o.title, o.recommended) for o in step.options] == [(1, "a", True), (2, "b", False)]
        assert [(c.text, c.option) for c in step.code] == [("x", 1), ("y", 2)]


def test_what_is_no_choice() -> None:
    """One option alone is prose; code behind a list of options belongs to none of them."""
    (alone,) = steps("- [ ] how\n\n  **Option 1: a**\n  ```sh\n  x\n  ```\n")
    assert (alone.kind, alone.options, alone.body, alone.code[0].option) == (
        "command",
        (),
        "**Option 1: a**",
        None,
    )
    (both,) = steps("- [ ] how\n  - Option 1: a\n  - Option 2: b\n\n  ```sh\n  z\n  ```\n")
    assert (both.kind, both.code[0].option) == ("choice", None)


def test_alternatives_as_steps_are_told() -> None:
    """Options that are steps or sections of their own would all be carried out: that is told."""
    assert [p.rule for p in read("## Rollback\n1. Option 1: a\n2. Option 2: b\n").problems] == [
        "alternatives"
    ]
    assert [p.line for p in read("## Rollback\n### Option A: a\n1. x\n### Option B: b\n1. y\n").problems] == [
        2
    ]
    assert read("## A\n- [ ] Option 1: a\n- [ ] other\n").problems == ()


def test_marks_are_handed_down() -> None:
    """MANDATORY, optional and tags reach steps and sub-steps through headings; not out of the way back."""
    text = "## A (MANDATORY)\n### B (T-1)\n- [ ] a\n  - [ ] b (optional)\n## C (optional)\n- [ ] c\n## Rollback (if needed)\n1. d\n## Notes\n- **T-1:** n\n"
    assert [(s.title, s.mandatory, s.optional, s.tags) for s in steps(text)] == [
        ("a", True, False, ("T-1",)),
        ("b (optional)", False, True, ("T-1",)),
        ("c", False, True, ()),
        ("d", False, False, ()),
    ]
    assert [s.kind for s in read("## Notes\n- [ ] a\n").sections] == [SectionKind.STEPS]


def test_title_hands_nothing_down() -> None:
    """The words of the document's title make nothing of its sections."""
    checklist = read("# CRITICAL: rollback plan (optional)\n## A\n- [ ] a\n")
    assert [(s.kind, s.steps[0].mandatory, s.steps[0].optional) for s in checklist.sections] == [
        (SectionKind.STEPS, False, False)
    ]


def test_facts_of_a_step() -> None:
    """A `yaml step` block gives its step an id, a typed kind and more; it is kept, and not shown as code to run."""
    text = "- [ ] a\n  ```yaml step\n  id: first\n  check:\n    files.exists: {path: x}\n  mandatory: true\n  ```\n- [ ] b\n  ```YAML step\n  needs: first\n  ```\n"
    first, second = steps(text)
    assert (first.id, first.kind, first.mandatory) == ("first", "files.exists", True)
    assert first.facts.check is not None
    assert first.facts.check.line == 5
    assert [c.role for c in first.code] == [Role.STEP]
    assert second.facts.needs == ("first",)
    assert second.kind == "manual"
    assert steps("- [ ] a\n  ```yaml\n  id: x\n  ```\n")[0].id == "a"


def test_facts_of_a_section() -> None:
    """Under a heading the block speaks of the section, wherever among its prose it stands."""
    checklist = read("## Way home\n1. one\n\n```yaml step\nkind: rollback\nmandatory: true\n```\n2. two\n")
    assert checklist.sections[0].kind is SectionKind.ROLLBACK
    assert [(s.title, s.mandatory) for _, s in checklist.walk()] == [("one", True), ("two", True)]


def test_reference_by_its_key() -> None:
    """`reference: true` keeps every command of a step from running."""
    (step,) = steps("- [ ] a\n  ```yaml step\n  reference: true\n  ```\n  ```sh\n  rm x\n  ```\n")
    assert (step.kind, step.scripts(), step.code[1].role, step.code[1].script) == (
        "reference",
        (),
        Role.REFERENCE,
        "rm x",
    )


def test_words_keep_no_step_of_the_way_back() -> None:
    """On the way back the title's words keep nothing from running; only the key does."""
    assert steps("## A\n- [ ] Document the restore command\n  ```sh\n  x\n  ```\n")[0].kind == "reference"
    assert (
        steps("## Rollback\n- [ ] Document the restore command\n  ```sh\n  x\n  ```\n")[0].kind == "command"
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- [ ] a\n  ```yaml step\n  chek: x\n  ```\n", 3, "chek"),
        ("- [ ] a\n  ```yaml step\n  id: x\n  ```\n- [ ] b\n  ```yaml step\n  id: x\n  ```\n", 7, "twice"),
        ("- [ ] a\n  ```yaml step\n  needs: x\n  ```\n", 3, "unknown step"),
        ("- [ ] a\n  ```yaml step\n  id: x\n  ```\n  ```yaml step\n  id: y\n  ```\n", 5, "second"),
        ("## A\n```yaml step\nneeds: x\n```\n", 3, "needs"),
        ("- [ ] a\n  ```yaml step\n  auto: true\nreference: true\n  ```\n", 4, "closing fence"),
        ("- [ ] a\n  ```yaml step\n  auto: true\n", 2, "closing fence"),
        ("- [ ] a\n      ```yaml step\n      reference: true\n      ```\n", 2, "is text"),
        ("- [ ] a\n\n      ```yaml step\n      reference: true\n      ```\n", 3, "is code itself"),
        ("- [ ] a\n  <div>\n  ```yaml step\n  reference: true\n  ```\n", 3, "is HTML"),
        ("-[ ] b\n\n" * 300 + "- [ ] a\n      ```yaml step\n", 602, "is text"),
        ("- [ ] a\n  ```yaml-step\n  reference: true\n  ```\n", 2, "no effect"),
        ("- [ ] a\n  ```yaml steps\n  reference: true\n  ```\n", 2, "no effect"),
    ],
)
def test_wrong_facts(text: str, line: int, words: str) -> None:
    """A fault within a block of ours is one clear error, with its line."""
    with pytest.raises(ChecklistError, match=words) as caught:
        read(text)
    assert caught.value.where is not None
    assert (caught.value.where.path, caught.value.where.line) == ("plan.md", line)


def test_ids_stay() -> None:
    """Steps and sections added elsewhere, ticks and prose change no id; a title does."""
    first = {s.id for s in steps("# T\n## A\n- [ ] stop\n- [ ] go\n  - [ ] check\n## B\n- [ ] stop\n")}
    second = {
        s.id
        for s in steps(
            "# New\n## Z\n- [ ] stop\n## A\n- [ ] more\n- [x] stop\n\n  prose\n- [ ] go\n  - [ ] check\n## B\n- [ ] stop\n"
        )
    }
    assert first == {"a.stop", "a.go", "a.go.check", "b.stop"}
    assert first < second
    assert [s.id for s in steps("# T\n- [ ] a\n- [ ] a\n")] == ["a", "a-2"]


def test_digests_change_with_the_text() -> None:
    """A tick, a blank line and the place change no digest; a word, a command and a fact do."""

    def digest(text: str) -> str:
        return steps(text)[0].digest

    same = digest("- [ ] a\n  b\n\n  text\n  ```sh\n  x\n  ```\n")
    assert same == digest("# T\n\n1. [x] a b\n\n   text\n\n   ```sh\n   x\n\n   ```\n")
    others = (
        "- [ ] a b\n\n  texts\n  ```sh\n  x\n  ```\n",
        "- [ ] a b\n\n  text\n  ```sh\n  y\n  ```\n",
        "- [ ] a b\n\n  text\n  ```sh\n  x\n  ```\n  ```yaml step\n  auto: true\n  ```\n",
    )
    assert len({same, *map(digest, others)}) == 4


def test_reading_leaves_the_collector_as_it_was() -> None:
    """The garbage collector is paused while reading, and only then, also when reading fails."""
    read("- [ ] a")
    assert gc.isenabled()
    with pytest.raises(ChecklistError):
        read("- [ ] a\n  ```yaml step\n  x: y\n  ```\n")
    assert gc.isenabled()
    gc.disable()
    try:
        read("- [ ] a")
        assert not gc.isenabled()
    finally:
        gc.enable()
