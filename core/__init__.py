"""The engine: datasets, networks, heatmaps, masks, scores and sweeps. No screen in it."""
