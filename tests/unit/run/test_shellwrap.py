"""The wrapper around a script: invisible to it, and exact about how it ended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.supervised import BASH, Bench, bench

from orion_deploy.run import shellwrap
from orion_deploy.run.attempt import carried


@pytest.fixture(scope="module")
def shells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One launcher for all."""
    with bench(tmp_path_factory.mktemp("wrap")) as made:
        yield made


IS_OLD = BASH.endswith("3.2")
not_old = pytest.mark.skipif(
    IS_OLD, reason="bash 3.2 has no ERR trap for a subshell, and counts lines differently"
)


def failures(ran_shell: object) -> list[tuple[int, int, str]]:
    """Line, status and command of each."""
    return [(f.line, f.status, f.command) for f in ran_shell.failures]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("script", "status", "reached_end", "left_line"),
    [
        ("true", 0, True, 0),
        ("echo a\nfalse\n", 1, True, 0),
        ("", 0, True, 0),
        ("# only a comment", 0, True, 0),
        ("echo a\n\nexit 3\necho b", 3, False, 3),
        ("echo a; exit 0", 0, False, 1),
        ("true\nexit", 0, False, 2),
        ("false\nexit", 1, False, 2),
        ("f() {\n  exit 4\n}\necho\nf", 4, False, 2),
        ("(exit 3)\ntrue", 0, True, 0),
        ("x=$(exit 5)\ntrue", 0, True, 0),
        ("echo | while read x; do exit 7; done\ntrue", 0, True, 0),
        ("while read x; do exit 7; done <<< a\ntrue", 7, False, 1),
        ("set -e\nfalse\ntrue", 1, False, 0),
        ("set -u\necho $nope\ntrue", 1, False, 0),
        ("set -eu\ngrep -q x /dev/null && exit 9", 1, True, 0),
        ("set -eo pipefail\nfalse | cat\ntrue", 1, False, 0),
        ("grep -q x /dev/null && echo no && exit 9", 1, True, 0),
        ("return 3\necho no", 3, True, 0),
        ("trap 'echo bye' EXIT\nexit 2", 2, False, 2),
        ("trap 'exit 8' EXIT\ntrue", 8, True, 0),
        ("cat <<X\nhello", 0, True, 0),
        ("echo a \\", 0, True, 0),
        ("exec true", 0, None, 0),
        ("exec sh -c 'exit 6'", 6, None, 0),
        ("echo a\r\nexit 3\r\n", 3, False, 2),
        ("command exit 3", 3, False, 0),
        ("eval 'exit 3'", 3, False, 1),
        ("set -o posix\nexit 3", 3, False, 0),
        ("shopt -s extdebug; set -T\nfalse\ntrue", 0, True, 0),
    ],
)
def test_the_end_of_a_script_is_known(
    shells: Bench, script: str, status: int, reached_end: bool | None, left_line: int
) -> None:
    """Reached its end, or left: by `exit` (and at which line), by `set -e`; a subshell's exit is not the script's."""
    ran = shells.run(script)
    seen = (ran.shell.exit_status, ran.shell.reached_end, ran.shell.left_line)
    assert seen == (status, reached_end, left_line), ran.output
    assert not ran.shell.is_syntax_error


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("true\ncp a\ntrue", [(2, 1, "cp a")]),
        ("nosuchprogram x\ntrue", [(1, 127, "nosuchprogram x")]),
        ("false || true\nif false; then :; fi\n! true\ntrue", []),
        pytest.param(
            "x=$(false)\n(exit 3)\ntrue", [(1, 1, "x=$(false)"), (2, 3, "( exit 3 )")], marks=not_old
        ),
        pytest.param("f() {\n  false\n  true\n}\nf", [(2, 1, "false")], marks=not_old),
        ("trap 'echo mine' ERR\nfalse\ntrue", []),
        ("IFS=0123456789\nfalse\ntrue", [(2, 1, "false")]),
        ("set -f; set -C; set -x\nfalse\ntrue", [(2, 1, "false")]),
        ("(false; true)\n{ false; }\ntrue", [(2, 1, "false")]),
    ],
)
def test_failures_in_the_middle_are_noted(
    shells: Bench, script: str, expected: list[tuple[int, int, str]]
) -> None:
    """A command that fails and whose status is hidden is noted with its line; a condition is none."""
    assert failures(shells.run(script).shell) == expected


