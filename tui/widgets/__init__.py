"""The screen's parts; each owns its drawing and nothing else."""
