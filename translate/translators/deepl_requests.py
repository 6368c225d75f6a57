"""What is asked of DeepL: texts with the options they share, the key under which an answer is kept, and batches within its limits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kielo.errors import RecipeError
from kielo.languages.pack import Language, pack_file
from kielo.schema import Engine
from translate.translators.deepl_markup import TAG, UNWRITABLE

MOST_TEXTS = 50
"""In one request (DeepL's API reference, `text`)."""
MOST_BYTES = 100 * 1024
"""Of a request's body; DeepL's limit is 128 KiB, but requests with many tags were refused from 76 KiB (deepl-node issues 33, 54)."""
_LONGEST_CONTEXT = 2000  # characters: what stands right before a text says most about it
_CLIENT_FIELDS_BYTES = 64  # `show_billed_characters`, which the client adds, and a longer name of `glossary`


@dataclass(frozen=True)
class Query:
    """One text to translate: plain, or XML if `marked`; `context` stands before it and is not translated."""

    text: str
    marked: bool = False
    context: str = ""


@dataclass(frozen=True)
class Terms:
    """What all requests of a translator have in common."""

    source: str
    target: str
    formality: str | None = None
    glossary: str | None = None
    model_type: str | None = None

    def options(self, query: Query) -> dict[str, Any]:
        """Give the arguments of the client's `translate_text`, besides the texts; they are the request's fields, too."""
        options: dict[str, Any] = {
            "source_lang": self.source, "target_lang": self.target, "split_sentences": "nonewlines",
            "preserve_formatting": True, "context": query.context or None, "formality": self.formality,
            "glossary": self.glossary, "model_type": self.model_type,
        }  # fmt: skip
        if query.marked:  # outline detection would take an element for the end of a sentence
            options |= {"tag_handling": "xml", "tag_handling_version": "v2", "outline_detection": False,
                        "non_splitting_tags": [TAG], "ignore_tags": [TAG]}  # fmt: skip
        return {name: value for name, value in options.items() if value is not None}

    def key(self, query: Query) -> str:
        """Hash what determines a translation: the options and the text (not the account, nor the server)."""
        body = json.dumps(["deepl", self.options(query), query.text], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()[:32]

    def room_bytes(self, query: Query) -> int:
        """Say how many bytes of texts, as JSON writes them, fit into a request with this query's options."""
        return MOST_BYTES - _CLIENT_FIELDS_BYTES - len(json.dumps(self.options(query) | {"text": []}))


def terms_of(engine: Engine, source: Language, target: Language) -> Terms:
    """Read an engine's settings for a direction.

    Raises:
        RecipeError: a language pack gives no code of DeepL.
    """
    for pack in (source, target):
        if pack.deepl is None:
            raise RecipeError(
                f"{pack_file(f'{pack.code}.yaml')}: deepl: null says that DeepL has no {pack.name}; take another engine, "
                "or put DeepL's code of the language there."
            )
    assert source.deepl is not None and target.deepl is not None
    return Terms(
        # A source is a language without its variant: EN where the target would be EN-GB or EN-US.
        source.deepl.partition("-")[0].upper(), target.deepl.upper(),
        None if engine.formality == "default" else engine.formality, engine.glossary_id, engine.model_type,
    )  # fmt: skip


def context_of(text: str) -> str:
    """Shorten a context to what stands right before a text, without what a request cannot hold."""
    return UNWRITABLE.sub(" ", text)[-_LONGEST_CONTEXT:].strip()


def batches(queries: Iterable[Query], terms: Terms) -> Iterator[tuple[Query, ...]]:
    """Group queries into requests: one context and one markup each, within DeepL's limits; order is kept within a group."""
    groups: dict[tuple[str, bool], list[Query]] = {}
    for query in queries:
        groups.setdefault((query.context, query.marked), []).append(query)
    for group in groups.values():
        most = terms.room_bytes(group[0])
        batch: list[Query] = []
        room = most
        for query in group:
            size = len(json.dumps(query.text)) + len(", ")
            if batch and (size > room or len(batch) == MOST_TEXTS):
                yield tuple(batch)
                batch, room = [], most
            batch.append(query)
            room -= size
        yield tuple(batch)
