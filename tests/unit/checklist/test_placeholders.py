"""Placeholders are found where a person must write something, and take only values that are one word to a shell."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orion_deploy.checklist.placeholders import fill, find_placeholders, why_unsafe
from orion_deploy.errors import RefusedError

HOSTILE = [
    "; touch PWN", "$(touch PWN)", "`touch PWN`", "' ; touch PWN ; '", '"; touch PWN; "', "a\nb; touch PWN", "-rf",
    "*", "~", "$HOME", "\\", "", "\x00x", "!!", "${IFS}", "'\"'\"'", "\udcff", "--", "$'\\n'", "| touch PWN",
    "& touch PWN", "> PWN", "<(touch PWN)", "{a,b}", "[a]", "#c", "a\tb", "x\rtouch PWN", "\u202ex",
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("git tag v<VERSION>", ("<VERSION>",)),
        ("git push <remote> <branch name>", ("<remote>", "<branch name>")),
        ("ssh <user>@<host> <user>", ("<user>", "<host>")),
        ("curl https://<host>:<port>/x", ("<host>", "<port>")),
        ("docker pull YOUR_REGISTRY/app", ("YOUR_REGISTRY",)),
        ("psql -h your-host -W your_password", ("your-host", "your_password")),
        ("helm upgrade {{ release }} {{chart}}", ("{{ release }}", "{{chart}}")),
        ("git tag vX.Y.Z && git push release-X.Y", ("vX.Y.Z", "X.Y")),
        ("echo '<NAME>' \"<OTHER>\"", ("<NAME>", "<OTHER>")),
        ("cat <<E\n<NAME>\nE", ("<NAME>",)),
        # none of these waits for a person
        ("sqlite3 db < up.sql > out", ()),
        ("sort <in.txt >out.txt", ()),
        ("diff <(a) <(b)", ()),
        ("cat <<EOF > file\nx\nEOF", ()),
        ("cmd <infile 2>err", ()),
        ("echo $YOUR_NAME ${YOUR_NAME}", ()),
        ("export YOUR_NAME=x", ()),
        ("docker ps --format '{{.Names}}'", ()),
        ("docker inspect -f '{{json .State}}{{end}}' x", ()),
        ("echo ${{ secrets.TOKEN }}", ()),
        ("# run with <VERSION>", ()),
        ("a # then YOUR_NAME", ()),
        ("echo '<b>bold</b><br>'", ()),
        ("printf '#include <stdio.h>'", ()),
        ("perl -ne 'print <STDIN>'", ()),
        ("a & b <c", ()),
        ("app-1.2.3 3.x 5.2.x", ()),
        ("./max.y.zip", ()),
    ],
)
def test_what_is_a_placeholder(script: str, expected: tuple[str, ...]) -> None:
    """Blanks for a person are found, each once; redirections, templates, variables, HTML and comments are not."""
    assert find_placeholders(script) == expected


def test_filled_in_where_it_stands() -> None:
    """Each placeholder gets its value everywhere but in comments, in one pass."""
    script = "# tag <VERSION>\ngit tag v<VERSION> && echo '<NAME>' <VERSION>"
    filled = fill(script, {"<VERSION>": "1.2.3", "<NAME>": "a b"})
    assert filled == "# tag <VERSION>\ngit tag v1.2.3 && echo 'a b' 1.2.3"


def test_a_missing_answer_is_refused() -> None:
    """No step runs with a placeholder left in it."""
    with pytest.raises(RefusedError, match="<B>"):
        fill("x <A> <B>", {"<A>": "1"})


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("script", ["printf %s <V>", "printf %s '<V>'", 'printf %s "<V>"', "cat <<E\n<V>\nE"])
def test_a_hostile_value_is_refused(script: str, value: str) -> None:
    """What a shell could read as more than one word is refused, bare and within the author's quotes."""
    with pytest.raises(RefusedError) as raised:
        fill(script, {"<V>": value})
    assert "edit the command" in raised.value.help
    assert raised.value.render()


def test_what_is_accepted_is_one_word_to_a_real_shell(tmp_path: Path) -> None:
    """Accepted values come out of bash exactly as they went in, bare and in either kind of quotes."""
    values = [
        "1.2.3",
        "a/b-c_d.e",
        "user@host:22",
        "50%",
        "\u00e9t\u00e9",
        "a,b",
        "+1",
        "0",
        "x=1",
        "two words",
    ]
    for value in values:
        for quote in ("", "'", '"'):
            if why_unsafe(value, is_quoted=bool(quote)):
                continue
            script = fill(f"printf '%s' {quote}<V>{quote}", {"<V>": value})
            done = subprocess.run(["bash", "-c", script], capture_output=True, cwd=tmp_path, check=True)
            assert done.stdout.decode() == value
    assert not why_unsafe("two words", is_quoted=True)
    assert why_unsafe("two words")


@settings(deadline=None)
@given(st.text(max_size=20))
def test_an_accepted_value_is_one_word(value: str) -> None:
    """For any text at all: if it is accepted bare, a shell's own word splitting returns it unchanged."""
    if not why_unsafe(value):
        assert shlex.split(f"x {value}") == ["x", value]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>ab YOUR_{}xX.yYzZ#'\"$\n")), max_size=60))
def test_every_placeholder_found_can_be_filled(script: str) -> None:
    """Whatever is found in any text is filled in, and filling leaves everything else as it was."""
    found = find_placeholders(script)
    assert fill(script, dict.fromkeys(found, "ok")).count("ok") >= len(found)
