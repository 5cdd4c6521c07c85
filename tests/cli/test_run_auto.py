"""`run --auto`: nothing is asked, nothing is repeated, and the exit code says what is left."""

from __future__ import annotations

import secrets
import signal
import subprocess
from pathlib import Path

import pytest
from support.attempts import kill_attempt
from support.cli import PROGRAM, Done, orion
from support.sessions import book, opened

AUTO = ("--auto", "--approve", "--json")


def auto(path: Path, *arguments: str) -> Done:
    """`run FILE --auto --approve --json`."""
    return orion("run", path.name, *AUTO, *arguments, cwd=path.parent)


def shell(title: str, script: str, facts: str = "") -> str:
    """A step with a script, and a `yaml step` block where it has facts."""
    block = f"\n  ```yaml step\n  {facts}\n  ```\n" if facts else ""
    body = script.replace("\n", "\n  ")
    return f"- [ ] {title}\n{block}\n  ```bash\n  {body}\n  ```\n\n"


def lines_of(path: Path) -> list[str]:
    """The lines of a file that steps write to; none where it is not there."""
    return path.read_text().splitlines() if path.exists() else []


def test_everything_that_needs_no_person(tmp_path: Path) -> None:
    """Passing verdicts are the ticks: exit code 0, every step ran once, in order."""
    path = book(tmp_path, "# R\n\n" + "".join(shell(f"Step {n}", f"echo {n} >> ran") for n in range(5)))
    done = auto(path)
    assert done.code == 0, done
    assert lines_of(tmp_path / "ran") == ["0", "1", "2", "3", "4"]
    assert len(done.events("ticked")) == 5
    (end,) = done.events("ended")
    assert end["counts"]["done"] == 5
    assert end["exit_code"] == 0


def test_a_second_time_repeats_nothing(tmp_path: Path) -> None:
    """What is settled stays settled: the same command again runs nothing, and says how to begin another run."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran"))
    assert auto(path).code == 0
    again = auto(path)
    assert again.code == 0
    assert again.events("started") == []
    assert "--run NAME begins another" in again.err
    assert lines_of(tmp_path / "ran") == ["x"]
    assert auto(path, "--run", "another").code == 0
    assert lines_of(tmp_path / "ran") == ["x", "x"]


def test_a_person_s_step_is_left_open(tmp_path: Path) -> None:
    """It is passed over with the reason, what comes after it runs, and the exit code is 3."""
    path = book(tmp_path, "# R\n\n- [ ] Ask Ann\n\n" + shell("Then", "echo then >> ran"))
    done = auto(path)
    assert done.code == 3
    (left,) = done.events("left_open")
    assert (left["title"], left["why"]) == ("Ask Ann", "a person does it")
    assert lines_of(tmp_path / "ran") == ["then"]


def test_a_mandatory_person_s_step_stops(tmp_path: Path) -> None:
    """Nothing behind it runs; exit code 3, with the step and what to do."""
    path = book(tmp_path, "# R\n\n- [ ] Ask Ann (MANDATORY)\n\n" + shell("Then", "echo then >> ran"))
    done = auto(path)
    assert done.code == 3
    (stop,) = done.events("stopped")
    assert stop["title"].startswith("Ask Ann")
    assert "tick" in stop["help"]
    assert lines_of(tmp_path / "ran") == []


def test_a_failed_step_stops(tmp_path: Path) -> None:
    """Exit code 1, and it is not run again by the next call: that is a person's decision."""
    path = book(
        tmp_path, "# R\n\n" + shell("Break", "echo x >> ran\nexit 3") + shell("Then", "echo then >> ran")
    )
    done = auto(path)
    assert done.code == 1
    (end,) = done.events("finished")
    assert end["verdict"]["outcome"] == "failed"
    assert end["exit_status"] == 3
    assert auto(path).code == 1
    assert lines_of(tmp_path / "ran") == ["x"]
    orion("resolve", path.name, "break", "rerun", cwd=tmp_path)
    assert auto(path).code == 1
    assert lines_of(tmp_path / "ran") == ["x", "x"]


CHECK = "check: {files.exists: {path: there}}"


