"""Carrying a checklist OUT: events, the fold, journal and sidecar, the supervisor of a step's process, the session."""
