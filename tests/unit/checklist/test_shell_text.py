"""Scripts are taken apart into commands, words and quotes, and nothing makes that fail."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fuzz import EXAMPLES

from orion_deploy.checklist.shell_text import SCRIPT_CHARACTERS_MAX, commands_named, parse, program


def words(script: str) -> list[list[str]]:
    """The texts of every command's words."""
    return [[word.text for word in command.words] for command in parse(script).commands]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a b c", [["a", "b", "c"]]),
        ("a && b || c; d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a # b; c\nd", [["a"], ["d"]]),
        ("a#b", [["a#b"]]),
        ("a 'b c' \"d e\"f\\ g", [["a", "b c", "d ef g"]]),
        ('a "b \\"c\\" \\n"', [["a", 'b "c" \\n']]),
        ("git push \\\n  --force", [["git", "push", "--force"]]),
        ("(cd x && ls)", [["cd", "x"], ["ls"]]),
        ("if a; then b; else c; fi", [["a"], ["b"], ["c"], ["fi"]]),
        ("! a", [["a"]]),
        ("a $(b 'c d') e", [["a", "$(b 'c d')", "e"], ["b", "c d"]]),
        ('a "x $(b "c")"', [["a", 'x $(b "c")'], ["b", "c"]]),
        ("kill `cat pid`", [["kill", "`cat pid`"], ["cat", "pid"]]),
        ("a ${x:-'b'} $((1 + 2))", [["a", "${x:-'b'}", "$((1 + 2))"]]),
        ("diff <(a b) c", [["diff", "<(a b)", "c"], ["a", "b"]]),
        ("cat <<EOF\nrm -rf /\nEOF\nb", [["cat"], ["b"]]),
        ("cat <<'E'\n$(x)\nE\n", [["cat"]]),
        ("", []),
        ("# nothing", []),
    ],
)
def test_words(script: str, expected: list[list[str]]) -> None:
    """Commands are found where a shell finds them, quotes taken off, here-documents left out."""
    assert words(script) == expected


def test_redirections_and_here_documents_belong_to_their_command() -> None:
    """A redirection names its file; a here-document's body comes with the command that reads it."""
    first, second = parse("cat <<A | sqlite3 db < up.sql 2>&1\nselect 1;\nA\n").commands
    assert [(r.operator, r.body) for r in first.redirects] == [("<<", "select 1;\n")]
    assert [(r.operator, r.target and r.target.text) for r in second.redirects] == [
        ("<", "up.sql"),
        (">&", "1"),
    ]
    assert (first.after, second.before, second.after) == ("|", "|", "\n")


@pytest.mark.parametrize(
    ("script", "wrappers", "name"),
    [
        ("sudo -u orion pkill -f x", ("sudo",), "pkill"),
        ("timeout -k 5 30s sqlite3 db", ("timeout",), "sqlite3"),
        ("A=1 B=2 env C=3 /usr/bin/rm x", ("env",), "/usr/bin/rm"),
        ("nohup nice -n 5 app", ("nohup", "nice"), "app"),
        ("A=1", (), ""),
    ],
)
def test_the_real_program(script: str, wrappers: tuple[str, ...], name: str) -> None:
    """What `sudo`, `timeout` and their like run is found behind their options."""
    found, rest = program(parse(script).commands[0])
    assert found == wrappers
    assert (rest[0].text if rest else "") == name


def test_commands_are_found_by_name_wherever_they_stand() -> None:
    """By base name, behind wrappers, and within substitutions."""
    script = parse("x=$(sudo /usr/bin/pgrep -f a); pgrep b || echo pgrep")
    assert [w[-1].text for _, w in commands_named(script, "pgrep")] == ["a", "b"]


@pytest.mark.parametrize(
    ("script", "mark", "state"),
    [
        ("a 'X'", "X", "'"),
        ('a "X"', "X", '"'),
        ("a X # b", "X", ""),
        ("a # X", "X", "#"),
        ("cat <<E\nX\nE", "X", "<"),
        ('a "b $(c X) d"', "X", ""),
        ('a "b $(c) X"', "X", '"'),
    ],
)
def test_how_a_character_is_read(script: str, mark: str, state: str) -> None:
    """Every character is known as bare, quoted, comment or here-document."""
    assert parse(script).state_at(script.index(mark)) == state


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.text(alphabet=st.sampled_from(list("ab '\"\\`$(){}<>|&;#\n\t=!E-0")), max_size=80))
def test_any_text_is_taken_apart(text: str) -> None:
    """Nothing fails, and every word is the stretch of the script that it says it is."""
    script = parse(text)
    for command in script.commands:
        program(command)
        for word in command.words:
            assert text[word.start : word.end] == word.raw


def test_hostile_scripts_cost_little() -> None:
    """Deep, unclosed and very long scripts are taken apart, or left alone, within a second."""
    started = time.process_time()
    for piece in ("$(", "`", '"$(', "(", "<<E\n", "a=$((", "'", "\\", "&", "<", "1", "${", "\n", "a "):
        parse(piece * (SCRIPT_CHARACTERS_MAX // len(piece)))
    assert time.process_time() - started < 5
    assert parse("a " * SCRIPT_CHARACTERS_MAX).commands == ()
