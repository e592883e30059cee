"""Whether `cliploc plan` says what then happens: `pytest -m plan -s tests/plan`."""
