"""Preference pairs as tokens: one prompt, two answers that end as the template ends them; unusable pairs counted by reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from align.preferences.language_pairs import is_language_pair
from align.tokens.chat import Chat
from align.tokens.masks import Encoded, batches, encode
from align.tokens.tally import Tally
from kielo.records import Message, PreferencePair


@dataclass(frozen=True)
class PairTokens:
    """One pair as tokens; the names of the columns are those that TRL's collator reads."""

    id: str
    language: str
    group: str
    """What its metrics are told under: its language, response-language pairs by themselves."""
    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]

    @property
    def length(self) -> int:
        """Tokens of the prompt and the longer answer."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


@dataclass(frozen=True)
class Wanted:
    """What the recipe wants of a pair's tokens."""

    max_length: int | None
    accept: Collection[str] = ()
    """Unusual pairs that are trained on all the same (dpo.accept)."""


def tokenise_pairs(pairs: Iterable[PreferencePair], chat: Chat, wanted: Wanted, tally: Tally) -> Iterator[PairTokens]:
    """Tokenise pairs; those that teach nothing, or are over `max_length` tokens and not accepted so, are dropped and counted."""
    for batch in batches(pairs):
        usable = []
        for pair in batch:
            reason = _unusable(pair, chat)
            if reason:
                tally.drop(pair, reason)
            else:
                usable.append(pair)
        chosen = encode(chat, ((pair.id, _conversation(pair, pair.chosen)) for pair in usable))
        rejected = encode(chat, ((pair.id, _conversation(pair, pair.rejected)) for pair in usable))
        for pair, better, worse in zip(usable, chosen, rejected, strict=True):
            found = _wanted(pair, better, worse, wanted)
            if isinstance(found, str):
                tally.drop(pair, found)
            else:
                _count(tally, pair, (better, worse), found)
                yield found


def _unusable(pair: PreferencePair, chat: Chat) -> str | None:
    if not pair.chosen.strip() or not pair.rejected.strip():
        return "empty_answer"
    texts = (*pair.prompt, Message("assistant", pair.chosen), Message("assistant", pair.rejected))
    return "text_holds_special_token" if chat.spelt_in(texts) else None


def _conversation(pair: PreferencePair, answer: str) -> tuple[Message, ...]:
    return (*pair.prompt, Message("assistant", answer))


def _wanted(pair: PreferencePair, better: Encoded, worse: Encoded, wanted: Wanted) -> PairTokens | str:
    """Split and cut a pair, or say why it is not trained on."""
    if better.refused or worse.refused:
        return "refused_by_template"
    tokens = _split(pair, better, worse)
    return "prompt_merges_with_answer" if tokens is None else _cut(tokens, wanted)


def _split(pair: PreferencePair, better: Encoded, worse: Encoded) -> PairTokens | None:
    """Split both conversations where the answer begins; None if a token merges over that place in one of them."""
    (start, end), (other_start, other_end) = better.answers[-1], worse.answers[-1]
    prompt = better.input_ids[:start]
    if prompt != worse.input_ids[:other_start]:
        return None
    group = f"{pair.language}-language-pairs" if is_language_pair(pair.id) else pair.language
    return PairTokens(
        pair.id, pair.language, group, prompt, better.input_ids[start:end], worse.input_ids[other_start:other_end]
    )


def _cut(tokens: PairTokens, wanted: Wanted) -> PairTokens | str:
    """Cut the answers to what fits behind the prompt, where that is accepted, or say why the pair is refused."""
    limit = wanted.max_length
    if limit is None or tokens.length <= limit:
        return tokens
    if "over-length" not in wanted.accept:
        return "over_max_length"
    room = limit - len(tokens.prompt_ids)
    if room <= 0:
        return "prompt_over_max_length"
    chosen, rejected = tokens.chosen_ids[:room], tokens.rejected_ids[:room]
    if chosen == rejected and "identical" not in wanted.accept:
        return "identical_within_max_length"
    return PairTokens(tokens.id, tokens.language, tokens.group, tokens.prompt_ids, chosen, rejected)


def _count(tally: Tally, pair: PreferencePair, encoded: tuple[Encoded, Encoded], tokens: PairTokens) -> None:
    answers = len(tokens.chosen_ids) + len(tokens.rejected_ids)
    whole = sum(end - start for start, end in (each.answers[-1] for each in encoded))
    tally.keep(pair, 2 * len(tokens.prompt_ids) + answers, answers, answers < whole)
    for text, each in zip((pair.chosen, pair.rejected), encoded, strict=True):
        start, end = each.answers[-1]
        tally.measure(pair, text, end - start - 1)
