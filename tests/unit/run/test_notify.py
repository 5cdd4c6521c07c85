"""Telling the operator from the process that looks: once each, within limits, harming nothing. Real commands, a loopback server."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.watches import Watcher

from orion_deploy.run import family
from orion_deploy.run.watches.notify import (
    BEGUN,
    NOT_WISHED,
    OUTPUT_BYTES_MAX,
    SENT,
    Fact,
    Notifier,
    post,
    read_told,
    run_command,
)
from orion_deploy.run.watches.reading import SPEC_NAME
from orion_deploy.run.watches.record import to_json
from orion_deploy.run.watches.wishes import DEFAULT, Wishes, parse, read_wishes

FACT = Fact("trigger", "/srv/release.md", "r1", "errors", "No errors", "3 lines", "3")
WAIT_S = 20.0


def until(is_so: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


# The file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "does not hold an object"),
        ('{"on_triger": "x"}', "did you mean `on_trigger`"),
        ('{"bell": "yes"}', "true or false"),
        ('{"terminal": "osc8"}', "osc9, osc777, off"),
        ('{"on_done": 3}', "must be a command"),
        ('{"on_trigger": "ftp://host/x"}', "only to http:// and https://"),
        ('{"on_trigger": "file:///etc/passwd"}', "only to http:// and https://"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_and_not_used(text: str, words: str) -> None:
    """A sentence for each fault; the defaults hold: nothing leaves the screen."""
    wishes, faults = parse(text)
    assert wishes == DEFAULT
    assert words in faults[0]
    assert (DEFAULT.terminal, DEFAULT.on_trigger, DEFAULT.on_done) == ("off", "", "")


def test_the_rest_of_a_faulty_file_is_used() -> None:
    """One wrong entry does not take the others away."""
    wishes, faults = parse('{"bell": false, "terminal": "osc777", "on_trigger": " say it ", "on_donne": "x"}')
    assert wishes == Wishes(bell=False, terminal="osc777", on_trigger="say it")
    assert len(faults) == 1


def test_a_file_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    """It names what is run: only its owner may say that. No file is no fault; a pipe is not waited for."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert read_wishes(environ) == (DEFAULT, "")
    path = tmp_path / "orion-deploy" / "notify.json"
    path.parent.mkdir()
    path.write_text('{"on_trigger": "true"}')
    path.chmod(0o644)
    assert read_wishes(environ)[0].on_trigger == "true"
    path.chmod(0o666)
    wishes, fault = read_wishes(environ)
    assert wishes == DEFAULT
    assert "others may write to it" in fault
    path.unlink()
    os.mkfifo(path)
    assert "no file" in read_wishes(environ)[1]


# A command


def test_a_command_gets_the_facts_as_variables_and_never_as_text(tmp_path: Path) -> None:
    """What would be a command in a title or a reason stays text."""
    marks = tmp_path / "owned"
    bad = f"$(touch {marks}); `touch {marks}`"
    fact = Fact("trigger", "a.md", "r1", "errors", bad, f"x'; touch {marks} #", '"')
    out = tmp_path / "out"
    names = ("EVENT", "CHECKLIST", "RUN", "STEP", "TITLE", "REASON", "VALUE")
    command = f'for n in {" ".join(names)}; do eval "printf \'%s\\n\' \\"\\$ORION_$n\\""; done > {out}'
    assert run_command(command, {**os.environ, **fact.to_environ()}) == ""
    assert out.read_text().splitlines() == ["trigger", "a.md", "r1", "errors", bad, fact.reason, '"']
    assert not marks.exists()


def test_a_command_that_fails_says_how() -> None:
    """Its status, and the first of what it printed, made plain."""
    assert (
        run_command("printf 'no \\033[31mroute'; exit 7", os.environ)
        == "it ended with status 7: no ␛[31mroute"
    )
    assert run_command("kill -9 $$", os.environ) == "it ended with signal 9"


