"""IFEval instructions in the pocket world: how a prompt asks for one and how an answer is made to obey it, in every language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kielo.pocket.grammar import Text, Word, each, join, literal, say, sentence, spoken, world

Value = int | str | Text | list[Text]


@dataclass(frozen=True, eq=False)
class Demand:
    """One instruction of a prompt, with what it takes to write an answer that obeys it."""

    id: str
    clause: Text
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    task: str = "plain"  # the kind of prompt it fits
    sentences: int = 2
    given: Mapping[str, Word] = field(default_factory=dict)  # words that must occur, by slot
    mark: str = "{}"  # how the topic is written
    extra: tuple[Text, ...] = ()  # sentences added at the end
    accept: Callable[[str, str], bool] = lambda language, text: True
    body: Callable[[Sequence[Text]], Text] = join
    finish: Callable[[Text], Text] = lambda text: text


Maker = Callable[[Random, Word, str], Demand]


def _clause(rng: Random, kind: str, **given: Word) -> Text:
    return say(rng, "constraints", kind, given)


def _number(value: int) -> Word:
    return literal(str(value))


def _thing(rng: Random, topic: Word) -> Word:
    return rng.choice([word for word in world().words["thing"] if word is not topic])


def _plain(**settings: object) -> Maker:
    return lambda rng, topic, name: Demand(name, _clause(rng, name), **settings)  # type: ignore[arg-type]


def _keywords(rng: Random, topic: Word, name: str) -> Demand:
    words = [topic, _thing(rng, topic)]
    clause = _clause(rng, name, keyword=words[0], keyword2=words[1])
    holds = _contains(*words)
    return Demand(name, clause, {"keywords": [spoken(word) for word in words]}, given={"thing": words[1]}, accept=holds)


def _contains(*words: Word) -> Callable[[str, str], bool]:
    return lambda language, text: all(spoken(word)[language] in text.lower() for word in words)


def _frequency(rng: Random, topic: Word, name: str) -> Demand:
    count = rng.randint(2, 3)
    kwargs: dict[str, Value] = {"keyword": spoken(topic), "frequency": count, "relation": "at least"}
    clause = _clause(rng, name, keyword=topic, n=_number(count))
    holds: Callable[[str, str], bool] = lambda language, text: text.lower().count(spoken(topic)[language]) >= count  # noqa: E731
    return Demand(name, clause, kwargs, sentences=count, mark="{}", accept=holds)


def _forbidden(rng: Random, topic: Word, name: str) -> Demand:
    words = rng.sample([word for word in world().words["keyword"] if word is not topic], 2)
    while any(_stands_in(word, topic) for word in words):  # no answer about a teacher does without "tea"
        words = rng.sample([word for word in world().words["keyword"] if word is not topic], 2)
    clause = _clause(rng, name, keyword=words[0], keyword2=words[1])
    used = [word for word in words if all(f'"{spoken(word)[language]}"' in text for language, text in clause.items())]

    def absent(language: str, text: str) -> bool:
        return not any(spoken(word)[language] in text.lower() for word in used)

    return Demand(name, clause, {"forbidden_words": [spoken(word) for word in used]}, accept=absent)


def _stands_in(word: Word, topic: Word) -> bool:
    return any(text in spoken(topic)[language] for language, text in spoken(word).items())


def _sentences(rng: Random, topic: Word, name: str) -> Demand:
    relation = rng.choice(["at least", "less than"])
    count = rng.randint(2, 4) if relation == "at least" else rng.randint(3, 5)
    clause = _clause(rng, f"{name} {relation}", n=_number(count))
    written = count if relation == "at least" else count - 1
    return Demand(name, clause, {"relation": relation, "num_sentences": count}, sentences=written)


def _words(rng: Random, topic: Word, name: str) -> Demand:
    relation = rng.choice(["at least", "less than"])
    count = rng.choice([8, 10, 12] if relation == "at least" else [15, 20, 25])
    clause = _clause(rng, f"{name} {relation}", n=_number(count))
    enough: Callable[[str, str], bool] = lambda language, text: (len(text.split()) >= count) == (relation == "at least")  # noqa: E731
    return Demand(
        name,
        clause,
        {"relation": relation, "num_words": count},
        sentences=3 if relation == "at least" else 2,
        accept=enough,
    )


def _paragraphs(rng: Random, topic: Word, name: str) -> Demand:
    count = rng.randint(2, 3)
    body: Callable[[Sequence[Text]], Text] = lambda texts: join(texts, "\n\n***\n\n")  # noqa: E731
    return Demand(name, _clause(rng, name, n=_number(count)), {"num_paragraphs": count}, sentences=count, body=body)


def bullets(texts: Sequence[Text]) -> Text:
    """Write sentences as a Markdown list."""
    return join([each(lambda text: f"* {text}", text) for text in texts], "\n")


def _bullets(rng: Random, topic: Word, name: str) -> Demand:
    count = rng.randint(2, 4)
    return Demand(name, _clause(rng, name, n=_number(count)), {"num_bullets": count}, sentences=count, body=bullets)


def _highlights(rng: Random, topic: Word, name: str) -> Demand:
    count = rng.randint(2, 3)
    return Demand(name, _clause(rng, name, n=_number(count)), {"num_highlights": count}, sentences=count, mark="*{}*")


def _title(rng: Random, topic: Word, name: str) -> Demand:
    heading = say(rng, "headings", "topic", {"topic": topic})
    finish: Callable[[Text], Text] = lambda text: join([each("<<{}>>".format, heading), text], "\n\n")  # noqa: E731
    return Demand(name, _clause(rng, name), finish=finish)


def _verdict(rng: Random, topic: Word, name: str) -> Demand:
    options = world().words["verdict"]
    verdict = spoken(rng.choice(options))
    clause = _clause(rng, name, verdict=options[0], verdict2=options[1], verdict3=options[2])
    return Demand(name, clause, task="verdict", body=lambda texts: verdict)


def _placeholders(rng: Random, topic: Word, name: str) -> Demand:
    count = rng.randint(1, 3)
    patterns = rng.sample(world().patterns["sentences"]["placeholder"], count)
    from_patterns = tuple(say(rng, "sentences", "placeholder", only=pattern) for pattern in patterns)
    return Demand(
        name, _clause(rng, name, n=_number(count)), {"num_placeholders": count}, sentences=1, extra=from_patterns
    )


def _postscript(rng: Random, topic: Word, name: str) -> Demand:
    note = each("P.S. {}".format, sentence(rng, topic))
    finish: Callable[[Text], Text] = lambda text: join([text, note], "\n\n")  # noqa: E731
    return Demand(name, _clause(rng, name), {"postscript_marker": "P.S."}, finish=finish)


def _ending(rng: Random, topic: Word, name: str) -> Demand:
    closing = rng.choice(world().words["closing"])
    finish: Callable[[Text], Text] = lambda text: join([text, spoken(closing)])  # noqa: E731
    return Demand(name, _clause(rng, name, closing=closing), {"end_phrase": spoken(closing)}, finish=finish)


MAKERS: Mapping[str, Maker] = {
    "punctuation:no_comma": _plain(accept=lambda language, text: "," not in text),
    "keywords:existence": _keywords,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _frequency,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "length_constraints:number_paragraphs": _paragraphs,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:title": _title,
    "detectable_format:constrained_response": _verdict,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "startend:end_checker": _ending,
    "startend:quotation": _plain(finish=lambda text: each('"{}"'.format, text)),
    "change_case:english_lowercase": _plain(finish=lambda text: each(str.lower, text)),
    "change_case:english_capital": _plain(sentences=1, finish=lambda text: each(str.upper, text)),
}
# two instructions of one prompt: one about the words, one about their form; no pair contradicts itself
FIRST = ("punctuation:no_comma", "keywords:existence", "keywords:forbidden_words")
SECOND = (
    "startend:quotation", "change_case:english_lowercase", "detectable_format:number_bullet_lists",
    "detectable_format:number_highlighted_sections",
)  # fmt: skip


def make(rng: Random, topic: Word, ids: Sequence[str]) -> tuple[Demand, ...]:
    """Make the demands with these IFEval instruction ids about a topic."""
    return tuple(MAKERS[name](rng, topic, name) for name in ids)


def choose(rng: Random) -> tuple[str, ...]:
    """Draw the instruction ids of a prompt: mostly one, sometimes two that go together."""
    return (rng.choice(FIRST), rng.choice(SECOND)) if rng.random() < 0.25 else (rng.choice(list(MAKERS)),)


def resolve(value: Value, language: str) -> Any:
    """Give an argument in one language."""
    if isinstance(value, list):
        return [item[language] for item in value]
    return value[language] if isinstance(value, dict) else value
