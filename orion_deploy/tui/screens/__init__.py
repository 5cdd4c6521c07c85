"""One file per screen. A screen asks; the answer goes back by its result, and the operator's desk acts."""
