"""The answers that an analysis compares: first turns by prompt, language by language, of the benchmarks that fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.analyse.runs import Model
from eval.responses import read_answers, responses_file
from eval.thinking import strip_thinking
from kielo.errors import UsageError
from kielo.records import Response


@dataclass(frozen=True)
class Answers:
    """What all models answered in one language."""

    language: str
    benchmarks: tuple[str, ...]
    """By the data set's name."""
    open_questions: bool
    """Whether they are open questions; IFEval's prompts prescribe the form of an answer."""
    texts: Mapping[str, Mapping[str, str]]
    """Model -> text of the prompt -> its answer."""
    empty: Mapping[str, int]
    """Model -> answers without any text, which are left out."""
    repeated: Mapping[str, int]
    """Model -> further answers to a prompt that it answered before; the first one counts."""


@dataclass(frozen=True)
class _Asked:
    """One file of answers."""

    model: Model
    benchmark: str
    language: str
    is_open: bool
    texts: tuple[tuple[str, str], ...]
    """Prompt and answer, row by row."""


def read_answers_by_language(
    models: Sequence[Model], language: str | None = None, benchmarks: Sequence[str] = ()
) -> list[Answers]:
    """Read the answers of all models; by default those to open questions, in a language without any those to IFEval prompts.

    Raises:
        UsageError: nobody answered in that language, or to such a benchmark.
        SourceError: a file of answers is missing or damaged.
    """
    named = [(model, *each) for model in models for each in _benchmarks(model)]
    _refuse_unknown("--language", language, dict.fromkeys(code for _, _, code, _ in named))
    for benchmark in benchmarks:
        _refuse_unknown("--benchmark", benchmark, dict.fromkeys(name for _, name, _, _ in named))
    wanted = [
        each
        for each in named
        if (language is None or each[2] == language)
        and (each[1] in benchmarks if benchmarks else each[3] or not _has_open(named, each[2]))
    ]
    asked = [_read(*each) for each in wanted]
    return [_together(code, [each for each in asked if each.language == code]) for code in _languages(asked)]


def _refuse_unknown(option: str, value: str | None, known: Mapping[str, None]) -> None:
    if value is not None and value not in known:
        raise UsageError(
            f"{option} {value}: these runs have no answers of it; they have {', '.join(known) or 'none at all'}."
        )


def _has_open(named: Sequence[tuple[Model, str, str, bool]], code: str) -> bool:
    return any(is_open for _, _, found, is_open in named if found == code)


def _languages(asked: Sequence[_Asked]) -> list[str]:
    """List the languages, target languages first."""
    targets = {each.model.run.recipe["language"] for each in asked}
    return sorted(dict.fromkeys(each.language for each in asked), key=lambda code: code not in targets)


def _benchmarks(model: Model) -> Iterator[tuple[str, str, bool]]:
    """List what a model was asked: benchmark, language, and whether its questions are open."""
    for name, asked in model.responses["fields"]["eval"]["benchmarks"].items():
        benchmark, _, code = name.rpartition("-")
        yield benchmark, code, asked["kind"] == "questions"


def _read(model: Model, benchmark: str, code: str, is_open: bool) -> _Asked:
    path = model.run.folder / f"responses/{model.step}" / responses_file(f"{benchmark}-{code}")
    without_thoughts = model.responses["fields"]["eval"]["strip_thinking"]
    rows = (
        (row.prompt, row.response) if isinstance(row, Response) else (row.turns[0], row.responses[0])
        for row in read_answers(path)
    )
    texts = tuple((prompt, strip_thinking(answer) if without_thoughts else answer) for prompt, answer in rows)
    return _Asked(model, benchmark, code, is_open, texts)


def _together(code: str, asked: Sequence[_Asked]) -> Answers:
    texts: dict[str, dict[str, str]] = {}
    repeated: Counter[str] = Counter()
    for each in asked:
        found = texts.setdefault(each.model.name, {})
        for prompt, answer in each.texts:
            repeated[each.model.name] += prompt in found
            found.setdefault(prompt, answer)
    said = {name: {prompt: text for prompt, text in found.items() if text.strip()} for name, found in texts.items()}
    return Answers(
        code, tuple(dict.fromkeys(each.benchmark for each in asked)), all(each.is_open for each in asked),
        {name: found for name, found in said.items() if found},
        {name: len(texts[name]) - len(said[name]) for name in texts if len(said[name]) < len(texts[name])}, dict(+repeated),
    )  # fmt: skip
