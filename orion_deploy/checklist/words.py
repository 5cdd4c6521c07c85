"""What the words of a heading or a title mean: the kind of a section, mandatory, optional, tags, options, blanks.

Where two readings are possible the one is taken that runs less by itself: a heading that speaks of going
back is the way back, unless it plainly speaks of trying or preparing it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from orion_deploy.checklist.model import CodeBlock, Option, Role, SectionKind, StepFacts

_BACK = re.compile(
    r"\broll(?:ing|ed)?[\s-]?back\b|\bback(?:ing)?[\s-]?out\b|\brevert(?:ing)?\b|回滚|回退|ロールバック|롤백",
    re.IGNORECASE,
)
_ABOUT_BACK = re.compile(
    r"^\W*(?:\d+[.)\s]*)*(?:test|try|rehears|practi[cs]|dry[\s-]?run|prepar|verify\s+(?:that\s+)?(?:the\s+)?roll|document|review)"
    r"|\b(?:test(?:s|ing)?|rehearsal|drill|readiness|preparations?|dry[\s-]?run)\W*$",
    re.IGNORECASE,
)
_CRITERIA = re.compile(
    r"\b(?:success|acceptance|completion|exit|done)\s+criteria\b|\bcriteria\s+(?:of|for)\s+(?:success|acceptance|completion)\b"
    r"|\bdefinition\s+of\s+done\b|^\W*acceptance\W*$|^\W*criteria\W*$|成功标准|验收标准",
    re.IGNORECASE,
)
_GATES = re.compile(r"(?<!feature )\bgates?\b", re.IGNORECASE)
_NOTES = re.compile(
    r"(?:(?:general|additional|important|other|risk|deployment)\s+)?notes?|备注|注意事项", re.IGNORECASE
)
_TRIGGER = re.compile(
    r"^\W*(?:when|triggers?|conditions?|criteria|reasons?)\b"
    r"|\b(?:triggers?|criteria|conditions?|reasons?|decision(?:\s+points?)?|when|if)\W*$",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?\s+)")

_MANDATORY = re.compile(
    r"(?<!NOT )(?<!NON-)\bMANDATORY\b"
    r"|(?<!NO )(?<!NON-)(?<!ZERO )\bCRITICAL\b(?!\s*(?:,|/|\||\bOR\b|\bAND\b|\bor\b|\band\b|"
    r"(?i:errors?|alerts?|vulnerabilit|issues?|bugs?|findings?|severit|logs?|events?|level|messages?|warnings?|alarms?|cves?)\b))"
    r"|(?i:[(\[]\s*(?:mandatory|critical)\s*[)\]])"
    r"|^\W*(?i:mandatory|critical)\s*:"
)
_OPTIONAL = re.compile(
    r"[(\[]\s*(?:optional(?:ly)?\b[^)\]]*|if\s+(?:needed|necessary|required|applicable)\s*)[)\]]|^\W*optional(?:ly)?\s*[:,]",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_TAG = r"[A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)+"
_TAG_WORD = re.compile(rf"(?<![\w-]){_TAG}(?![\w-])")
_NOTE = re.compile(
    rf"(?:\*\*|__)?(?P<tag>{_TAG})(?:\*\*|__)?\s*(?:\((?P<about>[^()]*)\))?\s*(?P<colon>:)?\s*(?:\*\*|__)?\s*(?(colon)|:)\s*(?P<text>.*)",
    re.DOTALL,
)
_OPTION = re.compile(
    r"(?:option|alternative|approach|method|variant|方式|方案|选项)\s*#?(?P<number>\d{1,2}|[A-H])\b\s*(?:[:.)\u2013\u2014-]|\uff1a|$|(?=[(\[]))\s*(?P<title>.*)",
    re.IGNORECASE | re.DOTALL,
)
_RECOMMENDED = re.compile(
    r"\s*[(\[\uff08]\s*(?:recommended|preferred|推荐)\s*[)\]\uff09]|\brecommended\b|推荐", re.IGNORECASE
)
_NOT_RECOMMENDED = re.compile(r"\bnot\s+(?:recommended|preferred)\b", re.IGNORECASE)
_RECOMMENDED_MARK = re.compile(
    r"\s*[(\[\uff08]\s*(?:recommended|preferred|推荐)\s*[)\]\uff09]", re.IGNORECASE
)
_BLANK = re.compile(r"(?<![\w\\])(?:_{3,}|(?:\\_){3,})(?!\w)")

_KEEP = re.compile(
    r"\bkeep\s+(?:(?:it|this|them|these)\s+)?(?:handy|at\s+hand|close|nearby|ready)\b"
    r"|\bfor\s+(?:(?:quick|later|future|easy|your)\s+)?reference\b|\breference\s+only\b",
    re.IGNORECASE,
)
_WRITE_DOWN = re.compile(
    r"^\W*(?:document|save|record|note(?:\s+down)?|write\s+down|copy|keep)\s+(?:(?:the|this|these|your|a|all)\s+)?"
    r"(?:(?!outputs?\b|results?\b)[\w/-]+\s+){0,3}commands?\b(?!\s*(?:output|results?|history|log))",
    re.IGNORECASE,
)
_KEEP_COMMENT = re.compile(
    r"^\W*(?:save|keep|note|copy|write\s+down)\s+(?:this|these|the\s+following|it|them)"
    r"(?:\s+(?:commands?|lines?|scripts?|snippets?|blocks?)\b|\s+(?:for|at\s+hand|handy|in\s+case|somewhere|nearby|ready)\b|\W*$)"
    r"(?!.*\b(?:outputs?|results?)\b)"
    r"|\bfor\s+(?:(?:quick|later|future)\s+)?reference\b|\breference\s+only\b|\bkeep\s+(?:it\s+|this\s+)?handy\b"
    r"|\b(?:do\s+not|don't|don\u2019t|never)\s+(?:run|execute)\s+(?:this|these|it)(?:\s+(?:now|yet|here|commands?))*(?:\W*$|\s+unless\b)",
    re.IGNORECASE,
)


def section_kind(title: str, parent: SectionKind | None = None) -> SectionKind:
    """Return what a section is for, from its heading and the kind of the section it stands in.

    The way back keeps everything under it. Gates may stand among criteria.
    """
    if parent is SectionKind.ROLLBACK:
        return parent
    if _BACK.search(title) and not _ABOUT_BACK.search(title):
        return SectionKind.ROLLBACK
    if parent is SectionKind.GATES or _GATES.search(title):
        return SectionKind.GATES
    if parent is SectionKind.CRITERIA or _CRITERIA.search(title):
        return SectionKind.CRITERIA
    if parent is SectionKind.NOTES or _NOTES.fullmatch(_NUMBERING.sub("", title).strip(" :\u2014-*#")):
        return SectionKind.NOTES
    return SectionKind.STEPS


def is_about_triggers(title: str) -> bool:
    """Whether a heading announces when to go back, not how."""
    return _TRIGGER.search(title) is not None


def is_mandatory(title: str) -> bool:
    """Whether a title says MANDATORY or CRITICAL (in capitals, in brackets, or first and with a colon)."""
    low = title.lower()
    return ("mandatory" in low or "critical" in low) and _MANDATORY.search(title) is not None


def is_optional(title: str) -> bool:
    """Whether a title says `(optional)` or `(if needed)`, or begins with `Optional:`."""
    low = title.lower()
    return ("optional" in low or "if" in low) and _OPTIONAL.search(title) is not None


def necessity(
    title: str,
    mandatory: bool | None,
    optional: bool | None,
    *,
    inherits_mandatory: bool = False,
    inherits_optional: bool = False,
) -> tuple[bool, bool]:
    """Return whether a step or section is mandatory, and whether it is optional.

    `mandatory` and `optional` are what its own block states, None where it states nothing: then its title
    tells, then what the headings above it hand down.
    """
    is_left_out = is_optional(title) if optional is None else optional
    is_must = mandatory
    if is_must is None:
        is_must = is_mandatory(title) or (inherits_mandatory and not is_left_out)
    if optional is None and inherits_optional and not is_must:
        is_left_out = True
    return is_must, is_left_out


def tags_in(titles: Iterable[str], notes: Collection[str]) -> tuple[str, ...]:
    """Return the tags that stand in brackets in the titles and have a note, each once, in order."""
    found: dict[str, None] = {}
    if notes:
        for title in titles:
            for bracket in _BRACKETS.finditer(title):
                inside = bracket[1] if bracket[1] is not None else bracket[2]
                found.update((tag, None) for tag in _TAG_WORD.findall(inside) if tag in notes)
    return tuple(found)


def note_in(text: str) -> tuple[str, str] | None:
    """Read `**TAG (what it is about):** text` (Markdown source) as the tag and `what it is about: text`."""
    match = _NOTE.fullmatch(text.strip())
    if match is None:
        return None
    words = match["text"].strip()
    about = (match["about"] or "").strip()
    return match["tag"], f"{about}: {words}" if about and words else about or words


def option_in(title: str, line: int) -> Option | None:
    """Read `Option 1: Restore the backup (Recommended)`, plain words, as an option. Letters count from A = 1."""
    match = _OPTION.fullmatch(title.strip())
    if match is None:
        return None
    number = match["number"]
    value = int(number) if number.isdigit() else ord(number.upper()) - ord("A") + 1
    words = match["title"].strip()
    return Option(value, without_recommended(words), line, is_recommended(words)) if value else None


def is_recommended(title: str) -> bool:
    """Whether an option's title recommends it."""
    return _RECOMMENDED.search(title) is not None and _NOT_RECOMMENDED.search(title) is None


