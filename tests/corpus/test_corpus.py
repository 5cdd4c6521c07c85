"""Public checklists written by others, held against what GitHub's own parser sees in them.

They are no part of the project (see `support.shared`); another folder of the same shape can be given with
`ORION_SHARED`.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.oracle import differences
from support.shared import shared

from orion_deploy.checklist.read import load
from orion_deploy.checklist.show import to_json

FILES = (
    "026-shieldfy-API-Security-Checklist-README-zh.md",
    "031-kubernetes-sig-release-post-release-branch-creation.md",
    "034-kubernetes-sig-release-README.md",
    "038-2i2c-org-infrastructure-6_event-hub.md",
    "041-ZcashFoundation-zebra-hotfix-release-checklist.md",
    "043-dotnet-dotnet-docker-dotnet-release-lifecycle.md",
    "045-dotnet-dotnet-docker-new-distro-release.md",
    "048-microsoft-vscode-python-release_plan.md",
    "056-kirkey-dotnet-starter-kit-BLAZOR_IIS_DEPLOYMENT_CHECKLIST.md",
    "059-tryandaction-ieclub_dev-PRE_PRODUCTION_CHECKLIST.md",
    "063-openshift-runbooks-MachineConfigControllerDrainError.md",
    "070-python-pillow-Pillow-RELEASING.md",
    "080-argoproj-argo-cd-release.md",
)


def corpus() -> dict[str, Any]:
    """What the oracle says of each file."""
    found: dict[str, Any] = json.loads(shared("corpus/oracle.json").read_text("utf-8"))
    return found


def shown(path: Path) -> dict[str, Any]:
    """What `show --json` prints for a file."""
    found: dict[str, Any] = json.loads(json.dumps(to_json(load(path)[0])))
    return found


@pytest.mark.parametrize("name", FILES)
def test_same_as_github(name: str) -> None:
    """Tasks (text, tick, depth, line, section), the code of each, and the code of none are what GitHub sees."""
    assert differences(corpus()[name], shown(shared("corpus") / name)) == []


def test_every_file_is_held() -> None:
    """Whatever the oracle knows is compared, also files that a larger corpus adds."""
    entries = corpus()
    others = [name for name in entries if name not in FILES]
    assert set(FILES) <= set(entries) or os.environ.get("ORION_SHARED")
    found = {name: differences(entries[name], shown(shared("corpus") / name)) for name in others}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("fault", ["text", "checked", "depth", "section", "line", "lost", "code", "unowned"])
def test_the_comparison_sees_faults(fault: str) -> None:
    """The comparison is not blind: each kind of difference is told."""
    name = "041-ZcashFoundation-zebra-hotfix-release-checklist.md" if fault == "unowned" else FILES[-2]
    expected = copy.deepcopy(corpus()[name])
    task = next((task for task in expected["tasks"] if task["code"]), expected["tasks"][0])
    if fault == "lost":
        expected["tasks"].remove(task)
    elif fault == "code":
        task["code"][0]["first_line"] += "x"
    elif fault == "unowned":
        expected["code_unowned"].clear()
    elif fault in ("text", "section"):
        task[fault] = task[fault] + " more"
    else:
        task[fault] = task[fault] + 1 if fault != "checked" else not task[fault]
    assert differences(expected, shown(shared("corpus") / name)) != []


def test_console_output_is_not_run() -> None:
    """In a runbook whose console blocks mix commands and log lines, no log line is a command."""
    sections = shown(shared("corpus") / FILES[10])["sections"]
    blocks: list[dict[str, Any]] = []

    def gather(items: list[dict[str, Any]]) -> None:
        for item in items:
            blocks.extend(item["code"])
            gather(item["steps"])
            gather(item.get("sections", []))

    gather(sections)
    runnable = [
        block.get("script", block["text"]).split()[0] for block in blocks if block["role"] == "command"
    ]
    assert runnable == ["oc"] * 6
    assert sum(block["role"] == "sample" for block in blocks) == 7
