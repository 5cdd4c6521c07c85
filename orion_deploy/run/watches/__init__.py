"""Watches: who looks, what is kept between two looks, and what a session makes of it.

`record.py` and `advance.py` are pure; `keeper.py` is the process that looks; `reading.py` is how others see it.
"""