def test_where_it_went_wrong_the_checklist_s_contacts_follow(tmp_path: Path) -> None:
    """After a step that failed: its contacts, as lines and as an event; not after a check that is not mandatory."""
    contacts = "\n## Emergency Contacts\n\nCall Ann: 4711\n"
    path = book(tmp_path, "# R\n\n" + shell("Break", "exit 3") + contacts)
    done = auto(path)
    assert done.code == 1
    (event,) = done.events("escalation")
    assert event["step"] == done.events("finished")[0]["step"]
    assert event["sections"] == [{"title": "Emergency Contacts", "text": "Call Ann: 4711"}]
    orion("resolve", path.name, "break", "rerun", cwd=tmp_path)
    told = orion("run", path.name, "--auto", "--approve", cwd=tmp_path).out
    assert told.index("failed  ") < told.index("Emergency Contacts:\n  Call Ann: 4711")
    check = "# R\n\n- [ ] Look\n\n  ```yaml step\n  check: {files.exists: {path: x}}\n  ```\n"
    (tmp_path / "other").mkdir()
    done = auto(book(tmp_path / "other", check + contacts))
    assert done.code == 1
    assert not done.events("escalation")


@pytest.mark.hazard('"done" instead of the value', half="ours")
def test_a_check_ticks_itself_and_may_be_repeated(tmp_path: Path) -> None:
    """A failed check stops like a step; as it only looks, the next call looks again."""
    path = book(tmp_path, f"# R\n\n- [ ] See it\n\n  ```yaml step\n  {CHECK}\n  ```\n")
    assert auto(path).code == 1
    (tmp_path / "there").write_text("x")
    done = auto(path)
    assert done.code == 0
    (tick,) = done.events("ticked")
    assert tick["value"]


def test_an_undecided_step(tmp_path: Path) -> None:
    """What only a person can judge is left open where it may be, and stops where it is mandatory."""
    script = "echo seen\n# Should show: a sentence that only a person understands\nfalse"
    path = book(tmp_path, "# R\n\n" + shell("Judge", script) + shell("Then", "echo then >> ran"))
    done = auto(path)
    assert done.code == 3, done
    (left,) = done.events("left_open")
    assert "a person decides" in left["why"]
    assert lines_of(tmp_path / "ran") == ["then"]
    strict = book(
        tmp_path, "# R\n\n" + shell("Judge (MANDATORY)", script) + shell("Then", "echo no >> ran"), "s.md"
    )
    done = auto(strict)
    assert done.code == 3
    assert done.events("stopped")
    assert "no" not in lines_of(tmp_path / "ran")


def test_what_needs_a_person_s_hands_is_never_run(tmp_path: Path) -> None:
    """Interactive steps, placeholders, confirmations, references, instructions and choices are passed over."""
    text = (
        "# R\n\n"
        + shell("Edit it", "sudo vim /etc/hosts")
        + shell("Fill in", "echo <VERSION> >> ran")
        + shell("Confirm", "echo confirmed >> ran", "confirm: yes-really")
        + shell("Keep at hand", "echo reference >> ran", "reference: true")
        + "- [ ] Read\n\n  ```bash\n  # only a comment\n  ```\n\n"
        + "- [ ] Choose\n\n  **Option 1: a**\n  ```bash\n  echo a >> ran\n  ```\n\n"
        + "  **Option 2: b**\n  ```bash\n  echo b >> ran\n  ```\n\n"
        + shell("By hand", "echo hand >> ran", "auto: false")
    )
    path = book(tmp_path, text)
    done = auto(path)
    assert done.code == 3, done
    assert lines_of(tmp_path / "ran") == ["hand"]
    assert [left["title"] for left in done.events("left_open")] == [
        "Edit it",
        "Fill in",
        "Confirm",
        "Keep at hand",
        "Read",
        "Choose",
        "By hand",
    ]
    assert done.events("ticked") == []


