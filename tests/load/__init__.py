"""How the explorer grows with its dataset: `make load`."""
