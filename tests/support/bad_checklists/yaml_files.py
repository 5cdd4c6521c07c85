"""What a YAML checklist can say wrongly, and what YAML itself can do to its reader."""

from __future__ import annotations

from orion_deploy.checklist.keys import KEYS, Takes, Where
from support.bad_checklists.model import YAML, Bad, loads, refused

REFUSED: list[tuple[str, str, int, int, int]] = [
    # text, words of the message, line, column, width of the caret
    ("a: &x 1", "anchor `&x`", 1, 4, 2),
    ("a: 1\nb: *x", "alias `*x`", 2, 4, 2),
    ("a: &list [1]\nb: *list", "anchor `&list`", 1, 4, 5),
    ("a: !!python/object/apply:os.system [id]", "tag `!!python/object/apply:os.system`", 1, 4, 1),
    ("a: !!str b", "tag `!!str`", 1, 4, 1),
    ("a: ! b", "tag `!`", 1, 4, 1),
    ("a: 1\nb: 2\na: 3", "`a` stands twice", 3, 1, 1),
    ("a:\n  b: 1\n  <<: {c: 1}", "merge keys", 3, 3, 2),
    ("1: a", "`1` is not a text", 1, 1, 1),
    ("true: a", "`true` is not a text", 1, 1, 4),
    ("null: a", "`null` is not a text", 1, 1, 4),
    ("? [a, b]\n: c", "a list or a mapping cannot be a key", 1, 3, 1),
    ("a: 1\n---\nb: 2", "second YAML document", 2, 1, 3),
    ("%TAG ! tag:x,2000:\n---\na: 1", "%TAG", 1, 1, 3),
    ("a: b: c", "mapping values are not allowed", 1, 5, 1),
    ("a:\n\tb: 1", "cannot start any token", 2, 1, 1),
    ('a: 1\nb: "open\nc: 2', "never closed", 2, 4, 1),
    ("a: [1, 2", "never closed", 1, 4, 1),
    ("a: 'x' y", "did not find expected key", 1, 8, 1),
    ("a: \x07", "U+0007", 1, 4, 1),
    ("a: 1\nb: x\u2028y", "U+2028", 2, 5, 1),
    ("a: x\ufeffy", "U+FEFF", 1, 5, 1),
    ("a: \ud800", "U+D800", 1, 4, 1),
    ("a: x\x85y", "U+0085", 1, 5, 1),
]

WRONG: list[tuple[str, str, str, int, int]] = [
    ("", "holds no checklist", "orion-deploy new", 1, 0),
    ("- a", "a checklist is a mapping", "", 1, 1),
    ("sections: []", "no `title`", "", 1, 1),
    ("title: ''", "`title` is empty", "", 1, 8),
    ("title: [a]", "`title` takes a text", "", 1, 8),
    ("title: a\nstepps: []", "no key `stepps`", "did you mean `steps`?", 2, 1),
    ("title: a\nsteps: {title: b}", "`steps` takes a list", "", 2, 8),
    ("title: a\nsteps: [b]", "a step is a mapping", "", 2, 9),
    ("title: a\nsteps: [{run: b}]", "a step has no `title`", "", 2, 9),
    ("title: a\nsteps: [{title: b, run: ''}]", "`run` is empty", "", 2, 25),
    ("title: a\nsteps: [{title: b, run: x, code: []}]", "beside each other", "", 2, 28),
    ("title: a\nsteps: [{title: b, code: [{language: sql}]}]", "no `text`", "", 2, 27),
    ("title: a\nsteps: [{title: b, code: [{text: x, role: sample}]}]", "no key `role`", "", 2, 37),
    ("title: a\nsteps: [{title: b, options: [{title: c}]}]", "one option alone", "", 2, 30),
    ("title: a\nsteps: [{title: b, options: [{run: c}, {}]}]", "an option has no `title`", "", 2, 30),
    ("title: a\nsteps:\n- {title: b, id: x}\n- {title: c, id: x}", "the id `x` stands twice", "", 4, 18),
    ("title: a\nsteps:\n- {title: b, needs: [bakcup]}\n- {title: c, id: backup}", "needs the unknown step `bakcup`", "did you mean `backup`?", 3, 22),
    ("title: a\nsections:\n- title: P\n  steps:\n  - title: Backup\n  - {title: c, needs: backup}", "unknown step `backup`", "did you mean `p.backup`?", 6, 23),
    ("title: a\nsteps:\n- {title: b, id: x, needs: [y]}\n- {title: c, id: y, needs: [x]}", "in a circle: x -> y -> x", "", 4, 29),
    ("title: a\nsteps: [{title: b, id: x, needs: x}]", "in a circle: x -> x", "", 2, 34),
    ("title: a\nsteps:\n- title: b\n  id: x\n  steps: [{title: c, needs: x}]", "which it is a part of", "", 5, 29),
    ("title: a\nsteps: [{title: b, when: T == x}]", "is not understood: the variable `T` is not declared", "", 2, 26),
    ("title: a\nvariables: {T: x}\nsteps: [{title: b, when: on Fridays}]", "a condition is", "title or text", 3, 26),
    ("title: a\nnotes: {lower: x}", "not written in capitals", "", 2, 9),
    ("title: a\nnotes: {A-1: ''}", "the note `A-1` is empty", "", 2, 14),
    ("title: a\nsections: [{title: b, kind: rolback}]", "takes one of", "did you mean `rollback`?", 2, 29),
    ("title: a\nsections: [{title: b, id: x}]", "a section has no key `id`", "", 2, 23),
    ("title: a\nmetadata: [x]", "mapping of names to texts", "", 2, 11),
    ("title: a\nmetadata: {x: [y]}", "takes a text", "", 2, 15),
    ("title: a\ncarry: on", "did you mean true?", "", 2, 8),
    ("title: a\nsteps: &x []", "anchor", "", 2, 8),
]  # fmt: skip
"""A file, words of the message, words of the help, line and column."""

