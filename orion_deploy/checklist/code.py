"""What a block of code is for: a command to run, an instruction to read, a sample to look at, a reference to keep.

Whatever is not plainly a shell's is never run. In a console block only the lines behind a prompt are
commands; what stands between them is output.
"""

from __future__ import annotations

import re
from typing import Final

from orion_deploy.checklist.model import CodeBlock, Role
from orion_deploy.checklist.words import is_reference_comment

SHELL_LANGUAGES: Final = frozenset(("bash", "sh", "shell", "zsh", "ksh", "dash", "ash", "shellscript"))
CONSOLE_LANGUAGES: Final = frozenset(
    ("console", "shell-session", "shellsession", "sh-session", "bash-session", "terminal", "shell-console")
)

_PROMPT = re.compile(
    r"[ \t]*(?:\((?:[\w.-]+)\)[ \t]*)?"
    r"(?:\$[ \t]+|(?:\[[\w.-]+@[\w.-]+[^\]\n]*\]|[\w.-]+@[\w.-]+(?::[^\s$#%]*)?)[ \t]?[$#%][ \t]+)(?=\S)"
)
"""`$ `, `(venv) $ `, `user@host:~/app$ `, `[root@host ~]# `."""
_ROOT_PROMPT = re.compile(
    r"[ \t]*#[ \t]+(?=(?:apt(?:-get)?|yum|dnf|apk|systemctl|service|mkdir|cp|mv|rm|ln|chmod|chown|mount|umount|docker|kubectl|oc|"
    r"useradd|usermod|adduser|journalctl|iptables|sysctl|zypper|pacman)[ \t]+[\w./~$-])(?!.*[.:!?]\s*$)"
)
"""`# systemctl restart x`, in a console block without other prompts: a command no sentence would begin with."""
_BARE_COMMAND = re.compile(
    r"(?:\w+=\S*\s+)*(?:[a-z_][a-z0-9_.+-]*|[.~]{0,2}/[\w./+-]+|\$\{?\w+\}?/[\w./+-]+)(?:[ \t]+[^\s:=].*|\s*)$"
)
"""A first line that could be a command, where a console block has no prompts: not `1 drain.go:173] ...`, not `Error: ...`."""
_HEREDOC = re.compile(r"(?<!<)<<(?P<strip>-)?[ \t]*(?P<quote>['\"]?)(?P<word>\w+)(?P=quote)")
_PLACEHOLDER_SIGNS: Final = ("<", "{{", "our_", "our-", "OUR_", "OUR-", "X.Y", "x.y")
"""One of these stands in every placeholder: without any, the script need not be taken apart."""
_OUTSIDE_QUOTES = re.compile(r"(?:\\.|(?<=\S)#|[^\\'\"#]++|\\$)*+")
_QUOTE_END = {"'": re.compile(r"[^']*'"), '"': re.compile(r'(?:[^"\\]++|\\.)*+"')}
_TAIL_CHARACTERS: Final = 40
_OPEN_END = re.compile(r"(?:\\|\|\|?|&&|(?P<compound>\bdo|\bthen|\belse|[{(]))\s*$")
_CONTINUED_PROMPT = re.compile(r"[ \t]*>[ \t]")


def block_of(
    text: str, language: str, line: int, *, option: int | None = None, is_reference: bool = False
) -> CodeBlock:
    """Return the block as the model has it: its role, what would run, and the placeholders in that.

    `language` is the first word of a fence's info string. `is_reference` says that the words around the
    block ask to keep it; a comment within a shell block can say so too.
    """
    role, script = _role_and_script(text, language)
    if role is Role.COMMAND and (is_reference or _asks_to_keep(script)):
        role = Role.REFERENCE
    placeholders: tuple[str, ...] = ()
    if script and any(sign in script for sign in _PLACEHOLDER_SIGNS):
        from orion_deploy.checklist.placeholders import find_placeholders

        placeholders = find_placeholders(script)
    return CodeBlock(text, language, role, line, option, script, placeholders)


def step_block(text: str, line: int) -> CodeBlock:
    """Return a `yaml step` block: facts, not shown as code."""
    return CodeBlock(text, "yaml", Role.STEP, line)


def _role_and_script(text: str, language: str) -> tuple[Role, str]:
    """Return the role of a block by its language and its lines, and the script where something would run."""
    name = language.lower().strip("{}.").split(",")[0]
    if name in SHELL_LANGUAGES:
        script = _prompted(text) if _begins_with_prompt(text) else text
        return (Role.COMMAND, script) if _has_command(script) else (Role.INSTRUCTION, "")
    if not name:
        return (Role.COMMAND, _prompted(text)) if _begins_with_prompt(text) else (Role.SAMPLE, "")
    if name in CONSOLE_LANGUAGES:
        return _console(text)
    return Role.SAMPLE, ""


