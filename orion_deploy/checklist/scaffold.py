"""A checklist to start from: short, sound, and its comments teach what can be said."""

from __future__ import annotations

import re
from typing import Final

from orion_deploy.checklist.markdown_writer import inline
from orion_deploy.errors import OrionError
from orion_deploy.text import is_hidden

NAME_CHARACTERS_MAX: Final = 100

_TEMPLATE: Final = """\
---
variables:
  # Scripts see each as an environment variable. Give one with `--set`, or be asked for it.
  APP: {default: app, prompt: Which program?}
  DATABASE: {default: data/app.db, type: path, prompt: Which database?}
---

# %TITLE%

**Risk:** medium
**Estimated time:** 15 minutes

<!-- Every task is a step. Look at it with `orion-deploy show`, try it with `orion-deploy`, and let
     `orion-deploy lint` find what is unsafe. -->

## Before

- [ ] Tell the team that the deployment begins

  A step without code is a person's: do it, then tick it.

- [ ] Look at what is deployed now

  Commands run when you say so. What the output must be stands in the step's facts.

  ```yaml step
  expect: {contains: main}
  timeout: 30s
  ```

  ```bash
  git branch --show-current
  ```

## Deployment

- [ ] Stop the application (MANDATORY)

  <!-- MANDATORY in a title: no skipping, only overriding with a reason. `confirm` asks for a word first. -->

  ```yaml step
  id: stop
  action: {process.stop: {program: $APP, deadline_s: 15}}
  confirm: STOP
  ```

- [ ] Nobody has the database open

  A typed check looks for itself, ticks the step when it passes, and shows what it saw.

  ```yaml step
  id: closed
  check: {files.closed: {path: $DATABASE}}
  needs: [stop]
  ```

- [ ] Put the new version in place

  <!-- Put your own commands here. -->

  ```yaml step
  id: install
  needs: [closed]
  ```

  ```bash
  echo "installing beside $DATABASE"
  ```

- [ ] Start the application and look at it (OPEN-A)

## Rollback

<!-- Never on the way forward: it opens with one key when it is needed. -->

1. Stop the application

   ```yaml step
   action: {process.stop: {program: $APP}}
   ```

2. Put the old version back

   ```bash
   echo "putting the old version back"
   ```

3. Start the application, and look whether all is as before

## Success criteria

<!-- Evaluated at the end, one by one. -->

- [ ] The application answers
- [ ] Nothing unusual in its log for 15 minutes

## Notes

- **OPEN-A:** A note stands beside every step whose title names it in brackets.
"""

_YAML_HEAD: Final = """\
# Every item below `steps` is a step: `run` is a command, `check` and `action` are typed, without any of them it
# is a person's. Look at it with `orion-deploy show`, try it with `orion-deploy`, and let `orion-deploy lint`
# find what is unsafe. The keys: `orion-deploy schema`.

"""


def scaffold(name: str, to: str = "markdown") -> str:
    """Return the text of a new checklist called `name`, as `markdown` or `yaml`. Raises OrionError for a bad name."""
    text = _TEMPLATE.replace("%TITLE%", inline(title_of(name)))
    if to != "yaml":
        return text
    from orion_deploy.checklist.convert import convert
    from orion_deploy.checklist.markdown import read_markdown

    return _YAML_HEAD + convert(read_markdown(text.encode(), f"{name}.md"), "yaml")


def title_of(name: str) -> str:
    """Return the title for a name: `release_2-app.md` becomes `Release 2 app`."""
    words = re.sub(r"\.(?:md|markdown)$", "", name.strip())
    words = " ".join(re.sub(r"[_\s-]+", " ", words.rsplit("/", 1)[-1]).split())
    if not words or is_hidden(words) or len(words) > NAME_CHARACTERS_MAX:
        raise OrionError(
            f"`{name[:NAME_CHARACTERS_MAX]}` is no name for a checklist",
            help=f"a few visible words, at most {NAME_CHARACTERS_MAX} characters: `orion-deploy new release-1.2`",
        )
    return words[0].upper() + words[1:]


def file_name_of(name: str) -> str:
    """Return the file name for a name: its words joined by hyphens, with the ending `.md`."""
    words = re.sub(r"[^\w.]+", "-", title_of(name).lower()).strip("-.")
    return f"{words or 'checklist'}.md"
