"""How the guide is built: `make docs`."""

from __future__ import annotations

from cliploc.core.version import VERSION

project = "cliploc"
author = "The cliploc authors"
copyright = author
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "cliploc"

autodoc_typehints = "description"
# Docstrings have `names` in single backticks.
default_role = "code"
