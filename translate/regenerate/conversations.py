"""Mode `answers: regenerate`: the user's turns are translated, and the model itself answers them in the target language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kielo.generation.protocol import Request
from kielo.records import Conversation
from translate.engines import Hand
from translate.prompting.answering import Answerer
from translate.regenerate.talks import Talk, converse
from translate.regenerate.verdicts import AnswerJudge
from translate.repair import Ladder
from translate.texts import Made
from translate.works import Work


def answer_conversations(
    works: Sequence[Work], made: Sequence[Sequence[Made]], hand: Hand, answerer: Answerer, ladder: Ladder,
    read: Callable[[Work, Made], Made],
) -> list[list[Made]]:  # fmt: skip
    """Give every conversation's texts with its new answers; the first answers of all are made in one batch, and so on.

    An answer that fails a check is sampled anew, as often as the recipe's repair says; `read` applies a reviewer's verdict;
    what then fails rejects its record.
    """
    talks = [Talk(work, list(texts)) for work, texts in zip(works, made, strict=True)]
    for talk in talks:
        talk.failed = talk.work.failure is not None or talk.work.kept or any(each.failure for each in talk.made)

    def answers(waiting: Sequence[Talk]) -> list[Made]:
        found = _answers(waiting, hand, answerer, ladder)
        return [read(talk.work, answer) for talk, answer in zip(waiting, found, strict=True)]

    converse(talks, answers)
    return [_in_order(talk) for talk in talks]


def _in_order(talk: Talk) -> list[Made]:
    if not isinstance(talk.work.record, Conversation):
        return talk.made
    places = {f"messages[{place}]": place for place in range(len(talk.messages))}
    return sorted(talk.made, key=lambda made: places[made.text.where])


def _answers(talks: Sequence[Talk], hand: Hand, answerer: Answerer, ladder: Ladder) -> list[Made]:
    """Ask greedily, then for samples of what failed."""
    repair = hand.place.recipe.translate.repair
    judge = AnswerJudge(hand.label, answerer, ladder.checker)
    first = hand.complete([_request(talk, answerer, 0.0, 0) for talk in talks])
    made = [judge.first(talk, [completion], "answers") for talk, completion in zip(talks, first, strict=True)]
    _count(ladder, "answers", made)
    ladder.failed_first |= {each.text.pieces[0]: each.failure for each in made if each.failure}
    failed = [place for place, each in enumerate(made) if each.failure] if "samples" in repair.rungs else []
    requests = [
        _request(talks[place], answerer, repair.temperature, replicate)
        for place in failed
        for replicate in range(repair.samples)
    ]
    completions = iter(hand.complete(requests) if requests else ())
    for place in failed:
        made[place] = judge.first(talks[place], [next(completions) for _ in range(repair.samples)], "answers-samples")
    _count(ladder, "answers-samples", [made[place] for place in failed])
    return made


def _count(ladder: Ladder, rung: str, made: Sequence[Made]) -> None:
    if made:
        ladder.tally.asked[rung] += len(made)
        ladder.tally.passed[rung] += sum(each.failure is None for each in made)


def _request(talk: Talk, answerer: Answerer, temperature: float, replicate: int) -> Request:
    assert talk.asked is not None
    return answerer.request(talk.turns, talk.asked.content, temperature, replicate)
