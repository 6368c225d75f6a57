"""Proves that an IFEval prompt can be answered: builds a text that follows all its instructions, by the scorer's own checkers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

from eval.ifeval.checkers import Context, Values
from eval.ifeval.demands import Demands, Quantity, Required, has_word, measure, read_demands
from eval.ifeval.profile_words import profile_words
from eval.ifeval.registry import Instruction

ROUNDS = 12
"""Times that a text is lengthened; a real row needs 1 to 5."""
LANGUAGE_WORDS = 40
"""Filler that tells a language: see profile_words.MOST."""
LETTER_WORDS = 5
LARGEST = 20_000
"""Of what is asked, no more than this is written; IFEval's largest count is 1,200."""
_GROWING = ("words", "sentences", "capitals", "letter", "keyword")
_WORDS = ("words", "")
_WORDLESS = "–"


@dataclass(frozen=True)
class Proof:
    """An answer that follows every instruction, or the ids that the best attempt did not follow."""

    answer: str | None
    failing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Amounts:
    """How much of what a text gets."""

    filler: int
    sentences: int = 0
    of: Mapping[Quantity, int] = field(default_factory=dict)
    """Words in capitals, copies of a keyword, words with a letter."""


def prove(
    instructions: Sequence[tuple[str, Instruction, Values]], context: Context, filler_language: str | None
) -> Proof:
    """Build an answer step by step: what is still too little grows, until all checkers say yes or nothing changes any more.

    Instructions and context are those of one mode: `registry.instructions(mode)`, `registry.open_context(mode, ...)`.
    """
    demands = read_demands([(name, values) for name, _, values in instructions], context.rules, context.mode)
    if max(_sizes(demands), default=0) > LARGEST:
        return Proof(None, tuple(name for name, _, _ in instructions))
    words = _words(demands, filler_language, context)
    amounts = Amounts(filler=0 if _speaks(demands) else 1)
    failing: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        text = _compose(demands, amounts, words)
        failing = tuple(name for name, each, values in instructions if not each.check(text, values, context))
        if not failing:
            return Proof(text)
        grown = _grown(demands, amounts, text, context)
        if grown == amounts:
            break
        amounts = grown
    return Proof(None, failing)


def _speaks(demands: Demands) -> bool:
    """Tell whether what is required is an answer already, so that a tight limit leaves no room for filler."""
    laid_out = demands.first_words or demands.low("paragraphs") or demands.low("bullets") or demands.low("highlights")
    return bool(demands.required) and not laid_out and "two" not in demands.marks


def _sizes(demands: Demands) -> Iterator[int]:
    yield from (limit.low for limit in demands.limits)
    yield from (count for count, _, _ in demands.first_words)
    yield from (count for _, count in demands.sections)


def _words(demands: Demands, filler_language: str | None, context: Context) -> tuple[str, ...]:
    """List filler in the language that is asked for, without words and letters that may not be there (often)."""
    language = next(iter(demands.languages), filler_language or "en")
    few = [limit.quantity for limit in demands.limits if limit.high is not None]
    letters = {of for name, of in few if name == "letter"}
    keywords = [of for name, of in few if name == "keyword"]

    def allowed(word: str) -> bool:
        return (
            not letters.intersection(word)
            and not any(measure(("keyword", keyword), word, context) for keyword in keywords)
            and not any(has_word(forbidden, word, context) for forbidden in demands.forbidden)
        )

    return tuple(filter(allowed, profile_words(language) or profile_words("en"))) or ("1",)


def _grown(demands: Demands, amounts: Amounts, text: str, context: Context) -> Amounts:
    """Give more of what a text has too little of; of its language, where nothing else is lacking."""
    lacking: dict[Quantity, int] = {}
    for quantity in dict.fromkeys(limit.quantity for limit in demands.limits if limit.quantity[0] in _GROWING):
        missing = demands.low(*quantity) - measure(quantity, text, context)
        if missing > 0:
            lacking[quantity] = missing
    if not lacking and demands.languages:
        most = demands.high("words")
        room = LANGUAGE_WORDS if most is None else most - 1 - measure(_WORDS, text, context)
        lacking[_WORDS] = max(0, room)
    filler, sentences = lacking.pop(_WORDS, 0), lacking.pop(("sentences", ""), 0)
    of = {each: amounts.of.get(each, 0) + lacking.get(each, 0) for each in (*amounts.of, *lacking)}
    return Amounts(amounts.filler + filler, amounts.sentences + sentences, of)


