"""How the guide is built: `make docs`."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from cliploc.core.version import VERSION

project = "cliploc"
author = "The cliploc authors"
copyright = author
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "cliploc"
html_math_renderer = "mathml"

# Docstrings have `names` in single backticks.
default_role = "code"


def _formula(self: HTML5Translator, node: nodes.Element) -> None:
    """Formulas as MathML: they need no script from anywhere."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    self.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
