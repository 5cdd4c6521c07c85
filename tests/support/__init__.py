"""Builders and drivers that the tests share: import as `from support.X import Y`."""
