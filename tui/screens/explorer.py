"""The explorer's keys for tuning, for methods and prompts, and for other screens."""

from __future__ import annotations

from dataclasses import replace

from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.keymap import bindings_for
from cliploc.tui.prompts import SEPARATOR, is_template
from cliploc.tui.screens import dialogs
from cliploc.tui.screens.explorer_look import ExplorerLook, following
from cliploc.tui.screens.prompt import PromptScreen
from cliploc.tui.state import SCOPES, Source
from cliploc.tui.widgets.curve import CurvePanel
from cliploc.tui.widgets.parameters import ParameterPanel


class ExplorerScreen(ExplorerLook):
    """Everything a key does here; the names are those of the keymap."""

    BINDINGS = bindings_for("explorer")

    def action_step(self, name: str, direction: int) -> None:
        """Move one parameter by a step, or by a count of them."""
        config = self.now.config.stepped(name, direction * (self.take_count() or 1))
        self.change(self.now.with_(config=config), record=True)

    def action_best_threshold(self) -> None:
        """The threshold with the highest mean IoU of the curve that is shown."""
        curves = self.curves(self.now.scope)
        if curves is None or self.now.scope in self.stale():
            self.notify("no scores to tune on yet", severity="warning")
            return
        config = self.now.config.with_(threshold=THRESHOLDS[curves.best("mean_iou")])
        self.change(self.now.with_(config=config), record=True)
        images = f"{curves.images} image{'s' * (curves.images > 1)}"
        self.query_one(ParameterPanel).tuned = f"threshold tuned on these {images}"

    def action_scope(self) -> None:
        """Draw the curve of the next of sample, class, all; in a small terminal in the scores' place."""
        right = self.query_one("#right")
        if not self.query_one(CurvePanel).display:
            right.add_class("-curve")
            return
        scope = following(SCOPES, self.now.scope)
        right.set_class(right.has_class("-curve") and scope != SCOPES[0], "-curve")
        self.change(self.now.with_(scope=scope))
        self.refresh_scores()

    def action_baseline(self) -> None:
        """Differences are shown against the present scores from now on."""
        if not self.has_fresh_board():
            self.notify("no scores of this config yet", severity="warning")
            return
        self.baseline, self.baseline_index = self.board, self.now.config.threshold_index
        self.automatic_baseline = False
        self.refresh_scores()
        self.notify("baseline: the present scores")

    def action_undo(self) -> None:
        """Take the last change of method, prompt or parameters back."""
        self.history, state = self.history.undo(self.now)
        self.change(state)

    def action_redo(self) -> None:
        """Make the last undone change again."""
        self.history, state = self.history.redo(self.now)
        self.change(state)

    def action_reset(self) -> None:
        """The default post-processing."""
        self.change(self.now.with_(config=PostProcess()), record=True)

    def action_method(self, direction: int) -> None:
        """The next method, or stored set of this dataset."""
        sources = self.sources()
        names = [source.title for source in sources]
        here = names.index(self.now.source.title) if self.now.source.title in names else -1
        target = sources[(here + direction * (self.take_count() or 1)) % len(sources)]
        self.change(self.now.with_(source=target), record=True)

    def sources(self) -> tuple[Source, ...]:
        """What `m` goes through: every method that can run here, then imported sets."""
        recipe = self.now.source.recipe
        return self.engine.sources(recipe.template)

    def action_prompt(self) -> None:
        """Choose a prompt template, or type free text for this sample."""
        self.app.push_screen(PromptScreen(self.now), self._prompted)

    def _prompted(self, answer: str | None) -> None:
        state = self.now
        if answer is None:
            return
        if state.source.stored:
            self.notify("a stored set has no prompt; m goes to a method that has", severity="warning")
        elif SEPARATOR in answer:
            dialogs.open_prompts(self, answer)
        elif is_template(answer):
            recipe = replace(state.source.recipe, template=answer)
            self.change(state.with_(source=Source(recipe), prompt=""), record=True)
        else:
            self.change(state.with_(prompt=answer), record=True)

    def action_compute_all(self) -> None:
        """Ask the worker for every heatmap of the dataset."""
        if self.now.source.stored:
            self.notify("a stored set is shown; there is nothing to compute")
            return
        self.engine.studio.compute([self.now.source])
        total = len(self.engine.dataset.samples)
        self.notify(f"computing the heatmaps of all {total} samples; go on meanwhile")

    def action_choose(self, what: str) -> None:
        """Open the dialog for one of: sort, facet, preset, export."""
        dialogs.DIALOGS[what](self)

    def action_open(self, name: str) -> None:
        """Open one of the other screens."""
        dialogs.PAGES[name](self)

    def action_apply_best(self) -> None:
        """Use the best cell so far of the newest run that has one."""
        here = (run.best for run in self.runs if run.id in self.scored_here)
        best = next((best for best in here if best is not None), None)
        if best is None:
            self.notify("no run of this dataset has scores yet; S starts one", severity="warning")
        else:
            dialogs.use(self, best)

    def action_copy(self) -> None:
        """Copy the command line that scores the present state without the screen."""
        command = dialogs.command_line(self)
        self.app.copy_to_clipboard(command)
        self.notify(command, title="copied", timeout=4)