@not_old
def test_lines_are_those_of_the_script(shells: Bench) -> None:
    """Lines are counted through loops, continuations, here-documents and sourced files."""
    (shells.root / "lib.sh").write_text("true\nfalse\ntrue\n")
    script = "for i in 1 2; do\n  false\ndone\ncat <<X >/dev/null\na\nX\nfalse\n. ./lib.sh\ncp \\\n  a\ntrue"
    *lines, continued = [line for line, _, _ in failures(shells.run(script).shell)]
    assert lines == [2, 7, 8]
    assert continued in (9, 10)  # Of the lines of one command, shells choose differently.


@not_old
def test_the_statuses_of_a_failed_pipeline_are_noted(shells: Bench) -> None:
    """Of a pipeline every status is known, the last one of the script included."""
    ran = shells.run("(exit 4) | grep x\ntrue | false | true | (exit 2)")
    assert [f.pipeline for f in ran.shell.failures] == [(4, 1), (0, 1, 0, 2)]
    assert ran.shell.pipeline == (0, 1, 0, 2)


@not_old
def test_failures_are_bounded(shells: Bench) -> None:
    """A loop of failing commands leaves a bounded record, and does not hide the failure that comes after it."""
    ran = shells.run("for ((i = 0; i < 3000; i++)); do false; done\ncp a\ntrue")
    assert [f.line for f in ran.shell.failures] == [1, 2]
    ran = shells.run("for ((i = 1; i < 200; i++)); do (exit $i); done; true")
    assert len(ran.shell.failures) == shellwrap.FAILURES_MAX


@pytest.mark.parametrize(
    "script",
    ['echo a\necho "unterminated\n', "echo a\nif true; then\necho b\n", "echo a\nfoo (( ;;\n", "echo a; }"],
)
def test_an_error_of_syntax_is_told(shells: Bench, script: str) -> None:
    """What the shell cannot read is an error of syntax, with the script's own line in the message."""
    ran = shells.run(script)
    assert ran.shell.is_syntax_error
    assert ran.shell.exit_status
    assert "line " in ran.output


def test_a_status_of_2_is_no_error_of_syntax(shells: Bench) -> None:
    """A script that ends with status 2 of a command is not taken for one that cannot be read."""
    assert not shells.run("ls /nonexistent").shell.is_syntax_error


@not_old
def test_the_scripts_own_traps_work(shells: Bench) -> None:
    """EXIT, ERR and TERM traps of the author run, once, with the status they would see without us."""
    ran = shells.run(
        "trap 'echo exit $?' EXIT\ntrap 'echo err $?' ERR\n(exit 4)\ngrep -q x /dev/null && true\n"
    )
    assert ran.output == "err 4\nexit 1\n"
    ran = shells.run("trap 'echo got it; exit 5' TERM\nkill -TERM $$\nsleep 5")
    assert (ran.output, ran.shell.exit_status) == ("got it\n", 5)


def test_tracing_shows_the_script_alone(shells: Bench) -> None:
    """`set -x` prints the author's commands and next to nothing of the wrapper."""
    ran = shells.run("set -x\nfalse\necho a")
    lines = [line for line in ran.output.splitlines() if line.startswith("+")]
    assert [line.lstrip("+ ") for line in lines] == ["false", "echo a"]
    assert "__step" not in ran.output


def test_options_of_the_script_hold_in_its_exit_trap(shells: Bench) -> None:
    """What the script set with `set -e` still holds when its EXIT trap runs."""
    assert shells.run("set -e\ntrap 'false; echo not reached' EXIT\ntrue").output == ""


def test_children_inherit_no_descriptor_of_ours(shells: Bench) -> None:
    """A command of the script sees standard input, output and error, and nothing else."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    ran = shells.run("cat /proc/self/cmdline >/dev/null; ls /proc/self/fd; readlink /proc/self/fd/0")
    # `ls` itself has the folder open, as 3.
    assert ran.output.split() == ["0", "1", "2", "3", "/dev/null"]


def test_nothing_of_the_script_is_in_an_argv(shells: Bench) -> None:
    """Neither the shell nor what stands above it shows the script's words, its path, or the app's name."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("needs /proc")
    ran = shells.run(
        "marker=zebra_crossing\np=$$\nfor i in 1 2 3; do tr '\\0' ' ' </proc/$p/cmdline; cat /proc/$p/comm\n"
        'read -r _ _ _ p _ <<< "$(sed "s/(.*)/x/" /proc/$p/stat)"; [ "$p" -gt 1 ] || break; done'
    )
    words = ran.output.splitlines()
    assert words[0].startswith(f"{BASH} /dev/fd/9 bash") or "/dev/fd/9" in words[0]
    above = " ".join(words[:3])
    for word in ("zebra", "orion", str(shells.root), "python"):
        assert word not in above.replace(BASH, "bash"), above