def test_a_command_that_floods_is_bounded_and_does_not_stop() -> None:
    """Its output is taken away, and the first of it kept."""
    said = run_command("head -c 5000000 /dev/zero | tr '\\0' x; exit 1", os.environ)
    assert said.startswith("it ended with status 1: xxx")
    assert len(said) < OUTPUT_BYTES_MAX + 100


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """At its limit, with the whole group; one that leaves something in the background has ended all the same."""
    pids = tmp_path / "pids"
    said = run_command(f"sleep 600 & echo $! > {pids}; wait", os.environ, limit_s=0.5)
    assert "did not end within 0.5 s" in said
    pid = int(pids.read_text())
    until(lambda: not family.start_time(pid))
    began = time.monotonic()
    assert run_command(f"sleep 5 & echo $! > {pids}; exit 0", os.environ) == ""
    assert time.monotonic() - began < 4
    os.kill(int(pids.read_text()), 9)


# A webhook


@contextmanager
def served(status: int = 200, *, to: str = "", is_silent: bool = False) -> Iterator[tuple[str, list[Any]]]:
    """A server on the loopback; what it was sent, and where it is."""
    heard: list[Any] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(
                (self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            )
            if is_silent:
                over.wait(WAIT_S)
                return
            self.send_response(status)
            if to:
                self.send_header("Location", to)
            self.end_headers()

        def do_GET(self) -> None:
            heard.append((self.path, {}, b""))

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        over.set()
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()


def test_a_webhook_gets_the_facts_as_json() -> None:
    """One POST."""
    with served() as (address, heard):
        assert post(f"{address}/hook?key=1", FACT) == ""
    ((path, headers, body),) = heard
    assert path == "/hook?key=1"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "event": "trigger", "checklist": "/srv/release.md", "run": "r1", "step": "errors",
        "title": "No errors", "reason": "3 lines", "value": "3",
    }  # fmt: skip


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/elsewhere"])
def test_a_webhook_is_sent_nowhere_else(to: str) -> None:
    """A redirect, to whatever scheme, is no answer, and is not followed."""
    with served(302, to=to) as (address, heard):
        assert post(address, FACT) == "the answer was 302 Found"
    assert len(heard) == 1


def test_what_is_wrong_with_a_webhook_is_said_without_its_address() -> None:
    """An error of the server, nobody there, no such scheme, nonsense: in words that hold no secret of the address."""
    with served(500) as (address, _):
        assert post(f"{address}/s3cret", FACT) == "the answer was 500 Internal Server Error"
    assert post("http://127.0.0.1:1/s3cret", FACT) == "it could not be sent: Connection refused"
    for address in ("file:///s3cret", "http://[s3cret", "http://127.0.0.1:1/s3\ncret"):
        said = post(address, FACT)
        assert said.startswith("it could not be sent")
        assert "s3" not in said


def test_a_webhook_that_never_answers_ends_at_its_limit() -> None:
    """The limit holds for the whole of it."""
    with served(is_silent=True) as (address, _):
        began = time.monotonic()
        said = post(address, FACT, limit_s=0.3)
        assert said in ("no answer within 0.3 s", "it could not be sent: TimeoutError")
        assert time.monotonic() - began < 5


# From the keeper


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    """A watch of a file that is not there: it fires."""
    return Watcher(tmp_path, "files.exists", {"path": "there"}, watch_s=600, every_s=60)


def look(watcher: Watcher, notifier: Notifier, *, is_there: bool) -> None:
    """Look once, a minute later."""
    path = watcher.folder.parents[2] / "there"
    path.touch() if is_there else path.unlink(missing_ok=True)
    before = watcher.record
    watcher.machine.passes(60)
    notifier(before, watcher.watch.turn())


def told(watcher: Watcher) -> list[tuple[str, str]]:
    """What was told, and how it went, when nothing is under way any more."""
    until(lambda: all(each.result != BEGUN for each in read_told(watcher.folder)))
    return [(each.event, each.result) for each in read_told(watcher.folder)]


def wished(watcher: Watcher, wishes: Wishes, **environ: str) -> Notifier:
    """A notifier, as a keeper that starts now makes it."""
    watcher.watch.keep()
    return Notifier(watcher.run_directory, wishes, {**os.environ, **environ})


