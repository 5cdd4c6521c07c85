"""The screens. The only room that imports Textual; everything that it knows, it asks of a `Session`."""