def test_a_choice_that_is_made_and_a_placeholder_that_is_filled_are_run(tmp_path: Path) -> None:
    """`choose` and `--set` take the person's part beforehand."""
    text = (
        "# R\n\n"
        + shell("Fill in", "echo <VERSION> >> ran")
        + "- [ ] Choose\n\n  **Option 1: a**\n  ```bash\n  echo a >> ran\n  ```\n\n"
        + "  **Option 2: b**\n  ```bash\n  echo b >> ran\n  ```\n"
    )
    path = book(tmp_path, text)
    assert orion("choose", path.name, "choose", "2", cwd=tmp_path).code == 0
    done = auto(path, "--set", "VERSION=1.2.3")
    assert done.code == 0, done
    assert lines_of(tmp_path / "ran") == ["1.2.3", "b"]


def test_values_that_do_not_fit_are_refused_before_a_run_begins(tmp_path: Path) -> None:
    """An unknown name, and a value of the wrong type: exit code 2, and no run is left behind."""
    path = book(
        tmp_path, "---\nvariables:\n  COUNT: {type: integer}\n---\n# R\n\n" + shell("One", 'echo "$COUNT"')
    )
    for given in ("CUONT=1", "COUNT=many"):
        done = auto(path, "--set", given)
        assert done.code == 2, done
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert auto(path, "--set", "COUNT=7").events("output")[0]["text"] == "7"


def test_nothing_runs_unapproved(tmp_path: Path) -> None:
    """Without `--approve` bytes that nobody looked at do not run: exit code 3; a changed file is another one."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran"))
    refused = orion("run", path.name, "--auto", cwd=tmp_path)
    assert refused.code == 3
    assert "orion-deploy approve" in refused.err
    assert lines_of(tmp_path / "ran") == []
    assert orion("approve", path.name, "--yes", cwd=tmp_path).code == 0
    assert orion("run", path.name, "--auto", cwd=tmp_path).code == 0
    book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran") + shell("Two", "echo y >> ran"))
    assert orion("run", path.name, "--auto", cwd=tmp_path).code == 3
    assert lines_of(tmp_path / "ran") == ["x"]


def test_until_and_only(tmp_path: Path) -> None:
    """`--until` stops behind its step; `--only` runs one, also a block under no step; the code is of those alone."""
    text = (
        "# R\n\n"
        + "".join(shell(f"Step {n}", f"echo {n} >> ran") for n in range(3))
        + "- [ ] Ask Ann\n\n## Loose\n\n```bash\necho loose >> ran\n```\n"
    )
    path = book(tmp_path, text)
    assert auto(path, "--until", "step-1").code == 0
    assert lines_of(tmp_path / "ran") == ["0", "1"]
    assert auto(path, "--only", "3").code == 0
    assert lines_of(tmp_path / "ran") == ["0", "1", "2"]
    loose = next(
        each["step"]
        for each in orion("approve", path.name, "--json", cwd=tmp_path).json["commands"]
        if "#" in each["step"]
    )
    assert auto(path, "--only", loose).code == 0
    assert lines_of(tmp_path / "ran") == ["0", "1", "2", "loose"]
    assert auto(path, "--until", "1", "--only", "2").code == 2
    assert auto(path).code == 3


def test_a_mistyped_step_begins_no_run(tmp_path: Path) -> None:
    """`--until` and `--only` are looked up first: exit code 2 with the nearest name, and nothing is left behind."""
    path = book(tmp_path, "# R\n\n" + shell("Back up", "true"))
    for option in ("--until", "--only"):
        done = auto(path, option, "bakc-up")
        assert done.code == 2
        assert "did you mean `back-up`?" in done.err
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_parents_are_worked_behind_their_sub_steps(tmp_path: Path) -> None:
    """A step without a command that has sub-steps is a person's to tick, but holds up none of them."""
    text = (
        "# R\n\n- [ ] All of it (MANDATORY)\n  - [ ] First\n    ```bash\n    echo first >> ran\n    ```\n"
        "  - [ ] Second\n    ```bash\n    echo second >> ran\n    ```\n"
    )
    path = book(tmp_path, text)
    done = auto(path)
    assert done.code == 3
    assert lines_of(tmp_path / "ran") == ["first", "second"]
    assert done.events("stopped")[0]["title"].startswith("All of it")


