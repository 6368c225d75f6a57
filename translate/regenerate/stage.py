"""Step `regenerate`: a model of one's choice answers the prompts of another data set, turn by turn; what fails the checks is rejected.

Of several samples of an answer the best by the checks stays: what passes, of this what has the fewest notes, of this what has
the highest mean log-probability, else the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kielo.errors import KieloError, SourceError, at
from kielo.languages.pack import language
from kielo.plan import Outcome, Workplace
from kielo.plan.selection import answer_languages, answering_model
from kielo.plan.steps import rows_file, rows_step
from kielo.records import Conversation, from_json, read_jsonl
from kielo.schema import Dataset
from translate.checks import Direction, make_checker
from translate.engines import Hand, open_hands
from translate.prompting.answering import make_answerer
from translate.prompting.prompter import Format
from translate.regenerate.anew import OUTPUTS, Anew, Answered, counts_of, write_results
from translate.regenerate.talks import Talk, converse
from translate.regenerate.verdicts import AnswerJudge
from translate.shards import Shard, begin_shard, merge_shards, write_shard
from translate.texts import Made, plain
from translate.works import Work

RUNG = "anew"


@dataclass(frozen=True)
class Bench:
    """Everything that the prompts of one data set are answered with."""

    dataset: Dataset
    hand: Hand
    judges: Mapping[str, AnswerJudge]
    """By language."""


def run(place: Workplace) -> Outcome:
    """Answer all prompts; the files are in the order of the languages, then of the prompts.

    Completions are kept under `completions/`, so that an interrupted step goes on where it was.

    Raises:
        SourceError: there are no prompts in a language.
        KieloError: no answer was accepted; the sentence counts the reasons.
    """
    prompts = _prompts(place)
    merged = merge_shards(place.folder, [_own_name(prompt) for prompt in prompts])
    with _open(place) as bench:
        results = _answer(prompts, bench)
        gates = {code: judge.checker.identifier_name for code, judge in bench.judges.items()}
        counts = {
            **counts_of(results),
            "generator": answering_model(place.recipe, _dataset(place)),
            "language_gate": gates,
            **merged,
        }
    write_results(place.folder, results)
    if not counts["accepted"]:
        reasons = ", ".join(f"{reason}: {number}" for reason, number in counts["rejected"].items())
        raise KieloError(
            f"{place.folder / 'rejected.jsonl'}: none of {len(results)} prompts of {_name(place)} got an answer that passes ({reasons}); see there, then take a model that answers in the language, or more `samples`."
        )
    return Outcome(OUTPUTS, counts)


def run_shard(place: Workplace, shard: Shard) -> None:
    """Make the completions of one shard's prompts; `run` finds them and puts the data set together."""
    prompts = shard.of(_prompts(place))
    begin_shard(place.folder, shard)
    with _open(place) as bench:
        _answer(prompts, bench)
    write_shard(place.folder, shard, [_own_name(prompt) for prompt in prompts])


def _name(place: Workplace) -> str:
    return place.step.name.partition("/")[2]


def _dataset(place: Workplace) -> Dataset:
    return place.recipe.translate.datasets[_name(place)]


def _own_name(prompt: Conversation) -> str:
    """Tell a prompt from the same one in another language."""
    return f"{prompt.id} {prompt.language}"


def _prompts(place: Workplace) -> list[Conversation]:
    """Read the prompts language by language, each with an id of this data set and the number of its row."""
    found: list[Conversation] = []
    asked = _dataset(place).prompts_of
    assert asked is not None
    for code in answer_languages(place.recipe, _dataset(place)):
        step = rows_step(place.recipe, asked, code)
        file, before = place.inputs[step] / rows_file(step), len(found)
        for number, row in read_jsonl(file):
            record = from_json("conversations", row, at(file, number))
            if isinstance(record, Conversation) and record.language == code:
                found.append(replace(record, id=f"{_name(place)}/{record.id.rpartition('/')[2]}"))
        if len(found) == before:
            raise SourceError(
                f"{file}: no '{code}' rows, whose prompts {_name(place)} would answer; see why beside it."
            )
    return found


@contextmanager
def _open(place: Workplace) -> Iterator[Bench]:
    """Prepare who answers, and by language what an answer must pass."""
    recipe, dataset = place.recipe, _dataset(place)
    codes = answer_languages(recipe, dataset)
    directions = {code: _direction(recipe.language, recipe.source_language, code) for code in codes}
    stage = recipe.translate
    file = None if stage.identifier_file is None else recipe.path(stage.identifier_file)
    with open_hands(place, dataset.engine or (), directions[codes[0]]) as (hand,):
        form: Format = "chat" if hand.chats else "tags"
        judges = {}
        for code, direction in directions.items():
            answerer = make_answerer(recipe, form, hand.speaks_pocket, code, dataset.max_tokens)
            checker = make_checker(direction, stage.checks, stage.identifier, file)
            judges[code] = AnswerJudge(hand.label, answerer, checker)
        yield Bench(dataset, hand, judges)


def _direction(target: str, source: str, code: str) -> Direction:
    """Take the recipe's other language for the one that an answer may fall back into."""
    return Direction(language(target if code == source else source), language(code))


def _answer(prompts: Sequence[Conversation], bench: Bench) -> list[Anew]:
    results = [Anew(prompt) for prompt in prompts]
    talks = [Talk(Work(prompt), _asked(prompt)) for prompt in prompts]
    own = dict(zip(map(id, talks), results, strict=True))

    def answers(waiting: Sequence[Talk]) -> list[Made]:
        made = _sampled(waiting, bench)
        for talk, answer in zip(waiting, made, strict=True):
            own[id(talk)].answers.append(answer)
        return [answer.made for answer in made]

    converse(talks, answers)
    for talk, result in zip(talks, results, strict=True):
        result.turns = tuple(turn.content for turn in talk.turns)
    return results


def _asked(prompt: Conversation) -> list[Made]:
    """List what stays of a conversation: all turns but the answers."""
    places = ((f"messages[{place}]", turn) for place, turn in enumerate(prompt.messages))
    return [Made(plain(where, turn.content), turn.content) for where, turn in places if turn.role != "assistant"]


def _sampled(talks: Sequence[Talk], bench: Bench) -> list[Answered]:
    """Ask for all samples of all answers at once, and choose."""
    count, temperature = bench.dataset.samples, bench.dataset.temperature
    judges = [bench.judges[talk.work.record.language] for talk in talks]
    requests = [
        judge.answerer.request(talk.turns, temperature=temperature, replicate=replicate)
        for talk, judge in zip(talks, judges, strict=True)
        for replicate in range(count)
    ]
    completions = bench.hand.complete(requests)
    found = []
    for place, (talk, judge) in enumerate(zip(talks, judges, strict=True)):
        offers = completions[place * count : (place + 1) * count]
        samples = tuple(judge.outcomes(talk, offers, RUNG))
        finish_reasons = tuple(offer.finish_reason for offer in offers)
        found.append(Answered(judge.best_of(talk, samples), samples, finish_reasons))
    return found
