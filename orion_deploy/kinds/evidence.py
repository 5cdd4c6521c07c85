"""What a run itself has shown: these kinds are judged from its record alone, by the session that holds it.

No process is needed, and nothing is looked at again. `run/evidence.py` judges; here stand the parameters.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.limit import RELATIONS
from orion_deploy.kinds.verdict import Outcome, Verdict

_NOT_HERE = Verdict(
    Outcome.UNDECIDED, "it is decided from the record of a run, by the session that holds it, as a `check`"
)


class EvidencePassed(Check):
    """Other steps of this run have passed; a watch, over its whole time.

    Open until each of them has an end: while a watch goes on, with the time when it is due. A step that failed,
    or that was ticked against its verdict (an override), fails it. A step that was passed over shows
    nothing, and leaves it open; one whose `when` does not hold counts as passed.
    """

    name: ClassVar[str] = "evidence.passed"
    example: ClassVar[str] = """
        check:
          evidence.passed:
            steps: [errors, flush]
    """

    steps: tuple[str, ...] = Field(
        min_length=1, max_length=100, description="ids of the steps that must have passed"
    )

    def probe(self, context: Context) -> Verdict:  # nothing to look at
        """Nothing can be seen here without the run's record."""
        return _NOT_HERE


class EvidenceValue(Check):
    """A value that another step of this run saw keeps its limits.

    `value` is the name of one of the values of its last verdict, or `duration_s`: how long it took, in seconds.
    Give at least one limit; where there are several, all of them must hold. The step must have
    passed: a failed step fails it, whatever its value. Open until the step, or the watch, has come to its end.
    """

    name: ClassVar[str] = "evidence.value"
    example: ClassVar[str] = """
        check:
          evidence.value:
            step: migrate
            value: duration_s
            below: 30
    """

    step: str = Field(min_length=1, description="id of the step that saw the value")
    value: str = Field(
        "duration_s", min_length=1, description="name of the value, with its unit: `p95_ms`, `duration_s`"
    )
    below: float | None = Field(None, description="the value must be smaller")
    at_most: float | None = Field(None, description="the value must be as large, or smaller")
    above: float | None = Field(None, description="the value must be larger")
    at_least: float | None = Field(None, description="the value must be as large, or larger")
    equals: float | bool | str | None = Field(None, description="the value must be exactly this")

    @model_validator(mode="after")
    def _some_limit(self) -> EvidenceValue:
        if all(getattr(self, relation) is None for relation in RELATIONS):
            raise ValueError(f"give a limit: {', '.join(RELATIONS)}")
        return self

    def probe(self, context: Context) -> Verdict:  # nothing to look at
        """Nothing can be seen here without the run's record."""
        return _NOT_HERE
