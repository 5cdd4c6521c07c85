"""Log files: followed over any rotation, looked through for patterns, measured by the numbers that they hold.

`registry` imports the module of the one kind that is wanted, not this package's whole.
"""
