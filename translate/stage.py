"""Step `translate`: source records become records of the target language, each accepted or rejected with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kielo.errors import KieloError
from kielo.languages.pack import language
from kielo.plan import Outcome, Workplace
from kielo.records import Record, read_records, replacing
from translate.checks import Direction, make_checker
from translate.engines import Hand, open_hands, rungs_of
from translate.glossary import read_glossary
from translate.ifeval import arguments_tsv
from translate.prompting import load_shots
from translate.prompting.answering import make_answerer
from translate.regenerate.conversations import answer_conversations
from translate.repair import Ladder
from translate.results import OUTPUTS, Result, counts_of, judge, reviewed, write_results
from translate.review.verdicts import NO_VERDICTS, Verdicts, read_verdicts
from translate.shards import Shard, begin_shard, merge_shards, write_shard
from translate.tasks.rules import actions, read_rules
from translate.texts import Assembly, Cutting, Made, Text
from translate.translators.memory import Memory, read_memory
from translate.works import Planning, Work, ask_around, plan_work

ARGUMENTS = "arguments.tsv"


@dataclass(frozen=True)
class Bench:
    """Everything that the records of one data set are translated with."""

    planning: Planning
    assembly: Assembly
    hands: tuple[Hand, ...]
    memory: Memory | None


def run(place: Workplace) -> Outcome:
    """Translate one data set; the files are in the source's order.

    Completions are kept under `completions/`, so that an interrupted step goes on where it was.

    Raises:
        KieloError: no record was accepted; the sentence counts the reasons.
    """
    records = _records(place)
    merged = merge_shards(place.folder, [record.id for record in records])
    verdicts = _verdicts(place)
    with _open(place) as bench:
        results = _translate(records, bench, place, verdicts)
        texts = [(each.work.record.id, made.text.where, made.text.source) for each in results for made in each.made]
        counts = {
            **counts_of(results, bench.assembly),
            **_bench_counts(bench),
            "verdicts": verdicts.usage(texts),
            **merged,
        }
    write_results(place.folder, results)
    extra = _write_arguments(place.folder, [result.work for result in results])
    if not counts["accepted"]:
        reasons = ", ".join(f"{reason}: {number}" for reason, number in counts["rejected"].items())
        raise KieloError(
            f"{place.folder / 'rejected.jsonl'}: none of {len(results)} records of {_name(place)} was accepted ({reasons}); see there, then check the engine, its shots and the memory."
        )
    return Outcome((*OUTPUTS, *extra), counts)


def run_shard(place: Workplace, shard: Shard) -> None:
    """Make the completions of one shard's records; `run` finds them and puts the data set together."""
    records = shard.of(_records(place))
    begin_shard(place.folder, shard)
    with _open(place) as bench:
        _translate(records, bench, place, NO_VERDICTS)
    write_shard(place.folder, shard, [record.id for record in records])


def _write_arguments(folder: Path, works: Sequence[Work]) -> tuple[str, ...]:
    """Write the table of IFEval arguments, for a native speaker to review (recipe key `arguments`)."""
    plans = [work.plan for work in works if work.plan is not None]
    if plans:
        with replacing(folder / ARGUMENTS) as stream:
            stream.write(arguments_tsv(plans).encode("utf-8"))
    return (ARGUMENTS,) if plans else ()


def _name(place: Workplace) -> str:
    return place.step.name.partition("/")[2]


def _records(place: Workplace) -> list[Record]:
    name = _name(place)
    kind = place.recipe.translate.datasets[name].kind
    return read_records(kind, place.inputs[f"source/{name}"] / "rows.jsonl")


def _verdicts(place: Workplace) -> Verdicts:
    written = place.recipe.translate.verdicts
    return NO_VERDICTS if written is None else read_verdicts(place.recipe.path(written)).within(_name(place))


