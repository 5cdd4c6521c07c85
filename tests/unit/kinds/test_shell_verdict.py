"""The verdict of a shell step: what a status means, and what it does not. Every rule of docs/verdict.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orion_deploy.checklist.expectations import expectations_in
from orion_deploy.checklist.model import Expectation
from orion_deploy.kinds import answers
from orion_deploy.kinds.shell import HiddenFailure, ShellResult, shell_verdict
from orion_deploy.kinds.verdict import Verdict


def judged(
    script: str,
    status: int | None = 0,
    output: str | None = "",
    *,
    expect: tuple[Expectation, ...] | None = None,
    failures: tuple[tuple[int, int, str], ...] = (),
    **more: object,
) -> Verdict:
    """The verdict of a script that reached its end, unless `more` says otherwise."""
    more.setdefault("reached_end", True)
    hidden = tuple(HiddenFailure(*failure) for failure in failures)
    result = ShellResult(status, failures=hidden, **more)  # type: ignore[arg-type]
    return shell_verdict(script, result, output, expectations_in(script) if expect is None else expect)


def expected(matcher: str, value: str = "", text: str = "") -> tuple[Expectation, ...]:
    """One expectation of the key `expect`."""
    return (Expectation(text or f"{matcher} {value}".strip(), matcher, value),)


GUARD = 'pgrep -f orion && echo "ERROR: Orion is running." && exit 1'
STOP = f"# Check\n{GUARD}\n\npkill -SIGTERM -f orion\nsleep 2\n\n{GUARD}"


# The plain cases


def test_the_end_with_status_0_passes() -> None:
    """Reached its end with 0, nothing expected: passed, and what was printed is the value."""
    verdict = judged("sqlite3 a.db 'SELECT COUNT(*)'", output="9876\n")
    assert (verdict.outcome, verdict.value) == ("passed", "9876")
    assert "status 0" in verdict.reason


def test_an_explicit_exit_0_passes() -> None:
    """`exit 0` is as good as the end."""
    verdict = judged("exit 0", reached_end=False, left_line=1)
    assert (verdict.outcome, verdict.reason) == ("passed", "line 1 left with `exit 0`")


def test_an_explicit_exit_fails_with_its_line_and_what_it_said() -> None:
    """A guard that fired: failed, with the line and the message that the author wrote for this."""
    verdict = judged(STOP, 1, "4711\nERROR: Orion is running.\n", reached_end=False, left_line=2)
    assert verdict.outcome == "failed"
    assert verdict.reason.startswith("line 2 left the script with status 1: `pgrep -f orion && echo")
    assert "ERROR: Orion is running." in verdict.reason


def test_set_e_fails_with_the_command() -> None:
    """Left by `set -e`: the command and its line are named."""
    verdict = judged("set -e\ncp a b\nls", 1, failures=((2, 1, "cp a b"),), reached_end=False)
    assert (verdict.outcome, verdict.reason) == (
        "failed",
        "line 2: `cp a b` ended with status 1, at which the script left (set -e)",
    )


def test_leaving_for_an_unknown_reason_fails() -> None:
    """`set -u` and the like: what it said is the reason."""
    verdict = judged("set -u\necho $x", 1, "line 2: x: unbound variable", reached_end=False)
    assert verdict.outcome == "failed"
    assert "unbound variable" in verdict.reason


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"status": None, "signal": 9}, "signal 9 (KILL)"),
        ({"status": None, "signal": 15, "why": "timeout"}, "out of time"),
        ({"status": 0, "why": "timeout"}, "out of time"),
        ({"status": None, "signal": 15, "why": "cancelled"}, "cancelled"),
    ],
)
def test_signals_timeouts_and_cancels_fail(more: dict[str, object], words: str) -> None:
    """Whatever the status: what was cut off did not do its work."""
    verdict = judged("make", **more)  # type: ignore[arg-type]
    assert verdict.outcome == "failed"
    assert words in verdict.reason


def test_an_error_of_syntax_fails_and_says_so() -> None:
    """What the shell could not read did not run."""
    verdict = judged("echo 'a", 2, "/dev/fd/8: line 1: unexpected EOF\n", is_syntax_error=True)
    assert verdict.outcome == "failed"
    assert "syntax error" in verdict.reason
    assert "line 1: unexpected EOF" in verdict.reason


@pytest.mark.parametrize("status", [1, 2, 127])
def test_an_ordinary_failure_at_the_end_is_open(status: int) -> None:
    """The last command failed and nothing says what that means: the operator decides."""
    verdict = judged("npm run test\nnpm run test:integration", status, failures=((2, status, "npm run"),))
    assert verdict.outcome == "undecided"
    assert f"line 2: `npm run test:integration` ended with status {status}" in verdict.reason


# Guards


@pytest.mark.hazard("a search for a process as a guard in the last line", half="ours")
def test_a_guard_that_did_not_fire_passes() -> None:
    """`A && echo ERROR && exit 1` as the last command: status 1 means that A found nothing."""
    verdict = judged(STOP, 1, failures=((4, 1, "pkill -SIGTERM -f orion"),), pipeline=(1,))
    assert verdict.outcome == "passed"
    assert verdict.reason == (
        "line 7: the check `pgrep -f orion` found nothing (status 1), so its `exit` was not reached"
    )


@pytest.mark.parametrize(
    "script",
    [
        "lsof a.db && { echo open; exit 1; }",
        "lsof a.db && (echo open; exit 1)",
        "[ -e lock ] && exit 1",
        "ps aux | grep '[o]rion' && exit 1",
        "! [ -d data ] && echo missing && exit 1",
        "f() { [ -e x ] && return 1; }\npgrep x && exit 3",
    ],
)
def test_guards_in_every_form(script: str) -> None:
    """Groups, subshells, pipelines, negations."""
    assert judged(script, 1).outcome == "passed"


@pytest.mark.parametrize(
    ("status", "output", "pipeline", "words"),
    [
        (127, "lsof: command not found", (127,), "not installed"),
        (126, "", (126,), "cannot be executed"),
        (2, "", (2,), "status 2"),
        (1, "lsof: status error on /no/db: No such file or directory", (1,), "No such file"),
        (1, "", (2, 1), "2 | 1"),
    ],
)
def test_a_guard_whose_check_itself_failed_is_open(
    status: int, output: str, pipeline: tuple[int, ...], words: str
) -> None:
    """A check that could not look has not found "nothing"."""
    verdict = judged("lsof /no/db && echo open && exit 1", status, output, pipeline=pipeline)
    assert verdict.outcome == "undecided"
    assert words in verdict.reason


@pytest.mark.parametrize(
    "script",
    [
        "pgrep x && echo still running",
        "make && rm lock && exit 1",
        "make || echo failed && exit 1",
        "! pgrep x",
    ],
)
def test_what_only_looks_like_a_guard_is_open(script: str) -> None:
    """No exit, work between check and exit, alternatives: the status may mean anything."""
    assert judged(script, 1).outcome == "undecided"


def test_a_guard_that_fired_in_a_subshell_fails() -> None:
    """`A && (echo ...; exit 1)`: its exit leaves the subshell alone, and yet A found something."""
    script = "lsof a.db && (echo database is open; exit 1)"
    verdict = judged(script, 1, "app 12\ndatabase is open\n", failures=((1, 1, "( echo ...; exit 1 )"),))
    assert verdict.outcome == "failed"
    assert "database is open" in verdict.reason
    assert judged(script, 1, "app 12\ndatabase is open\n").outcome == "failed", (
        "a shell that does not report it"
    )
    assert judged(script, 1).outcome == "passed"


def test_a_guard_in_the_middle_that_could_not_look_is_open() -> None:
    """`pgrep` is not installed: the first guard said nothing, however well the rest went."""
    script = "pgrep -f app && echo ERROR && exit 1\necho done"
    verdict = judged(script, 0, "/dev/fd/8: line 1: pgrep: command not found\ndone\n")
    assert verdict.outcome == "undecided"
    assert verdict.reason == "line 1: `pgrep` is not installed, so the check `pgrep -f app` tells nothing"
    handled = "pgrep -f app || echo none\necho done"
    assert judged(handled, 0, "/dev/fd/8: line 1: pgrep: command not found\nnone\n").outcome == "passed"


def test_a_failure_hidden_by_the_last_pipeline_does_not_pass() -> None:
    """`ls missing | wc -l` prints 0 with status 0: the look itself failed; `grep` without a hit has not."""
    verdict = judged("ls /nope | wc -l  # Should return 0", 0, "0\n", pipeline=(2, 0))
    assert verdict.outcome == "undecided"
    assert "2 | 0" in verdict.reason
    assert judged("grep x f | wc -l  # Should return 0", 0, "0\n", pipeline=(1, 0)).outcome == "passed"
    assert judged("cat f | head -1", 0, "a\n", pipeline=(141, 0)).outcome == "passed"


# Already stopped


@pytest.mark.hazard("`pkill` when nothing runs", half="ours")
def test_pkill_with_nothing_to_stop_passes() -> None:
    """The goal of stopping is reached when nothing runs."""
    verdict = judged("# Close all windows\npkill -f orion", 1, failures=((2, 1, "pkill -f orion"),))
    assert verdict.outcome == "passed"
    assert "was not running" in verdict.reason


def test_killall_with_nothing_to_stop_passes() -> None:
    """`killall` says so itself, and that is no error."""
    assert judged("killall orion", 1, "orion: no process found\n").outcome == "passed"


@pytest.mark.parametrize(
    ("status", "output"), [(2, ""), (3, ""), (1, "pkill: killing pid 7 failed: Operation not permitted")]
)
def test_pkill_that_failed_is_open(status: int, output: str) -> None:
    """Errors of usage and of rights are not "nothing to stop"."""
    assert judged("pkill -f orion", status, output).outcome == "undecided"


# Hidden failures


def test_a_hidden_failure_does_not_pass() -> None:
    """A command in the middle failed and the end hides it: not passed, and its line is told."""
    verdict = judged("cp a b\necho done", 0, "done", failures=((1, 1, "cp a b"),))
    assert verdict.outcome == "undecided"
    assert verdict.reason == "line 1: `cp a b` failed with status 1; the script went on, and its end hides it"


@pytest.mark.hazard("`echo $?` at the end", half="ours")
def test_echo_status_that_shows_a_failure_fails() -> None:
    """The author prints the status, and it is not 0: failed, also without an expectation."""
    script = "timeout 30s sqlite3 a.db < up.sql\necho $?"
    verdict = judged(script, 0, "124", failures=((1, 124, "timeout 30s sqlite3 a.db < up.sql"),))
    assert verdict.outcome == "failed"
    assert "ended with status 124" in verdict.reason
    assert "line 1" in verdict.reason


def test_echo_status_with_its_expectation() -> None:
    """`echo $?  # Should be 0 (success)`: the printed status decides."""
    script = "timeout 30s sqlite3 a.db < up.sql\necho $?  # Should be 0 (success)"
    good = judged(script, 0, "0\n")
    assert (good.outcome, good.value) == ("passed", "0")
    bad = judged(
        script, 0, "Error: no such table\n1\n", failures=((1, 1, "timeout 30s sqlite3 a.db < up.sql"),)
    )
    assert bad.outcome == "failed"
    assert "it is 1, but “Should be 0 (success)”" in bad.reason


@pytest.mark.parametrize(
    "failure",
    [
        (1, 1, "pgrep -f orion"),
        (1, 1, "sudo grep -q x file"),
        (1, 1, "diff a b"),
        (1, 1, "[ -e x ]"),
        (1, 1, "[[ -e x ]]"),
        (1, 1, "((i++))"),
        (1, 1, "test -f x"),
        (1, 1, "cmp a b"),
        (1, 1, "lsof x"),
        (1, 1, "kill -0 123"),
        (1, 1, "command -v npm"),
        (1, 3, "systemctl is-active orion"),
        (1, 1, "git diff --quiet"),
    ],
)
def test_answers_are_no_failures(failure: tuple[int, int, str]) -> None:
    """A search that found nothing has not failed."""
    assert judged(f"{failure[2]}\necho done", 0, "done", failures=(failure,)).outcome == "passed"


@pytest.mark.parametrize(
    "failure",
    [
        (1, 2, "grep x missing"),
        (1, 127, "pgrep x"),
        (1, 1, "kill 123"),
        (1, 1, "systemctl start x"),
        (1, 1, "false"),
    ],
)
def test_real_failures_are_no_answers(failure: tuple[int, int, str]) -> None:
    """Other statuses of the same programs, and other programs, have failed."""
    assert judged(f"{failure[2]}\necho done", 0, "done", failures=(failure,)).outcome == "undecided"


def test_a_pipeline_that_broke_is_no_answer() -> None:
    """`sqlite3 ... | grep x` found nothing because sqlite3 failed."""
    failure = HiddenFailure(1, 1, "grep x", (1, 1))
    result = ShellResult(0, reached_end=True, failures=(failure,))
    verdict = shell_verdict("sqlite3 no.db .schema | grep x\necho done", result, "done", ())
    assert verdict.outcome == "undecided"
    assert "1 | 1" in verdict.reason


def test_a_status_that_the_author_reads_is_not_hidden() -> None:
    """`cmd; rc=$?` and `if [ $? -ne 0 ]`: the script deals with it itself."""
    for follower in ("rc=$?", "if [ $? -ne 0 ]; then echo retrying; fi"):
        verdict = judged(f"make\n{follower}\necho ok", 0, "ok", failures=((1, 2, "make"),))
        assert verdict.outcome == "passed", follower


def test_the_command_that_failed_is_named() -> None:
    """Of several statements on one line, the one that failed."""
    verdict = judged("cp a b; echo $?", 0, "1", failures=((1, 1, "cp a b"),))
    assert verdict.reason == "line 1: `cp a b` ended with status 1, which the command after it shows"


def test_many_hidden_failures_are_named_in_part() -> None:
    """The reason stays readable."""
    failures = tuple((line, 1, f"cp {line}") for line in range(1, 10))
    verdict = judged("\n".join(f"cp {n}" for n in range(1, 10)) + "\necho", 0, failures=failures)
    assert "and 6 more" in verdict.reason


def test_a_function_that_answers_no_has_not_failed() -> None:
    """The shell reports a function's last command and the call; one judgement is enough."""
    script = "has() {\n  grep -q x f\n}\nhas\necho ok"
    failures = ((2, 1, "grep -q x f"), (4, 1, "has"))
    assert judged(script, 0, "ok", failures=failures).outcome == "passed"


