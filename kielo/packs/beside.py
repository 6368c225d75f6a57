"""Looks at the files beside a pack: shots, phrases, native answers, prompt templates, and who vouches for what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kielo import strict_yaml
from kielo.errors import RecipeError, SourceError
from kielo.languages.pack import Shot, read_shots
from kielo.packs.facts import wrong_script
from kielo.packs.findings import Finding, Opened, unplaced

_OWN_LETTERS = 0.5
"""Of a shot's letters; the rest may be names and terms in another script."""
SHOTS, KINDS = 8, 4
"""Fewer shots, or kinds of them, and a prompt cannot take those like the text (translate/prompting)."""


def beside(opened: Opened) -> Iterator[Finding]:
    """Look at the files that belong to a pack, and at what no speaker has read."""
    yield from _shots(opened)
    yield from _phrases(opened)
    yield from _not_there(
        opened, f"{opened.pack.code}.answers.jsonl", "answers", "a base model answers anew without examples"
    )
    yield from _not_there(
        opened, f"prompts/{opened.pack.code}.yaml", "prompts", "`kielo eval make-prompts` makes no prompts"
    )
    yield from _verified(opened)


def _not_there(opened: Opened, name: str, key: str, without: str) -> Iterator[Finding]:
    if opened.beside(name) is None:
        alike = name.replace(opened.pack.code, "fi")
        yield Finding(
            "note", opened.missing(name), None, key, f"not there: {without}", f"write one like {alike} if you need it"
        )


def _shots(opened: Opened) -> Iterator[Finding]:
    name = f"{opened.pack.code}.shots.jsonl"
    path = opened.beside(name)
    if path is None:
        yield Finding(
            "todo", opened.missing(name), None, "shots", "not there: a model translates by examples",
            f"write {SHOTS} or more pairs of {KINDS} kinds as in fi.shots.jsonl, or name a shots_file in recipes",
        )  # fmt: skip
        return
    try:
        shots = read_shots(path)
    except SourceError as error:
        yield Finding("error", str(path), None, "shots", unplaced(error, path), "mend that line")
        return
    kinds = {shot.kind for shot in shots}
    if len(shots) < SHOTS or len(kinds) < KINDS:
        yield Finding(
            "todo", str(path), None, "shots", f"{len(shots)} of {len(kinds)} kinds", f"write {SHOTS} or more of {KINDS} kinds (sentence, instruction, question, list ...)"
        )  # fmt: skip
    for line, shot in enumerate(shots, 1):
        yield from _shot(opened, path, line, shot)


def _shot(opened: Opened, path: Path, line: int, shot: Shot) -> Iterator[Finding]:
    here = Finding("error", str(path), line, "target", "", "")
    if shot.source == shot.target:
        yield Finding(
            "error", str(path), line, "target", "the source untranslated", "translate it, or take the line out"
        )
    if "\n" in shot.source + shot.target:
        yield Finding(
            "error",
            str(path),
            line,
            "target",
            "holds a line break, where a prompt's example ends",
            "make two shots of it",
        )
    yield from wrong_script(opened, "target", shot.target, here, _OWN_LETTERS)


def _phrases(opened: Opened) -> Iterator[Finding]:
    name = f"phrases/{opened.pack.code}.yaml"
    path = opened.beside(name)
    if path is None:
        yield Finding(
            "todo", opened.missing(name), None, "phrases", "not there: what a model says around a translation is not found",
            "write `labels` (Translation:) and `assistant` (As an AI) as in phrases/fi.yaml",
        )  # fmt: skip
        return
    from translate.checks.phrases import Phrases

    try:
        values, _ = strict_yaml.load(path)
    except RecipeError as error:
        yield Finding("error", str(path), None, "phrases", unplaced(error, path), "mend it")
        return
    for key in sorted(set(values) - set(Phrases.model_fields)):
        yield Finding("error", str(path), None, key, "is not a key", f"the keys are {', '.join(Phrases.model_fields)}")
    for key in Phrases.model_fields:
        words = values.get(key, [])
        if not isinstance(words, list) or any(not isinstance(word, str) or word != word.lower() for word in words):
            yield Finding(
                "error",
                str(path),
                None,
                key,
                "is no list of phrases in small letters",
                "write them so; they are compared in lower case",
            )


def _verified(opened: Opened) -> Iterator[Finding]:
    verified = opened.pack.verified
    if verified is None or verified.by is None:
        yield opened.finding(
            "note", "verified", "no native speaker has vouched for any part of the pack", "read it as one, then write your name and the parts"
        )  # fmt: skip
        if verified is not None and verified.parts:
            yield opened.finding(
                "error", "verified.parts", "parts are vouched for by nobody", "write who read them (by)"
            )
        return
    if not verified.parts:
        yield opened.finding(
            "error", "verified.parts", f"{verified.by} is named and nothing that was read", "list the parts"
        )