def test_a_script_finds_no_words_of_its_own(shells: Bench) -> None:
    """`pgrep -f` with a word that only the script holds finds nothing: not the script's shell, not its supervisor."""
    if shutil.which("pgrep") is None:
        pytest.skip("needs pgrep")
    assert shells.run("pgrep -f zebra_crossing_9731").shell.exit_status == 1


def test_cd_and_variables_reach_the_next_script(shells: Bench, tmp_path: Path) -> None:
    """`cd`, `export`, `unset` and plain variables come to the next step; and what that leaves, to the one after."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    env = {"PATH": "/usr/bin:/bin", "GONE": "1", "HOME": str(tmp_path)}
    first = shells.run(f"cd '{folder}'; export WORD=$'a b\\n\"c\" $d'; unset GONE; plain=\"it's\"", env=env)
    names = set(first.result.carried)
    assert names == {"cwd", "WORD", "GONE", "plain"}
    second = shells.run(
        'pwd; echo "$WORD|${GONE-unset}|$plain"; export MORE=1', env=env, carried_from=str(first.directory)
    )
    assert second.output == f'{folder}\na b\n"c" $d|unset|it\'s\n'
    assert second.result.carried == ("MORE",)
    third = shells.run("pwd; echo $MORE $plain", env=env, carried_from=str(second.directory))
    assert third.output == f"{folder}\n1 it's\n"
    assert carried(third.directory).cwd == str(folder)


def test_what_was_carried_is_kept_privately(shells: Bench) -> None:
    """The file with carried values is 0600; values of other variables are in no file of the attempt."""
    env = {"PATH": "/usr/bin:/bin", "TOKEN": "kept-out-of-files"}
    ran = shells.run("export WORD=carried-value; umask 000; touch here", env=env)
    assert (ran.directory / "carried.json").stat().st_mode & 0o777 == 0o600
    assert "carried-value" in (ran.directory / "carried.json").read_text()
    for path in ran.directory.iterdir():
        assert path.is_fifo() or b"kept-out-of-files" not in path.read_bytes(), path


def test_it_is_carried_after_an_exit_and_with_an_own_trap(shells: Bench) -> None:
    """An explicit `exit 0` leaves the variables too, even where the author has an EXIT trap."""
    assert shells.run("export A=1\nexit 0").result.carried == ("A",)
    assert shells.run("trap 'echo bye' EXIT\nexport A=1\nexit 0").result.carried == ("A",)


def test_a_step_that_names_its_folder_keeps_it(shells: Bench) -> None:
    """`keep_cwd`: a carried `cd` does not move the step, and is still there for the next one."""
    first = shells.run("cd /; export A=1")
    second = shells.run("pwd; echo $A", carried_from=str(first.directory), keep_cwd=True)
    assert second.output == f"{shells.root}\n1\n"
    assert shells.run("pwd", carried_from=str(second.directory)).output == "/\n"


def test_a_value_given_anew_beats_a_carried_one(shells: Bench) -> None:
    """A script's change of a run's variable is carried, until the operator gives that variable another value."""
    first = shells.run("export VERSION=2", env={"PATH": "/usr/bin:/bin", "VERSION": "1"})
    again = shells.run(
        "echo $VERSION", env={"PATH": "/usr/bin:/bin", "VERSION": "1"}, carried_from=str(first.directory)
    )
    assert again.output == "2\n"
    other = shells.run(
        "echo $VERSION", env={"PATH": "/usr/bin:/bin", "VERSION": "3"}, carried_from=str(first.directory)
    )
    assert other.output == "3\n"


def test_an_untouched_environment_leaves_nothing(shells: Bench) -> None:
    """A script that changes nothing carries nothing, whatever the shell itself exports."""
    ran = shells.run("true", env={"PATH": "/usr/bin:/bin", "SHLVL": "3", "bad-name": "x", "EMPTY": ""})
    assert ran.result.carried == ()
    assert not (ran.directory / "carried.json").exists()


def test_zsh_blocks_run_under_zsh(shells: Bench) -> None:
    """The syntax of zsh works, its end and failures are known, `cd` and `export` are carried."""
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    ran = shells.run("a=(x y z)\nfalse\necho ${a[1]}\ncd /; export A='1 2'", interpreter=("zsh",))
    assert ran.output == "x\n"
    assert ran.shell.reached_end
    assert [(f.line, f.status) for f in ran.shell.failures] == [(2, 1)]
    assert set(ran.result.carried) == {"cwd", "A"}
    assert shells.run('pwd; echo "$A"', carried_from=str(ran.directory)).output == "/\n1 2\n"
    left = shells.run("exit 3", interpreter=("zsh",))
    assert (left.shell.exit_status, left.shell.reached_end) == (3, False)


def test_a_shell_that_is_missing_is_said(shells: Bench) -> None:
    """An interpreter that is not installed gives a sentence, and no status."""
    ran = shells.run("echo", interpreter=("nosuchshell",))
    assert "`nosuchshell` cannot be run" in ran.result.spawn_error
    assert ran.shell.exit_status is None


def test_another_interpreter_reads_the_script_as_it_is(shells: Bench) -> None:
    """Without a shell there is no wrapper: the script's path is the last word of the argv."""
    ran = shells.run("import sys; print(sys.argv)\n", interpreter=("/usr/bin/env", "python3"), is_shell=False)
    assert ran.output == "['/dev/fd/9']\n"


