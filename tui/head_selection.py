"""The heads of a network as a board of switches, with a cursor: one frozen value. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cliploc.core.methods.head_switches import ALL, Place, off_text, parsed_off

HEAD, LAYER, MODEL = "head", "layer", "model"


@dataclass(frozen=True)
class HeadSelection:
    """Which of layers x heads are off, which one the cursor is on, and whose sum is shown.

    shows: the head alone (switched off or not), or the heads that are on in its layer or
    in the whole model. A network whose size is not known yet has 0 layers and shows all.
    """

    layers: int = 0
    heads: int = 0
    layer: int = 0
    head: int = 0
    shows: str = HEAD
    off: frozenset[Place] = frozenset()

    @classmethod
    def of(cls, layers: int, heads: int, settings: Mapping[str, object]) -> HeadSelection:
        """The board that a recipe's layer, head and off say; else the last layer's first head."""
        layer, head = int(str(settings.get("layer", ALL))), int(str(settings.get("head", ALL)))
        places = parsed_off(str(settings.get("off", "")))
        off = {p for layer_, head_ in places for p in _places(layer_, head_, heads)}
        board = cls(
            layers,
            heads,
            min(layer, layers - 1) if layer != ALL else max(layers - 1, 0),
            max(min(head, heads - 1), 0),
            MODEL if off or not layers else HEAD,
            frozenset(place for place in off if place[0] < layers and place[1] < heads),
        )
        if layer != ALL:
            board = replace(board, shows=LAYER if head == ALL else HEAD)
        return board

    @property
    def place(self) -> Place:
        """(layer, head) under the cursor."""
        return self.layer, self.head

    @property
    def settings(self) -> dict[str, int | str]:
        """The method's layer, head and off for what is shown."""
        if not self.layers or self.shows == MODEL:
            return {"layer": ALL, "head": ALL, "off": self._off_text(self.off)}
        if self.shows == LAYER:
            own = {place for place in self.off if place[0] == self.layer}
            return {"layer": self.layer, "head": ALL, "off": self._off_text(own)}
        return {"layer": self.layer, "head": self.head, "off": ""}

    @property
    def title(self) -> str:
        """What is shown, for people."""
        if self.shows == HEAD and self.layers:
            return self.place_text + (" (off)" if self.place in self.off else "")
        own = [place for place in self.off if self.shows == MODEL or place[0] == self.layer]
        of = "all heads" if self.shows == MODEL else f"layer {self.layer}, all heads"
        return f"{of} but {len(own)}" if own else of

    @property
    def place_text(self) -> str:
        """The place under the cursor, for people."""
        return f"layer {self.layer}, head {self.head}"

    def moved(self, layers: int, heads: int) -> HeadSelection:
        """The cursor so many layers deeper and heads to the right; it stops at the edges."""
        if not self.layers:
            return self
        return replace(
            self,
            layer=min(max(self.layer + layers, 0), self.layers - 1),
            head=min(max(self.head + heads, 0), self.heads - 1),
        )

    def showing(self, what: str) -> HeadSelection:
        """Show that; where it is shown already, the head alone."""
        return replace(self, shows=HEAD if self.shows == what else what) if self.layers else self

    def switched(self) -> HeadSelection:
        """The head under the cursor off, or on again; the whole model is shown."""
        return replace(self, off=self.off ^ {self.place}, shows=MODEL) if self.layers else self

    def layer_switched(self) -> HeadSelection:
        """The whole layer off, or, where it is, on again; the whole model is shown."""
        own = frozenset(_places(self.layer, ALL, self.heads))
        off = self.off - own if own <= self.off else self.off | own
        return replace(self, off=off, shows=MODEL) if self.layers else self

    def all_on(self) -> HeadSelection:
        """Every head on again; the whole model is shown."""
        return replace(self, off=frozenset(), shows=MODEL)

    def _off_text(self, off: set[Place] | frozenset[Place]) -> str:
        """Whole layers by their star, so that equal choices are one recipe."""
        whole = {
            (layer, ALL)
            for layer in range(self.layers)
            if off.issuperset(_places(layer, ALL, self.heads)) and self.heads
        }
        return off_text({*off, *whole})


def choice_text(settings: Mapping[str, object]) -> str:
    """A recipe's choice of layer, head and off in a few words; "" for all heads."""
    chosen = [f"{name} {settings[name]}" for name in ("layer", "head") if settings.get(name, ALL) != ALL]
    off = str(settings.get("off", ""))
    if off:
        chosen.append(f"off {off if len(off) <= _LONG else off[: _LONG - 1] + '…'}")
    return ", ".join(chosen)


def _places(layer: int, head: int, heads: int) -> list[Place]:
    return [(layer, each) for each in range(heads)] if head == ALL else [(layer, head)]


_LONG = 24
