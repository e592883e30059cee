"""Networks: open_clip models, an ImageNet ResNet-50 and the demo models.

`cliploc.core.backbones.catalog` is free of torch; `load` is where networks come from.
"""