_TOP = "title: a\n"
_STEP = "title: a\nsteps:\n- title: b\n  "

CLEVER: dict[str, tuple[str, str]] = {
    "a billion laughs": (
        "title: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)),
        "anchor `&a`",
    ),
    "an alias of itself": (_TOP + "steps: &x [*x]\n", "anchor `&x`"),
    "an alias of nothing": (_TOP + "text: *ghost\n", "alias `*ghost`"),
    "an anchor as a key": ("&k title: a\n", "anchor `&k`"),
    "a merge of an alias": (_TOP + "base: &b {text: x}\nsteps:\n- <<: *b\n", "anchor `&b`"),
    "a tag that runs a program": (_TOP + "text: !!python/object/apply:os.system ['id']\n", "tag"),
    "a tag that makes an object": (_TOP + "text: !!python/object/new:type {args: [x]}\n", "tag"),
    "a tag of a module": (_TOP + "text: !!python/module:os\n", "tag"),
    "a tag of binary data": (_TOP + "text: !!binary aGVsbG8=\n", "tag"),
    "a tag of a set": (_TOP + "text: !!set {a, b}\n", "tag"),
    "a tag of one's own": (_TOP + "text: !secret x\n", "tag"),
    "a YAML 1.2 line, and a %TAG": ("%YAML 1.2\n%TAG !e! tag:evil,2026:\n---\ntitle: a\n", "%TAG"),
    "a version of YAML that there is not": ("%YAML 9.9\n---\ntitle: a\n", "YAML"),
    "two documents": ("title: a\n---\ntitle: b\n", "second YAML document"),
    "1,000 documents": ("title: a\n" + "---\ntitle: b\n" * 1_000, "second YAML document"),
    "33 lists within one another": (_TOP + "text: " + "[" * 33 + "]" * 33 + "\n", "deeper than 32"),
    "10,000 brackets": ("[" * 10_000, "nesting depth"),
    "10,000 braces": ("{a: " * 10_000, "deeper than 32"),
    "10,000 dashes": ("- " * 10_000, "deeper than 32"),
    "10,000 question marks": ("? " * 10_000, "cannot be a key"),
    "14 sections within one another": (_TOP + "".join("    " * n + "sections:\n" + "    " * n + "  - title: s\n" for n in range(14)), "deeper than"),
}  # fmt: skip