def _console(text: str) -> tuple[Role, str]:
    """Return the role of a console block: commands behind prompts; without any, commands where all lines could be one."""
    lines = text.split("\n")
    if any(_PROMPT.match(line) for line in lines):
        return Role.COMMAND, _prompted(text)
    if _ROOT_PROMPT.match(text.lstrip("\n")):
        return Role.COMMAND, _prompted(text, _ROOT_PROMPT)
    if not _has_command(text):
        return (Role.INSTRUCTION if text.strip() else Role.SAMPLE), ""
    reading = _Reading()
    for line in lines:
        is_new = not reading.is_open
        reading.feed(line)
        if is_new and line.strip() and not line.lstrip().startswith("#") and not _BARE_COMMAND.match(line):
            return Role.SAMPLE, ""
    return Role.COMMAND, text


def _begins_with_prompt(text: str) -> bool:
    """Whether the first line that is no comment begins with a prompt."""
    for line in text.split("\n"):
        if _PROMPT.match(line):
            return True
        if line.strip() and not line.lstrip().startswith("#"):
            return False
    return False


def _has_command(script: str) -> bool:
    """Whether any line is more than a comment."""
    return any(line and not line.startswith("#") for line in map(str.strip, script.split("\n")))


def _prompted(text: str, prompt: re.Pattern[str] = _PROMPT) -> str:
    """Return the commands behind the prompts, with their continuation lines and here-documents; output is left out.

    A quote that is never closed does not make output part of a command: then its first line stands alone.
    """
    kept: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        match = prompt.match(lines[at])
        if match is None:
            if not kept and lines[at].lstrip().startswith("#"):
                kept.append(lines[at])
            at += 1
            continue
        reading = _Reading()
        command = [lines[at][match.end() :]]
        reading.feed(command[0])
        at += 1
        while at < len(lines) and not prompt.match(lines[at]):
            continued = _CONTINUED_PROMPT.match(lines[at])
            if not (reading.is_open or (reading.is_compound and continued)):
                break
            line = lines[at][continued.end() :] if continued and not reading.documents else lines[at]
            command.append(line)
            reading.feed(line)
            at += 1
        kept += command[:1] if reading.quote else command
    return "\n".join(kept)


class _Reading:
    """What a command leaves open from one line to the next: a quote, here-documents, a line that continues."""

    def __init__(self) -> None:
        self.quote = ""
        self.documents: list[tuple[str, bool]] = []
        """Here-documents whose end is still to come: delimiter, tabs stripped."""
        self.is_compound = False
        """It has opened a `do`, a `then` or a brace: whatever stands behind `> ` belongs to it."""
        self._continues = False

    @property
    def is_open(self) -> bool:
        """Whether the next line belongs to the command."""
        return bool(self.quote or self.documents) or self._continues

    def feed(self, line: str) -> None:
        """Read one more line."""
        if self.documents:
            word, strips = self.documents[0]
            if (line.lstrip("\t") if strips else line) == word:
                self.documents.pop(0)
            self._continues = False
            return
        bare = self._unquoted(line)
        end = _OPEN_END.search(bare[-_TAIL_CHARACTERS:])
        self._continues = end is not None
        self.is_compound = self.is_compound or (end is not None and end["compound"] is not None)
        if "<<" in bare:
            self.documents = [(m["word"], bool(m["strip"])) for m in _HEREDOC.finditer(line)]

    def _unquoted(self, line: str) -> str:
        """Return what of a line stands outside of quotes and comments, and keep the quote that is open at its end."""
        parts: list[str] = []
        at = 0
        while at < len(line):
            if self.quote:
                end = _QUOTE_END[self.quote].match(line, at)
                if end is None:
                    return "".join(parts)
                self.quote = ""
                at = end.end()
                continue
            bare = _OUTSIDE_QUOTES.match(line, at)
            assert bare is not None
            parts.append(bare[0])
            at = bare.end()
            if at < len(line):
                if line[at] == "#":
                    break
                self.quote = line[at]
                at += 1
        return "".join(parts)


def _asks_to_keep(script: str) -> bool:
    """Whether the comment that a block begins with asks to keep the block instead of running it."""
    for line in map(str.strip, script.split("\n")):
        if line.startswith("#"):
            if is_reference_comment(line.lstrip("#").strip()):
                return True
        elif line:
            return False
    return False
