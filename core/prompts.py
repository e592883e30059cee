"""Prompt templates: from a class label to the text that CLIP reads.

A template is one string, and is part of a heatmap set's identity. `<label>` is
the label as it stands, `<a label>` the label with its article ("an apple");
several texts joined by ` | ` are encoded one by one and averaged. `imagenet-80: <label>` stands
for the 80 texts that OpenAI classified ImageNet with, `imagenet-85: <label>` for these and five of a scene
that the label is in, as MaskCLIP and CLIP Surgery have them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from cliploc.core.errors import ParameterError, clean

# Before a template: many texts around what it gives.
IMAGENET, SCENES = "imagenet-80: ", "imagenet-85: "
JOINT = " | "

# The poster compares the first two.
TEMPLATES = (
    "An image of a <label>",
    "There is a <label> in this image",
    "An image of <a label>",
    "There is <a label> in this image",
    "a photo of <a label>.",
    "<label>",
    "An image of a <label> | There is a <label> in this image",
)

# Words that start with a vowel letter but a consonant sound, and the reverse.
_CONSONANT_SOUND = ("uni", "use", "usa", "euro", "one", "ewe")
_VOWEL_SOUND = ("hour", "honest", "heir")


def prompt_for(template: str, label: str) -> str:
    """Put the label into the template; ParameterError where the template has no place for one."""
    if "<label>" not in template and "<a label>" not in template:
        raise ParameterError(
            f"prompt template {clean(template)!r} has no <label>; write one, for example {TEMPLATES[0]!r}"
        )
    around = next((start for start in _AROUND if template.startswith(start)), "")
    text = template.removeprefix(around).replace("<a label>", with_article(label)).replace("<label>", label)
    return JOINT.join(each(text) for each in _AROUND[around]()) if around else text


@cache
def _imagenet() -> tuple[Callable[[str], str], ...]:
    """As open_clip has them, in a file that needs nothing: importing open_clip itself takes seconds."""
    package = find_spec("open_clip")
    assert package is not None
    assert package.origin is not None
    spec = spec_from_file_location(
        "imagenet_templates", Path(package.origin).parent / "zero_shot_metadata.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: tuple[Callable[[str], str], ...] = module.OPENAI_IMAGENET_TEMPLATES
    return found


def _scenes() -> tuple[Callable[[str], str], ...]:
    starts = ("there is a", "there is the", "this is a", "this is the", "this is one")
    return *_imagenet(), *(partial(_in_scene, start) for start in starts)


def _in_scene(start: str, text: str) -> str:
    return f"{start} {text} in the scene."


_AROUND: dict[str, Callable[[], tuple[Callable[[str], str], ...]]] = {IMAGENET: _imagenet, SCENES: _scenes}


def with_article(label: str) -> str:
    """The label after "a" or "an", by the sound of its first word: "a unicycle", "an hourglass"."""
    word = label.lower()
    vowel = word.startswith(("a", "e", "i", "o", "u")) and not word.startswith(_CONSONANT_SOUND)
    return f"{'an' if vowel or word.startswith(_VOWEL_SOUND) else 'a'} {label}"
