"""Rules about single commands: what destroys, never ends, waits for a person, or is not filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from orion_deploy.checklist.lint.finding import Hit, Rule, Severity
from orion_deploy.checklist.lint.subject import Block, Subject
from orion_deploy.checklist.shell_text import Command, Word

_SQL_DROPS = re.compile(
    r"\b(?:drop\s+(?:table|database|schema)|truncate\s+(?:table\s+)?\w+)\b", re.IGNORECASE
)
_SQL_DELETES_ALL = re.compile(r"\bdelete\s+from\s+[\w.\"`\[\]]+\s*(?:;|$)", re.IGNORECASE)
_SQL_CLIENTS: Final = frozenset(
    ("sqlite3", "psql", "mysql", "mariadb", "sqlcmd", "duckdb", "clickhouse-client")
)


def _destructive(subject: Subject) -> Iterator[Hit]:
    for block in subject.scripts:
        if block.step is not None and block.step.facts.confirm is not None:
            continue
        for command in block.script.commands:
            message = _what_it_destroys(command)
            if message:
                fix = {"confirm": "true"} if not block.is_reference and block.step is not None else {}
                yield block.hit(command, message, "confirm: DELETE", fix)


def _what_it_destroys(command: Command) -> str:
    from orion_deploy.checklist.shell_text import program

    words = program(command)[1]
    if not words:
        return ""
    name = words[0].text.rsplit("/", 1)[-1]
    texts = [word.text for word in words[1:]]
    if name in _SQL_CLIENTS:
        sql = "\n".join([*texts, *(r.body for r in command.redirects)])
        if match := _SQL_DROPS.search(sql) or _SQL_DELETES_ALL.search(sql):
            return f"`{' '.join(match[0].split()).rstrip(';')}` cannot be taken back"
        return ""
    look = _LOOKS.get(name)
    message = look(texts, words[1:]) if look is not None else ""
    return message.replace("`...", f"`{name}") if message else ""


def _rm(texts: list[str], words: tuple[Word, ...]) -> str:
    options = "".join(t for t in texts if t.startswith("-") and not t.startswith("--"))
    if "r" not in options.lower() and "--recursive" not in texts:
        return ""
    for word in words:
        if word.raw.startswith("-"):
            continue
        if re.fullmatch(
            r"/|/\*|~/?\*?|\*|\./?\*?|\.\.?/?|\$\{?HOME\}?/?\*?|/(?:etc|usr|var|home|opt|root|boot|lib)/?\*?",
            word.text,
        ):
            return f"`rm -r {word.raw}` deletes everything there"
        if match := re.match(r"\"?\$(?:\{(\w+)\}|(\w+))(?!\w|:\?)", word.raw):
            variable = match[1] or match[2]
            return (
                f"with `{variable}` empty, `rm -r {word.raw}` deletes something else; write ${{{variable}:?}}"
            )
    return ""


def _git(texts: list[str], _: tuple[Word, ...]) -> str:
    verb = next((t for t in texts if not t.startswith("-")), "")
    forced = any(t == "--force" or re.fullmatch(r"-[a-z]*f[a-z]*", t) for t in texts)
    if verb == "push" and forced:
        return "`git push --force` overwrites what others have pushed; --force-with-lease does not"
    if verb == "push" and any(t.startswith("+") for t in texts):
        return "`git push +branch` overwrites what others have pushed"
    if verb == "reset" and "--hard" in texts:
        return "`git reset --hard` throws away what is not committed"
    if (
        verb == "clean"
        and forced
        and any("d" in t or "x" in t for t in texts if re.fullmatch(r"-[a-zA-Z]+", t))
    ):
        return "`git clean -fd` deletes files that are nowhere else"
    return ""


def _dd(texts: list[str], _: tuple[Word, ...]) -> str:
    target = next(
        (t for t in texts if t.startswith("of=/dev/") and t not in ("of=/dev/null", "of=/dev/stdout")), ""
    )
    return f"`dd {target}` overwrites the device" if target else ""


def _verbs(*pairs: str) -> Callable[[list[str], tuple[Word, ...]], str]:
    def look(texts: list[str], _: tuple[Word, ...]) -> str:
        said = " ".join(
            t
            for t in texts
            if not t.startswith("-") or t in ("--volumes", "-v", "--recursive", "-a", "--all")
        )
        found = next((pair for pair in pairs if re.search(rf"(?:^|\s){pair}(?:\s|$)", said)), "")
        words = " ".join(re.sub(r"[^A-Za-z -]", " ", found).split())
        return f"`... {words}` destroys what it names" if found else ""

    return look


_LOOKS: Final[dict[str, Callable[[list[str], tuple[Word, ...]], str]]] = {
    "rm": _rm,
    "git": _git,
    "dd": _dd,
    "mkfs": lambda _texts, _words: "`mkfs` overwrites the device",
    "mkfs.ext4": lambda _texts, _words: "`mkfs` overwrites the device",
    "dropdb": lambda _texts, _words: "`dropdb` cannot be taken back",
    "kubectl": _verbs("delete"),
    "oc": _verbs("delete"),
    "helm": _verbs("uninstall", "delete"),
    "terraform": _verbs("destroy"),
    "tofu": _verbs("destroy"),
    "docker": _verbs("system prune", "volume (?:rm|prune)", "compose down.* (?:-v|--volumes)"),
    "docker-compose": _verbs("down.* (?:-v|--volumes)"),
    "aws": _verbs("s3 rb", "s3 rm .*--recursive", "delete-[a-z-]+"),
    "gsutil": _verbs("rm .*-r", "rb"),
    "redis-cli": _verbs("(?:FLUSHALL|flushall)", "(?:FLUSHDB|flushdb)"),
}


_ENDLESS_LOOP = re.compile(r"\bwhile\s+(?:true|:)\s*+;?\s*do\b")
PIPE_COMMANDS_MAX: Final = 20
"""Commands of a pipe that are looked at for one that ends it."""


def _never_ends(subject: Subject) -> Iterator[Hit]:
    from orion_deploy.checklist.shell_text import program

    for block in subject.blocks:
        if block.step is not None and (
            block.step.facts.timeout_s is not None or block.step.facts.interactive
        ):
            continue
        for command in block.top:
            wrappers, words = program(command)
            if not words or "timeout" in wrappers or command.after == "&":
                continue
            if command.after == "|" and _ends_the_pipe(block, command):
                continue
            texts = [word.text for word in words]
            if _is_endless(texts[0].rsplit("/", 1)[-1], texts[1:]):
                shown = " ".join(texts)[:40]
                yield block.hit(command, f"`{shown}` does not end by itself")
        last_end = max(block.code.script.rfind("break"), block.code.script.rfind("exit"))
        for match in _ENDLESS_LOOP.finditer(block.code.script):
            if last_end < match.end() and block.script.state_at(match.start()) == "":
                yield block.hit(match.span(), "a loop without an end")


def _ends_the_pipe(block: Block, command: Command) -> bool:
    """Whether something behind the pipe stops it: `head`, `grep -q`, `grep -m 1`."""
    following = block.next(command)
    for _ in range(PIPE_COMMANDS_MAX):
        if following is None:
            return False
        texts = [word.text for word in following.words]
        if texts[0] == "head" or (
            texts[0] == "grep" and any(re.fullmatch(r"-\w*[qm]\w*|-m\d*", t) for t in texts[1:])
        ):
            return True
        following = block.next(following) if following.after == "|" else None
    return False


_FOLLOW = re.compile(r"-[a-zA-Z]*[fF][a-zA-Z]*|--follow(?:=.*)?")


def _is_endless(name: str, texts: list[str]) -> bool:
    follows = any(_FOLLOW.fullmatch(t) for t in texts)
    match name:
        case "tail" | "journalctl":
            return follows
        case "docker" | "podman":
            return ("logs" in texts[:2] and follows) or (
                texts[:2] == ["compose", "up"] and not {"-d", "--detach"} & set(texts)
            )
        case "docker-compose":
            return ("logs" in texts and follows) or ("up" in texts and not {"-d", "--detach"} & set(texts))
        case "kubectl" | "oc":
            return (
                ("logs" in texts and follows)
                or bool({"-w", "--watch"} & set(texts))
                or texts[:1] == ["port-forward"]
            )
        case "top" | "htop" | "btop" | "iotop":
            return not any(re.fullmatch(r"-[a-zA-Z]*[nb]\d*", t) for t in texts)
        case "watch" | "yes":
            return name == "yes" or not {"-g", "--chgexit", "-e", "--errexit"} & set(texts)
        case "ping":
            return not any(re.fullmatch(r"-[a-zA-Z]*[cw]\d*", t) for t in texts)
        case "npm" | "yarn" | "pnpm":
            return (
                texts[:1] == ["start"]
                or texts[:2] in (["run", "dev"], ["run", "start"], ["run", "watch"])
                or texts[:1] == ["dev"]
            )
        case "python" | "python3":
            return texts[:2] == ["-m", "http.server"] or texts[1:2] == ["runserver"]
        case _:
            return False


def _waits_for_person(subject: Subject) -> Iterator[Hit]:
    from orion_deploy.checklist.terminal import terminal_word

    for block in subject.blocks:
        if block.step is None or block.step.facts.interactive is not None:
            continue
        word = terminal_word(block.script)
        if word and word != "sudo":
            start = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", block.code.script)
            at = start.span() if start else (0, 1)
            yield block.hit(
                at, f"`{word}` needs a person at a terminal", "interactive: true", {"interactive": "true"}
            )


def _placeholders(subject: Subject) -> Iterator[Hit]:
    for block in subject.blocks:
        for name in block.code.placeholders:
            start = block.code.script.find(name)
            variable = re.sub(r"\W+", "_", name).strip("_").upper() or "NAME"
            at = (max(start, 0), max(start, 0) + len(name))
            instead = (
                f'variables: {{{variable}: {{prompt: ...}}}}   # at the top of the file; then "${variable}"'
            )
            yield block.hit(at, f"`{name}` stops the step until it is filled in", instead)


RULES: Final = (
    Rule(
        "destructive", Severity.DANGER, "a command that destroys, without a confirmation",
        "One Enter too many at night is enough. A confirmation is another gesture: a word to type.",
        "confirm: DELETE", _destructive,
    ),
    Rule(
        "never-ends", Severity.WARNING, "a command that does not end (`tail -f`, `top`, `watch`)",
        "The step runs until somebody stops it; its status then says nothing.",
        "timeout: 1m", _never_ends,
    ),
    Rule(
        "interactive", Severity.NOTE, "an editor, a pager or a prompt in a step",
        "It is recognised by its name; said by a key, it is known whatever the name.",
        "interactive: true", _waits_for_person,
    ),
    Rule(
        "placeholder", Severity.NOTE, "a placeholder in a command",
        "A variable is asked for once, has a type, and reaches the script whatever characters it holds.",
        "variables: {NAME: {prompt: ...}}", _placeholders,
    ),
)  # fmt: skip