def without_recommended(title: str) -> str:
    """Return an option's title without its `(Recommended)`."""
    return _RECOMMENDED_MARK.sub("", title).strip()


def blanks_in(text: str) -> int:
    """Count the `____` that a person fills in."""
    return len(_BLANK.findall(text)) if "__" in text or "\\_" in text else 0


def is_kept_for_reference(title: str) -> bool:
    """Whether a step's title asks to keep a command, not to run it: "Document rollback command (keep handy)"."""
    low = title.lower()
    return ("keep" in low or "reference" in low or "command" in low) and (
        _KEEP.search(title) is not None or _WRITE_DOWN.search(title) is not None
    )


def is_reference_comment(comment: str) -> bool:
    """Whether a block's comment says that it is kept, not run: "Save this command for quick rollback"."""
    return _KEEP_COMMENT.search(comment) is not None


def kind_of_step(facts: StepFacts, code: Collection[CodeBlock], options: Collection[Option]) -> str:
    """Return the word for what a step is: a typed kind's name, or one of the words of `Step.kind`."""
    if facts.call is not None:
        return facts.call.name
    roles = {block.role for block in code}
    if facts.reference or (Role.REFERENCE in roles and Role.COMMAND not in roles):
        return "reference"
    if options:
        return "choice"
    if Role.COMMAND in roles:
        return "command"
    return "instruction" if Role.INSTRUCTION in roles else "manual"
