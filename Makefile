# The whole loop is `make check`; CI runs the same.
RUN = uv run --quiet

.PHONY: check format lint types walls test serve bench soak

check: lint types walls test

format:
	$(RUN) ruff format
	$(RUN) ruff check --fix

lint:
	$(RUN) ruff format --check
	$(RUN) ruff check

types:
	$(RUN) mypy

walls:
	$(RUN) lint-imports

test:
	$(RUN) pytest -q

serve:
	$(RUN) cliploc-tui

bench:
	$(RUN) pytest -m benchmark -s

soak:
	$(RUN) pytest -m soak -s
