"""Opening a checklist: the run that is under way, or a new one, and never one that is finished."""

from __future__ import annotations

from pathlib import Path

from orion_deploy.run.edge import Edge
from orion_deploy.run.opening import open_session


def test_after_a_finished_run_a_new_one_is_begun_in_the_same_minute_too(tmp_path: Path) -> None:
    """A run that is closed for good stays closed, whatever the time gives it for a name."""
    path = tmp_path / "a.md"
    path.write_text("# A\n\n- [ ] one\n")
    edge = Edge(now=lambda: 1769722200.0)
    names = []
    for _ in range(3):
        session = open_session(path, edge=edge)
        names.append(session.run)
        assert session.state.finished_at is None
        session.finish()
        session.close()
    assert names == [names[0], f"{names[0]}-2", f"{names[0]}-3"]
