"""Pictures as terminal bytes: half-cells, kitty, sixel, and the pace at which they are sent."""