# Expectations


def test_nothing_beats_the_status() -> None:
    """`# Should return nothing`: grep's status 1 is the success, and any output is the failure."""
    script = 'sqlite3 a.db "PRAGMA table_info(c);" | grep active_request_id\n# Should return nothing'
    good = judged(script, 1, "", failures=((1, 1, "grep active_request_id"),), pipeline=(0, 1))
    assert (good.outcome, good.value) == ("passed", "nothing")
    bad = judged(script, 0, "3|active_request_id|TEXT|0||0\n")
    assert bad.outcome == "failed"
    assert "3|active_request_id|TEXT|0||0" in bad.reason


def test_nothing_because_the_look_failed_is_open() -> None:
    """No output, because what should have been searched could not be read."""
    script = "sqlite3 no.db .schema | grep x\n# Should return nothing"
    assert judged(script, 1, "", pipeline=(1, 1)).outcome == "undecided"
    assert judged(script, 2, "", pipeline=(0, 2)).outcome == "undecided"


def test_nothing_of_the_last_of_several_commands() -> None:
    """Other commands printed: whether the last one did is told by its status alone."""
    script = "sqlite3 a.db .tables\nsqlite3 a.db .schema | grep gone\n# Should return nothing"
    assert judged(script, 1, "conversations\n", pipeline=(0, 1)).outcome == "passed"
    assert judged(script, 0, "conversations\n").outcome == "undecided"


