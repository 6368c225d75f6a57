"""A byte-level BPE tokenizer trained on the texts at hand, for the random models that benchmarks run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def byte_level_tokenizer(
    texts: Iterable[str], entries: int, special: Iterable[str] = ("<s>", "</s>"), **named: str
) -> Any:
    """Train a tokenizer of at most so many entries; `named`: its special tokens by their part, such as eos_token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=entries, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    bpe.train_from_iterator(texts, trainer)
    wrap: Any = PreTrainedTokenizerFast
    return wrap(tokenizer_object=bpe, **named)
