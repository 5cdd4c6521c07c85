"""Builders for lint: a checklist around one script, and the names of the rules that find something in it."""

from __future__ import annotations

from orion_deploy.checklist.lint import Finding, lint
from orion_deploy.checklist.yaml_reader import read_yaml
from orion_deploy.checklist.yaml_text import entry


def findings(
    script: str = "", *, title: str = "Do it", section: str = "Deployment", keys: str = "", more: str = ""
) -> tuple[Finding, ...]:
    """Lint a checklist whose one step runs `script`. `keys` are further lines of the step, `more` of the file."""
    lines = ["title: Test", "sections:"]
    if section != "Rollback":
        lines += ["  - title: Rollback", "    steps:", "      - title: Go back"]
    lines += [*entry("- title", section, "  "), "    steps:", *entry("- title", title, "      ")]
    lines = [line.replace('"- title"', "- title") for line in lines]
    lines += [f"        {key}" for key in keys.splitlines()]
    if script:
        lines += entry("run", script, "        ", is_stripped=True)
    text = "\n".join(lines) + "\n" + more
    return lint(read_yaml(text.encode(), "test.yaml"), text)


def rules_for(script: str = "", **kwargs: str) -> set[str]:
    """The names of the rules that find something."""
    return {finding.rule for finding in findings(script, **kwargs)}
