"""The makers of the embedded default: scenes, captions and the training of the demo models."""
