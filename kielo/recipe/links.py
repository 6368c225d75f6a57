"""The names by which one part of a recipe uses another (a mix, a data set, a run), each checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from kielo.languages.pack import codes, language, read_shots
from kielo.models import has_chat_template
from kielo.recipe.mixes import conversations
from kielo.recipe.selection_links import broken_selections
from kielo.recipe.training_links import Broken, Where, broken_trainings, unknown
from kielo.recipe.trainings import tuned_models
from kielo.schema import CHAT_TEMPLATES, Dataset, Engine, Pool, Recipe, Trainer
from kielo.schema.trainer import DPO_ONLY, SFT_ONLY


def broken_links(recipe: Recipe) -> Iterator[Broken]:
    """Yield (path of keys, sentence) of everything in a recipe that names something which is not there."""
    if recipe.model.startswith(("/", ".")) and not recipe.path(recipe.model).is_dir():
        yield ("model",), f"no such folder: {recipe.path(recipe.model)}"
    template = recipe.chat_template_path
    if template is None and Path(recipe.model_path).is_dir() and not has_chat_template(recipe.model_path):
        yield ("chat_template",), f"{recipe.model_path} has no chat template of its own; name one, such as chatml"
    if template is not None and not template.is_file():
        known = sorted(path.stem for path in CHAT_TEMPLATES.glob("*.jinja"))
        yield ("chat_template",), unknown("chat template", recipe.chat_template, known)
    yield from _shots(recipe)
    yield from _translate_files(recipe)
    yield from _datasets(recipe)
    yield from broken_trainings(recipe)
    yield from broken_selections(recipe)
    if recipe.eval.engine.kind == "openai":
        yield (
            ("eval", "engine", "kind"),
            "a running server cannot hold every tuned model in turn; use hf or vllm-server",
        )
    for part, trainer in _trainers(recipe):
        for key in DPO_ONLY if part[0] == "sft" else SFT_ONLY:
            if getattr(trainer, key) is not None:
                yield (*part, key), f"belongs to {'dpo' if part[0] == 'sft' else 'sft'}.trainer"


def _shots(recipe: Recipe) -> Iterator[Broken]:
    """Check that there are shots enough for every prompt that some data set is translated with."""
    datasets = [dataset for dataset in recipe.translate.datasets.values() if dataset.translated]
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
        elif (named := path.name.partition(".")[0]) != recipe.language and named in codes():  # as in a copied recipe
            yield (
                ("translate", "prompt", "shots_file"),
                f"{path.name} is named after {language(named).name}, and the recipe translates into {recipe.language}; name shots of it",
            )


def _translate_files(recipe: Recipe) -> Iterator[Broken]:
    for engine in recipe.translate.engine or ():
        if missing := _no_folder(recipe, engine):
            yield ("translate", "engine"), missing
    for key in ("glossary", "verdicts", "identifier_file"):
        written = getattr(recipe.translate, key)
        if written is not None and not recipe.path(written).is_file():
            yield ("translate", key), f"no such file: {recipe.path(written)}"
    told = recipe.eval.identifier_file
    if told is not None and not recipe.path(told).is_file():
        yield ("eval", "identifier_file"), f"no such file: {recipe.path(told)}"


def _datasets(recipe: Recipe) -> Iterator[Broken]:
    datasets, both = recipe.translate.datasets, {recipe.source_language, recipe.language}

    def check(where: Where, name: str, kind: str, codes: Iterable[str]) -> Iterator[Broken]:
        of_kind = [known for known, dataset in datasets.items() if dataset.kind == kind]
        if name not in of_kind:
            yield where, unknown(f"data set of kind {kind}", name, of_kind)
            return
        own = datasets[name].language
        answered = datasets[name].prompts_of and (datasets[name].answer_in or (recipe.language,))
        for code in codes:
            if answered:
                if code not in answered:
                    yield (
                        where,
                        f"'{name}' has answers in {' and '.join(answered)} alone; add '{code}' to its answer_in",
                    )
            elif own is not None and code != own:
                yield where, f"'{name}' is written in '{own}' and is not translated, so it has no '{code}' rows"
            elif code not in both | {own}:
                yield where, f"this recipe has no '{code}' data; its languages are {' and '.join(sorted(both))}"
            elif own is None and code != recipe.source_language and not datasets[name].translate:
                yield where, f"'{name}' is not translated (translate: false), so it has no '{code}' rows"

    for name, dataset in datasets.items():
        yield from _reachable(recipe, name, dataset)
        yield from check(("translate", "datasets", name, "expected"), name, dataset.kind, dataset.expected)
        if dataset.prompts_of is not None:
            codes = dataset.answer_in or (recipe.language,)
            yield from check(("translate", "datasets", name, "prompts_of"), dataset.prompts_of, "conversations", codes)
            if dataset.prompts_of in datasets and datasets[dataset.prompts_of].prompts_of is not None:
                yield (
                    ("translate", "datasets", name, "prompts_of"),
                    f"'{dataset.prompts_of}' has no prompts of its own; name the data set that it takes them from",
                )
    for name, mix in recipe.sft.mixes.items():
        asked = {dataset: _asked(pool) for dataset, pool in mix.pools.items()}
        for index, dataset_name in enumerate(mix.datasets):
            yield from check(("sft", "mixes", name, "datasets", index), dataset_name, "conversations", asked[None])
        for source in mix.sources:
            yield from check(("sft", "mixes", name, "sources", source), source, "conversations", asked[source])
        if None in asked and not mix.datasets:
            for dataset_name in conversations(recipe):
                yield from check(("sft", "mixes", name), dataset_name, "conversations", asked[None])
            if not conversations(recipe):
                yield ("sft", "mixes", name), "there is no data set of kind conversations to mix"
    for run_name, run in (recipe.dpo.runs if recipe.dpo else {}).items():
        for dataset_name, codes in run.data.items():
            yield from check(("dpo", "runs", run_name, "data", dataset_name), dataset_name, "preferences", codes)
    if recipe.eval.ifeval:
        codes = recipe.eval.ifeval.languages or (recipe.source_language, recipe.language)
        yield from check(("eval", "ifeval"), recipe.eval.ifeval.dataset, "ifeval", codes)
        for index, also in enumerate(recipe.eval.ifeval.also):
            yield from check(("eval", "ifeval", "also", index), also, "ifeval", ())
            if also == recipe.eval.ifeval.dataset:
                yield ("eval", "ifeval", "also", index), f"'{also}' is the part's dataset already; leave it out here"
    for name, questions in recipe.eval.questions.items():
        yield from check(("eval", "questions", name), name, "questions", questions.languages)
    yield from _judge(recipe)
    yield from _comet(recipe)
    if recipe.eval.translation:
        yield from check(("eval", "translation"), recipe.eval.translation, "sentences", (recipe.language,))


def _judge(recipe: Recipe) -> Iterator[Broken]:
    judge = recipe.eval.judge
    if judge is None:
        return
    for index, name in enumerate(judge.benchmarks):
        if name not in recipe.eval.questions:
            yield (
                ("eval", "judge", "benchmarks", index),
                unknown("data set of eval.questions", name, recipe.eval.questions),
            )
    named = [engine.model for engine in judge.engines]
    if len(set(named)) < len(named):
        yield (
            ("eval", "judge", "engines"),
            "two of them are one model, so the second would only repeat the first; give it another `model`",
        )
    for index, engine in enumerate(judge.engines):
        if missing := _no_folder(recipe, engine):
            yield ("eval", "judge", "engines", index, "model"), missing
    models = tuned_models(recipe)
    if judge.baseline is not None and judge.baseline not in models:
        yield ("eval", "judge", "baseline"), unknown("evaluated model", judge.baseline, models)
    if "pairwise" in judge.modes and len(models) < 2:
        yield ("eval", "judge", "modes"), "there is one model, and nothing to compare it with; use modes: [single]"


def _no_folder(recipe: Recipe, engine: Engine) -> str | None:
    """Say that an engine's model, named by its folder, is not there."""
    model = engine.model
    if engine.kind == "openai" or model is None or not model.startswith(("/", ".")) or recipe.path(model).is_dir():
        return None
    return f"no such folder: {recipe.path(model)}"


def _comet(recipe: Recipe) -> Iterator[Broken]:
    comet = recipe.eval.comet
    if comet is None:
        return
    if comet.model.startswith(("/", ".")) and not recipe.path(comet.model).is_file():
        yield ("eval", "comet", "model"), f"no such checkpoint: {recipe.path(comet.model)}"


def _asked(pool: Pool) -> list[str]:
    return [code for code, amount in {**pool.shares, **pool.rows}.items() if amount]


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
    for engine in dataset.engine or ():
        if missing := _no_folder(recipe, engine):
            yield (*where, "engine"), missing
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
    if dataset.translated and not engines and not (dataset.memory or recipe.translate.memory):
        yield where, "nobody would translate it: give an engine or a memory, or translate: false"


def _trainers(recipe: Recipe) -> Iterator[tuple[Where, Trainer]]:
    yield ("sft", "trainer"), recipe.sft.trainer
    for name, run in recipe.sft.runs.items():
        yield ("sft", "runs", name, "trainer"), run.trainer
    if recipe.dpo:
        yield ("dpo", "trainer"), recipe.dpo.trainer
        for name, dpo_run in recipe.dpo.runs.items():
            yield ("dpo", "runs", name, "trainer"), dpo_run.trainer
