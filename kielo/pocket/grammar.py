"""The grammar of the pocket world: words and patterns (two YAML files) -> aligned texts, one per language, drawn with a seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

Text = dict[str, str]  # language -> the same text in it
Forms = Mapping[str, Mapping[str, str]]  # language -> name of a form -> the word in it

FOLDER = Path(__file__).resolve().parent
HELD_OUT_MODULUS = 20
_SLOT = re.compile(r"\{([a-z]+)(\d?)(?:\.(\w+))?\}")
_FIRST_LETTER = re.compile(r"^[*\"<\[]*[^\W\d_]")


@dataclass(frozen=True, eq=False)
class Word:
    """A word of the world, or any fixed piece of text, in all its forms."""

    category: str
    forms: Forms


@dataclass(frozen=True, eq=False)
class Pattern:
    """A sentence with slots: per language the literal pieces and, between them, (slot, form)."""

    slots: tuple[str, ...]
    pieces: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]


@dataclass(frozen=True, eq=False)
class World:
    """Everything that can be said: words by category and group, patterns by section."""

    languages: Mapping[str, str]  # code -> name; the first is the source language
    words: Mapping[str, tuple[Word, ...]]
    patterns: Mapping[str, Mapping[str, tuple[Pattern, ...]]]  # section -> kind -> patterns


def literal(text: str | Text) -> Word:
    """Wrap a fixed text (the same in every language, or one per language) as a word for a slot."""
    texts = dict.fromkeys(world().languages, text) if isinstance(text, str) else text
    return Word("literal", {language: {"": value} for language, value in texts.items()})


def spoken(word: Word) -> Text:
    """Name a word as a dictionary does."""
    return {language: forms[""] for language, forms in word.forms.items()}


def inflect(parts: Mapping[str, str], rules: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
    """Derive further forms of a word from its dictionary parts: of every form's rules the first that matches applies."""
    forms = dict(parts)
    for name, choices in rules.items():
        source, pattern, replacement = next(rule for rule in choices if re.search(rule[1], forms[rule[0]]))
        forms[name] = re.sub(pattern, replacement, forms[source], count=1).format_map(forms)
    return forms


def _words(category: str, entry: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Word, ...]:
    words = []
    for row in entry["rows"]:
        forms = {}
        for language, text in row.items():
            names = data["parts"][entry["parts"]][language]
            parts = dict(zip(names, text.split() if len(names) > 1 else [text], strict=True))
            parts[""] = parts[names[0]]  # the form a dictionary lists
            forms[language] = inflect(parts, data["derived"][language].get(entry.get("derived", entry["parts"]), {}))
        words.append(Word(category, forms))
    return tuple(words)


def _pattern(templates: Mapping[str, str]) -> Pattern:
    pieces = {}
    for language, template in templates.items():
        found = list(_SLOT.finditer(template))
        ends = [0, *(match.end() for match in found)]
        starts = [*(match.start() for match in found), len(template)]
        texts = tuple(template[end:start] for end, start in zip(ends, starts, strict=True))
        pieces[language] = (texts, tuple((match[1] + match[2], match[3] or "") for match in found))
    slots = {language: {slot for slot, _ in used} for language, (_, used) in pieces.items()}
    if len({frozenset(names) for names in slots.values()}) != 1:
        raise ValueError(f"the languages of a pattern use different slots: {templates}")
    return Pattern(tuple(sorted(next(iter(slots.values())))), pieces)


@cache
def world() -> World:
    """Read the pocket world from its data files, once."""
    data = yaml.safe_load((FOLDER / "lexicon.yaml").read_text("utf-8"))
    sections = yaml.safe_load((FOLDER / "patterns.yaml").read_text("utf-8"))
    words = {category: _words(category, entry, data) for category, entry in data["words"].items()}
    groups = {
        name: tuple(word for member in members for word in words[member]) for name, members in data["groups"].items()
    }
    patterns = {
        section: {
            kind: tuple(map(_pattern, rows))
            for kind, rows in (kinds if isinstance(kinds, dict) else {"": kinds}).items()
        }
        for section, kinds in sections.items()
    }
    return World(data["languages"], words | groups, patterns)


def fill(pattern: Pattern, rng: Random, given: Mapping[str, Word] | None = None) -> dict[str, Word]:
    """Choose a word for every slot that is not given; no word is used twice."""
    chosen = {slot: word for slot, word in (given or {}).items() if slot in pattern.slots}
    for slot in pattern.slots:
        while slot not in chosen:
            word = rng.choice(world().words[slot.rstrip("0123456789")])
            if word not in chosen.values():
                chosen[slot] = word
    return chosen


def capital(text: str) -> str:
    """Make the first letter a capital, behind quotes and emphasis marks."""
    return _FIRST_LETTER.sub(lambda match: match[0].upper(), text)


def render(pattern: Pattern, chosen: Mapping[str, Word], marks: Mapping[str, str] | None = None) -> Text:
    """Write a filled pattern in every language; `marks` wraps ("*{}*") or replaces ("⟦1⟧") what stands in a slot."""
    result = {}
    for language, (texts, slots) in pattern.pieces.items():
        written = [texts[0]]
        for (slot, form), text in zip(slots, texts[1:], strict=True):
            word = chosen[slot].forms[language][form]
            written += [marks[slot].replace("{}", word) if marks and slot in marks else word, text]
        result[language] = "".join(written)
    return result


def say(
    rng: Random, section: str, kind: str = "", given: Mapping[str, Word] | None = None, only: Pattern | None = None
) -> Text:
    """Draw one line of a section (from one of its patterns, when given), with a capital first letter."""
    pattern = only or rng.choice(world().patterns[section][kind])
    return each(capital, render(pattern, fill(pattern, rng, given)))


def subject_slots(topic: Word) -> list[str]:
    """Name the slots that a topic can fill as a subject: `topic` and its own group."""
    return [kind for kind in world().patterns["about"] if kind != "each" and topic in world().words[kind]]


def choices_about(topic: Word, section: str = "about") -> list[tuple[str, Pattern]]:
    """List the patterns that speak of a topic, each with the slot the topic takes."""
    kinds = world().patterns[section]
    general = [("topic", pattern) for pattern in kinds["each"]]
    return general + [(slot, pattern) for slot in subject_slots(topic) for pattern in kinds[slot]]


def sentence(
    rng: Random, topic: Word, section: str = "about", given: Mapping[str, Word] | None = None, mark: str = "{}"
) -> Text:
    """Draw a sentence about a topic that has a slot for every given word; `mark` wraps the topic ("*{}*")."""
    wanted = set(given or {})
    slot, pattern = rng.choice([(s, p) for s, p in choices_about(topic, section) if wanted <= {*p.slots} - {s}])
    return each(capital, render(pattern, fill(pattern, rng, {**(given or {}), slot: topic}), {slot: mark}))


def each(function: Callable[..., str], *texts: Text) -> Text:
    """Apply a function to texts language by language."""
    return {language: function(*(text[language] for text in texts)) for language in texts[0]}


def join(texts: Sequence[Text], separator: str = " ") -> Text:
    """Join texts language by language."""
    return each(lambda *parts: separator.join(parts), *texts)


def held_out(text: Text) -> bool:
    """Tell whether a sentence is kept from pretraining: a stable one in twenty, by the source text's SHA-256."""
    source = next(iter(world().languages))
    return int.from_bytes(hashlib.sha256(text[source].encode()).digest()[:8], "big") % HELD_OUT_MODULUS == 0
