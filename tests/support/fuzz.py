"""How many examples a test of hostile input tries."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("ORION_FUZZ_EXAMPLES", "200"))
"""The long form: `ORION_FUZZ_EXAMPLES=100000 pytest tests/unit/checklist -k any`."""
