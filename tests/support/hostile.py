"""Texts that mean harm to a page, and a run in which every text is one of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from orion_deploy.report.evidence import Evidence, OutputText
from orion_deploy.run import events as ev
from support.evidence import evidence, failed, step_id

TELL, DISK, WATCH, LOOK = (step_id(words) for words in ("Tell", "disk", "Watch", "Look"))
HOSTILE = [
    "<script>alert(1)</script>",
    "</details>",
    "a | b |\n| c",
    "```\nout\n```",
    "[link](javascript:alert(1))",
    "![picture](https://evil.example/x.png)",
    "https://evil.example and www.evil.example",
    "# heading",
    "1. item",
    "- item",
    "> quote",
    "===",
    "---",
    "&lt;b&gt; &amp;",
    "\\| \\\\| \\`",
    "**bold** _em_ ~~gone~~ `code`",
    "\u202eevil\x1b[31m\x00",
    "<!-- -->",
    "[^1]: note",
    "$x$",
    "]]>",
    "</style><style>*{display:none}</style>",
    "</pre></title><svg onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "\ufffe\uffff\x0b\x85",
]
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=60), st.text(alphabet="|`*_<>[]()#\\&!~:$ \na1.-", max_size=40)
)


def everything(words: str) -> Evidence:
    """A run in which every text that a file, a person or a process gives is this one."""
    made = evidence(
        ev.VariableSet(name=words, value=words),
        ev.Started(step=DISK, attempt=1, what="command", title=words),
        ev.Finished(step=DISK, attempt=1, duration_s=1.0, output_bytes=9, verdict=failed(words, words)),
        ev.Ticked(step=DISK, override=words, value=words),
        ev.Skipped(step=TELL, reason=words, override=True),
        ev.Noted(step=LOOK, text=words),
        ev.Noted(text=words),
        ev.WatchStarted(step=WATCH, attempt=1, what="logs.absent", watch_s=60.0),
        ev.WatchFired(step=WATCH, attempt=1, reason=words, value=words),
        ev.WatchEnded(step=WATCH, attempt=1, why="stopped", reason=words, verdict=failed(words)),
        ev.RollbackEntered(reason=words, facts={"note": words}),
        outputs={(DISK, 1): OutputText(words, words, 99, 9)},
        diff=words,
        script=words,
    )
    sections = tuple(
        replace(
            section,
            title=words,
            completed_by=words,
            steps=tuple(
                replace(step, title=words, kind=words, parameters=words, expected=(words,), by=words)
                for step in section.steps
            ),
        )
        for section in made.sections
    )
    sessions = tuple(replace(session, machine=words, by=words, app=words) for session in made.sessions)
    return replace(
        made,
        title=words,
        sections=sections,
        sessions=sessions,
        metadata={words: words},
        operators=(words,),
        cwd=words,
        checklist=words,
        machine=words,
        damage=words,
    )
