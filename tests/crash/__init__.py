"""Crash harnesses: each is shown to fail on a deliberately broken product in the same run."""
