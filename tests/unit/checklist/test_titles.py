"""Titles are what a reader of the rendered page reads."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.checklist.titles import TITLE_CHARACTERS_MAX, label_of, plain_title

EXAMPLES = int(os.environ.get("ORION_FUZZ_EXAMPLES", "200"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("plain words", "plain words"),
        ("**STOP** the app", "STOP the app"),
        ("***very*** _loud_ __words__", "very loud words"),
        ("run `git push --force`", "run git push --force"),
        ("`` a ` b ``", "a ` b"),
        ("`  two  `", "two"),
        ('[the docs](https://x.y/z "t") say', "the docs say"),
        ("[a `b` **c**](<d e>)", "a b c"),
        ("[a](b (c) d)", "[a](b (c) d)"),
        ("[a](b(c)d)", "a"),
        ("![logo](x.png) Release", "Release"),
        ("![logo](x.png)", "logo"),
        ("[![badge](a)](b) build", "build"),
        ("<https://x.y/_z_> and <a@b.c>", "https://x.y/_z_ and a@b.c"),
        ("https://x.y/a_b_c/*d* and **https://x.y**", "https://x.y/a_b_c/*d* and https://x.y"),
        ("a <br> b <!-- c --> d", "a b d"),
        ("5 < 6 && 7 > 6", "5 < 6 && 7 > 6"),
        ("Q&amp;A &copy; &#65;&#x42; &nope;", "Q&A © AB &nope;"),
        (r"\*not\* \[x\] \_ \\ C:\dir", r"*not* [x] _ \ C:\dir"),
        ("snake_case_name and 2*3*4", "snake_case_name and 234"),
        ("~~old~~ ~new~ ~~~three~~~", "old new ~~~three~~~"),
        ("in ~/a and ~/b", "in ~/a and ~/b"),
        ("a\n  b\\\nc  \nd", "a b c d"),
        ("* not a mark * and ** neither **", "* not a mark * and ** neither **"),
        ("**unclosed and `open", "**unclosed and `open"),
        ("**a*", "*a"),
        ("*a **b* c**", "a b c"),
        ("[x] not a box, [ ] neither", "[x] not a box, [ ] neither"),
        ("检查 **JWT_SECRET** 已修改", "检查 JWT_SECRET 已修改"),
        ("**注意：**文字", "**注意：**文字"),
        ("wait\u00a0for\u3000it", "wait for it"),
        ("", ""),
    ],
)  # fmt: skip
def test_words(source: str, words: str) -> None:
    """Marks go, words stay, as on GitHub."""
    assert plain_title(source) == words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("see [the plan][Plan A]", "see the plan"),
        ("see [plan  a][]", "see plan a"),
        ("see [PLAN A]", "see PLAN A"),
        ("see [other]", "see [other]"),
        ("see [text][other]", "see [text][other]"),
    ],
)
def test_references(source: str, words: str) -> None:
    """A reference is a link only where the document defines its label, in whatever case."""
    assert plain_title(source, {label_of("plan a")}) == words


PIECES = st.sampled_from(
    ["*", "**", "_", "__", "~", "~~", "`", "``", "a", "b c", " ", "\n", "[", "]", "(", ")", "![", "[x]", "[a](b)", "<b>", "<",
     "<http://x.y>", "&amp;", "\\", "\\*", "!", "http://a.b/c_d_e", "é", "。", ".", "'", '"', "<!-- c -->"]
)  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=12).map(lambda pieces: "z" + "".join(pieces)))
def test_same_words_as_cmark(source: str) -> None:
    """Any line reads as in GitHub's own parser (where `cmarkgfm` is installed), but for odd corners of it."""
    cmark = pytest.importorskip(
        "cmarkgfm", reason="the package cmarkgfm is not installed: nothing to compare with"
    )
    from support.cmark import cmark_outline

    odd_corners = ("``", "~", "\n", "(( ")
    if any(corner in source for corner in odd_corners):
        return
    heading = cmark_outline(cmark, f"# {source}\n")[0][2]
    ours = plain_title(source)
    assert "1 " + ours == heading or "![" in source


@pytest.mark.parametrize(
    "source",
    [
        "*a _b " * 800, "**a *b " * 700, "[" * 4_900, "]" * 4_900, "[a](" * 1_200, "![" * 2_400, "<a " * 1_600, "<!-- " * 980,
        "&a" * 2_400, "~" * 4_900, "_~" * 2_400, "(" * 4_900, "`a``b```c" * 500, "http://a.b/&a;" + "&a;" * 1_600,
        "http://a.b/" + ")" * 4_800, "\\" * 4_900, "".join("`" * n + " " for n in range(95)), "*" * 1_000_000, "[" * 1_000_000,
    ],
    ids=range(19),
)  # fmt: skip
def test_costs_no_more_than_its_length(source: str) -> None:
    """No title is a trap: each is read in well under a tenth of a second, or left as it is."""
    begin = time.process_time()
    plain_title(source, {"a"})
    assert time.process_time() - begin < 0.5


def test_longer_texts_keep_their_marks() -> None:
    """Beyond the cap a text is data, and stays as it is."""
    assert plain_title("**a** " * TITLE_CHARACTERS_MAX).startswith("**a** **a**")
