"""The prompt editor: a template for the whole dataset, or free text for the present sample."""

from __future__ import annotations

from core.prompts import TEMPLATES
from tui.prompts import SEPARATOR
from tui.screens.choice import Choice, ChoiceScreen
from tui.state import ExplorerState

FREE = "or type a template with <label>, a text for this sample, or several: one ; two"
SEVERAL = Choice(SEPARATOR, "several prompts side by side", "for this sample")


class PromptScreen(ChoiceScreen):
    """Dismisses with a template (it holds `<label>` or `<a label>`), a free text, or several."""

    def __init__(self, state: ExplorerState) -> None:
        present = state.source.recipe.template
        templates = dict.fromkeys((*TEMPLATES, present) if present else TEMPLATES)
        choices = [*(Choice(template, template) for template in templates), SEVERAL]
        super().__init__("Prompt", choices, present=present, free=FREE)
