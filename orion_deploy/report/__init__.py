"""The evidence of a run: gathered once, told as Markdown, HTML, JSON and JUnit, compared, and proved unaltered.

`gather.py` is the only room that reads files. A format is one module and one line in `formats.py`.
"""
