"""The names by which one part of a recipe uses another (a mix, a data set, a run), each checked before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from kielo.languages import read_shots
from kielo.schema import CHAT_TEMPLATES, Dataset, Mix, Recipe
from kielo.trainer_fields import DPO_ONLY, Trainer

Where = tuple[str | int, ...]
Broken = tuple[Where, str]


def expand_mixes(mixes: Mapping[str, Mix]) -> dict[str, dict[str, float]]:
    """Spell out every mix: `en-fi-Xpct` with X: [0, 0.1] becomes en-fi-0pct and en-fi-10pct, language -> share."""
    spelled: dict[str, dict[str, float]] = {}
    for name, mix in mixes.items():
        for value in mix.X or (0.0,):
            own_name = name.replace("X", f"{100 * value:g}") if mix.X else name
            spelled[own_name] = {code: value if share == "X" else share for code, share in mix.shares.items()}
    return spelled


def mix_family(recipe: Recipe, name: str) -> Mix:
    """Find the mix as written that a spelled-out mix name belongs to."""
    return next(mix for family, mix in recipe.sft.mixes.items() if name in expand_mixes({family: mix}))


def broken_links(recipe: Recipe) -> Iterator[Broken]:
    """Yield (path of keys, sentence) of everything in a recipe that names something which is not there."""
    if recipe.model.startswith(("/", ".")) and not recipe.path(recipe.model).is_dir():
        yield ("model",), f"no such folder: {recipe.path(recipe.model)}"
    if not recipe.chat_template_path.is_file():
        known = sorted(path.stem for path in CHAT_TEMPLATES.glob("*.jinja"))
        yield ("chat_template",), _unknown("chat template", recipe.chat_template, known)
    yield from _shots(recipe)
    yield from _mixes(recipe)
    yield from _runs(recipe)
    yield from _translate_files(recipe)
    yield from _datasets(recipe)
    yield from _batches(recipe)
    if recipe.eval.engine.kind == "openai":
        yield (
            ("eval", "engine", "kind"),
            "a running server cannot hold every tuned model in turn; use hf or vllm-server",
        )
    for part, trainer in _trainers(recipe):
        for key in DPO_ONLY if part[0] == "sft" else ():
            if getattr(trainer, key) is not None:
                yield (*part, key), "belongs to dpo.trainer"


def _shots(recipe: Recipe) -> Iterator[Broken]:
    """Check that there are shots enough for every prompt that some data set is translated with."""
    datasets = [dataset for dataset in recipe.translate.datasets.values() if dataset.translate]
    engines = [engine for dataset in datasets for engine in recipe.translate.engines(dataset) if engine.kind != "deepl"]
    for prompt in dict.fromkeys(engine.prompt or recipe.translate.prompt for engine in engines):
        if prompt.shots_file == "pocket":
            continue
        path = recipe.shots_of(prompt)
        if not path.is_file():
            yield (
                ("translate", "prompt"),
                f"few-shot prompts need translation pairs and there is no {path}; write some or name a shots_file",
            )
        elif (held := len(read_shots(path))) < prompt.shots:
            yield ("translate", "prompt", "shots"), f"{path} holds {held}; write more or ask for fewer"


def _translate_files(recipe: Recipe) -> Iterator[Broken]:
    for key in ("glossary", "verdicts", "identifier_file"):
        written = getattr(recipe.translate, key)
        if written is not None and not recipe.path(written).is_file():
            yield ("translate", key), f"no such file: {recipe.path(written)}"


def _batches(recipe: Recipe) -> Iterator[Broken]:
    parts = dict(_trainers(recipe))
    for part, trainer in parts.items():
        keys = {**parts[part[0], "trainer"].set_keys(), **trainer.set_keys()}
        size, per_device = keys.get("global_batch_size"), keys.get("per_device_train_batch_size")
        if size and per_device and size % per_device:
            yield part, f"global_batch_size {size} does not divide by per_device_train_batch_size {per_device}"


def _mixes(recipe: Recipe) -> Iterator[Broken]:
    known = {recipe.source_language, recipe.language}
    names = [name for family, mix in recipe.sft.mixes.items() for name in expand_mixes({family: mix})]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield ("sft", "mixes"), f"two of them spell out to '{name}'; name one differently"
    for name, mix in recipe.sft.mixes.items():
        where = ("sft", "mixes", name)
        uses_x = "X" in mix.shares.values()
        if uses_x != bool(mix.X):
            yield where, "uses X without saying its values (X: [0, 0.1])" if uses_x else "gives X, but no share is X"
        if mix.X and "X" not in name:
            yield where, "a family needs an X in its name, where the percent goes (en-fi-Xpct)"
        for code in sorted(set(mix.shares) - known):
            yield (*where, "shares", code), f"this recipe's languages are {' and '.join(sorted(known))}"
        if not mix.X and not any(mix.shares.values()):
            yield where, "every share is 0, nothing would be trained on"


def _runs(recipe: Recipe) -> Iterator[Broken]:
    mixes = expand_mixes(recipe.sft.mixes)
    for name, run in recipe.sft.runs.items():
        if name in mixes:
            yield (
                ("sft", "runs", name),
                "a mix has this name already (every mix gives a run of its own); choose another",
            )
        if run.mix not in mixes:
            yield ("sft", "runs", name, "mix"), _unknown("mix", run.mix, mixes)
    sft = [f"sft/{name}" for name in (*mixes, *recipe.sft.runs)]
    dpo = [f"dpo/{name}" for name in (recipe.dpo.runs if recipe.dpo else ())]
    if recipe.dpo:
        if recipe.dpo.start not in sft:
            yield ("dpo", "start"), _unknown("run", recipe.dpo.start, sft)
        for name, dpo_run in recipe.dpo.runs.items():
            if dpo_run.start is not None and dpo_run.start not in sft:
                yield ("dpo", "runs", name, "start"), _unknown("run", dpo_run.start, sft)
    for index, model in enumerate(recipe.eval.models):
        if model not in (*sft, *dpo):
            yield ("eval", "models", index), _unknown("run", model, [*sft, *dpo])


def _datasets(recipe: Recipe) -> Iterator[Broken]:
    datasets, both = recipe.translate.datasets, {recipe.source_language, recipe.language}

    def check(where: Where, name: str, kind: str, codes: Iterable[str]) -> Iterator[Broken]:
        of_kind = [known for known, dataset in datasets.items() if dataset.kind == kind]
        if name not in of_kind:
            yield where, _unknown(f"data set of kind {kind}", name, of_kind)
            return
        for code in codes:
            if code not in both:
                yield where, f"this recipe has no '{code}' data; its languages are {' and '.join(sorted(both))}"
            elif code != recipe.source_language and not datasets[name].translate:
                yield where, f"'{name}' is not translated (translate: false), so it has no '{code}' rows"

    for name, dataset in datasets.items():
        yield from _reachable(recipe, name, dataset)
    for name, mix in recipe.sft.mixes.items():
        asked = [code for code, share in mix.shares.items() if share]
        for index, dataset_name in enumerate(mix.datasets):
            yield from check(("sft", "mixes", name, "datasets", index), dataset_name, "conversations", asked)
        if not mix.datasets and not any(dataset.kind == "conversations" for dataset in datasets.values()):
            yield ("sft", "mixes", name), "there is no data set of kind conversations to mix"
    for run_name, run in (recipe.dpo.runs if recipe.dpo else {}).items():
        for dataset_name, codes in run.data.items():
            yield from check(("dpo", "runs", run_name, "data", dataset_name), dataset_name, "preferences", codes)
    if recipe.eval.ifeval:
        codes = recipe.eval.ifeval.languages or (recipe.source_language, recipe.language)
        yield from check(("eval", "ifeval"), recipe.eval.ifeval.dataset, "ifeval", codes)
    if recipe.eval.translation:
        yield from check(("eval", "translation"), recipe.eval.translation, "sentences", (recipe.language,))


def _reachable(recipe: Recipe, name: str, dataset: Dataset) -> Iterator[Broken]:
    where = ("translate", "datasets", name)
    if dataset.local is not None and not recipe.path(dataset.local).is_file():
        yield (*where, "local"), f"no such file: {recipe.path(dataset.local)}"
    if dataset.memory is not None and not recipe.path(dataset.memory.file).is_file():
        yield (*where, "memory", "file"), f"no such file: {recipe.path(dataset.memory.file)}"
    if recipe.translate.memory is not None and not recipe.path(recipe.translate.memory.file).is_file():
        yield ("translate", "memory", "file"), f"no such file: {recipe.path(recipe.translate.memory.file)}"
    if dataset.arguments is not None and not recipe.path(dataset.arguments).is_file():
        yield (*where, "arguments"), f"no such file: {recipe.path(dataset.arguments)}"
    engines = recipe.translate.engines(dataset)
    identities = [
        (each.kind == "deepl", each.model, each.served_model, each.prompt, each.formality) for each in engines
    ]
    if len(set(identities)) < len(identities):
        yield (
            where,
            "two of its engines are one model with one prompt, so the second adds nothing; give it another `model`",
        )
    if dataset.answers == "regenerate" and all(each.kind == "deepl" for each in engines[:1]):
        yield (*where, "answers"), "the model answers anew, so the first engine must be a language model"
    if dataset.translate and not engines and not (dataset.memory or recipe.translate.memory):
        yield where, "nobody would translate it: give an engine or a memory, or translate: false"


def _trainers(recipe: Recipe) -> Iterator[tuple[Where, Trainer]]:
    yield ("sft", "trainer"), recipe.sft.trainer
    for name, run in recipe.sft.runs.items():
        yield ("sft", "runs", name, "trainer"), run.trainer
    if recipe.dpo:
        yield ("dpo", "trainer"), recipe.dpo.trainer
        for name, dpo_run in recipe.dpo.runs.items():
            yield ("dpo", "runs", name, "trainer"), dpo_run.trainer


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean '{near[0]}'" if near else f"known: {', '.join(known) or 'none'}"
    return f"no {what} '{name}'; {hint}"
