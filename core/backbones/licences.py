"""Under which licence a network's published weights stand, as their publishers' model cards say.

Cards change, and a licence binds by its own text: this is a hint where to look before use.
"""

from __future__ import annotations

from cliploc.core.backbones.ahead import Tag, tags_of

_OF_OWNER = {
    "laion": "MIT",
    "apple": "Apple AMLR (research)",
    "UCSC-VLAA": "Apache-2.0",
    "jienengchen": "MIT",
    "visheratin": "CC-BY-NC-4.0",
}
# timm's repositories hold other people's weights: by how their tags begin.
_OF_TAG = {
    "openai": "MIT", "laion": "MIT", "merged2b": "MIT", "yfcc15m": "MIT", "cc12m": "MIT",
    "metaclip": "CC-BY-NC-4.0", "webli": "Apache-2.0", "meta": "Apache-2.0",
    "dfndr2b": "Apple AMLR (research)",
}  # fmt: skip


def licences_of(architecture: str) -> tuple[str, ...]:
    """Those of all of its published weights, each once; `?` for weights whose licence is not known here."""
    found = (_licence(name, tag) for name, tag in tags_of(architecture).items())
    return tuple(sorted(set(found)))


def _licence(name: str, tag: Tag) -> str:
    owner = tag.get("hf_hub", "").partition("/")[0]
    begins = next((each for each in _OF_TAG if name.startswith(each)), "")
    return _OF_OWNER.get(owner) or _OF_TAG.get(begins, "?")
