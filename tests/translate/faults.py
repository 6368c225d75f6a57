"""Injects the known faults of machine translation into real translations, so that what the checks catch can be measured.

The kinds follow the failure modes listed in the project's notes (section 4). Each fault takes a real row and gives the
faulty translation, or None where it does not apply: a text without a link cannot lose one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A source, its real translation, and for a prompt the real answer in the target language (empty: none)."""

    id: str
    source: str
    translation: str
    answer: str = ""


@dataclass(frozen=True)
class World:
    """What faults draw on: other rows, and sentences in the source, a third language and the target, line by line the same."""

    others: Sequence[Row]
    source: Sequence[str]
    sibling: Sequence[str]
    target: Sequence[str]


Fault = Callable[[Row, World, random.Random], str | None]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LIST_MARK = re.compile(r"^([ \t]*)(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_NUMBER_MARK = re.compile(r"^([ \t]*)\d{1,3}[.)][ \t]*", re.MULTILINE)
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~).*\n?", re.MULTILINE)
_BLOCK = re.compile(r"(^[ \t]*```[^\n]*\n)(.*?)(^[ \t]*```)", re.MULTILINE | re.DOTALL)
_URL = re.compile(r"https?://[^\s<>()\"]+[\w/]")
_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_PLACEHOLDER = re.compile(r"\{\w+\}|\[[A-Z][A-Z _]+\]|<[a-z_]+>|%[sd]")
_NUMBER = re.compile(r"(?<![\w.,])\d{2,}(?![\w.,]*\d)")


def answered(row: Row, world: World, rng: random.Random) -> str | None:
    """The model answered the prompt instead of translating it: the real answer in the target language."""
    return row.answer or None


def answered_short(row: Row, world: World, rng: random.Random) -> str | None:
    """The model gave the first sentence of the answer."""
    return _SENTENCE.split(row.answer.split("\n")[0])[0] or None


def continued_shots(row: Row, world: World, rng: random.Random) -> str | None:
    """The model went on with the next example of its prompt."""
    other = rng.choice(world.others)
    form = rng.choice(
        ("{t}\n<|user|>{s}\n<|assistant|>{o}", "{t}\n\nEnglish: {s}\nFinnish: {o}", "{t}\nEND\n{s}", "{t}\n\n{s}\n{o}")
    )
    return form.format(t=row.translation, s=_line(other.source), o=_line(other.translation))


def copied_shot(row: Row, world: World, rng: random.Random) -> str | None:
    """The model repeated the translation of a sentence shown to it."""
    return rng.choice(world.target)


def preamble(row: Row, world: World, rng: random.Random) -> str | None:
    """The model introduced its translation."""
    words = ("Here is the translation:\n\n", "Tässä on käännös:\n\n", "Translation: ", "Käännös: ", "Tässä on teksti suomeksi:\n",
             "Sure! Here's the Finnish translation of the text:\n\n", "Suomennos:\n", "Finnish translation: ")  # fmt: skip
    return rng.choice(words) + row.translation


def fenced_output(row: Row, world: World, rng: random.Random) -> str | None:
    """The model put its translation into a code block."""
    return f"```{rng.choice(('', 'markdown', 'text'))}\n{row.translation}\n```"


def truncated(row: Row, world: World, rng: random.Random) -> str | None:
    """The translation stops at 30 to 80 percent of its length, wherever that is."""
    text = row.translation.strip()
    return text[: int(len(text) * rng.uniform(0.3, 0.8))].rstrip() if len(text) >= 20 else None


def truncated_at_word(row: Row, world: World, rng: random.Random) -> str | None:
    """The translation stops at a blank."""
    words = row.translation.split(" ")
    return " ".join(words[: int(len(words) * rng.uniform(0.3, 0.8))]) if len(words) >= 6 else None


def first_paragraph(row: Row, world: World, rng: random.Random) -> str | None:
    """Only the first paragraph was translated."""
    parts = re.split(r"\n[ \t]*\n", row.translation.strip())
    return parts[0] if len(parts) > 1 else None


def looped_sentence(row: Row, world: World, rng: random.Random) -> str | None:
    """The last sentence is said three to ten times more."""
    last = [part for part in _SENTENCE.split(row.translation.strip()) if part.strip()][-1]
    return f"{row.translation.strip()} " + " ".join([last] * rng.randint(3, 10)) if len(last.split()) > 1 else None


