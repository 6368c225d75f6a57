"""`kielo eval judge`: a server judges two files of stored answers; the step "judge" without a recipe, resumable like it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eval.judge.cases import Answers, cases_of
from eval.judge.gate import Gate, Policy
from eval.judge.judging import JUDGEMENTS, judge
from eval.judge.printed import agreement_line, gate_lines, pairwise_lines, self_test_lines, single_lines
from eval.judge.question_files import read_answers_to, read_questions
from eval.judge.statistics import self_test
from eval.judge.trial import Trial
from eval.response_language.options import add_identifier_options, chosen_identifier
from eval.stored_answers import FORMATS
from eval.thinking import strip_thinking
from kielo.errors import UsageError
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Generator
from kielo.languages.pack import option_language
from kielo.options.out_files import output_folder
from kielo.run_folder import SCORES
from kielo.schema import Engine

OURS, THEIRS = "ours", "theirs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument(
        "--questions", type=Path, required=True, metavar="FILE", help="rows with `turns` (MT-Bench) or a `prompt`"
    )
    parser.add_argument("--ours", type=Path, required=True, metavar="FILE", help=FORMATS)
    parser.add_argument("--theirs", type=Path, metavar="FILE", help="the answers to compare them with")
    parser.add_argument("--language", required=True, metavar="CODE", help="the language that answers must be in")
    parser.add_argument(
        "--source-language", default="en", metavar="CODE", help="the language that models slip into (default: en)"
    )
    parser.add_argument(
        "--server", required=True, metavar="URL", help="an OpenAI-compatible server, such as http://node1:8000/v1"
    )
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="NAME",
        help="the judge's name there; again for several judges",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="judgements, scores and completions")
    parser.add_argument(
        "--gate",
        choices=("lose", "exclude", "off"),
        help="answers in the wrong language (default: lose)",
    )
    add_identifier_options(parser)
    parser.add_argument("--single", action="store_true", help="rate the answers from 1 to 10, too; needs no --theirs")
    parser.add_argument(
        "--self-test", action="store_true", help="compare our answers with themselves: a judge should find ties"
    )
    parser.add_argument("--strip-thinking", action="store_true", help="judge answers without <think>...</think>")
    parser.add_argument("--max-tokens", type=int, default=1024, metavar="N", help="longest judgement (default: 1024)")
    parser.add_argument("--concurrency", type=int, default=32, metavar="N", help="requests at once (default: 32)")


def run(arguments: argparse.Namespace) -> int:
    """Ask the judges, write judgements.jsonl and scores.json, and print the statistics; 1 where a self-test failed."""
    _check(arguments)
    trial = _trial(arguments)
    judges = _judges(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    document = judge(trial, judges, arguments.out)
    tests = _self_tests(document) if arguments.self_test else {}
    print("\n".join(_lines(document, arguments, tests)))
    return 0 if all(test["sound"] for test in tests.values()) else 1


def _check(arguments: argparse.Namespace) -> None:
    if arguments.self_test and (arguments.theirs or arguments.single or arguments.gate):
        raise UsageError("--self-test compares --ours with itself, ungated; leave out --theirs, --single and --gate.")
    if not (arguments.theirs or arguments.self_test or arguments.single):
        raise UsageError("nothing to judge: give --theirs FILE, --single or --self-test.")
    for option in ("max_tokens", "concurrency"):
        if getattr(arguments, option) < 1:
            raise UsageError(f"--{option.replace('_', '-')} {getattr(arguments, option)}: at least 1 is needed.")
    output_folder("--out", arguments.out)


def _trial(arguments: argparse.Namespace) -> Trial:
    target = option_language("--language", arguments.language)
    source = option_language("--source-language", arguments.source_language)
    questions = read_questions(arguments.questions, target.code)
    files = {OURS: arguments.ours, THEIRS: arguments.ours if arguments.self_test else arguments.theirs}
    answers: dict[str, Answers] = {}
    for name, file in files.items():
        if file is not None:
            read = read_answers_to(questions, file)
            if read.elsewhere and not (arguments.self_test and name == THEIRS):
                print(f"{file}: {read.elsewhere} answers are to no question of {arguments.questions}.")
            answers[name] = _without_thoughts(read.answers) if arguments.strip_thinking else read.answers
    policy: Policy = "off" if arguments.self_test else arguments.gate or "lose"
    gate = Gate(policy, target, source if source != target else None, chosen_identifier(arguments))
    modes = [*(["pairwise"] if THEIRS in answers else []), *(["single"] if arguments.single else [])]
    baseline = THEIRS if THEIRS in answers else OURS
    return Trial(
        arguments.questions.stem, cases_of(questions), answers, baseline, gate, modes, arguments.max_tokens
    )  # fmt: skip


def _without_thoughts(answers: Answers) -> Answers:
    return {key: tuple(strip_thinking(text) for text in texts) for key, texts in answers.items()}


def _judges(arguments: argparse.Namespace) -> dict[str, Callable[[], AbstractContextManager[Generator]]]:
    try:
        engines = [
            Engine(kind="openai", urls=(arguments.server,), served_model=name, model=name, concurrency=arguments.concurrency)
            for name in dict.fromkeys(arguments.model)
        ]  # fmt: skip
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"--server {arguments.server}: {reason}.") from error
    logs = arguments.out / "logs"
    return {str(each.model): partial(open_generator, each, str(each.model), None, logs) for each in engines}


def _self_tests(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = document["models"][OURS]
    judges = found.get("judges") or {document["judges"][0]: found}
    return {name: self_test(each["pairwise"]) for name, each in judges.items()}


def _lines(document: Mapping[str, Any], arguments: argparse.Namespace, tests: Mapping[str, Any]) -> Iterator[str]:
    found = document["models"][OURS]
    for name, test in tests.items():
        yield from self_test_lines(test, name)
    if not tests and "pairwise" in found:
        yield from pairwise_lines(found["pairwise"], str(arguments.ours), str(arguments.theirs))
        yield from gate_lines(found["pairwise"]["gate"])
    for name, file in ((OURS, arguments.ours), (THEIRS, arguments.theirs)):
        if "single" in document["models"].get(name, {}):
            yield from single_lines(document["models"][name]["single"], str(file))
            yield from gate_lines(document["models"][name]["single"]["gate"])
    if document["agreement"]:
        yield agreement_line(document["agreement"])
    yield f"All judgements: {arguments.out / JUDGEMENTS}; all statistics: {arguments.out / SCORES}"
