"""The prompt editor: a template for the whole dataset, or free text for the present sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from cliploc.core.prompts import TEMPLATES
from cliploc.tui.around import Around
from cliploc.tui.prompts import SEPARATOR, prompts_in
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.screens.tuning import Tuning

if TYPE_CHECKING:
    from cliploc.tui.screens.prompts import Prompts

FREE = "a template with <label>, or texts for this sample: one ; two"
SEVERAL = Choice(SEPARATOR, "several texts for this sample, side by side")


class Prompting:
    """A template (it holds `<label>` or `<a label>`), a free text, or several side by side."""

    def __init__(self, screen: Screen[None], around: Callable[[], Around], tuning: Tuning) -> None:
        self._screen, self._around, self._tuning = screen, around, tuning
        # Those that were last looked at side by side.
        self._before: tuple[str, ...] = ()

    def ask(self) -> None:
        """Choose a template, or type texts."""
        present = self._tuning.now.source.recipe.template
        templates = dict.fromkeys((*TEMPLATES, present) if present else TEMPLATES)
        choices = [*(Choice(template, template) for template in templates), SEVERAL]
        ask(self._screen, "Prompt", choices, self._chosen, present=present, free=FREE)

    def _chosen(self, answer: str) -> None:
        if self._tuning.now.source.stored:
            words = "a stored set has no prompt; m goes to a method that has"
            self._screen.notify(words, severity="warning")
        elif SEPARATOR in answer:
            self._show_several(answer)
        else:
            self._tuning.prompt(answer)

    def _show_several(self, typed: str) -> None:
        """Show several prompts side by side: those typed, else those of before; one may be taken."""
        from cliploc.tui.screens.prompts import PromptsScreen  # not needed for the first paint

        around, state = self._around(), self._tuning.now
        label = around.client.dataset.by_id(state.sample).label
        prompts = prompts_in(typed, label) or self._before
        prompts = prompts or prompts_in(state.prompt or state.source.recipe.template, label)

        def left(answer: Prompts | None) -> None:
            if answer is not None:
                self._before = answer.prompts
            if answer is not None and answer.taken:
                self._tuning.to(state.with_(prompt=answer.taken))

        self._screen.app.push_screen(PromptsScreen(around, prompts), left)
