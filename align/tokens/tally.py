"""Counts of the step `tokens`: rows, tokens and trained tokens by language and by data set, every row cut or dropped with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol


class Row(Protocol):
    """What is counted: the data set is the first part of its id."""

    @property
    def id(self) -> str: ...
    @property
    def language(self) -> str: ...


@dataclass
class Counts:
    """The counts of one language, in one shape for sft and dpo."""

    rows: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    truncated: int = 0
    words: int = 0
    """White-space words of the answers of rows that are trained on, before they are cut."""
    word_tokens: int = 0
    """The tokens that these words became, without those that end a turn."""
    dropped: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        """Spell the counts out for JSON; tokens per word is what a language costs with this tokenizer."""
        return {
            "rows": self.rows, "tokens": self.tokens, "loss_tokens": self.loss_tokens, "truncated": self.truncated,
            "words": self.words, "tokens_per_word": round(self.word_tokens / self.words, 3) if self.words else None,
            "dropped": dict(self.dropped),
        }  # fmt: skip


class Tally:
    """The counts of one step, by language and by data set and language."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counts] = {}
        self.language_pairs: dict[str, dict[str, Any]] = {}
        """By data set and language, what became of the response-language pairs that were asked for."""

    def drop(self, row: Row, reason: str) -> None:
        """Count a row that is not trained on."""
        for counts in self._of(row):
            counts.dropped[reason] += 1

    def keep(self, row: Row, tokens: int, loss_tokens: int, truncated: bool) -> None:
        """Count a row that is trained on."""
        for counts in self._of(row):
            counts.rows += 1
            counts.tokens += tokens
            counts.loss_tokens += loss_tokens
            counts.truncated += truncated

    def measure(self, row: Row, text: str, tokens: int) -> None:
        """Count the words of an answer, and the tokens that they became."""
        words = len(text.split())
        for counts in self._of(row):
            counts.words += words
            counts.word_tokens += tokens

    def _of(self, row: Row) -> tuple[Counts, Counts]:
        source = row.id.partition("/")[0]
        places = (("", row.language), (source, row.language))
        return tuple(self._counts.setdefault(place, Counts()) for place in places)  # type: ignore[return-value]

    @property
    def by_language(self) -> dict[str, dict[str, Any]]:
        """List the counts of every language."""
        return {language: counts.plain() for (source, language), counts in self._counts.items() if not source}

    @property
    def by_source(self) -> dict[str, dict[str, dict[str, Any]]]:
        """List the counts of every data set, by language."""
        sources: dict[str, dict[str, dict[str, Any]]] = {}
        for (source, language), counts in self._counts.items():
            if source:
                sources.setdefault(source, {})[language] = counts.plain()
        return sources

    def lines(self) -> Iterator[str]:
        """Say what is trained on and what is not, one line for each language."""
        for language, counts in self.by_language.items():
            each = f", {counts['tokens_per_word']:.2f} tokens per word of the answers" if counts["words"] else ""
            trained = f"{counts['tokens']:,} tokens, {counts['loss_tokens']:,} of them trained{each}"
            lost = [f"{counts['truncated']:,} truncated"] if counts["truncated"] else []
            lost += [f"{count:,} dropped ({reason})" for reason, count in counts["dropped"].items()]
            yield "; ".join((f"{language}: {counts['rows']:,} rows, {trained}", *lost))

    def reasons(self) -> str:
        """Say why rows were dropped: `fi: 3 no_answer`."""
        return (
            "; ".join(
                f"{language}: {count} {reason}"
                for language, counts in self.by_language.items()
                for reason, count in counts["dropped"].items()
            )
            or "there are none"
        )