def test_each_firing_and_the_end_are_told_once_over_restarts(watcher: Watcher, tmp_path: Path) -> None:
    """Fired, gone, fired again, ended, and the keeper started anew in between: four lines, none twice."""
    out = tmp_path / "out"
    wishes = Wishes(
        on_trigger=f'echo "$ORION_EVENT $ORION_STEP" >> {out}', on_done=f'echo "$ORION_EVENT" >> {out}'
    )
    notifier = wished(watcher, wishes)
    for is_there in (True, False, False):
        look(watcher, notifier, is_there=is_there)
    assert told(watcher) == [("trigger", SENT)]
    for is_there in (True, False):
        watcher.leaves()
        notifier = wished(watcher, wishes)
        look(watcher, notifier, is_there=is_there)
    assert told(watcher) == [("trigger", SENT)] * 2
    while watcher.record.ended_at is None:
        look(watcher, notifier, is_there=True)
    assert told(watcher) == [("trigger", SENT), ("trigger", SENT), ("done", SENT)]
    wished(watcher, wishes)
    assert out.read_text().splitlines() == ["trigger step", "trigger step", "done"]


def test_what_a_killed_keeper_did_not_tell_the_next_one_tells(watcher: Watcher, tmp_path: Path) -> None:
    """It fired, and the keeper died before it told anybody: it is told, once."""
    out = tmp_path / "out"
    look(watcher, Notifier(tmp_path / "nowhere", DEFAULT, {}), is_there=False)
    assert read_told(watcher.folder) == ()
    wishes = Wishes(on_trigger=f"echo fired >> {out}")
    wished(watcher, wishes)
    assert told(watcher) == [("trigger", SENT)]
    wished(watcher, wishes)
    assert out.read_text() == "fired\n"


def test_what_nobody_wished_for_is_not_told_later(watcher: Watcher, tmp_path: Path) -> None:
    """Without a wish nothing runs; a wish that comes later is for what comes later."""
    look(watcher, wished(watcher, DEFAULT), is_there=False)
    assert told(watcher) == [("trigger", NOT_WISHED)]
    out = tmp_path / "out"
    wished(watcher, Wishes(on_trigger=f"touch {out}"))
    assert not out.exists()


def test_a_failing_notification_harms_no_watch_and_is_recorded(
    watcher: Watcher, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its fault stands beside the watch and is printed; the watch looks on."""
    notifier = wished(watcher, Wishes(on_trigger="echo no route; exit 3"))
    look(watcher, notifier, is_there=False)
    assert told(watcher) == [("trigger", "it ended with status 3: no route")]
    until(lambda: "step: on_trigger: it ended with status 3: no route" in capfd.readouterr().err)
    looks = watcher.record.looks
    look(watcher, notifier, is_there=True)
    assert watcher.record.looks == looks + 1


def test_nobody_waits_for_a_notification(watcher: Watcher) -> None:
    """A command that takes its time does not hold up the watch; until it has ended it is called begun."""
    notifier = wished(watcher, Wishes(on_trigger="sleep 2"))
    began = time.monotonic()
    look(watcher, notifier, is_there=False)
    assert time.monotonic() - began < 1.5
    assert [each.result for each in read_told(watcher.folder)] == [BEGUN]
    assert told(watcher) == [("trigger", SENT)]


def test_values_of_secret_variables_do_not_reach_the_command(watcher: Watcher, tmp_path: Path) -> None:
    """They are in the keeper's environment for the watch, and only for it."""
    spec = to_json(replace(watcher.spec, secrets=("TOKEN",)))
    (watcher.folder / SPEC_NAME).write_text(json.dumps(spec))
    out = tmp_path / "out"
    wishes = Wishes(on_trigger=f'echo "[$TOKEN$OTHER]" > {out}')
    notifier = wished(watcher, wishes, TOKEN="s3cret", OTHER="seen")
    look(watcher, notifier, is_there=False)
    assert told(watcher) == [("trigger", SENT)]
    assert out.read_text() == "[seen]\n"
