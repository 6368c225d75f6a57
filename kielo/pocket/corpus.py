"""The pretraining texts of the pocket base model: few-shot translation documents and plain text in each language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from kielo.pocket import demands
from kielo.pocket.datasets import SOURCE, TARGET, exchange, paragraph
from kielo.pocket.grammar import Pattern, Text, capital, choices_about, each, fill, held_out, join, render, world

SHARES = {"translation": 0.62, "page": 0.18, "plain": 0.2}  # of documents
MARKED_SHARE = 0.25  # lines with emphasis, quotes or a sentinel on an ordinary word
GUARDED_SHARE = 0.7  # lines whose code, addresses and angular brackets are masked, as the translator masks them
MASKED_SHARES = {
    "keyword": 0.5,
    "placeholder": 0.4,
    "starred": 0.3,
    "closing": 0.3,
    "verdict": 0.4,
    "divider": 0.2,
    "marker": 0.2,
    "n": 0.05,
}
_GUARDED = re.compile(r"<<|>>|`[^`]+`|(?:https?://|www\.)[\w./?=]*\w")
_MASK = re.compile(r"⟦\d+⟧")
LETTER_CASES: tuple[Callable[[str], str], ...] = (str.upper, str.lower)


@dataclass(frozen=True)
class Document:
    """A pretraining text and the character spans that carry loss; the end of document always does."""

    text: str
    spans: tuple[tuple[int, int], ...]


def _mask(rng: Random) -> str:
    return f"⟦{rng.getrandbits(48)}⟧"  # any number: numbered() counts them at the end


def _marks(rng: Random, pattern: Pattern) -> dict[str, str]:
    """Choose what stands around or instead of the words of a line."""
    emphasised = rng.choice(pattern.slots) if pattern.slots and rng.random() < MARKED_SHARE else None
    styles = [_mask(rng), _mask(rng), f"{_mask(rng)}{{}}{_mask(rng)}", "*{}*", "**{}**", '"{}"']
    marks = {emphasised: rng.choice(styles)} if emphasised else {}
    for slot in pattern.slots:
        share = MASKED_SHARES.get(slot.rstrip("0123456789"))
        if share is not None:
            marks[slot] = _mask(rng) if rng.random() < share else "{}"
    return marks


def guarded(rng: Random, text: Text) -> Text:
    """Mask the spans of a line that read alike in every language: code, addresses, angular brackets."""
    for span in dict.fromkeys(_GUARDED.findall(text[SOURCE])):
        mask = _mask(rng)
        text = each(lambda value, span=span, mask=mask: value.replace(span, mask), text)
    return text


def numbered(text: Text) -> Text:
    """Number the sentinels of a line 1, 2, ... in the order of the source."""
    order = {mask: f"⟦{n}⟧" for n, mask in enumerate(dict.fromkeys(_MASK.findall(text[SOURCE])), 1)}
    return each(lambda value: _MASK.sub(lambda match: order[match[0]], value), text)


def _written(rng: Random, section: str, kind: str) -> Text:
    pattern = rng.choice(world().patterns[section][kind])
    text = render(pattern, fill(pattern, rng), _marks(rng, pattern))
    text = text if section == "fragments" else each(capital, text)
    wrap = rng.choice(["<<{}>>", "{}", "{}", "{}"]) if section == "headings" else "{}"
    return each(wrap.format, text)


def _sentence(rng: Random) -> Text:
    topic = rng.choice(world().words["topic"])
    slot, pattern = rng.choice(choices_about(topic, rng.choice(["about", "about", "about", "follow"])))
    return each(capital, render(pattern, fill(pattern, rng, {slot: topic}), _marks(rng, pattern)))


def _prompt(rng: Random) -> Text:
    texts = [_written(rng, "tasks", rng.choice(list(world().patterns["tasks"])))]
    texts += [_clause(rng) for _ in range(rng.choice([0, 1, 1, 2]))]
    return join(texts)


def _clause(rng: Random) -> Text:
    return _written(rng, "constraints", rng.choice(list(world().patterns["constraints"])))


def _paragraph(rng: Random) -> Text:
    if rng.random() < 0.4:
        return join([_sentence(rng) for _ in range(rng.randint(2, 3))])
    mark = rng.choice(["{}", "{}", "{}", "*{}*", "**{}**"])
    return join(paragraph(rng, rng.choice(world().words["topic"]), rng.randint(2, 3), mark))


def _quoted(rng: Random) -> Text:
    return each('"{}"'.format, rng.choice([_sentence, _paragraph])(rng))


def _cased(rng: Random) -> Text:
    return each(rng.choice(LETTER_CASES), rng.choice([_sentence, _sentence, _paragraph])(rng))


def _other(rng: Random) -> Text:
    section = rng.choice(
        ["sentences", "sentences", "headings", "openings", "items", "items", "questions", "fragments", "fragments"]
    )
    return _written(rng, section, rng.choice(list(world().patterns[section])))


def _conversation_line(rng: Random) -> Text:
    item = exchange(rng)
    columns = {language: text.split("\n") for language, text in rng.choice([item.prompt, item.good]).items()}
    lines = [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]
    return rng.choice([line for line in lines if line[SOURCE].strip("`*")])


_LINES: Mapping[Callable[[Random], Text], int] = {
    _sentence: 30, _paragraph: 22, _prompt: 14, _clause: 5, _cased: 9, _quoted: 4, _other: 14, _conversation_line: 8,
}  # fmt: skip


def line(rng: Random) -> Text:
    """Draw one line of pretraining text, never one with a held-out sentence."""
    while True:
        text = rng.choices(list(_LINES), list(_LINES.values()))[0](rng)
        text = numbered(guarded(rng, text) if rng.random() < GUARDED_SHARE else text)
        if unseen(text):
            return text


def sentences_of(text: str) -> list[str]:
    """List the sentences of a source text, with their full stops and without Markdown and quotes."""
    parts = (part.strip(' "#') for part in text.replace("*", "").replace("\n", ". ").split(". "))
    return [part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part]


def unseen(text: Text) -> bool:
    """Tell whether a text has no held-out sentence in it."""
    return not any(held_out({SOURCE: part}) for part in sentences_of(text[SOURCE]))


def _translation(rng: Random) -> Document:
    names = world().languages
    text, spans = "", []
    for _ in range(rng.randint(2, 6)):
        pair = line(rng)
        text += f"{names[SOURCE]}: {pair[SOURCE]}\n{names[TARGET]}:"
        spans.append((len(text), len(text) + len(pair[TARGET]) + 3))
        text += f" {pair[TARGET]}\n\n"
    return Document(text, tuple(spans))


def _page(rng: Random) -> Document:
    """Questions and answers one below the other, as on many a web page: what tuning later puts in turns."""
    language = rng.choice(list(world().languages))
    items = [
        item for item in (exchange(rng) for _ in range(rng.randint(1, 3))) if unseen(item.prompt) and unseen(item.good)
    ]
    text = "\n\n".join(f"{item.prompt[language]}\n\n{item.good[language]}" for item in items) or line(rng)[language]
    return Document(text, ((0, len(text)),))


def _plain(rng: Random) -> Document:
    language = rng.choice(list(world().languages))
    blocks = []
    for _ in range(rng.randint(1, 3)):
        topic = rng.choice(world().words["topic"])
        texts = [text for text in paragraph(rng, topic, rng.randint(2, 5)) if unseen(text)]
        blocks.append(demands.bullets(texts) if texts and rng.random() < 0.1 else join(texts or [line(rng)]))
    text = "\n\n".join(block[language] for block in blocks)
    return Document(text, ((0, len(text)),))


_KINDS: Mapping[str, Callable[[Random], Document]] = {"translation": _translation, "page": _page, "plain": _plain}


def documents(seed: int) -> Iterator[Document]:
    """Draw pretraining documents without end."""
    rng = Random(f"corpus/{seed}")
    while True:
        yield _KINDS[rng.choices(list(SHARES), list(SHARES.values()))[0]](rng)
