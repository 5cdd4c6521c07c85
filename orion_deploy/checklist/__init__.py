"""What a checklist IS: the model, its two spec formats, variables and lint. Pure: bytes in, values out."""