def test_needs_that_are_open_hold_a_step(tmp_path: Path) -> None:
    """A step whose `needs` is open is left open, with the reason."""
    text = "# R\n\n- [ ] Ask Ann\n\n  ```yaml step\n  id: ask\n  ```\n\n" + shell(
        "Go", "echo go >> ran", "needs: [ask]"
    )
    path = book(tmp_path, text)
    done = auto(path)
    assert done.code == 3
    assert "it needs `ask`" in done.events("left_open")[1]["why"]
    assert lines_of(tmp_path / "ran") == []


def test_an_unknown_outcome_stops_and_is_never_repeated(tmp_path: Path) -> None:
    """The supervisor of a running step was killed: exit code 5, again and again, until a person decides."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran\nsleep 60") + shell("Two", "echo y >> ran"))
    with opened(path, cwd=str(tmp_path)) as driven:
        driven.session.start("1")
        (step_id,) = driven.session.state.running
        folder = driven.session.attempt_folder(step_id, 1)
    kill_attempt(folder, tmp_path / "ran")
    done = auto(path)
    assert done.code == 5, done
    assert auto(path).code == 5
    assert lines_of(tmp_path / "ran") == ["x"]
    assert orion("resolve", path.name, step_id, "done", "--reason", "x stands there", cwd=tmp_path).code == 0
    assert auto(path).code == 0
    assert lines_of(tmp_path / "ran") == ["x", "y"]


def test_a_running_step_is_followed_not_repeated(tmp_path: Path) -> None:
    """A step that another session started is followed to its end, and its verdict is the tick."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran\nwhile [ ! -e go ]; do sleep 0.05; done"))
    with opened(path, cwd=str(tmp_path)) as driven:
        driven.session.start("1")
    process = subprocess.Popen(
        [*PROGRAM, "run", path.name, "--auto", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"followed"' in line:
            (tmp_path / "go").write_text("")
    assert process.wait(60) == 0
    process.stdout.close()
    assert lines_of(tmp_path / "ran") == ["x"]


def test_a_run_that_somebody_holds(tmp_path: Path) -> None:
    """Exit code 4, and nothing runs."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran"))
    with opened(path):
        done = auto(path)
    assert done.code == 4
    assert lines_of(tmp_path / "ran") == []


def start_long(path: Path) -> subprocess.Popen[str]:
    """Run a checklist in the background, and return when its step has begun."""
    process = subprocess.Popen(
        [*PROGRAM, "run", path.name, "--auto", "--approve", "--json"],
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"output"' in line:
            return process
    raise AssertionError("it never began")


def test_ctrl_c_cancels_the_step_and_keeps_the_run(tmp_path: Path) -> None:
    """INT: the step is cancelled in good order, its end is on disk, exit code 130."""
    path = book(
        tmp_path, "# R\n\n" + shell("One", "trap 'echo told >> ran; exit 1' TERM\necho up\nsleep 60 & wait")
    )
    process = start_long(path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert lines_of(tmp_path / "ran") == ["told"]
    found = orion("status", path.name, "--json", cwd=tmp_path).json
    assert found["counts"]["failed"] == 1
    assert found["held_by"] is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_step_outlives_the_app(number: signal.Signals, tmp_path: Path) -> None:
    """TERM or HUP from outside: the app leaves at once, the step goes on, and the next call takes its result."""
    path = book(
        tmp_path, "# R\n\n" + shell("One", "echo up\nwhile [ ! -e go ]; do sleep 0.05; done\necho x >> ran")
    )
    process = start_long(path)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "goes on without this app" in out
    (tmp_path / "go").write_text("")
    assert auto(path).code == 0
    assert lines_of(tmp_path / "ran") == ["x"]


def test_a_step_that_kills_by_name_does_not_reach_the_app(tmp_path: Path) -> None:
    """`pkill -f orion` in a step: the app is not found by its name, and the run goes on to its end."""
    name = f"orion-{secrets.token_hex(8)}.md"
    path = book(
        tmp_path,
        "# R\n\n"
        + shell("Look", f"pgrep -f {name[:-3]} > found; true")
        + shell("Kill", f"pkill -f {name[:-3]}; true"),
        name,
    )
    done = auto(path)
    assert done.code == 0, done
    assert (tmp_path / "found").read_text() == ""


@pytest.mark.hazard("`pkill -f NAME`", half="ours")
def test_a_term_that_a_step_sends_is_survived(tmp_path: Path) -> None:
    """A step that hits the app by its process id: the app lives on, says which step it was, and ends in order."""
    path = book(
        tmp_path,
        "# R\n\n" + shell("Kill", "kill -TERM $(cat app.pid)\nwhile [ ! -e go ]; do sleep 0.05; done"),
    )
    process = subprocess.Popen(
        ["bash", "-c", 'echo $$ > app.pid; exec "$@"', "-", *PROGRAM, "run", path.name, *AUTO],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"survived"' in line:
            (tmp_path / "go").write_text("")
    assert process.wait(60) == 0
    process.stdout.close()


def test_output_is_told_up_to_its_limit_and_kept_whole(tmp_path: Path) -> None:
    """Endless output does not flood: a part, how much was withheld and where it is, and the end; all of it safe."""
    script = "printf '\\033]0;evil\\007'; seq 1 200000; echo the-end"
    path = book(tmp_path, "# R\n\n" + shell("Print", script))
    done = auto(path)
    assert done.code == 0
    assert not {"\x1b", "\x07"} & set(done.out)
    told = "".join(each["text"] for each in done.events("output"))
    assert len(told) < 400_000
    assert told.endswith("the-end")
    (withheld,) = done.events("output_withheld")
    assert withheld["size_bytes"] > 900_000
    assert Path(withheld["path"]).is_file()


def test_steps_run_where_the_operator_stands(tmp_path: Path) -> None:
    """In the folder of the call, or of `--cwd`; a resumed run keeps its own, and says so."""
    path = book(tmp_path, "# R\n\n" + shell("One", "pwd") + "- [ ] Ask Ann\n\n" + shell("Two", "pwd"))
    there = tmp_path / "there"
    there.mkdir()
    done = auto(path, "--cwd", str(there), "--until", "one")
    assert done.events("output")[0]["text"] == str(there)
    again = auto(path, "--cwd", str(tmp_path))
    assert again.events("output")[0]["text"] == str(there)
    assert "the run keeps its folder" in again.err


def test_without_a_terminal_and_without_auto(tmp_path: Path) -> None:
    """`run` asks a person: where there is none it says what is needed, exit code 3, and begins nothing."""
    path = book(tmp_path, "# R\n\n" + shell("One", "echo x >> ran"))
    done = orion("run", path.name, cwd=tmp_path, stdin=b"r\n")
    assert done.code == 3
    assert "--auto" in done.err
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_text_for_people(tmp_path: Path) -> None:
    """Without `--json`: a line for each thing that happened, every state a word."""
    path = book(tmp_path, "# R\n\n## Part\n\n" + shell("One", "echo hello") + "- [ ] Ask Ann\n")
    done = orion("run", path.name, "--auto", "--approve", cwd=tmp_path)
    assert "Part: 0 of 2" in done.out
    assert "  | hello" in done.out
    assert "done    " in done.out
    assert "a person does it" in done.out
    assert "1 of 2 done, 1 open" in done.out


def test_rollback_auto(tmp_path: Path) -> None:
    """`rollback --auto` turns the run back, and carries out that section alone."""
    text = (
        "# R\n\n## Deploy\n\n"
        + shell("Forward", "echo forward >> ran")
        + "## Rollback\n\n"
        + shell("Back", "echo back >> ran")
    )
    path = book(tmp_path, text)
    assert auto(path).code == 0
    done = orion("rollback", path.name, "--auto", "--approve", "--reason", "it burns", "--json", cwd=tmp_path)
    assert done.code == 0, done
    assert lines_of(tmp_path / "ran") == ["forward", "back"]
    found = orion("status", path.name, "--json", cwd=tmp_path).json
    assert found["rollback_reason"] == "it burns"


def test_rollback_needs_a_rollback_section(tmp_path: Path) -> None:
    """Without one there is no way back to go."""
    path = book(tmp_path, "# R\n\n" + shell("One", "true"))
    done = orion("rollback", path.name, "--auto", "--approve", cwd=tmp_path)
    assert done.code == 2
    assert "no rollback section" in done.err
