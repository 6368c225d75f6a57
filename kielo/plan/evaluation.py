"""The plan's last steps but the report: every tuned model answers all benchmarks at once, then each is scored and judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kielo.languages.pack import pack_file
from kielo.models import model_identity
from kielo.plan.steps import Step, engine_fields, file_fields, identifier_package, rows_step
from kielo.provenance import digest
from kielo.recipe.trainings import all_seeds, tuned_models
from kielo.schema import Engine, Judge, Recipe


@dataclass(frozen=True)
class Benchmark:
    """A data set that models answer in one language; `kind` is the data set's: ifeval or questions."""

    dataset: str
    language: str
    kind: Literal["ifeval", "questions"]
    max_tokens: int

    @property
    def name(self) -> str:
        """Name it as files and steps do: `ifeval-fi`."""
        return f"{self.dataset}-{self.language}"


def benchmarks(recipe: Recipe) -> tuple[Benchmark, ...]:
    """List what every model answers, in the order of the report."""
    ifeval, found = recipe.eval.ifeval, []
    if ifeval:
        codes = ifeval.languages or (recipe.source_language, recipe.language)
        found += [Benchmark(ifeval.dataset, code, "ifeval", ifeval.max_tokens) for code in codes]
        found += [
            Benchmark(name, code, "ifeval", ifeval.max_tokens)
            for name in ifeval.also
            for code in languages_of(recipe, name)
        ]
    for name, asked in recipe.eval.questions.items():
        codes = asked.languages or languages_of(recipe, name)
        found += [Benchmark(name, code, "questions", asked.max_tokens) for code in codes]
    return tuple(found)


def languages_of(recipe: Recipe, dataset: str) -> tuple[str, ...]:
    """List the languages that a benchmark's rows are there in: its own, and the target language if it is translated."""
    found = recipe.translate.datasets[dataset]
    own = found.language or recipe.source_language
    return tuple(dict.fromkeys((own, recipe.language))) if found.translated else (own,)


def eval_steps(recipe: Recipe) -> Iterator[Step]:
    yield from _translation_quality(recipe)
    asked = benchmarks(recipe)
    for model in tuned_models(recipe) if asked else ():
        yield _responses(recipe, model, asked)
        for benchmark in asked:
            yield _scores(recipe, model, benchmark)
    if recipe.eval.judge:
        for benchmark in judged_benchmarks(recipe, recipe.eval.judge):
            yield _judgements(recipe, recipe.eval.judge, benchmark)


def _translation_quality(recipe: Recipe) -> Iterator[Step]:
    rows = recipe.eval.translation
    if rows is None:
        return
    settings: dict[str, Any] = {"language": recipe.language, "source_language": recipe.source_language}
    if recipe.eval.comet:
        settings["comet"] = recipe.eval.comet.model
    inputs = (f"source/{rows}", f"translate/{rows}")
    yield Step(
        f"eval/translation/{rows}", "translation-quality", settings, inputs, bool(recipe.eval.comet), ("sacrebleu",)
    )


def _responses(recipe: Recipe, model: str, asked: tuple[Benchmark, ...]) -> Step:
    settings = {
        "engine": engine_fields(recipe.eval.engine.model_dump()), "strip_thinking": recipe.eval.strip_thinking,
        "benchmarks": {each.name: {"kind": each.kind, "max_tokens": each.max_tokens, "rows": _rows(recipe, each)} for each in asked},
    }  # fmt: skip
    inputs = dict.fromkeys((model, *(_rows(recipe, each) for each in asked)))
    return Step(f"responses/{model}", "responses", {"eval": settings}, tuple(inputs), True)


def _rows(recipe: Recipe, benchmark: Benchmark) -> str:
    return rows_step(recipe, benchmark.dataset, benchmark.language)


def _scores(recipe: Recipe, model: str, benchmark: Benchmark) -> Step:
    settings: dict[str, Any] = {
        "language": benchmark.language, "source_language": recipe.source_language, "benchmark": benchmark.dataset,
        "strip_thinking": recipe.eval.strip_thinking, **_identifier(recipe),
        "content of the language packs": {
            code: digest(pack_file(f"{code}.yaml")) for code in (benchmark.language, recipe.source_language)
        },
    }  # fmt: skip
    packages = ["langdetect", identifier_package(recipe.eval.identifier)]
    if benchmark.kind == "ifeval":
        assert recipe.eval.ifeval is not None
        settings["sentences"] = recipe.eval.ifeval.sentences
        packages += dict.fromkeys(("sentencex", recipe.eval.ifeval.sentences.replace("punkt", "nltk")))
    inputs = (f"responses/{model}", _rows(recipe, benchmark))
    kind: Literal["ifeval-scores", "question-scores"] = (
        "ifeval-scores" if benchmark.kind == "ifeval" else "question-scores"
    )
    return Step(
        f"eval/{model}/{benchmark.name}", kind, {"eval": settings}, inputs, versions=tuple(dict.fromkeys(packages)), derived=True
    )  # fmt: skip


def _identifier(recipe: Recipe) -> dict[str, Any]:
    """Say who tells the languages of answers apart."""
    file = recipe.eval.identifier_file
    return {"identifier": recipe.eval.identifier, **file_fields(recipe, file, "identifier_file")}


def judged_benchmarks(recipe: Recipe, judge: Judge) -> tuple[Benchmark, ...]:
    """List the open questions that a judge compares the answers to."""
    names = judge.benchmarks or tuple(recipe.eval.questions)
    return tuple(each for each in benchmarks(recipe) if each.kind == "questions" and each.dataset in names)


def baseline_of(recipe: Recipe, judge: Judge) -> str:
    """Name the model that the others are compared with, as a step."""
    models = tuned_models(recipe)
    start = recipe.dpo.start if recipe.dpo else None
    starts = all_seeds(start, recipe) if start else ()
    return judge.baseline or next((model for model in starts if model in models), models[0])


def _judgements(recipe: Recipe, judge: Judge, benchmark: Benchmark) -> Step:
    models = tuned_models(recipe)
    settings = {
        "language": benchmark.language, "source_language": recipe.source_language, "benchmark": benchmark.dataset,
        "judges": [judge_fields(recipe, engine) for engine in judge.engines], "modes": list(judge.modes), "gate": judge.gate,
        "max_tokens": judge.max_tokens, "baseline": baseline_of(recipe, judge), "models": list(models),
        "strip_thinking": recipe.eval.strip_thinking, **_identifier(recipe),
    }  # fmt: skip
    versions = tuple(dict.fromkeys(("langdetect", identifier_package(recipe.eval.identifier))))
    inputs = (_rows(recipe, benchmark), *(f"responses/{model}" for model in models))
    here = any(engine.kind != "openai" for engine in judge.engines)
    return Step(f"judge/{benchmark.name}", "judge", {"eval": {"judge": settings}}, inputs, here, versions)


def judge_fields(recipe: Recipe, engine: Engine) -> dict[str, Any]:
    """Keep of a judge what changes its judgements."""
    assert engine.model is not None
    return {**engine_fields(engine.model_dump()), "model": model_identity(recipe.named_model(engine.model))}


def benchmark_rows(recipe: Recipe) -> tuple[str, ...]:
    """List the steps that hold the prompts which tuned models are evaluated on, and what those are translations of."""
    found: dict[str, None] = {}
    for each in benchmarks(recipe):
        if recipe.translate.datasets[each.dataset].language is None:
            found[f"source/{each.dataset}"] = None
        found[_rows(recipe, each)] = None
    return tuple(found)
