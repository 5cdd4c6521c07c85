"""Any checklist: hypothesis strategies for what a YAML file can hold, written out as YAML."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from orion_deploy.checklist.yaml_text import value

SPARING = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
"""For tests over whole checklists: a failing one is shown as it was found, for making it smaller takes minutes."""

WORDS = st.lists(
    st.sampled_from(
        ["stop", "the", "app", "Orion", "MANDATORY", "(optional)", "(ELEPHANT-A)", "a_b", "<VERSION>", "x*y", "`code`", "[x]", "#1",
         "50%", "C:\\dir", "https://x.org/a_b_c", "caf\u00e9", "1.", "-", "it's", '"q"', "a: b", "&amp;", "~", "|", "!", "**b**"]
    ),
    min_size=1,
    max_size=5,
).map(" ".join)  # fmt: skip
"""Titles: words, and signs that mean something to Markdown or YAML."""

PROSE = st.sampled_from(
    [
        "Look at the dashboard.",
        "- one\n- two",
        "First.\n\nSecond `x`.",
        "> quoted",
        "a **b** c_d_e",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ]
)
SCRIPT = st.lists(
    st.sampled_from(
        ["echo hi", "# Should return 0", 'test -e "$X" && exit 1', "", "  indented", "cat <<E\n- [ ] x\n```\nE", "a \\\n  b", "x=`y`", "\ttab", "git tag <V>"]
    ),
    min_size=1,
    max_size=4,
).map(lambda lines: "\n".join(["true", *lines, "true"]))  # fmt: skip
LANGUAGES = st.sampled_from(["bash", "sh", "zsh", "console", "sql", "python", "text", ""])
CALLS = st.sampled_from(
    [
        "sqlite.state",
        {"process.absent": {"program": "orion"}},
        {
            "sqlite.query": {
                "database": "a.db",
                "sql": "SELECT 'a: b'",
                "expect": [[0, "x", None]],
                "strict": True,
                "at": {"y": 1.5},
            }
        },
        {"people.confirm": {}},
    ]
)
EXPECTATIONS = st.sampled_from(
    ["Should return 0", "nothing", "all is well", {"contains": "a: b"}, {"regex": r"\d+ rows"}, {"number": "<= 5"}, {"nothing": True},
     {"status": 0}, [{"equals": "x"}, "Should show: y"], {"contains": "z", "text": "the z"}, {"prose": "looks right"}]
)  # fmt: skip


def _facts(draw: st.DrawFn) -> dict[str, Any]:
    """Some facts of a step."""
    facts: dict[str, Any] = {}
    optional: list[tuple[str, st.SearchStrategy[Any]]] = [
        ("expect", EXPECTATIONS),
        ("confirm", st.sampled_from([True, "RESTORE", "a: b"])),
        ("timeout", st.sampled_from([30, "5m", 0.25, "1h30m", 90.5, "250ms"])),
        ("auto", st.booleans()),
        ("reference", st.booleans()),
        ("idempotent", st.booleans()),
        ("verify", CALLS),
        ("when", st.sampled_from(["TARGET", "TARGET == 'a b'", "not TARGET"])),
        ("interactive", st.booleans()),
        ("cwd", st.sampled_from(["~/x", "a b"])),
        ("env", st.sampled_from([{"LANG": "C", "A": "x\ny"}, {"B": ""}])),
        ("shell", st.sampled_from(["bash", "/bin/dash"])),
        ("mandatory", st.booleans()),
        ("optional", st.booleans()),
        ("tags", st.sampled_from([["ELEPHANT-A"], ["OTHER-B", "X-1"]])),
        ("checked", st.booleans()),
    ]
    for key, strategy in optional:
        if draw(st.integers(0, 7)) == 0:
            facts[key] = draw(strategy)
    if draw(st.integers(0, 4)) == 0:
        facts[draw(st.sampled_from(["check", "action", "watch"]))] = draw(CALLS)
    return facts


@st.composite
def _code(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.integers(0, 3)):
        case 0:
            return {"run": draw(SCRIPT)}
        case 1:
            block = st.fixed_dictionaries({"language": LANGUAGES, "text": SCRIPT})
            return {"code": draw(st.lists(block, min_size=1, max_size=2))}
        case _:
            return {}


@st.composite
def steps(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """A step, with its facts, code or options, and sub-steps."""
    step: dict[str, Any] = {"title": draw(WORDS), **_facts(draw)}
    if draw(st.integers(0, 4)) == 0:
        step["id"] = f"id-{draw(st.integers(0, 10**6))}"
    if draw(st.booleans()):
        step["text"] = draw(PROSE)
    step |= draw(_code())
    if draw(st.integers(0, 5)) == 0:
        option = st.tuples(WORDS, _code()).map(lambda pair: {"title": pair[0], **pair[1]})
        step["options"] = draw(st.lists(option, min_size=2, max_size=3))
        step["options"][0]["recommended"] = draw(st.booleans())
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        step["steps"] = draw(st.lists(steps(depth + 1), min_size=1, max_size=2))
    return step


@st.composite
def sections(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """A section, with text, code, steps and sub-sections."""
    section: dict[str, Any] = {
        "title": draw(st.one_of(WORDS, st.sampled_from(["Rollback", "Success Criteria", "Gates", "Notes"])))
    }
    for key, strategy in (
        ("kind", st.sampled_from(["steps", "rollback", "criteria", "gates"])),
        ("mandatory", st.booleans()),
        ("optional", st.booleans()),
        ("text", PROSE),
        (
            "code",
            st.lists(st.fixed_dictionaries({"language": LANGUAGES, "text": SCRIPT}), min_size=1, max_size=2),
        ),
        ("steps", st.lists(steps(), min_size=1, max_size=3)),
    ):
        if draw(st.integers(0, 2)) == 0:
            section[key] = draw(strategy)
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        section["sections"] = draw(st.lists(sections(depth + 1), min_size=1, max_size=2))
    return section


@st.composite
def checklists(draw: st.DrawFn) -> bytes:
    """The bytes of a YAML checklist."""
    top: dict[str, Any] = {
        "title": draw(WORDS),
        "variables": {
            "TARGET": draw(
                st.sampled_from(
                    ["", "a b", {"prompt": "Which?", "secret": True}, {"type": "path", "default": "~"}]
                )
            )
        },
        "sections": draw(st.lists(sections(), max_size=4)),
    }
    for key, strategy in (
        ("metadata", st.dictionaries(WORDS, st.one_of(WORDS, st.sampled_from(["", "a\nb", "1.0"])), max_size=3)),
        ("notes", st.sampled_from([{"ELEPHANT-A": "The app must be stopped."}, {"TIGER-B": "a: b", "X-1": "*y*"}])),
        ("cwd", st.just("~/a b")),
        ("carry", st.booleans()),
        ("text", PROSE),
        ("steps", st.lists(steps(), min_size=1, max_size=2)),
    ):  # fmt: skip
        if draw(st.integers(0, 2)) == 0:
            top[key] = draw(strategy)
    _unique_ids(top, set())
    return (value(top) + "\n").encode()


def _unique_ids(node: Any, seen: set[str]) -> None:
    """Drop ids that stand twice."""
    if isinstance(node, list):
        for item in node:
            _unique_ids(item, seen)
    elif isinstance(node, dict):
        if "title" in node and node.get("id") in seen:
            del node["id"]
        seen.add(str(node.get("id")))
        for item in node.values():
            _unique_ids(item, seen)
