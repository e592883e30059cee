"""Stand-ins for what open_clip's Hugging Face text sides read: tiny tokenizers and configs in a cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import sentencepiece
from transformers import GemmaTokenizer, NllbTokenizer

CORPUS = ["an image of a red star", "there is a moon in this image", "a photo of a green square"] * 20
_LETTERS = [*"abcdefghijklmnopqrstuvwxyz"]
_BPE = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *_LETTERS]
VOCABULARY = 64  # at least as many as any of the tokenizers has

# The kind of tokenizer, and of text model, by the repository that open_clip names.
KINDS = {
    "timm/ViT-B-16-SigLIP": "t5",
    "timm/ViT-B-16-SigLIP-i18n-256": "t5",
    "bert-base-uncased": "bert",
    "facebook/xlm-v-base": "xlm-roberta",
    "google/mt5-base": "mt5",
    "google/mt5-xl": "mt5",
    "roberta-base": "roberta",
    "facebook/nllb-200-distilled-600M": "m2m_100",
    "facebook/nllb-200-distilled-1.3B": "m2m_100",
    "xlm-roberta-base": "xlm-roberta",
    "xlm-roberta-large": "xlm-roberta",
}
_MODELS: dict[str, dict[str, Any]] = {
    "roberta": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                "max_position_embeddings": 96, "pad_token_id": 1},
    "mt5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2, "pad_token_id": 0},
    "m2m_100": {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
                "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
                "max_position_embeddings": 96, "pad_token_id": 1},
}  # fmt: skip
_MODELS["xlm-roberta"] = _MODELS["bert"] = _MODELS["roberta"]


def kind_of(repository: str) -> str:
    return KINDS.get(repository, "gemma" if "SigLIP2" in repository else "t5")


def put(hub: Path, repository: str) -> Path:
    """A stand-in for a repository in a Hugging Face cache, in the files that the real one has."""
    place = hub / f"models--{repository.replace('/', '--')}"
    folder = place / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    write(folder, kind_of(repository))
    return folder


def write(folder: Path, kind: str) -> None:
    """The tokenizer and the text model's config of a kind, into a folder."""
    says: dict[str, Any] = {}
    if kind in ("t5", "mt5"):
        _sentences(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
        says = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}
    elif kind == "xlm-roberta":
        _sentences(folder / "sentencepiece.bpe.model", unk_id=0, bos_id=1, eos_id=2)
    elif kind == "bert":
        words = [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            *sorted({w for s in CORPUS for w in s.split()}),
        ]
        (folder / "vocab.txt").write_text("\n".join(words))
        says = {"tokenizer_class": "BertTokenizer"}
    elif kind == "roberta":
        letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *_LETTERS]
        (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
        (folder / "merges.txt").write_text("#version: 0.2\n")
    else:
        made: Any = GemmaTokenizer if kind == "gemma" else NllbTokenizer
        # As SigLIP 2's is published: an end and no beginning, padded on the right.
        options = {"padding_side": "right", "add_bos_token": False, "add_eos_token": True}
        letters = {token: i for i, token in enumerate(_BPE)}
        made(vocab=letters, merges=[], **(options if kind == "gemma" else {})).save_pretrained(folder)
    if says:
        (folder / "tokenizer_config.json").write_text(json.dumps(says))
    if kind in _MODELS:
        config = {"model_type": kind, "vocab_size": VOCABULARY + 1024, **_MODELS[kind]}
        (folder / "config.json").write_text(json.dumps(config))


def _sentences(path: Path, **ids: int) -> None:
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS), model_writer=file, vocab_size=60, hard_vocab_limit=False,
            model_type="unigram", minloglevel=2, **ids,
        )  # fmt: skip


def shrunk(name: str) -> dict[str, Any]:
    """One of open_clip's configs with another, tiny image side and a text side of one narrow layer."""
    config: dict[str, Any] = open_clip.get_model_config(name)
    config["vision_cfg"] = {"image_size": 16, "layers": 1, "width": 64, "patch_size": 8, "head_width": 32}
    config["embed_dim"] = 32
    small = {"width": 32, "heads": 2, "layers": 1, "vocab_size": VOCABULARY + 1024}
    if not config["text_cfg"].get("hf_model_name"):
        config["text_cfg"] |= small
    if "multimodal_cfg" in config:
        config["multimodal_cfg"] |= small
    return config