TWISTED: dict[str, tuple[str, str]] = {
    "a title with half a character": ('title: "\\ud800"\n', "invalid Unicode"),
    "a checklist that is a text": ("just words\n", "a checklist is a mapping"),
    "a checklist that is a number": ("42\n", "a checklist is a mapping"),
    "a checklist that is null": ("null\n", "a checklist is a mapping"),
    "a checklist that is a list of lists": ("[[], [[]]]\n", "a checklist is a mapping"),
    "a comment alone": ("# nothing\n", "holds no checklist"),
    "an open document": ("---\n", "holds no checklist"),
    "a title of null": ("title: ~\n", "no `title`"),
    "a title of a mapping": ("title: {a: b}\n", "`title` takes a text"),
    "a title that is a block of nothing": ("title: |\n", "`title` is empty"),
    "steps that are a text": (_TOP + "steps: stop it\n", "`steps` takes a list"),
    "steps that are a number": (_TOP + "steps: 5\n", "`steps` takes a list"),
    "a step that is null": (_TOP + "steps: [~]\n", "a step"),
    "a step that is a list": (_TOP + "steps: [[a]]\n", "a step is a mapping"),
    "a section that is a text": (_TOP + "sections: [Deploy]\n", "a section is a mapping"),
    "a section without a title": (_TOP + "sections: [{steps: []}]\n", "a section has no `title`"),
    "sections that are a mapping": (_TOP + "sections: {Deploy: []}\n", "`sections` takes a list"),
    "a key in capitals": ("Title: a\n", "did you mean `title`?"),
    "a key of another language": (_TOP + "schritte: []\n", "no key `schritte`"),
    "a key with an escape": (_TOP + '"\\e[31m": x\n', "no key"),
    "a key with bidi": (_TOP + '"\u202esteps": []\n', "no key"),
    "an empty key": (_TOP + '"": x\n', "no key"),
    "a key of 10,000 letters": (_TOP + "k" * 900 + ": x\n", "no key"),
    "Python as a key": (_TOP + "__class__: x\n", "no key `__class__`"),
    "two steps of one id": (_TOP + "steps:\n- {title: b, id: x}\n- {title: c, id: x}\n", "stands twice"),
    "an id that is a path": (_STEP + "id: ../../../etc\n", "letters, digits"),
    "an id that is a device": (_STEP + "id: /dev/null\n", "letters, digits"),
    "a circle of three": (_TOP + "steps:\n- {title: a, id: a, needs: b}\n- {title: b, id: b, needs: c}\n- {title: c, id: c, needs: a}\n", "in a circle"),
    "a circle of 1,000": (_TOP + "steps:\n" + "".join(f"- {{title: s{n}, id: s{n}, needs: s{(n + 1) % 1000}}}\n" for n in range(1_000)), "in a circle"),
    "a step that needs its own part": (_TOP + "steps:\n- title: b\n  id: y\n  steps: [{title: c, id: x, needs: y}]\n", "part of"),
    "a need that is a mapping": (_STEP + "needs: {a: b}\n", "`needs` takes a text"),
    "one option alone": (_STEP + "options: [{title: c}]\n", "one option alone"),
    "options that are texts": (_STEP + "options: [a, b]\n", "an option is a mapping"),
    "two recommended options": (_STEP + "options: [{title: a, recommended: 1}, {title: b}]\n", "true or false"),
    "run and code": (_STEP + "run: ls\n  code: [{text: ls}]\n", "beside each other"),
    "code that is a text": (_STEP + "code: ls\n", "takes a list"),
    "code that is an empty mapping": (_STEP + "code: [{}]\n", "no `text`"),
    "a note of a small name": (_TOP + "notes: {lower: x}\n", "capitals"),
    "notes that are a list": (_TOP + "notes: [a]\n", "mapping of names to texts"),
    "a number for a shell": (_STEP + "shell: 7\n", "one of bash, sh, zsh"),
    "a pattern that is none": (_STEP + "expect: {regex: '['}\n", "no regular expression"),
    "a status of 256": (_STEP + "expect: {status: 256}\n", "0 to 255"),
    "a comparison of nothing": (_STEP + "expect: {number: '<'}\n", "a comparison"),
    "indentation that fits nothing": ("title: a\nsteps:\n  - title: b\n - title: c\n", "this is not YAML"),
    "tabs for indentation": ("title: a\nsteps:\n\t- title: b\n", "this is not YAML"),
    "a colon within a title": ("title: a: b\n", "mapping values are not allowed"),
    "an at sign": ("title: @home\n", "cannot start any token"),
    "a percent sign": ("title: %d\n", "cannot start any token"),
    "a backquote": ("title: `ls`\n", "cannot start any token"),
    "an escape that YAML does not know": ('title: "\\q"\n', "this is not YAML"),
    "quotes never closed, 500 lines": ('title: "a\n' + "b\n" * 500, "never closed"),
    "a here-document in a plain text": (_STEP + "run: cat <<E\n  - x: y\nE\n", "YAML"),
    "a duplicate key far away": (_TOP + "text: a\n" + "# filler\n" * 500 + "text: b\n", "line 2"),
    "Markdown in a YAML file": ("# Release\n\n- [ ] Stop\n- [x] Start\n", "this is not YAML"),
    "JSON that is cut": ('{"title": "a", "steps": [{"title": "b"', "YAML"),
    "INI": ("[release]\ntitle=a\n", "YAML"),
    "XML": ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>\n", "a checklist is a mapping"),
    "a playbook of another tool": ("- hosts: all\n  tasks:\n  - name: stop\n", "a checklist is a mapping"),
    "a workflow of another tool": ("name: ci\non: push\njobs: {build: {steps: []}}\n", "no key `name`"),
}  # fmt: skip

