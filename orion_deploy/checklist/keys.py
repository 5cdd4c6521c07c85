"""The one table of keys: what each is called, what it takes, where it may stand, and what it means.

Reading, the JSON Schema, the documentation's table and "did you mean" all come from here; a key that is
not in this table does not exist in either format.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import Final


class Where(Flag):
    """The mappings of a checklist."""

    CHECKLIST = auto()
    """The top of a YAML file."""
    FRONT_MATTER = auto()
    """The top of a Markdown file, between two lines `---`."""
    SECTION = auto()
    """A section of a YAML file."""
    SECTION_BLOCK = auto()
    """A `yaml step` block under a heading."""
    STEP = auto()
    """A step of a YAML file."""
    STEP_BLOCK = auto()
    """A `yaml step` block in a step."""
    OPTION = auto()
    """One way of carrying a step out."""
    CODE = auto()
    """A block of code."""
    VARIABLE = auto()
    """A variable's description."""


class Takes(StrEnum):
    """What a key's value is; the words stand in messages and in the documentation."""

    TEXT = "a text"
    BOOLEAN = "true or false"
    DURATION = "a duration such as 30s, 5m or 1h30m"
    ID = "an id: letters, digits, `-`, `_` and `.`"
    IDS = "an id or a list of ids"
    TAGS = "a list of tags"
    TEXTS = "a mapping of names to texts"
    CALL = "a kind's name, or one kind with its parameters"
    EXPECTATIONS = "a text, a mapping such as {contains: text}, or a list of them"
    CONFIRMATION = "a word that the operator types, or true"
    SECTION_KIND = "one of steps, rollback, criteria, gates, notes"
    SHELL = "bash, sh, zsh, or the full path of a shell"
    TYPE = "one of text, integer, number, boolean, path"
    VARIABLES = "a mapping of names to defaults or descriptions"
    SECTIONS = "a list of sections"
    STEPS = "a list of steps"
    OPTIONS = "a list of options"
    CODE = "a list of code blocks"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `example` is a value as it would be written in YAML."""

    name: str
    takes: Takes
    where: Where
    help: str
    example: str = ""


_W = Where
_STEP = _W.STEP | _W.STEP_BLOCK
_TOP = _W.CHECKLIST | _W.FRONT_MATTER
_TITLED = _W.CHECKLIST | _W.SECTION | _W.STEP | _W.OPTION

KEYS: Final[tuple[Key, ...]] = (
    Key("title", Takes.TEXT, _TITLED, "What it is called. Required.", "Stop the application"),
    Key("metadata", Takes.TEXTS, _TOP, "Facts about the checklist: risk, estimated time, version.", "{Risk Level: LOW}"),
    Key("variables", Takes.VARIABLES, _TOP, "Values that the operator gives; scripts see them as environment variables.", "{DATABASE: data/app.db}"),
    Key("cwd", Takes.TEXT, _TOP | _STEP, "The folder where commands run. Default: where the operator started the app.", "~/orion"),
    Key("carry", Takes.BOOLEAN, _TOP, "Whether `cd` and `export` of a step reach the next steps. Default: true.", "false"),
    Key("notes", Takes.TEXTS, _W.CHECKLIST, "Tag to note: shown beside each step whose title names the tag in parentheses.", "{TIGER-B: Plan a window for large tables.}"),
    Key("id", Takes.ID, _STEP, "The step's name for commands, `needs` and the record. Default: made from the title.", "backup"),
    Key("kind", Takes.SECTION_KIND, _W.SECTION | _W.SECTION_BLOCK, "What the section is for. Default: told from its title.", "rollback"),
    Key("mandatory", Takes.BOOLEAN, _W.SECTION | _W.SECTION_BLOCK | _STEP, "It cannot be skipped, only overridden with a typed reason. Default: told from its title.", "true"),
    Key("optional", Takes.BOOLEAN, _W.SECTION | _W.SECTION_BLOCK | _STEP, "It may be left out. Default: told from its title.", "true"),
    Key("text", Takes.TEXT, _W.CHECKLIST | _W.SECTION | _W.STEP | _W.CODE, "Prose, as Markdown; in a code block the code.", "Look at the dashboard."),
    Key("run", Takes.TEXT, _W.STEP | _W.OPTION, "The shell script that the step runs (bash).", "npm run test"),
    Key("code", Takes.CODE, _W.CHECKLIST | _W.SECTION | _W.STEP | _W.OPTION, "Code blocks, where `run` does not say enough.", "[{language: sql, text: SELECT 1}]"),
    Key("options", Takes.OPTIONS, _W.STEP, "Ways to carry the step out; the operator chooses one.", "[{title: Restore the backup, run: ./restore}]"),
    Key("check", Takes.CALL, _STEP, "Looks and decides: a typed check that changes nothing and ticks the step when it passes.", "{process.absent: {program: orion}}"),
    Key("action", Takes.CALL, _STEP, "Changes something: a typed action, recorded before it begins.", "sqlite.backup"),
    Key("watch", Takes.CALL, _STEP, "A typed check over time.", "{process.memory: {program: orion, rss_mb_max: 500}}"),
    Key("for", Takes.DURATION, _STEP, "How long a watch watches; time in which nobody looked does not count. Default: 24h.", "24h"),
    Key("every", Takes.DURATION, _STEP, "The time between two looks of a watch. Default: the kind decides.", "30s"),
    Key("expect", Takes.EXPECTATIONS, _STEP, "What the output must be for the step to pass.", "{contains: done}"),
    Key("confirm", Takes.CONFIRMATION, _STEP, "The operator types this word before the step runs.", "RESTORE"),
    Key("timeout", Takes.DURATION, _STEP, "The longest time the step may take; a number alone is seconds.", "5m"),
    Key("auto", Takes.BOOLEAN, _STEP, "true: a passing verdict ticks the step. false: only a person does. Default: the kind decides.", "false"),
    Key("reference", Takes.BOOLEAN, _STEP, "Its commands are shown and copied, never run by this step.", "true"),
    Key("needs", Takes.IDS, _STEP, "Steps that must be done before this one.", "[backup]"),
    Key("idempotent", Takes.BOOLEAN, _STEP, "Carrying it out twice does no harm: after an interruption it may be run again.", "true"),
    Key("verify", Takes.CALL, _STEP, "The check that tells, after an interruption, whether the step was carried out.", "{files.exists: {path: backup.db}}"),
    Key("when", Takes.TEXT, _STEP, "The step applies only under this condition on a variable, or on the answer to a choice.", "way == down"),
    Key("interactive", Takes.BOOLEAN, _STEP, "It needs the real terminal. Default: told from its words (sudo, an editor, read).", "true"),
    Key("env", Takes.TEXTS, _STEP, "Environment variables for this step alone.", "{LANG: C}"),
    Key("shell", Takes.SHELL, _STEP, "The shell that runs the step's commands. Default: told from the block's language.", "zsh"),
    Key("tags", Takes.TAGS, _STEP, "Notes to show beside the step, besides those that its title names.", "[ELEPHANT-A]"),
    Key("checked", Takes.BOOLEAN, _W.STEP, "Was ticked in the file; shown, not trusted.", "true"),
    Key("numbered", Takes.BOOLEAN, _W.STEP, "A numbered step, without a checkbox, where the checklist is Markdown.", "true"),
    Key("steps", Takes.STEPS, _W.CHECKLIST | _W.SECTION | _W.STEP, "Steps in order; under a step, its sub-steps.", "[{title: Stop the app}]"),
    Key("sections", Takes.SECTIONS, _W.CHECKLIST | _W.SECTION, "Sections in order; under a section, its sub-sections.", "[{title: Deployment, steps: []}]"),
    Key("recommended", Takes.BOOLEAN, _W.OPTION, "The option to prefer.", "true"),
    Key("language", Takes.TEXT, _W.CODE, "The language of the code: a shell's is run, any other shown. Default: bash.", "sql"),
    Key("default", Takes.TEXT, _W.VARIABLE, "The value when none is given. Without one the operator is asked.", "data/app.db"),
    Key("prompt", Takes.TEXT, _W.VARIABLE, "The question that the operator is asked.", "Which database?"),
    Key("secret", Takes.BOOLEAN, _W.VARIABLE, "Its value is never shown or recorded.", "true"),
    Key("type", Takes.TYPE, _W.VARIABLE, "What values are taken. Default: text.", "path"),
)  # fmt: skip


def keys_of(where: Where) -> dict[str, Key]:
    """Return the keys that may stand in one kind of mapping, by name, in the order of the table."""
    return {key.name: key for key in KEYS if where in key.where}
