"""Preparing and judging attempts: from a step to what runs, and from what ended to a verdict.

The desk knows folders and processes; it never touches the run's state, which only `session.py` changes.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orion_deploy.checklist.kind_call import KindCall
from orion_deploy.checklist.model import Checklist, CodeBlock, Expectation, Step, StepFacts
from orion_deploy.errors import RefusedError
from orion_deploy.kinds.shell import shell_verdict
from orion_deploy.kinds.verdict import Outcome, Verdict
from orion_deploy.run.attempt import AttemptResult, AttemptSpec
from orion_deploy.run.edge import Edge
from orion_deploy.run.files import write_private
from orion_deploy.run.launcher import Launcher
from orion_deploy.run.output import Output
from orion_deploy.run.state import Attempt, RunState, StepState
from orion_deploy.run.values import Missing, missing_for, values_of
from orion_deploy.text import plain_line, stripped

OUTPUT_FOR_VERDICT_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that an attempt needs, before its start is recorded."""

    step: Step
    attempt: int
    block: int
    what: str
    directory: Path
    spec: AttemptSpec
    diff: str = ""
    request: bytes = b""

    @property
    def script_sha256(self) -> str:
        """Hash of the bytes that run."""
        return hashlib.sha256(self.request or self.spec.script).hexdigest()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run gives to an attempt."""

    run: str
    attempt: int
    directory: Path
    folder: str
    environ: Mapping[str, str]
    values: Mapping[str, str]
    hidden: tuple[str, ...]


def folder_name(step_id: str) -> str:
    """The name of a step's folder of attempts: readable, bounded, and never a raw id."""
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in step_id)[:40]
    return f"{readable.strip('-') or 'step'}-{hashlib.sha256(step_id.encode()).hexdigest()[:8]}"


