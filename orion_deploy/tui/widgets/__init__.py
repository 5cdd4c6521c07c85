"""Widgets: attributes down, messages up. None imports a sibling, the engine or the store."""