def _compose(demands: Demands, amounts: Amounts, words: Sequence[str]) -> str:
    """Write the text: its start, paragraphs, bullets, second answer, end, and the case and wrapping of all of it."""
    source = cycle(words)
    newline = " " if "json" in demands.marks else "\n"
    lines = [_at(demands, "start"), _paragraphs(demands, _main(demands, amounts, words), words)]
    lines += [f"- {next(source)}" for _ in range(demands.low("bullets"))]
    if "two" in demands.marks:
        lines += ["******", " ".join(islice(source, 2))]
    lines.append(_at(demands, "end"))
    return _wrapped(newline.join(filter(None, lines)), demands)


def _at(demands: Demands, place: str) -> str:
    """Give the text that the answer starts or ends with; of several the longest, which holds the others."""
    return max((required.text for required in _placed(demands, place)), key=len, default="")


def _placed(demands: Demands, place: str) -> list[Required]:
    found = {required.text.lower(): required for required in demands.required if required.place == place}
    return list(found.values())


def _main(demands: Demands, amounts: Amounts, words: Sequence[str]) -> str:
    """Write everything that may stand anywhere, then the filler, in as few sentences as asked."""
    mark = _WORDLESS if demands.high("words") is not None else words[0]
    parts = list(islice(cycle(words), min(amounts.filler, 2)))
    parts += ["<<" + mark + ">>"] if "title" in demands.marks else []
    parts += demands.options[:1]
    parts += [required.text for required in _placed(demands, "anywhere") if not required.exact_case]
    parts += [f"{splitter} {number} {mark}" for splitter, count in demands.sections for number in range(1, count + 1)]
    parts += [f"[{mark}]"] * demands.low("placeholders") + [f"*{mark}*"] * demands.low("highlights")
    for (name, of), count in amounts.of.items():
        parts += _countable(name, of, count, words)
    parts += list(islice(cycle(words), 2, max(2, amounts.filler)))
    sentences = [_sentence(words, number) for number in range(amounts.sentences)]
    return ". ".join([" ".join(parts), " ".join(sentences)]) if sentences else " ".join(parts)


def _countable(name: str, of: str, count: int, words: Sequence[str]) -> list[str]:
    if name == "capitals":
        cased = [word for word in words if word.upper() != word] or profile_words("en")  # no word of Hindi has capitals
        return [word.upper() for word in islice(cycle(cased), count)]
    if name == "letter":
        return list(islice(cycle([word for word in words if of in word][:LETTER_WORDS] or [of]), count))
    return [of] * count


def _sentence(words: Sequence[str], number: int) -> str:
    """Write a short sentence; its last word is none of those that an abbreviation could be."""
    first, second = words[number % len(words)], words[(number + 1) % len(words)]
    return f"{first.capitalize()}{second}."


def _paragraphs(demands: Demands, main: str, words: Sequence[str]) -> str:
    """Spread a text over as many paragraphs as asked, of either kind; the nth begins with its word."""
    source = cycle(words)
    stars = [main, *(next(source) for _ in range(demands.low("paragraphs") - 1))]
    text = "\n***\n".join(stars)
    if not demands.first_words:
        return text
    count, nth, word = demands.first_words[0]
    paragraphs = [text, *(next(source) for _ in range(count - 1))]
    if 0 < nth <= count:
        paragraphs[nth - 1] = f"{word} {paragraphs[nth - 1]}"
    return "\n\n".join(paragraphs)


def _wrapped(text: str, demands: Demands) -> str:
    if "upper" in demands.marks:
        text = text.upper()
    if "lower" in demands.marks:
        text = text.lower()
    if "json" in demands.marks:
        return json.dumps(text, ensure_ascii=False)
    return f'"{text}"' if "quoted" in demands.marks else text
