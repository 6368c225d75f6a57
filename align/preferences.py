"""Preference pairs as tokens: one prompt, two answers that end as the template ends them; unusable pairs counted by reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from align.chat import Chat
from align.tokens import Encoded, Tally, encode, writes_special_tokens
from kielo.records import Message, PreferencePair


@dataclass(frozen=True)
class PairTokens:
    """One pair as tokens; the names of the columns are those that TRL's collator reads."""

    id: str
    language: str
    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]

    @property
    def length(self) -> int:
        """Tokens of the prompt and the longer answer."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


def tokenise_pairs(
    pairs: Iterable[PreferencePair], chat: Chat, max_length: int | None
) -> tuple[list[PairTokens], Tally]:
    """Tokenise pairs; answers over `max_length` tokens (prompt included) lose their end, pairs that teach nothing are dropped."""
    kept, tally, usable = [], Tally(), []
    for pair in pairs:
        reason = _unusable(pair, chat)
        if reason:
            tally.drop(pair.language, reason)
        else:
            usable.append(pair)
    chosen = encode(chat, ((pair.id, _conversation(pair, pair.chosen)) for pair in usable))
    rejected = encode(chat, ((pair.id, _conversation(pair, pair.rejected)) for pair in usable))
    for pair, better, worse in zip(usable, chosen, rejected, strict=True):
        tokens = _split(pair, better, worse)
        cut = tokens and _cut(tokens, max_length)
        if tokens is None:
            tally.drop(pair.language, "prompt_merges_with_answer")
        elif isinstance(cut, str):
            tally.drop(pair.language, cut)
        elif cut is not None:
            kept.append(cut)
            answers = len(cut.chosen_ids) + len(cut.rejected_ids)
            tally.keep(pair.language, 2 * len(cut.prompt_ids) + answers, answers, cut != tokens)
    return kept, tally


def _unusable(pair: PreferencePair, chat: Chat) -> str | None:
    if not pair.chosen.strip() or not pair.rejected.strip():
        return "empty_answer"
    if pair.chosen == pair.rejected:
        return "identical_answers"
    texts = (*pair.prompt, Message("assistant", pair.chosen), Message("assistant", pair.rejected))
    return "text_holds_special_token" if writes_special_tokens(chat, texts) else None


def _conversation(pair: PreferencePair, answer: str) -> tuple[Message, ...]:
    return (*pair.prompt, Message("assistant", answer))


def _split(pair: PreferencePair, better: Encoded, worse: Encoded) -> PairTokens | None:
    """Split both conversations where the answer begins; None if a token merges over that place in one of them."""
    (start, end), (other_start, other_end) = better.answers[-1], worse.answers[-1]
    prompt = better.input_ids[:start]
    if prompt != worse.input_ids[:other_start]:
        return None
    return PairTokens(
        pair.id, pair.language, prompt, better.input_ids[start:end], worse.input_ids[other_start:other_end]
    )


def _cut(tokens: PairTokens, max_length: int | None) -> PairTokens | str:
    """Cut the answers to what fits behind the prompt, or say why nothing is left to learn from."""
    if max_length is None or tokens.length <= max_length:
        return tokens
    room = max_length - len(tokens.prompt_ids)
    if room <= 0:
        return "prompt_over_max_length"
    chosen, rejected = tokens.chosen_ids[:room], tokens.rejected_ids[:room]
    if chosen == rejected:
        return "identical_within_max_length"
    return PairTokens(tokens.id, tokens.language, tokens.prompt_ids, chosen, rejected)
