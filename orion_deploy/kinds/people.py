"""What only a person can do. These kinds are questions: the session asks them, no process is needed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.verdict import Outcome, Verdict


class PeopleConfirm(Check):
    """A person confirms something, by a word or by the value that they saw.

    Without `word` and `value` the tick itself is the answer. Undecided for as long as nobody has answered; another
    word than `word` is no answer. It never fails by itself.
    """

    name: ClassVar[str] = "people.confirm"
    example: ClassVar[str] = """
        check:
          people.confirm:
            question: How many requests did the registry restore?
            value: number
    """

    question: str = Field(min_length=1, description="what the person is asked")
    word: str | None = Field(None, min_length=1, description="the word to type; nothing else confirms")
    value: str | None = Field(
        None,
        description="what is written down as seen: a name for it (`p95 in ms`), asked for and kept with the tick",
    )

    @model_validator(mode="after")
    def _one_way(self) -> PeopleConfirm:
        if self.word is not None and self.value is not None:
            raise ValueError("give `word` or `value`, not both")
        return self

    def probe(self, context: Context) -> Verdict:  # nothing to look at
        """Nothing can be seen here without a person."""
        return Verdict(Outcome.UNDECIDED, f"a person decides: {self.question}")


class PeopleChoice(Check):
    """A person chooses one of several ways.

    Undecided for as long as nobody has chosen; an answer that is none of `options` is refused. It never fails.
    """

    name: ClassVar[str] = "people.choice"
    example: ClassVar[str] = """
        check:
          people.choice:
            question: Which way back?
            options: [run the down migration, restore the backup]
            recommended: run the down migration
    """

    question: str = Field(min_length=1, description="what is to be chosen")
    options: tuple[str, ...] = Field(min_length=2, max_length=9, description="the ways, in order; each once")
    recommended: str | None = Field(None, description="the option to point out; one of `options`")

    @model_validator(mode="after")
    def _known_options(self) -> PeopleChoice:
        if len(set(self.options)) != len(self.options):
            raise ValueError("every option must differ from the others")
        if self.recommended is not None and self.recommended not in self.options:
            raise ValueError("`recommended` must be one of `options`")
        return self

    def probe(self, context: Context) -> Verdict:  # nothing to look at
        """Nothing can be seen here without a person."""
        return Verdict(Outcome.UNDECIDED, f"a person chooses: {self.question} ({' / '.join(self.options)})")
