"""What `report --verify` tells a person: what was compared, and where it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orion_deploy.run.words import counted
from orion_deploy.text import plain_line

if TYPE_CHECKING:
    from orion_deploy.report.proof import Proof


def lines_of(proof: Proof, report: str) -> list[str]:
    """The proof in a few lines, the answer first."""
    run = plain_line(proof.mark.run)
    if proof.breaks:
        lines = [f"run {run}: ALTERED", *(f"  {plain_line(found.text)}" for found in proof.breaks)]
    else:
        lines = [f"run {run}: unaltered"]
    lines.append(f"  journal  {counted(proof.mark.records, 'record')} compared, each with the one before it")
    if proof.against is not None:
        lines.append(
            f"  report   {plain_line(report)} was made at record {proof.against.records:,}"
            + ("" if proof.breaks else ": nothing up to there was altered since")
        )
    lines.append(f"  scripts  {proof.scripts:,} compared with the journal")
    without = f", {proof.without_hash:,} without a hash in the journal" if proof.without_hash else ""
    lines.append(f"  outputs  {proof.outputs:,} compared with the journal{without}")
    if proof.torn_bytes:
        lines.append(
            f"  {counted(proof.torn_bytes, 'byte')} behind the last record: a write under way, or torn off"
        )
    if proof.against is None and not proof.breaks:
        lines.append(
            "  That nobody made all of it anew proves only a report kept elsewhere: --against REPORT"
        )
    return lines
