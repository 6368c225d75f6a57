"""Step `tokens`: the tokens and loss masks of a training, made on CPU before any GPU waits; sft, reference and dpo train from them."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from align.preferences.asked_pairs import AskedPairs
from align.preferences.pairs import Wanted as WantedPairs
from align.preferences.pairs import tokenise_pairs
from align.tokens.chat import Chat, load_chat, read_template
from align.tokens.leaks import Leaks
from align.tokens.limits import max_length
from align.tokens.masks import Wanted, tokenise
from align.tokens.tally import Tally
from align.tokens.token_file import TOKENIZER, TOKENS, Written, write_tokens
from kielo.errors import RunFolderError, SourceError, at
from kielo.plan import Outcome, Workplace
from kielo.progress import progress
from kielo.records import Conversation, from_json, read_json, read_jsonl, write_json

SUMMARY = "tokens.json"
Kind = Literal["sft", "dpo"]


@dataclass(frozen=True)
class Prepared:
    """What a `tokens` step leaves, beside the tokens themselves and the tokenizer."""

    kind: Kind
    loss_on: str
    """Which tokens are trained; of a pair always its answers."""
    accept: tuple[str, ...]
    """Unusual pairs that are trained on all the same (dpo.accept)."""
    stop_token_id: int
    added_token_ids: tuple[int, ...]
    rows: int
    longest_row: int
    """Tokens of the longest row that is trained on (sft), or of the longest prompt and answer (dpo)."""
    data: str
    """Digest of the tokens and labels."""
    counts: dict[str, Any]
    """Rows, tokens, loss_tokens, truncated, words, tokens_per_word and dropped, by language."""
    sources: dict[str, Any]
    """The same by data set, then by language."""


def run(place: Workplace) -> Outcome:
    """Write tokens.arrow, the tokenizer and tokens.json.

    Raises:
        SourceError: no row can be trained on.
        RecipeError: the template does not fit the tokenizer or the rows.
    """
    outcome, lines = make(place)
    for line in lines:
        print(f"{place.step.name}: {line}", file=sys.stderr, flush=True)
    return outcome


def make(place: Workplace) -> tuple[Outcome, tuple[str, ...]]:
    """Do what `run` does, and give what is to be said of it as well."""
    kind: Kind = "sft" if "sft" in place.step.settings else "dpo"
    model, revision = place.recipe.model_path, place.recipe.revision
    chat = load_chat(model, revision, read_template(place.recipe))
    limit = max_length(model, revision, place.step.settings[kind]["trainer"], kind)
    tally, leaks = Tally(), Leaks(place)
    tokenised = (_conversations if kind == "sft" else _pairs)(place, chat, limit, tally, leaks)
    with _on_every_core():
        written = write_tokens(place.folder / TOKENS, tokenised)
    if not written.rows:
        raise SourceError(
            f"{place.step.name}: no row can be trained on ({tally.reasons()}); raise {kind}.trainer.max_length or look at the rows."
        )
    return _finish(place, kind, chat, written, (tally, leaks)), (*tally.lines(), *leaks.lines())


@contextmanager
def _on_every_core() -> Iterator[None]:
    """Let the tokenizer use all cores, which is switched off elsewhere: this process is not forked meanwhile."""
    before = os.environ.get("TOKENIZERS_PARALLELISM", "false")
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    try:
        yield
    finally:
        os.environ["TOKENIZERS_PARALLELISM"] = before


def _finish(place: Workplace, kind: Kind, chat: Chat, written: Written, counted: tuple[Tally, Leaks]) -> Outcome:
    tally, leaks = counted
    own = place.step.settings[kind]
    chat.tokenizer.save_pretrained(str(place.folder / TOKENIZER))
    prepared = Prepared(
        kind, own.get("loss_on", "assistant"), tuple(own.get("accept", ())), chat.stop_token_id, chat.added_token_ids,
        written.rows, written.longest, written.digest, tally.by_language, tally.by_source,
    )  # fmt: skip
    write_json(place.folder / SUMMARY, dataclasses.asdict(prepared))
    tokenizer = sorted(f"{TOKENIZER}/{file.name}" for file in (place.folder / TOKENIZER).iterdir())
    counts = {
        "languages": prepared.counts, "sources": prepared.sources, "overlap": leaks.counts, "rows": written.rows,
        "added_tokens": len(chat.added_token_ids),
    }  # fmt: skip
    if tally.language_pairs:
        counts["language_pairs"] = tally.language_pairs
    leaks.write(place.folder)  # no result: what a training is compared with must not make it another training
    return Outcome((TOKENS, SUMMARY, *tokenizer), counts)


def read_prepared(folder: Path) -> Prepared:
    """Read what a `tokens` step left.

    Raises:
        RunFolderError: the folder holds no tokens.
    """
    values = read_json(folder / SUMMARY)
    if values is None or set(values) != {field.name for field in dataclasses.fields(Prepared)}:
        raise RunFolderError(
            f"{folder}: no tokens of a training; they are made by the step of that name (kielo tokens)."
        )
    return Prepared(**{**values, **{name: tuple(values[name]) for name in ("added_token_ids", "accept")}})


def _conversations(place: Workplace, chat: Chat, limit: int | None, tally: Tally, leaks: Leaks) -> Iterable[Any]:
    settings = place.step.settings["sft"]
    (mix,) = (folder for name, folder in place.inputs.items() if name.startswith("mix/"))
    rows = leaks.sift(_with_progress(place.step.name, mix / "train.jsonl"), tally)
    return tokenise(rows, chat, Wanted(settings["loss_on"], limit, settings["over_length"]), tally)


def _with_progress(label: str, file: Path) -> Iterator[Conversation]:
    """Read a mix row by row; a large one does not fit into memory."""
    with file.open("rb") as stream:
        total = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    with progress(total, label, "conversations") as bar:
        for number, row in read_jsonl(file):
            record = from_json("conversations", row, at(file, number))
            assert isinstance(record, Conversation)
            yield record
            bar.update(1)


def _pairs(place: Workplace, chat: Chat, limit: int | None, tally: Tally, leaks: Leaks) -> Iterable[Any]:
    wanted = WantedPairs(limit, place.step.settings["dpo"]["accept"])
    return tokenise_pairs(leaks.sift(AskedPairs(place, tally), tally), chat, wanted, tally)