VERIFY = """# Check column exists
sqlite3 a.db "PRAGMA table_info(conversations);" | grep active_request_id
# Should show: active_request_id | TEXT

# Check index exists
sqlite3 a.db "SELECT name FROM sqlite_master WHERE type='index';"
# Should show: idx_conversations_active_request

# Check schema version
sqlite3 a.db "SELECT version FROM schema_migrations WHERE version=1;"
# Should show: 1"""


def test_the_expectations_of_a_whole_block() -> None:
    """Three commands, three comments; a table is a table whatever its width."""
    output = "3|active_request_id|TEXT|0||0\nidx_conversations_active_request\n1\n"
    verdict = judged(VERIFY, 0, output)
    assert verdict.outcome == "passed"
    assert "active_request_id" in verdict.value


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_line_of_a_whole_block_fails(missing: int) -> None:
    """Status 0 and one row fewer: `SELECT` of a missing index succeeds with no rows."""
    lines = ["3|active_request_id|TEXT|0||0", "idx_conversations_active_request", "1"]
    del lines[missing]
    verdict = judged(VERIFY, 0, "\n".join(lines))
    assert verdict.outcome == "failed", verdict.reason


@pytest.mark.parametrize(
    ("expect", "output", "outcome"),
    [
        (expected("equals", "ready"), "ready\n", "passed"),
        (expected("equals", "a | b"), " a|b \n", "passed"),
        (expected("equals", "ready"), "not ready\n", "failed"),
        (expected("contains", "idx_a"), "idx_ab\n", "failed"),
        (expected("contains", "idx_a"), "x idx_a y\n", "passed"),
        (expected("contains", "1"), "10\n", "failed"),
        (expected("contains", "1"), "0|id|1\n", "failed"),
        (expected("contains", "PONG"), "", "failed"),
        (expected("regex", r"^v\d+$"), "x\nv12\n", "passed"),
        (expected("regex", r"^v\d+$"), "v\n", "failed"),
        (expected("regex", "("), "v\n", "undecided"),
        (expected("number", "<= 5"), "4\n", "passed"),
        (expected("number", "<= 5"), "6.5\n", "failed"),
        (expected("number", "== 0"), "count: 0\n", "passed"),
        (expected("number", "!= 0"), "a 1 b 2\n", "undecided"),
        (expected("number", "> 1e"), "3\n", "undecided"),
        (expected("nothing"), " \n", "passed"),
        (expected("nothing"), "a\n", "failed"),
        (expected("status", "0"), "", "passed"),
        (expected("prose", "", "the page loads"), "ok\n", "undecided"),
    ],
)
def test_every_matcher(expect: tuple[Expectation, ...], output: str, outcome: str) -> None:
    """Each matcher holds, misses, or leaves it to a person."""
    assert judged("show", 0, output, expect=expect).outcome == outcome


