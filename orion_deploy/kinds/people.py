"""What only a person can do. These kinds are questions: the session asks them, no process is needed."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from pydantic import Field, field_validator, model_validator

from orion_deploy.kinds.base import Check, Context
from orion_deploy.kinds.verdict import Outcome, Verdict

OPTIONS_MIN: Final = 2
OPTIONS_MAX: Final = 9
"""A screen takes an option by one key."""
_KEY: Final = re.compile(r"[A-Za-z][\w-]*")


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
    """A person chooses one of several ways; other steps apply by the answer (`when: way == down`).

    Undecided for as long as nobody has chosen; an answer that is none of `options` is refused. It never fails.
    """

    name: ClassVar[str] = "people.choice"
    example: ClassVar[str] = """
        check:
          people.choice:
            question: Which way back?
            options: {down: run the down migration, restore: restore the backup}
            recommended: down
    """

    question: str = Field(min_length=1, description="what is to be chosen")
    options: tuple[str, ...] | dict[str, str] = Field(
        description="2 to 9 ways, in order, each once; with a key before each (`down: ...`), `when` names it by that"
    )
    recommended: str | None = Field(None, description="the option to point out: its key, or one of `options`")

    @field_validator("options")
    @classmethod
    def _can_be_told_apart(
        cls, options: tuple[str, ...] | dict[str, str]
    ) -> tuple[str, ...] | dict[str, str]:
        titles = list(options.values()) if isinstance(options, dict) else list(options)
        if not OPTIONS_MIN <= len(titles) <= OPTIONS_MAX:
            raise ValueError(
                f"there must be at least {OPTIONS_MIN} and at most {OPTIONS_MAX}, not {len(titles)}"
            )
        keys = list(options) if isinstance(options, dict) else []
        for key in keys:
            if _KEY.fullmatch(key) is None:
                raise ValueError(
                    f"the key `{key}` is not a word of letters, digits, `-` and `_` that begins with a letter"
                )
        if len({*titles, *keys}) != len(titles) + len(keys):
            raise ValueError("every option must differ from the others")
        return options

    @model_validator(mode="after")
    def _known_options(self) -> PeopleChoice:
        if self.recommended is not None and self.recommended not in self.options:
            raise ValueError("`recommended` must be one of `options`")
        return self

    @property
    def titles(self) -> tuple[str, ...]:
        """The ways in words."""
        return tuple(self.options.values()) if isinstance(self.options, dict) else self.options

    def probe(self, context: Context) -> Verdict:  # nothing to look at
        """Nothing can be seen here without a person."""
        return Verdict(Outcome.UNDECIDED, f"a person chooses: {self.question} ({' / '.join(self.titles)})")
