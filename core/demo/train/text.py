"""The demo text tower, fitted to the class directions by sentences about the classes.

Words that no sentence here uses keep a zero embedding: to this small model they
are all the same unknown word, and training puts it in the place of other words,
so that a prompt with surprises still means its class.
"""

from __future__ import annotations

import torch
from open_clip import CLIP, SimpleTokenizer
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.demo.captions import TEMPLATES, caption, plural
from cliploc.core.demo.shapes import LABELS
from cliploc.core.demo.train.batches import TrainingPlan, descent
from cliploc.core.demo.train.teacher import Log
from cliploc.core.prompts import prompt_for

NEUTRAL = (
    "",
    "a photo",
    "an image",
    "a picture of an object",
    "There is an object in this image",
    "something",
)
SWAPPED = 0.15
SHARPNESS = 12.0


def sentences() -> tuple[list[str], Tensor]:
    """Every sentence and its meaning: (n, classes + 1) rows that sum to 1; the last column is `no class`."""
    texts: list[str] = []
    meanings: list[list[int]] = []
    for number, label in enumerate(LABELS):
        singular = [prompt_for(template, label) for template in TEMPLATES]
        several = [
            prompt_for(
                template.replace("<a label>", "<label>").replace("a <label>", "<label>"), plural(label)
            )
            for template in TEMPLATES[4:]
        ]
        texts += [*singular, *several]
        meanings += [[number]] * len(singular + several)
        for other in range(len(LABELS)):
            if other != number:
                third = (other + number) % len(LABELS)
                named = [number, other] + ([third] if third not in (number, other) else [])
                texts.append(caption([LABELS[i] for i in named]))
                meanings.append(named)
    texts += NEUTRAL * 8
    meanings += [[len(LABELS)]] * (len(NEUTRAL) * 8)
    weights = torch.zeros(len(texts), len(LABELS) + 1)
    for row, named in enumerate(meanings):
        weights[row, named] = 1 / len(named)
    return texts, weights


def train_text(model: CLIP, directions: Tensor, plan: TrainingPlan, log: Log) -> None:
    """Fit the text tower in place, so that `encode_text` answers with `directions`.

    directions: (classes + 1, d) orthonormal rows, the last for sentences that name no class.
    """
    torch.manual_seed(plan.seed)
    texts, weights = sentences()
    tokenizer = SimpleTokenizer(context_length=model.context_length)
    tokens = tokenizer(texts).to(plan.device)
    goals = F.normalize(weights.to(plan.device) @ directions, dim=-1)
    known = torch.zeros(model.vocab_size, dtype=torch.bool, device=plan.device)
    known[tokens.unique()] = True
    unknown = int((~known).nonzero()[0])
    kept = tokenizer([*LABELS, *map(plural, LABELS)]).unique().to(plan.device)
    with torch.no_grad():
        model.token_embedding.weight[~known] = 0
    parts = [model.token_embedding, model.transformer, model.ln_final]
    parameters = [p for part in parts for p in part.parameters()]
    # Words outside the sentences stay at zero.
    model.token_embedding.weight.register_hook(lambda gradient: gradient * known[:, None])
    descend = descent([*parameters, model.positional_embedding, model.text_projection], plan, decay=0.0)
    for step in range(plan.steps):
        rows = torch.randint(len(texts), (plan.batch,), device=plan.device)
        chosen = tokens[rows]
        swap = (torch.rand(chosen.shape, device=plan.device) < SWAPPED) & ~torch.isin(chosen, kept)
        answers = F.normalize(model.encode_text(chosen.masked_fill(swap, unknown)), dim=-1)
        wrong = F.cross_entropy(SHARPNESS * answers @ directions.T, weights[rows].to(plan.device))
        loss = (1 - (answers * goals[rows]).sum(-1)).mean() + 0.1 * wrong
        descend(loss)
        if step % 100 == 0 or step == plan.steps - 1:
            log("text", step, {"loss": loss.item(), "cosine": (answers * goals[rows]).sum(-1).mean().item()})
