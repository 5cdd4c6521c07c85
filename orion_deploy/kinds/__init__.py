"""What a step can DO: one file per domain, one class per kind. This file imports none of them: start time."""