@contextmanager
def _open(place: Workplace) -> Iterator[Bench]:
    """Prepare who translates a data set: its memory, its engines as a ladder, the checks, the rules."""
    recipe, dataset = place.recipe, place.recipe.translate.datasets[_name(place)]
    stage, engines = recipe.translate, recipe.translate.engines(dataset)
    source, target = language(recipe.source_language), language(recipe.language)
    prompted = [engine for engine in engines if engine.kind != "deepl"]
    shots = dict.fromkeys(shot for engine in prompted for shot in load_shots(recipe, engine.prompt))
    direction = Direction(source, target, tuple(shots))
    file = None if stage.identifier_file is None else recipe.path(stage.identifier_file)
    checker = make_checker(direction, stage.checks, stage.identifier, file)
    settings = dataset.memory or stage.memory
    memory = read_memory(recipe.path(settings.file), settings.source, settings.target) if settings else None
    glossary = () if stage.glossary is None else read_glossary(recipe.path(stage.glossary))
    arguments = None if dataset.arguments is None else recipe.path(dataset.arguments)
    cutting = Cutting(stage.code, stage.prompt.context == "previous", stage.protect_numbers, glossary)
    with open_hands(place, engines, direction) as hands:
        ladder = Ladder(memory, rungs_of(place, hands), checker)
        rules = actions(read_rules(source.code), stage.task_changes)
        planning = Planning(direction, ladder, cutting, rules, dataset.answers, arguments)
        yield Bench(planning, Assembly(ladder, cutting), tuple(hands), memory)


def _translate(records: Sequence[Record], bench: Bench, place: Workplace, verdicts: Verdicts) -> list[Result]:
    works = plan_work(records, bench.planning)
    texts = [text for work in works for text in work.texts if work.failure is None and not work.kept]
    made = bench.assembly.translate(texts, calibrate=True)
    made |= _evened_out(works, made, bench.assembly)

    def read(work: Work, each: Made) -> Made:
        return reviewed(each, work.record.id, verdicts)

    of_works = [[read(work, made[text]) for text in work.texts if text in made] for work in works]
    if bench.planning.answers == "regenerate":
        hand = bench.hands[0]
        answerer = make_answerer(place.recipe, hand.language_model.prompter.form, hand.speaks_pocket)
        of_works = answer_conversations(works, of_works, hand, answerer, bench.assembly.ladder, read)
    code = bench.planning.direction.target.code
    results = [judge(work, own, code) for work, own in zip(works, of_works, strict=True)]
    return _asked_around(results, bench)


def _asked_around(results: Sequence[Result], bench: Bench) -> list[Result]:
    """Ask again for IFEval prompts that lost an argument or a literal, cut around everything that is fixed in them."""
    lost = [place for place, each in enumerate(results) if each.work.plan and each.failure and not each.work.failure]
    works = {place: ask_around(results[place].work) for place in lost if bench.hands}
    made = bench.assembly.translate([text for work in works.values() for text in work.texts], calibrate=False)
    mended = list(results)
    for place, work in works.items():
        again = judge(work, [made[text] for text in work.texts], bench.planning.direction.target.code)
        if again.record is not None:
            mended[place] = replace(again, repaired=True)
    return mended


def _evened_out(works: Sequence[Work], made: Mapping[Text, Made], assembly: Assembly) -> dict[Text, Made]:
    """Let a further engine that had to help with one answer of a pair make both: style must not tell them apart."""
    wanted: dict[str, list[Text]] = {}
    for work in works:
        sides = [text for text in work.texts if text.where in ("chosen", "rejected")]
        rungs = [{each.rung for each in made[text].answers if each.rung.startswith("engine ")} for text in sides]
        if len(sides) == 2 and rungs[0] != rungs[1]:
            wanted.setdefault(max(rungs[0] | rungs[1]), []).extend(sides)
    evened: dict[Text, Made] = {}
    for rung, texts in wanted.items():
        again = assembly.again(dict.fromkeys(texts), rung)
        evened |= {text: each for text, each in again.items() if each.failure is None}
    return evened


def _bench_counts(bench: Bench) -> dict[str, Any]:
    choices = {hand.label: hand.choices for hand in bench.hands if hand.choices}
    billed = {hand.label: count for hand in bench.hands if (count := hand.billed_characters) is not None}
    return {
        "memory_conflicts": bench.memory.conflicts if bench.memory else 0,
        "engines": choices,
        **({"billed_characters": billed} if billed else {}),
    }
