"""Bad checklists that people wrote or meant harm with: whole files, each with the name of what is wrong with it.

A file of another kind of badness is one more entry in one of these modules; the harness
`python tests/crash/full.py checklists` puts each through the program.
"""

from __future__ import annotations

from support.bad_checklists import block_files, bytes_files, large_files, markdown_files, yaml_files
from support.bad_checklists.model import Bad

FILES: tuple[Bad, ...] = (
    *bytes_files.FILES,
    *markdown_files.FILES,
    *block_files.FILES,
    *yaml_files.FILES,
    *large_files.FILES,
)

__all__ = ["FILES", "Bad"]
