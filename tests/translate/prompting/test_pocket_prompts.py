"""On the real pocket model: prompts by buckets translate as well as one prompt for all did."""

from __future__ import annotations

from collections.abc import Callable

import sacrebleu

from kielo.languages.pack import Shot
from kielo.pocket.datasets import TARGET, oasst_rows, parallel_rows
from translate.prompting.prompter import Prompter
from translate.prompting.trial import Complete, try_out
from translate.protect import protect

MakePrompter = Callable[..., Prompter]


def conversation_lines(trees: int) -> list[tuple[str, str]]:
    """Pair the lines of pocket conversations in both languages, spans behind sentinels."""
    lines = []
    for asked, said in zip(oasst_rows(trees, 9), oasst_rows(trees, 9, TARGET), strict=True):
        for line, translation in zip(asked["text"].split("\n"), said["text"].split("\n"), strict=True):
            source, target = protect(line.strip("-* #")), protect(translation.strip("-* #"))
            if source.spans == target.spans and any(map(str.isalpha, source.bare)):
                lines.append((source.text, target.text))
    return list(dict.fromkeys(lines))


def test_held_out_sentences_stay_right_to_the_letter(
    pocket_pool: tuple[Shot, ...], prompter_of: MakePrompter, pocket_complete: Complete
) -> None:
    rows = parallel_rows(100, 1)
    [answers] = try_out([(prompter_of(pocket_pool, count=3), [row["source"] for row in rows])], pocket_complete)
    assert sum(answer == row["target"] for answer, row in zip(answers, rows, strict=True)) == 100


def test_every_bucket_translates_conversations(
    pocket_pool: tuple[Shot, ...], prompter_of: MakePrompter, pocket_complete: Complete
) -> None:
    lines = conversation_lines(40)
    prompter = prompter_of(pocket_pool, count=3)
    requests = [prompter.request(source) for source, _ in lines]
    assert len({request.prompt[: request.shared_prefix] for request in requests}) >= 4
    [answers] = try_out([(prompter, [source for source, _ in lines])], pocket_complete)
    assert sacrebleu.corpus_chrf(answers, [[target for _, target in lines]]).score > 98


def test_what_stands_before_is_not_translated_again(
    pocket_pool: tuple[Shot, ...], prompter_of: MakePrompter, pocket_complete: Complete
) -> None:
    rows = parallel_rows(60, 2)
    prompter = prompter_of(pocket_pool, count=3)
    contexts = ["", *(row["source"] for row in rows)]
    requests = [prompter.request(row["source"], context=before) for row, before in zip(rows, contexts, strict=False)]
    answers = [
        prompter.answer(made.text, row["source"]) for made, row in zip(pocket_complete(requests), rows, strict=True)
    ]
    assert sacrebleu.corpus_chrf(answers, [[row["target"] for row in rows]]).score > 98
