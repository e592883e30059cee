"""Heatmaps: running a method over a dataset, and the store of what came out."""