ODD: dict[str, str] = {
    "a tag that is no tag": _STEP + "tags: [not a tag]\n",
    "JSON": '{"title": "a", "steps": [{"title": "b", "run": "ls"}]}',
    "a title that looks like a date": "title: 2026-13-45\n",
    "a title that looks octal": "title: 0o777\n",
    "a title of NaN": "title: .nan\n",
    "a title of yes": "title: yes\n",
    "a title in base 60": "title: 12:30:45\n",
    "a title of 400 digits": "title: " + "9" * 400 + "\n",
    "a title with an escape sequence": 'title: "\\e[31mred\\e[0m \\e]0;owned\\a"\nsteps: [{title: "\\x9b31m"}]\n',
    "a title with NUL": 'title: "a\\0b"\nsteps: [{title: "c\\0d", run: "ls\\0x"}]\n',
    "a title with bidi": 'title: "\\u202eevil"\nsteps: [{title: "\\u2066x", run: "echo \\u202e"}]\n',
    "a title of several lines": 'title: "a\\nb\\rc\\u2028d"\n',
    "markup in a title": "title: '[bold red]x[/] <b>y</b> **z** [link=http://e]w[/link]'\n",
    "a script with an escape sequence": _STEP + 'run: "echo \\e[31m; printf \\x1b]0;x\\x07"\n',
    "a script of a shell that does not exist": _STEP + "code: [{language: fish, text: 'ls | where'}]\n",
    "a language with an escape sequence": _STEP + 'code: [{language: "\\e[2J", text: x}]\n',
    "a here-document that is never closed": _STEP + "run: |\n    cat <<EOF\n    hello\n",
    "quotes of a script that are never closed": _STEP + "run: |\n    echo \"hello\n    echo 'x\n",
    "substitutions that are never closed": _STEP + "run: |\n    echo $(a $(b $(c `d\n",
    "a fork bomb": _STEP + "run: ':(){ :|:& };:'\n",
    "a folder of escapes": 'title: a\ncwd: "\\e[31m/../../.."\n',
    "metadata with an escape sequence": 'title: a\nmetadata: {"\\e[1m": "\\e[0m", Risk: "\\u202e"}\n',
    "a note with an escape sequence": 'title: a\nnotes: {A-1: "\\e[2J"}\nsteps: [{title: "b (A-1)"}]\n',
    "a word to confirm with that nobody can type": _STEP + 'confirm: "\\u200b\\e"\n',
    "an expectation with an escape sequence": _STEP + 'expect: {contains: "\\e[0m"}\n  run: ls\n',
    "a pattern that backtracks without end": _STEP + "expect: {regex: '^(([a-z])+.)+[A-Z]([a-z])+$'}\n  run: ls\n",
    "prose that is Markdown gone wrong": "title: a\ntext: |\n  ```\n  - [ ] x\n  # y\n  <!--\n",
    "a step of prose that is a page of HTML": _STEP + "text: '<script>alert(1)</script><img src=x onerror=y>'\n",
    "kinds that do not exist": _STEP + "action: {rocket.launch: {target: moon}}\n",
    "a kind of wrong parameters": _STEP + "check: {clock.elapsed: {since: [], minutes: {}}}\n",
    "a section of every kind, all empty": "title: a\nsections:\n" + "".join(f"- {{title: s, kind: {k}}}\n" for k in ("steps", "rollback", "criteria", "gates", "notes")),
    "500 steps of one title": "title: a\nsteps:\n" + "- title: same\n" * 500,
    "a need of every step before": "title: a\nsteps:\n" + "".join(f"- {{title: s{n}, id: s{n}, needs: [{', '.join(f's{m}' for m in range(n))}]}}\n" for n in range(60)),
}  # fmt: skip

_WRONG_VALUES = (("[[x]]", "a list in a list"), ("{x: {y: z}}", "a mapping in a mapping"))
_FREE = (Takes.CALL, Takes.VARIABLES)
_STEP_KEYS = tuple(
    key for key in KEYS if Where.STEP in key.where and key.takes not in _FREE and key.name != "title"
)


def _typed() -> tuple[Bad, ...]:
    """Each key of a step with values of wrong kinds."""
    return tuple(
        Bad(f"`{key.name}` of a step is {words}", YAML, f"{_STEP}{key.name}: {value}\n".encode(), key.name, "types")
        for key in _STEP_KEYS
        for value, words in _WRONG_VALUES
    )  # fmt: skip


FILES: tuple[Bad, ...] = (
    *(Bad(f"YAML: {text[:50]!r}", YAML, text.encode("utf-8", "surrogatepass"), what, "clever") for text, what, *_ in REFUSED if "\ud800" not in text),
    *(Bad(f"a checklist: {text[-60:]!r}", YAML, text.encode(), what, "twisted") for text, what, *_ in WRONG if text),
    *refused(YAML, "clever", CLEVER),
    *refused(YAML, "twisted", TWISTED),
    *loads(YAML, "odd", ODD),
    *_typed(),
)  # fmt: skip
