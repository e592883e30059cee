# The whole loop is `make check`; CI runs the same.
RUN = uv run --quiet
# Hundreds of tests start a process: what they import is compiled once, also where the environment says not to.
export PYTHONDONTWRITEBYTECODE =

.PHONY: check format lint types walls fast test docs serve bench plan fuzz simulation soak load hard networks photos photos-check device slow

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

# The light tests, in one process without torch: within a minute.
fast:
	$(RUN) python -m pytest -q -p tests.light

test:
	$(RUN) pytest -q -n 2 --dist worksteal

# Every one of open_clip's names, where the ordinary tests take one of each family.
networks:
	$(RUN) pytest -q -m networks

# The guide, into docs/_build; what is made from the code first. A warning is an error.
docs:
	$(RUN) python docs/tables.py
	$(RUN) python docs/keys.py
	$(RUN) python docs/architecture.py
	$(RUN) --group docs sphinx-build --quiet -W --keep-going -b html docs docs/_build

serve:
	$(RUN) cliploc-tui

bench:
	$(RUN) pytest -m benchmark -s

# What `cliploc plan` says of six jobs, beside what they take.
plan:
	$(RUN) pytest -m plan -s tests/plan

fuzz:
	$(RUN) pytest -m fuzz -s

# Kills, injected errors and damaged files, in slices that go on where they were stopped; one table.
hard:
	$(RUN) python -m tests.hard $(HARD)
	$(RUN) pytest -m faults -s tests/hard

# Whether what is printed is as sure as it says (tests/simulation/README.md).
simulation:
	$(RUN) pytest -m simulation -s

# What only a machine with an NVIDIA card can show; says so where there is none.
device:
	$(RUN) python -m tests.device.check

# Whole paths end to end: the first day of a user on a stand-in hub, all parity cases.
slow:
	$(RUN) pytest -m slow -s

soak:
	$(RUN) pytest -m soak -s

# How the explorer grows from 512 to 40,000 images: the sets are made once, in load/ (about 1 GB).
load:
	$(RUN) python -m tests.load $(LOAD)

# The README's photographs: xterm with sixel under Xvfb (see tests/terminal/photograph.py).
photos:
	$(RUN) cliploc heatmaps compute --dataset demo --method gem
	$(RUN) python -m tests.terminal.photograph --display :93 --out docs --patience 10 \
	  --command "xterm +lc -ti vt340 -fa Monospace -fs 8 -bg black -fg white -geometry 172x55+0+0 \
	    -xrm 'XTerm*numColorRegisters: 256' -xrm 'XTerm*maxGraphicSize: 1600x1200' -e" \
	  --program "env COLORTERM=truecolor uv run --quiet cliploc-tui --fresh --dilate 29 --erode 25" \
	  --walk "bracketright bracketright bracketright bracketright bracketright j equal sleep sleep sleep sleep sleep sleep =explorer q"
	$(RUN) python -m tests.terminal.photograph --display :93 --out docs --patience 10 \
	  --program "uv run --quiet cliploc look data/demo/real/star_0009.png star 'a fish'" \
	  --walk "sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep =look"
	mogrify -trim docs/explorer.png docs/look.png

# Pages and dialogs, there and back, in the same terminal: each return must look as the start did.
# A stored set, whose first line says nothing of the heatmap worker that the page inside (w) starts.
PAGES = question=help colon=palette comma=sort P=presets S=compose W=data H=statistics s=sweeps v=compare w=inside
photos-check: export CLIPLOC_HOME = $(CURDIR)/photos/home
photos-check:
	rm -rf photos
	$(RUN) cliploc heatmaps compute --dataset demo --method gem
	$(RUN) python -m tests.terminal.photograph --display :94 --out photos --patience 10 \
	  --command "xterm +lc -ti vt340 -fa Monospace -fs 8 -bg black -fg white -geometry 172x55+0+0 \
	    -xrm 'XTerm*numColorRegisters: 256' -xrm 'XTerm*maxGraphicSize: 1600x1200' -xrm 'XTerm*cursorBlink: false' -e" \
	  --program "env COLORTERM=truecolor uv run --quiet cliploc-tui --fresh --heatmaps gem --dilate 29 --erode 25" \
	  --walk "$$(echo 'sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep sleep =fresh'; \
	    for page in $(PAGES); do echo "$${page%%=*} sleep =page-$${page#*=} Escape sleep =back-from-$${page#*=}"; done) q"