class Desk:
    """Launches attempts of one run and reads their results."""

    def __init__(self, run_directory: Path, edge: Edge) -> None:
        self._run_directory = run_directory
        self._edge = edge
        self._launcher: Launcher | None = None

    @property
    def launcher(self) -> Launcher:
        """The launcher, made when it is first needed."""
        if self._launcher is None:
            self._launcher = Launcher()
        return self._launcher

    def warm(self) -> None:
        """Start what the first step would wait for, in the background."""
        _ = self.launcher

    def folder(self, step_id: str, attempt: int) -> Path:
        """The folder of an attempt."""
        return self._run_directory / "attempts" / folder_name(step_id) / str(attempt)

    def verification_folder(self, step_id: str, number: int) -> Path:
        """The folder in which the check of an interrupted step looks."""
        return self._run_directory / "attempts" / folder_name(step_id) / f"verify-{number}"

    def close(self) -> None:
        """Let the launcher go; running steps live on."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None

    def prepare(
        self,
        *,
        checklist: Checklist,
        step: Step,
        state: RunState,
        run: str,
        cwd: str,
        block: int,
        edited: str | None,
        secrets: Mapping[str, str],
        interactive: bool,
    ) -> Prepared:
        """Work out what would run. Nothing is written.

        Raises:
            RefusedError: a value is missing, a placeholder's value is not safe, or the folder is not there.
        """
        step_state = state.step(step.id)
        attempt = len(step_state.attempts) + 1
        directory = self.folder(step.id, attempt)
        inputs = self._inputs(checklist, step, state, cwd, secrets, run=run, number=attempt, at=directory)
        environ, values, folder, hidden = inputs.environ, inputs.values, inputs.folder, inputs.hidden
        if step.facts.call is not None:
            require(missing_for(step, None, checklist, state, values))
            return self._typed(step, step.facts.call, inputs)
        blocks = step.scripts(step_state.option)
        code = blocks[block]
        text = edited if edited is not None else self._filled(code, step, checklist, state, values)
        spec = AttemptSpec(
            script=text.encode("utf-8", "surrogateescape"),
            interpreter=(interpreter_for(step.facts.shell or code.language),),
            is_shell=True,
            cwd=folder,
            env=environ,
            carried_from=self._carried_from(checklist, state),
            keep_cwd=bool(step.facts.cwd),
            timeout_s=step.facts.timeout_s,
            secrets=hidden,
        )
        return Prepared(
            step=step,
            attempt=attempt,
            block=block,
            what="interactive" if interactive else "command",
            directory=directory,
            spec=spec,
            diff=edit_diff(code.script, text) if edited is not None else "",
        )

    def prepare_verification(
        self,
        *,
        checklist: Checklist,
        step: Step,
        call: KindCall,
        state: RunState,
        run: str,
        cwd: str,
        secrets: Mapping[str, str],
    ) -> Prepared:
        """Work out how `call` looks whether `step` was carried out. Nothing is written. Raises as `prepare`."""
        number = len(state.step(step.id).verifications) + 1
        at = self.verification_folder(step.id, number)
        facts = StepFacts(check=call, timeout_s=step.facts.timeout_s, cwd=step.facts.cwd, env=step.facts.env)
        look = replace(step, facts=facts)
        inputs = self._inputs(checklist, look, state, cwd, secrets, run=run, number=number, at=at)
        require(missing_for(look, None, checklist, state, inputs.values))
        return self._typed(look, call, inputs)

    def _inputs(
        self,
        checklist: Checklist,
        step: Step,
        state: RunState,
        cwd: str,
        secrets: Mapping[str, str],
        *,
        run: str,
        number: int,
        at: Path,
    ) -> Inputs:
        """What the run gives to an attempt of `step` whose folder is `at`. Raises RefusedError."""
        environ = self._edge.environ()
        values = values_of(checklist, state, secrets, environ)
        folder = step_folder(cwd, step.facts.cwd, {**environ, **values})
        environ |= values | dict(step.facts.env)
        hidden = tuple(v for k, v in values.items() if k in secrets or is_secret(checklist, k))
        return Inputs(run, number, at, folder, environ, values, hidden)

    def _filled(
        self, code: CodeBlock, step: Step, checklist: Checklist, state: RunState, values: Mapping[str, str]
    ) -> str:
        require(missing_for(step, code, checklist, state, values))
        if not code.placeholders:
            return code.script
        from orion_deploy.checklist.placeholders import fill

        return fill(code.script, {p: state.variables[p] for p in code.placeholders})

    def _typed(self, step: Step, call: KindCall, inputs: Inputs) -> Prepared:
        from orion_deploy.kinds import worker

        request = worker.request(
            call,
            run=inputs.run,
            run_directory=self._run_directory,
            attempt_directory=inputs.directory,
            cwd=Path(inputs.folder),
            variables={**inputs.values, **step.facts.env},
            step=step.id,
        )
        spec = AttemptSpec(
            script=worker.worker_script(),
            interpreter=worker.interpreter(),
            is_shell=False,
            cwd=inputs.folder,
            env={**inputs.environ, worker.REQUEST_VARIABLE: str(inputs.directory / worker.REQUEST_NAME)},
            timeout_s=step.facts.timeout_s,
            secrets=inputs.hidden,
        )
        return Prepared(
            step=step,
            attempt=inputs.attempt,
            block=0,
            what=call.name,
            directory=inputs.directory,
            spec=spec,
            request=request,
        )

    def _carried_from(self, checklist: Checklist, state: RunState) -> str:
        """The folder of the last finished shell attempt of the run that left `cd` or `export` behind."""
        if not checklist.carry or state.carried_from is None:
            return ""
        return str(self.folder(*state.carried_from))

    def launch(self, prepared: Prepared) -> None:
        """Put the attempt on disk and let it go. Raises NotRecordedError when nothing was run."""
        self.launcher.prepare(prepared.directory, prepared.spec)
        self._write_extras(prepared)
        self.launcher.spawn(prepared.directory)

    def run_in_foreground(self, prepared: Prepared) -> AttemptResult:
        """Run the attempt in the real terminal; blocks."""
        result = self.launcher.run_in_foreground(prepared.directory, prepared.spec)
        self._write_extras(prepared)
        return result

    def _write_extras(self, prepared: Prepared) -> None:
        if prepared.diff:
            write_private(prepared.directory / "edit.diff", prepared.diff.encode("utf-8", "surrogateescape"))
        if prepared.request:
            from orion_deploy.kinds import worker

            write_private(prepared.directory / worker.REQUEST_NAME, prepared.request)

    def verdict(self, step: Step, state: StepState, attempt: Attempt, result: AttemptResult) -> Verdict:
        """Judge an attempt that ended."""
        directory = self.folder(step.id, attempt.number)
        if result.spawn_error:
            why = f"it could not be started: {plain_line(result.spawn_error)}"
            if state.attempts and result.spawn_error.startswith("the folder "):
                why += " (`forget` drops the folder that an earlier step went to)"
            return Verdict(Outcome.FAILED, why)
        if step.facts.call is not None:
            return typed_verdict(directory, result)
        blocks = step.scripts(state.option)
        block = blocks[attempt.block] if attempt.block < len(blocks) else None
        is_last = attempt.block + 1 >= len(blocks)
        output: str | None = None  # That of an interactive step went to the terminal.
        if attempt.what != "interactive":
            data = Output(directory).tail(OUTPUT_FOR_VERDICT_BYTES_MAX)
            output = stripped(data.decode("utf-8", "replace"))
        script = (directory / "script").read_text("utf-8", "replace")
        return shell_verdict(
            script, result.shell, output, expectations_for(step, block, script, is_last=is_last)
        )

    def may_send_term(self, step: Step, state: StepState) -> bool:
        """Whether the running attempt's script could send the app a terminating signal."""
        from orion_deploy.run.guards import sends_term

        if step.facts.call is not None or not state.attempts:
            return False
        try:
            script = (self.folder(step.id, state.attempts[-1].number) / "script").read_text(
                "utf-8", "replace"
            )
        except OSError:
            return False
        return sends_term(script)