def looped_words(row: Row, world: World, rng: random.Random) -> str | None:
    """A few words are said again and again to the end."""
    words = row.translation.split()
    if len(words) < 4:
        return None
    place, length = rng.randrange(1, len(words)), rng.randint(1, 3)
    return " ".join([*words[:place], *(words[max(0, place - length) : place] * rng.randint(6, 30))])


def untranslated(row: Row, world: World, rng: random.Random) -> str | None:
    """The source came back."""
    return row.source


def half_untranslated(row: Row, world: World, rng: random.Random) -> str | None:
    """Every other line, or where there is but one every other sentence, is left in the source language."""
    pairs = list(zip(row.source.split("\n"), row.translation.split("\n"), strict=False))
    if sum(bool(source.strip()) for source, _ in pairs) > 1 and row.source.count("\n") == row.translation.count("\n"):
        said = [index for index, (source, _) in enumerate(pairs) if source.strip()]
        left = set(said[1::2])
        return "\n".join(source if index in left else target for index, (source, target) in enumerate(pairs))
    both = [_SENTENCE.split(text.strip()) for text in (row.source, row.translation)]
    if len(both[0]) != len(both[1]) or len(both[0]) < 2:
        return None
    return " ".join(source if index % 2 else target for index, (source, target) in enumerate(zip(*both, strict=True)))


def sibling_language(row: Row, world: World, rng: random.Random) -> str | None:
    """The text is in a neighbouring language: sentences of about the same length."""
    text, start = "", rng.randrange(len(world.sibling))
    while len(text) < 0.85 * len(row.translation):
        text = f"{text} {world.sibling[start % len(world.sibling)]}".strip()
        start += 1
    return text if len(text) < 1.3 * len(row.translation) + 20 else None


def other_script(row: Row, world: World, rng: random.Random) -> str | None:
    """A burst of Chinese, Cyrillic or Arabic in the middle."""
    words = row.translation.split(" ")
    place = rng.randrange(len(words) + 1)
    burst = rng.choice(("因此", "但是我们可以", "это", "например", "ولكن", "そして"))
    return " ".join([*words[:place], burst, *words[place:]])


def code_changed(row: Row, world: World, rng: random.Random) -> str | None:
    """A name inside of a fenced block was translated."""
    block = _BLOCK.search(row.translation)
    names = sorted(set(re.findall(r"\b[a-z_]{4,}\b", block[2]))) if block else []
    shared = [name for name in names if re.search(rf"\b{name}\b", row.source)]
    if not block or not shared:
        return None
    name = rng.choice(shared)
    changed = re.sub(rf"\b{name}\b", "muuttuja_" + name[:2], block[2])
    return row.translation[: block.start(2)] + changed + row.translation[block.end(2) :]


def fence_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """The fences of code blocks are gone, or the last one."""
    marks = list(_FENCE_LINE.finditer(row.translation))
    if not marks:
        return None
    if rng.random() < 0.5:
        return _FENCE_LINE.sub("", row.translation)
    return row.translation[: marks[-1].start()] + row.translation[marks[-1].end() :]


def paragraphs_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """The blank lines are gone."""
    joined = re.sub(r"\n[ \t]*\n\s*", rng.choice(("\n", " ")), row.translation.strip())
    return joined if joined != row.translation.strip() else None


def lines_joined(row: Row, world: World, rng: random.Random) -> str | None:
    """Every line end is gone."""
    return " ".join(row.translation.split()) if "\n" in row.translation.strip() else None


def list_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """The markers of a list are gone."""
    return _LIST_MARK.sub(r"\1", row.translation) if len(_LIST_MARK.findall(row.translation)) > 1 else None


def numbering_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """The numbers of a list are gone."""
    return _NUMBER_MARK.sub(r"\1", row.translation) if len(_NUMBER_MARK.findall(row.translation)) > 1 else None


def bold_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """The asterisks are gone."""
    return row.translation.replace("**", "") if row.translation.count("**") > 1 and "**" in row.source else None


def table_flattened(row: Row, world: World, rng: random.Random) -> str | None:
    """The bars of a table are gone."""
    return re.sub(r"[ \t]*\|[ \t]*", " ", row.translation) if re.search(r"^\|.*\|.*\|", row.source, re.M) else None


