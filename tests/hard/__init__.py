"""Hard use: strange files, hostile text, odd machines, long life."""