def test_prose_is_for_a_person() -> None:
    """What only a person can tell is not ticked by a machine; the words stand in the reason."""
    verdict = judged("npm test\n# Should show the new dashboard", 0, "done\n")
    assert verdict.outcome == "undecided"
    assert "Should show the new dashboard" in verdict.reason


def test_prose_over_a_command_is_its_heading() -> None:
    """A heading (“Column should be gone”) gives way to what a comment of the same command tells; elsewhere prose stays."""
    script = "# Column should be gone\ngrep x f\n# Should return nothing"
    assert judged(script, 1, "").outcome == "passed"
    assert judged(f"{script}\n\n# The page should load", 1, "").outcome == "undecided"


def test_a_status_that_is_expected_passes() -> None:
    """`expect: {status: 3}`: that status, reached or left with, is the success."""
    assert judged("probe", 3, expect=expected("status", "3")).outcome == "passed"
    left = judged("exit 3", 3, expect=expected("status", "3"), reached_end=False, left_line=1)
    assert left.outcome == "passed"
    assert judged("probe", 0, expect=expected("status", "3")).outcome == "failed"


def test_an_error_is_not_read_as_a_number() -> None:
    """`no such column` before the migration: undecided with the message, not "1 instead of 0"."""
    script = (
        'sqlite3 a.db "SELECT COUNT(*) FROM c WHERE x IS NOT NULL;"\n# Should return 0 (since app is stopped)'
    )
    verdict = judged(script, 1, "Error: in prepare, no such column: x (1)\n")
    assert verdict.outcome == "undecided"
    assert "no such column" in verdict.reason
    assert judged(script, 0, "0\n").outcome == "passed"
    assert judged(script, 0, "17\n").outcome == "failed"