def test_crlf_and_a_byte_order_mark_are_taken_off() -> None:
    """Scripts written elsewhere run; a lone carriage return is the author's."""
    assert shellwrap.as_run(b"\xef\xbb\xbfecho a\r\necho 'b\rc'\r\n") == b"echo a\necho 'b\rc'\n"


@pytest.mark.parametrize("value", ["", "a b", "it's", '"$x`y`"', "a\nb", "\\"])
def test_quoting_is_exact(shells: Bench, value: str) -> None:
    """A plain variable of any value arrives unchanged."""
    assert shellwrap.quoted(value).startswith("'")
    name = shellwrap.quoted(value)
    first = shells.run(f"kept={name}")
    again = shells.run('printf "%s." "$kept"', carried_from=str(first.directory))
    assert again.output == f"{value}."


def test_a_script_cannot_take_the_shell_from_later_ones(shells: Bench) -> None:
    """A broken PATH reaches the next step as it was left, and yet that step's own shell is found."""
    for path in ("", "/nonexistent"):
        first = shells.run(f"export PATH={path}")
        second = shells.run('echo "[$PATH]"; export PATH=/usr/bin:/bin', carried_from=str(first.directory))
        assert second.output == f"[{path}]\n"


def test_an_unset_plain_variable_does_not_come_back(shells: Bench) -> None:
    """What a script takes away is gone for the next one, even where nothing else is left."""
    first = shells.run("plain=1")
    second = shells.run("unset plain", carried_from=str(first.directory))
    assert second.result.carried == ("plain",)
    assert shells.run("echo ${plain-gone}", carried_from=str(second.directory)).output == "gone\n"


def test_the_posix_mode_of_bash_breaks_no_step(shells: Bench) -> None:
    """`POSIXLY_CORRECT` from the operator or an earlier step is the script's own; its end is known all the same."""
    first = shells.run("export POSIXLY_CORRECT=1")
    for script, ending in (("true", (0, True)), ("exit 3", (3, False))):
        ran = shells.run(
            f"echo $POSIXLY_CORRECT $(set -o | grep -c 'posix.*on')\n{script}",
            carried_from=str(first.directory),
        )
        assert ran.output == "1 1\n"
        assert (ran.shell.exit_status, ran.shell.reached_end) == ending
    second = shells.run("set -o posix; export A=1")
    assert shells.run("echo $A", carried_from=str(second.directory)).output == "1\n"


def test_no_file_of_a_script_runs_before_a_later_one(shells: Bench) -> None:
    """`BASH_ENV` holds for the programs of the step that set it, and cannot end a later step before it began."""
    first = shells.run("echo 'exit 0' > ends.sh; export BASH_ENV=$PWD/ends.sh A=1; bash -c 'echo no'")
    assert first.output == ""
    second = shells.run("echo $A; exit 4", carried_from=str(first.directory))
    assert (second.output, second.shell.exit_status) == ("1\n", 4)
