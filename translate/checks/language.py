"""Finds translations, or parts of them, in the source language or a third one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from translate.checks.findings import Evidence
from translate.checks.identification import Identifier
from translate.checks.views import Pair

PIECE_LETTERS = 20
"""Fewer letters are not judged: identifiers are sure of nothing there (translation notes: single words 48-69% right)."""
MIXED_SHARE = (0.1, 0.4)
"""Share of the judged letters in the source language: from the first on it counts, from the second on it is enough."""

SURE_LETTERS = 40
SOURCE_FOREIGN = "source-language"
"""Note on a source that is itself in a third language, an answer in German to who asked for it, say: it may stay as it is."""


def wrong_language(pair: Pair, identifier: Identifier) -> Iterator[Evidence]:
    """Judge the stretches of a translation against source and target language, and the whole against all languages.

    Names that the source has, too, are left out: what they are is no sign of the language around them.
    """
    names = {word for word in pair.source.cased_words if word[0].isupper()}
    pieces = [piece for words in pair.translation.line_words for piece in _pieces(words, names)]
    if not pieces:
        return
    leaning = identifier.leaning(pieces)
    if leaning.third and leaning.sure >= 0.5:
        if identifier.leaning([" ".join(pair.source.words)]).third == leaning.third:
            yield Evidence(SOURCE_FOREIGN, f"the source is in '{leaning.third}', too: {' '.join(pieces):.80}", 0)
            return
        yield Evidence("wrong-language", f"'{leaning.third}': {' '.join(pieces):.80}", 1 if leaning.sure >= 1 else 0.5)
        return
    foreign = [
        (len(piece), min(1.0, lean), piece)
        for piece, lean in zip(pieces, leaning.to_source, strict=True)
        if lean >= 0.5
    ]
    amount = sum(size * lean for size, lean, _ in foreign)
    share = amount / sum(map(len, pieces))
    low, high = MIXED_SHARE
    if share >= low:
        worst = max(foreign)[2]
        name = "wrong-language" if share >= 0.8 else "mixed-language"
        sure = share >= high and amount >= SURE_LETTERS
        yield Evidence(name, f"{share:.0%} in '{pair.direction.source.code}': {worst:.80}", 1 if sure else 0.5)


def _pieces(words: Sequence[str], names: Set[str]) -> Iterator[str]:
    """Cut a line into stretches of words in lower case, none with fewer than PIECE_LETTERS letters."""
    held: list[str] = []
    letters = 0
    for word in words:
        if word not in names:
            held.append(word)
            letters += len(word)
            if letters >= 2 * PIECE_LETTERS:
                yield " ".join(held).lower()
                held, letters = [], 0
    if letters >= PIECE_LETTERS:
        yield " ".join(held).lower()