def test_return_0_of_a_silent_command_is_its_status() -> None:
    """`# Should return 0` behind a command that prints nothing speaks of the status."""
    assert judged("make check\n# Should return 0", 0, "").outcome == "passed"
    assert judged("make check\n# Should return 0", 2, "").outcome == "failed"


def test_a_count_of_none_is_an_answer() -> None:
    """`pgrep -c` prints 0 with status 1: the expected number decides."""
    assert judged("pgrep -fc orion\n# Should return 0", 1, "0\n").outcome == "passed"


def test_a_met_expectation_does_not_hide_a_failure() -> None:
    """The last look is as expected, but a command before it failed: a person looks."""
    script = "cp a b\nls b\n# Should show: b.db"
    assert judged(script, 0, "b.db", failures=((1, 1, "cp a b"),)).outcome == "undecided"


def test_an_answer_with_a_status_that_nobody_explains_is_open() -> None:
    """`grep` as the last command found nothing: good or bad, the script does not say."""
    verdict = judged("grep ERROR app.log", 1)
    assert verdict.outcome == "undecided"
    assert "answered “no”" in verdict.reason


def documented() -> list[tuple[str, int, str, str]]:
    """The table of examples in the documentation."""
    page = Path(__file__).parents[3] / "docs" / "verdict.md"
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in page.read_text().partition("## Examples")[2].partition("\n## ")[0].splitlines()
        if line.startswith("| `")
    ]
    return [(row[0][1:-1].replace("\u23ce", "\n"), int(row[1]), row[2].strip("`"), row[3]) for row in rows]