def span_lost(row: Row, world: World, rng: random.Random) -> str | None:
    """A link, a placeholder or inline code is lost or changed."""
    found = [
        match for pattern in (_URL, _CODE, _PLACEHOLDER) for match in pattern.finditer(_BLOCK.sub("", row.translation))
        if match.group() in row.source
    ]  # fmt: skip
    if not found:
        return None
    span = rng.choice(found).group()
    return row.translation.replace(span, rng.choice(("", span[: len(span) // 2], "linkki")), 1)


def number_changed(row: Row, world: World, rng: random.Random) -> str | None:
    """A digit of a number is another one."""
    found = [match for match in _NUMBER.finditer(_BLOCK.sub("", row.translation)) if match.group() in row.source]
    if not found:
        return None
    number = rng.choice(found).group()
    place = rng.randrange(len(number))
    digit = rng.choice([each for each in "123456789" if each != number[place]])
    return re.sub(rf"(?<!\d){number}(?!\d)", number[:place] + digit + number[place + 1 :], row.translation)


def mojibake(row: Row, world: World, rng: random.Random) -> str | None:
    """The text was decoded wrongly or escaped once more."""
    text, way = row.translation, rng.randrange(4)
    if way == 0:
        broken = text.encode("utf-8").decode("cp1252", "replace")
    elif way == 1:
        broken = text.encode("ascii", "replace").decode().replace("?", "\ufffd")
    elif way == 2:
        broken = text.replace("ä", "&auml;").replace("ö", "&ouml;")
    else:
        broken = text.replace("\n", "\\n") if "\n" in text else text.replace("ä", "\\xe4").replace("ö", "\\xf6")
    return broken if broken != text else None


def empty(row: Row, world: World, rng: random.Random) -> str | None:
    """Nothing came back."""
    return rng.choice(("", " ", "\n\n"))


def sentence_added(row: Row, world: World, rng: random.Random) -> str | None:
    """A sentence or two were made up at the end."""
    return f"{row.translation.rstrip()} {' '.join(rng.choice(world.target) for _ in range(rng.randint(1, 2)))}"


def swapped(row: Row, world: World, rng: random.Random) -> str | None:
    """The translation of another row stands there."""
    other = rng.choice(world.others)
    return other.translation if other.source != row.source else None


def label_leaked(row: Row, world: World, rng: random.Random) -> str | None:
    """A label of the prompt stands before or after the translation."""
    before = rng.choice(("Finnish: ", "Suomi: ", "Translate into Finnish: ", "## Finnish: "))
    after = rng.choice(("\nEnglish:", "\nEND", "\n\nTranslate into Finnish:", "\nFinnish:"))
    return before + row.translation if rng.random() < 0.5 else row.translation + after


def role_token(row: Row, world: World, rng: random.Random) -> str | None:
    """A role token of a chat format stands in the text."""
    tokens = ("<|assistant|>", "<|im_end|>", "</s>", "[/INST]", "<end_of_turn>", "<|user|>", "### Response:")
    token = rng.choice(tokens)
    return f"{row.translation}{token}" if rng.random() < 0.7 else f"{token}\n{row.translation}"


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        answered, answered_short, continued_shots, copied_shot, preamble, fenced_output, truncated, truncated_at_word,
        first_paragraph, looped_sentence, looped_words, untranslated, half_untranslated, sibling_language, other_script,
        code_changed, fence_lost, paragraphs_lost, lines_joined, list_lost, numbering_lost, bold_lost, table_flattened,
        span_lost, number_changed, mojibake, empty, sentence_added, swapped, label_leaked, role_token,
    )
}  # fmt: skip


def inject(name: str, rows: Sequence[Row], world: World, seed: int = 0) -> list[tuple[Row, str]]:
    """Give each row that the fault applies to with its faulty translation; the same seed gives the same faults."""
    rng = random.Random(f"{name} {seed}")
    made = ((row, FAULTS[name](row, world, rng)) for row in rows)
    return [(row, text) for row, text in made if text is not None and text != row.translation]


def _line(text: str) -> str:
    return next((line.strip() for line in text.split("\n") if line.strip()), text)
