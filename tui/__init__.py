"""The explorer: a Textual app before the engine."""