@pytest.mark.parametrize(("script", "status", "printed", "verdict"), documented())
def test_the_documentation_tells_the_truth(script: str, status: int, printed: str, verdict: str) -> None:
    """Every example of docs/verdict.md is what the code says."""
    assert judged(script, status, printed).outcome == verdict


def test_every_documented_answer_is_one() -> None:
    """The page names every program whose status can be an answer."""
    page = (Path(__file__).parents[3] / "docs" / "verdict.md").read_text()
    for name in answers._ANSWERS:
        assert f"`{name}`" in page, name
    for name, word in answers._ANSWERS_WITH:
        if word != "status":
            assert f"`{name} {word}`" in page, name


def test_what_went_to_the_terminal_is_for_a_person() -> None:
    """Without the output nothing is said about it: neither "nothing" nor a status taken for a number passes."""
    for comment in ("# Should return nothing", "# Should return 0", "# Should show: 1"):
        verdict = judged(f"sudo probe\n{comment}", 0, None)
        assert verdict.outcome == "undecided"
        assert "terminal" in verdict.reason
    assert judged("sudo probe", 0, None).outcome == "passed"
    assert judged("sudo probe", 3, None, expect=expected("status", "3")).outcome == "passed"


def test_exec_and_other_unknown_ends() -> None:
    """Where nobody saw the end, 0 passes and anything else is open."""
    assert judged("exec make", 0, reached_end=None).outcome == "passed"
    assert judged("exec make", 2, reached_end=None).outcome == "undecided"


@pytest.mark.parametrize("script", ["set -n\nfalse", "exec true\nfalse"])
def test_a_zero_of_a_shell_that_was_not_seen_at_its_end_is_undecided(script: str) -> None:
    """`set -n` reads the lines and runs none, an `exec` in the middle leaves the rest out: 0 says nothing of them."""
    verdict = judged(script, 0, reached_end=None)
    assert verdict.outcome == "undecided"
    assert "nobody has seen it reach its end" in verdict.reason


def test_the_evidence_is_there_for_machines() -> None:
    """Status, end and failures stand in the values, fit for JSON."""
    verdict = judged("cp a b\ntrue", 0, failures=((1, 1, "cp a b"),))
    assert verdict.values["exit_status"] == 0
    assert verdict.values["failures"] == [{"line": 1, "status": 1, "command": "cp a b"}]
    assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.mark.parametrize(
    "script", ["", "\x00", "((((", "if", "'", "a && ", "&& exit 1", "case x in", "}" * 50, "$(" * 30]
)
@pytest.mark.parametrize("status", [0, 1, None])
def test_no_script_breaks_the_judge(script: str, status: int | None) -> None:
    """Whatever was written, there is a verdict with a reason."""
    verdict = judged(script, status, "out\x00put", failures=((1, 1, script), (99, 2, "")))
    assert verdict.reason


def test_a_guard_behind_a_return_tells_nothing() -> None:
    """`return` ends a script like its last line: a status of 1 may come from there, and then the guard never looked."""
    script = "test -e /nonexistent || return 1\necho deployed\npgrep -x nosuch && echo ERROR && exit 1"
    verdict = judged(script, 1)
    assert verdict.outcome == "undecided"
    assert "return" in verdict.reason
    function = "ready() { return 0; }\nready\npgrep -x nosuch && echo ERROR && exit 1"
    assert judged(function, 1).outcome == "passed"
