"""Whether translations are in the target language, as a whole and at their ends; only where an identifier knows both languages."""

from __future__ import annotations

from collections.abc import Sequence

from kielo.languages.pack import Shot
from translate.checks import Direction
from translate.checks.identification import Identifier, make_identifier
from translate.probe.measures import Measure, share

IDENTIFIERS = ("py3langid", "langdetect")
FEWEST_LETTERS = 15
PARTS = 3
"""Into how many parts a translation is cut to see whether its end drifts."""
_WORDS_OF_PARTS = 9  # fewer cannot be cut into parts that can be told apart


def identifier_for(direction: Direction) -> tuple[Identifier | None, str]:
    """Open the first identifier that knows both languages, and name it; None where none does."""
    for name in IDENTIFIERS:
        found, said = make_identifier(name, direction.source, direction.target, None)
        if found is not None:
            return found, said
    return None, f"neither {' nor '.join(IDENTIFIERS)} knows {direction.source.name} and {direction.target.name}"


def recognised(text: str, identifier: Identifier, as_source: bool = False) -> bool | None:
    """Say whether a text is in the target language (`as_source`: the source language); None where it is too short to tell."""
    piece = " ".join(text.split()).lower()
    if sum(map(str.isalpha, piece)) < FEWEST_LETTERS:
        return None
    leaning = identifier.leaning([piece])
    leans = leaning.to_source[0] > 0 if as_source else leaning.to_source[0] < 0
    return leans and not (leaning.third and leaning.sure >= 0.5)


def drift(
    pairs: Sequence[Shot], answers: Sequence[str], identifier: Identifier | None, said: str
) -> tuple[list[Measure], list[float | None]]:
    """Measure which share of translations is in the language, and list it by thirds of the translations.

    Counted where the identifier takes the reference for the target language; an answer with too few letters is not in it.
    """
    names = ("target_share", "target_share_end", "recognised")
    if identifier is None:
        return [Measure(name, None, detail=said) for name in names], []
    known = [recognised(pair.target, identifier) for pair in pairs]
    counted = [answer for answer, sure in zip(answers, known, strict=True) if sure]
    parts = [_thirds(answer) for answer in counted if len(answer.split()) >= _WORDS_OF_PARTS]
    columns = [_told([cut[place] for cut in parts], identifier) for place in range(PARTS)]
    return [
        share("target_share", sum(bool(recognised(answer, identifier)) for answer in counted), len(counted), said),
        share("target_share_end", sum(columns[-1]), len(columns[-1]), "" if columns[-1] else "no translation is long enough"),
        share("recognised", sum(map(bool, known)), sum(each is not None for each in known), said),
    ], [sum(column) / len(column) if column else None for column in columns]  # fmt: skip


def _told(texts: Sequence[str], identifier: Identifier) -> list[bool]:
    return [found for text in texts if (found := recognised(text, identifier)) is not None]


def _thirds(text: str) -> list[str]:
    words = text.split()
    edges = [len(words) * place // PARTS for place in range(PARTS + 1)]
    return [" ".join(words[start:end]) for start, end in zip(edges, edges[1:], strict=False)]
