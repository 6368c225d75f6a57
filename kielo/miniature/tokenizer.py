"""The tokenizer of a miniature: built in the same steps as the model's own, with a small vocabulary of the pocket world's texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kielo.errors import RecipeError
from kielo.models import POCKET, loading, model_file
from kielo.provenance import CHECKOUT
from kielo.strict_yaml import load

FAMILIES = CHECKOUT / "recipes" / "models" / "tokenizers.yaml"
VOCABULARY, DOCUMENTS = 1024, 600
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


class Family(BaseModel):
    """How the tokenizers of one family are built."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["bytes", "pieces"]
    split: str | None = None
    normalise: Literal["NFC"] | None = None
    begins: bool = Field(False, description="whether every text begins with the token bos")
    bos: str | None = None
    eos: str
    pad: str | None = None
    unk: str | None = None
    special: tuple[str, ...] = ()

    @property
    def special_tokens(self) -> list[str]:
        """List every special token once, in the order of their ids."""
        named = (self.unk, self.bos, self.eos, self.pad, *self.special)
        return list(dict.fromkeys(token for token in named if token))


def train_tokenizer(model: str, revision: str | None = None) -> Any:
    """Train a tokenizer of the model's family: a listed one, else the model's own with a new vocabulary.

    Raises:
        RecipeError: nothing is known of the model's tokenizer.
    """
    family = _listed().get(model)
    return _retrained(model, revision) if family is None else _trained(family)


@cache
def _listed() -> dict[str, Family]:
    written = load(FAMILIES)[0]
    families = {name: Family.model_validate(value) for name, value in written["families"].items()}
    return {model: families[name] for model, name in written["models"].items()}


def _texts() -> Iterator[str]:
    from kielo.pocket.corpus import documents

    return (document.text for document in islice(documents(0), DOCUMENTS))


def _retrained(model: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    path = str(POCKET) if model == "pocket" else model
    if model_file(path, "tokenizer.json", revision) is None:
        raise RecipeError(
            f"model {model}: its tokenizer is not known here, so there is no miniature of it; hf download {model} tokenizer.json tokenizer_config.json, or name its family in recipes/models/tokenizers.yaml."
        )
    with loading(model):
        own = AutoTokenizer.from_pretrained(path, revision=revision)
    return own.train_new_from_iterator(_texts(), VOCABULARY, show_progress=False)


def _trained(family: Family) -> Any:
    from transformers import PreTrainedTokenizerFast

    backend = _byte_level(family) if family.kind == "bytes" else _pieces(family)
    if family.begins:
        from tokenizers.processors import TemplateProcessing

        ids = [(family.bos, backend.token_to_id(family.bos))]
        backend.post_processor = TemplateProcessing(single=f"{family.bos} $A", pair=f"{family.bos} $A {family.bos} $B", special_tokens=ids)  # fmt: skip
    named = {"bos_token": family.bos, "eos_token": family.eos, "pad_token": family.pad, "unk_token": family.unk}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        additional_special_tokens=list(family.special),
        clean_up_tokenization_spaces=False,
        **{name: token for name, token in named.items() if token},
    )


def _byte_level(family: Family) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend: Any = Tokenizer(models.BPE())
    if family.normalise:
        backend.normalizer = normalizers.NFC()
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=family.split is None)
    parts = [pre_tokenizers.Split(Regex(family.split), "isolated")] if family.split else []
    backend.pre_tokenizer = pre_tokenizers.Sequence([*parts, bytes_of])
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=family.special_tokens, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(_texts(), trainer)
    return backend


def _pieces(family: Family) -> Any:
    """Train BPE as SentencePiece has it: ▁ for blanks, and a token for every byte that no piece covers."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    blanks = normalizers.Replace(" ", "▁")
    learnt: Any = Tokenizer(models.BPE())
    learnt.normalizer = blanks
    learnt.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    size = VOCABULARY - len(family.special_tokens) - len(_BYTES)
    learnt.train_from_iterator(_texts(), trainers.BpeTrainer(vocab_size=size, show_progress=False))
    known = json.loads(learnt.to_str())["model"]
    order = [*family.special_tokens, *_BYTES, *sorted(known["vocab"], key=known["vocab"].get)]
    merges = [tuple(pair) for pair in known["merges"]]
    backend: Any = Tokenizer(
        models.BPE(
            vocab={token: place for place, token in enumerate(order)}, merges=merges,
            byte_fallback=True, fuse_unk=True, unk_token=family.unk,
        )
    )  # fmt: skip
    backend.normalizer = blanks
    backend.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in family.special_tokens])
    return backend
