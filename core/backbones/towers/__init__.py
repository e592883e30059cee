"""Image towers as methods read them: tokens, blocks, a grid, and the way into the joint space.

One adapter for each way in which a library builds a transformer; a method knows `Tower`
and `Block` (`towers.tower`) and no family's name.
"""
