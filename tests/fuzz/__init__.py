"""Mutated files against every reader of files from outside."""