def expectations_for(
    step: Step, block: CodeBlock | None, script: str, *, is_last: bool
) -> tuple[Expectation, ...]:
    """The author's `expect` (of the step's last block), and what the script's own comments offer."""
    from orion_deploy.checklist.expectations import expectations_in

    if step.facts.expect:
        return step.facts.expect if is_last else ()
    return expectations_in(script, block.line if block is not None else 0)


def typed_verdict(directory: Path, result: AttemptResult) -> Verdict:
    """The verdict that a typed step wrote; where it wrote none, what its end tells."""
    from orion_deploy.kinds import worker

    verdict = worker.read_result(directory)
    if verdict is not None and result.shell.why != "timeout":
        return verdict
    if result.shell.why:
        word = "it ran out of time" if result.shell.why == "timeout" else "it was cancelled"
        return Verdict(
            Outcome.FAILED, f"{word}; {verdict.reason if verdict else 'the state was not read back'}"
        )
    ending = f"signal {result.shell.signal}" if result.shell.signal else f"status {result.shell.exit_status}"
    return Verdict(Outcome.UNDECIDED, f"it ended with {ending} and left no verdict; read its output")


def require(missing: Missing) -> None:
    """Raise RefusedError naming what is missing, if anything is."""
    if missing:
        names = ", ".join([v.name for v in missing.variables] + list(missing.placeholders))
        raise RefusedError(
            f"values are missing: {names}", help="give them with --set NAME=VALUE, or when asked in the app"
        )


def is_secret(checklist: Checklist, name: str) -> bool:
    """Whether the variable of this name is marked `secret`."""
    return any(v.name == name and v.secret for v in checklist.variables)


def step_folder(cwd: str, own: str | None, environ: Mapping[str, str]) -> str:
    """The folder in which a step runs: `own` (with `~` and `$NAME`) within the run's, else the run's.

    Raises RefusedError when it is not there.
    """
    folder = cwd
    if own:
        expanded = re.sub(
            r"\$(?:\{(\w+)\}|(\w+))", lambda m: environ.get(m[1] or m[2], m[0]), os.path.expanduser(own)
        )
        folder = os.path.normpath(os.path.join(cwd, expanded))
    if not os.path.isdir(folder):
        raise RefusedError(
            f"the folder `{folder}` in which the step runs is not there",
            help="make it, or start with --cwd where the commands are meant to run",
        )
    return folder


def interpreter_for(language: str) -> str:
    """The shell for a block's language: zsh for zsh, bash for every other."""
    return "zsh" if language.lower() == "zsh" else "bash"


def edit_diff(written: str, edited: str) -> str:
    """The unified diff from the checklist's script to the one that runs; evidence."""
    lines = difflib.unified_diff(
        written.splitlines(), edited.splitlines(), "as written", "as run", lineterm=""
    )
    return "\n".join(lines) + "\n"
