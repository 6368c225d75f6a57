"""The names and files that a recipe's selections use; kielo/recipe/links.py asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from kielo.recipe.mixes import expand_mixes, members, mix_names, selections
from kielo.recipe.training_links import Broken, Where
from kielo.schema import Recipe
from kielo.schema.selection import Knowledge


def broken_selections(recipe: Recipe) -> Iterator[Broken]:
    """Yield (path of keys, sentence) of what a selection asks for and is not there, and of annotations that nobody needs."""
    yield from _languages(recipe)
    yield from _idle(recipe)
    for part in ("labels", "scores"):
        written = getattr(recipe.annotate, part)
        if written.file is not None and not recipe.path(written.file).is_file():
            yield ("annotate", part, "file"), f"no such file: {recipe.path(written.file)}"
        if written.engine is not None:
            yield from _folder(recipe, ("annotate", part, "engine", "model"), written.engine.model)
    yield from _folder(recipe, ("annotate", "embedder", "model"), recipe.annotate.embedder.model)


def _folder(recipe: Recipe, where: Where, model: str | None) -> Iterator[Broken]:
    if model is not None and model.startswith(("/", ".")) and not recipe.path(model).is_dir():
        yield where, f"no such folder: {recipe.path(model)}"


def _languages(recipe: Recipe) -> Iterator[Broken]:
    mixes = expand_mixes(recipe)
    for family, mix in recipe.sft.mixes.items():
        select, where = mix.select, ("sft", "mixes", family, "select")
        if select is None:
            continue
        parts = (part for name in mix_names(family, mix, recipe) for part in mixes[name])
        mixed = list(dict.fromkeys(code for part in parts for code in part.languages))
        languages = select.languages or tuple(mixed)
        for code in select.languages:
            if code not in mixed:
                yield (
                    (*where, "languages"),
                    f"this mix has no '{code}' rows to select from; it has {' and '.join(mixed)}",
                )
        for code in select.budgets:
            if code not in languages:
                yield (
                    (*where, "budgets", code),
                    f"selected are rows in {' and '.join(languages)}; give '{code}' no budget",
                )
        for code in languages if select.budgets else ():
            if code not in select.budgets:
                yield (
                    (*where, "budgets"),
                    f"'{code}' has none, so no row of it would be selected; give it one (0: none), or leave it out of `languages`: its rows then stay whole",
                )
        for name, member in members(family, mix, recipe).items():
            there = {code for part in mixes[name] for code in part.languages}
            for code, share in select.budgets.items() if member.selection else ():
                if share and code in mixed and code not in there:
                    yield (*where, "budgets", code), f"mix {name} has no '{code}' rows; leave X: 0 out, or the budgets"


def _idle(recipe: Recipe) -> Iterator[Broken]:
    """Find annotations that no selection needs: a key that does nothing is a mistake that nobody sees."""
    needed: set[Knowledge] = set()
    for selection in selections(recipe).values():
        needed |= selection.settings.needs(selection.method)
    users: dict[str, set[Knowledge]] = {
        "labels": {"labels"}, "scores": {"scores", "ifd"}, "embedder": {"labels", "embeddings"},
    }  # fmt: skip
    for key in sorted(recipe.annotate.model_fields_set):
        if not needed & users[key]:
            yield ("annotate", key), "no mix selects rows by it; leave it out, or give a mix a `select` that does"
