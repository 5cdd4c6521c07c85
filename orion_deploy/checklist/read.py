"""Read a checklist: the one door to both spec formats.

`read` is pure (bytes in, `Checklist` out); `load` reads the file and keeps its bytes, so that what was
approved is what runs.
"""
