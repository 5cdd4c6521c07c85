"""What a script leaves, read back from each shell's own quoting, and compared with what it began with."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.supervised import BASH

from orion_deploy.run.carry import NAMES_MAX, VALUE_BYTES_MAX, applied, carry_on, nothing, read_left
from orion_deploy.run.facts import read_facts

VALUE = "a\nb\"c$d`e\\f'g\th"
DUMPS = {
    "bash 5": (
        b'declare -x A=$\'a\\nb"c$d`e\\\\f\\\'g\\th\'\ndeclare -x EMPTY=""\ndeclare -x UNSET\ndeclare -- PLAIN="x y"\n'
        b'declare -a LIST=([0]="declare -x FAKE=\\"1\\"" [1]="b")\ndeclare -ir UID="0"\ndeclare -- IFS=$\' \\t\\n\'\n'
        b'declare -ix NUMBER="5"\ndeclare -x bad-name\ndeclare -- __step_end="1"\ndeclare -- BASH_VERSION="5.2"\n'
    ),
    "bash 4.4": (
        b'declare -x A="a\nb\\"c\\$d\\`e\\\\f\'g\th"\ndeclare -x EMPTY=""\ndeclare -x UNSET\ndeclare -- PLAIN="x y"\n'
        b'declare -x NUMBER="5"\ndeclare -- IFS=" \t\n"\n'
    ),
    "bash 3.2": (
        b'declare -x A="a\nb\\"c\\$d\\`e\\\\f\'g\th"\ndeclare -x EMPTY=""\ndeclare -x UNSET\ndeclare -x NUMBER="5"\n\0\n'
        b"A=$'a\\nb\"c$d`e\\\\f\\'g\\th'\nBASH_VERSION='3.2.57(1)-release'\nEMPTY=\nIFS=$' \\t\\n'\nLIST=([0]=\"a\")\n"
        b"PLAIN='x y'\nNUMBER=5\nbad-name=1\nf () \n{ \n    FAKE=1\n}\n"
    ),
    "zsh": b"A=" + VALUE.encode() + b"\0EMPTY=\0NUMBER=5\0",
}


@pytest.mark.parametrize("shell", DUMPS)
def test_the_quoting_of_each_shell_is_undone(shell: str) -> None:
    """Exported variables come with their exact values; plain ones where the shell tells; nothing else."""
    left = read_left(DUMPS[shell])
    assert left["exported"] == {"A": VALUE, "EMPTY": "", "NUMBER": "5"}
    assert left["variables"] == (None if shell == "zsh" else {"PLAIN": "x y"})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40), max_size=6
    )
)
def test_any_value_is_read_back(values: list[str]) -> None:
    """What the real shell prints of any value is read as that value."""
    env = {f"VALUE_{number}": value for number, value in enumerate(values)}
    done = subprocess.run(
        [BASH, "-c", "export -p; printf '\\0\\n'; declare -p" if BASH.endswith("3.2") else "declare -p"],
        env=env | {"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        capture_output=True,
    )
    exported = read_left(done.stdout)["exported"]
    assert {name: exported.get(name) for name in env} == env


def test_only_the_difference_is_kept() -> None:
    """Changed, new and removed variables are; what the shell itself exports is not; names are told."""
    left = read_left(
        b'declare -x A="1"\ndeclare -x NEW="n"\ndeclare -x SHLVL="2"\ndeclare -x OLDPWD="/"\ndeclare -- p="x"\n'
    )
    kept, names = carry_on(
        nothing(), {"A": "1", "GONE": "g", "SHLVL": "1", "bad-name": "b"}, {}, left, "/srv"
    )
    assert kept["env"] == {"NEW": "n", "OLDPWD": "/", "GONE": None}
    assert kept["cwd"] == "/srv"
    assert set(names) == {"cwd", "NEW", "GONE", "p"}
    assert applied(kept, {"A": "1", "GONE": "g"}, {}) == {"A": "1", "NEW": "n", "OLDPWD": "/"}


def test_an_end_that_nobody_saw_keeps_what_was_there() -> None:
    """After `exec` or a kill what earlier steps left is still what counts."""
    before, _ = carry_on(nothing(), {}, {}, read_left(b'declare -x A="1"\ndeclare -- p="x"\n'), "/srv")
    assert carry_on(before, {"A": "1"}, {}, None, "") == (before, ())
    zsh, names = carry_on(before, {"A": "1"}, {}, read_left(b"A=2\0"), "")
    assert (zsh["variables"], zsh["env"], names) == ({"p": "x"}, {"A": "2"}, ("A",))


def test_it_is_bounded() -> None:
    """A value too long for the system, and the thousandth name, are not carried; that some were cut is said."""
    dump = b'declare -x LONG="%b"\n' % (b"x" * (VALUE_BYTES_MAX + 1))
    dump += b"".join(b'declare -- v%d="1"\n' % number for number in range(NAMES_MAX + 100))
    kept, names = carry_on(nothing(), {}, {}, read_left(dump), "")
    assert "LONG" not in kept["env"]
    assert len(kept["variables"]) == NAMES_MAX
    assert "LONG" not in names
    assert names[-1] == f"(100 more were not kept: at most {NAMES_MAX} are)"


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"failed", b"end", b"folder", b"syntax", b"left", b"1", b""])),
)
def test_no_record_breaks_the_reader(noise: bytes, words: list[bytes]) -> None:
    """Half-written and strange records are passed over."""
    facts = read_facts(b"\0".join(words) + noise)
    assert facts.reached_end in (True, False, None)
    read_left(b"declare " + noise)
    read_left(noise + b"\0\n" + noise)


def test_records_are_read() -> None:
    """Failures with their pipelines, the folder, the end."""
    facts = read_facts(b"failed\0001\0007\0grep x\0000 1 \0end\0003\0000 3 \0folder\0/a\nb\n\0")
    assert facts.failures == [(7, 1, "grep x", [0, 1])]
    assert (facts.reached_end, facts.pipeline, facts.folder) == (True, [0, 3], "/a\nb")
    assert read_facts(b"exit\00012\0").left_line == 12
    assert read_facts(b"failed\0001\0007").failures == []
