"""The prompt editor: a template for the whole dataset, or free text for the present sample."""

from __future__ import annotations

from cliploc.core.prompts import TEMPLATES
from cliploc.tui.prompts import SEPARATOR
from cliploc.tui.screens.choice import Choice, ChoiceScreen
from cliploc.tui.state import ExplorerState

FREE = "a template with <label>, or texts for this sample: one ; two"
SEVERAL = Choice(SEPARATOR, "several texts for this sample, side by side")


class PromptScreen(ChoiceScreen):
    """Dismisses with a template (it holds `<label>` or `<a label>`), a free text, or several."""

    def __init__(self, state: ExplorerState) -> None:
        present = state.source.recipe.template
        templates = dict.fromkeys((*TEMPLATES, present) if present else TEMPLATES)
        choices = [*(Choice(template, template) for template in templates), SEVERAL]
        super().__init__("Prompt", choices, present=present, free=FREE)
