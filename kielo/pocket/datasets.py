"""Data sets of the pocket world in the published row formats: OASST2, HelpSteer2, IFEval, MT-Bench, and parallel sentences for shots and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from kielo.errors import SourceError
from kielo.pocket import demands
from kielo.pocket.demands import Demand
from kielo.pocket.grammar import Text, Word, each, held_out, join, literal, say, sentence, spoken, world
from kielo.pocket.questions import question_rows

Row = dict[str, Any]
SOURCE, TARGET = list(world().languages)[:2]
IFEVAL_MODULUS = 4


@dataclass(frozen=True, eq=False)
class Exchange:
    """A prompt with a good and a worse answer, in every language."""

    topic: Word
    prompt: Text
    good: Text
    bad: Text
    demands: tuple[Demand, ...]


def for_ifeval(topic: Word, ids: Sequence[str]) -> bool:
    """Tell whether prompts with these instructions about this topic belong to the benchmark: one combination in four."""
    name = " ".join([spoken(topic)[SOURCE], *sorted(ids)])
    return bool(ids) and hashlib.sha256(name.encode()).digest()[0] % IFEVAL_MODULUS == 0


def paragraph(rng: Random, topic: Word, count: int, mark: str = "{}", **given: Word) -> list[Text]:
    """Draw sentences about a topic: the first has every given word, later ones may say `it`."""
    texts = [sentence(rng, topic, given=given, mark=mark)]
    while len(texts) < count:
        section = "follow" if mark == "{}" and rng.random() < 0.5 else "about"
        text = sentence(rng, topic, section, mark=mark)
        if text not in texts:
            texts.append(text)
    return texts


def obeying(rng: Random, topic: Word, wanted: Sequence[Demand]) -> Text:
    """Write an answer about a topic that obeys every demand in every language."""
    count = max(demand.sentences for demand in wanted)
    mark = next((demand.mark for demand in wanted if demand.mark != "{}"), "{}")
    given = {slot: word for demand in wanted for slot, word in demand.given.items()}
    while True:
        texts = paragraph(rng, topic, count, mark, **given) + [text for demand in wanted for text in demand.extra]
        if all(demand.accept(language, text) for language, text in join(texts).items() for demand in wanted):
            break
    body = next((demand.body for demand in wanted if demand.body is not join), join)(texts)
    for demand in wanted:
        body = demand.finish(body)
    return body


def _plain(rng: Random, topic: Word) -> Text:
    texts = paragraph(rng, topic, rng.randint(2, 3), rng.choice(["{}", "{}", "{}", "**{}**"]))
    layout = rng.random()
    if layout < 0.15:
        return join([each("## {}".format, say(rng, "headings", "topic", {"topic": topic})), join(texts)], "\n\n")
    return join(texts, "\n\n" if layout < 0.3 else " ")


def _list(rng: Random, topic: Word, **given: Word) -> Text:
    texts = paragraph(rng, topic, int(given["n"].forms[SOURCE][""]), "{}")
    return join([say(rng, "openings", "list", {"topic": topic, **given}), demands.bullets(texts)], "\n\n")


def _letter(rng: Random, topic: Word, **given: Word) -> Text:
    greeting, sign = say(rng, "openings", "letter", given), say(rng, "openings", "sign")
    name = literal("[name]").forms
    signature = {language: f"{text}\n{name[language]['']}" for language, text in sign.items()}
    return join([greeting, join(paragraph(rng, topic, 2)), signature], "\n\n")


def _howto(rng: Random, topic: Word, **given: Word) -> Text:
    chores = world().words["chore"]
    code = world().words["code"][chores.index(given["chore"])]
    block = each(lambda text: "```\n" + text.strip("`") + "\n```", spoken(code))
    parts = [say(rng, "sentences", "command", only=world().patterns["sentences"]["command"][0], given={"code": code})]
    parts += [block] if rng.random() < 0.5 else []
    parts += [say(rng, "sentences", "page")] if rng.random() < 0.7 else []
    return join(parts, "\n\n")


_ANSWERS: dict[str, Callable[..., Text]] = {"list": _list, "letter": _letter, "howto": _howto}
_KINDS = ("plain",) * 5 + ("list", "letter", "howto", "verdict")


def exchange(rng: Random, ifeval: bool = False, demanding: float = 0.5) -> Exchange:
    """Draw a prompt with two answers; `demanding` is the share of prompts with IFEval instructions."""
    while True:
        topic = rng.choice(world().words["topic"])
        ids = demands.choose(rng) if rng.random() < demanding else ()
        if for_ifeval(topic, ids) == ifeval:
            return _with_demands(rng, topic, ids) if ids else _free(rng, topic)


def _with_demands(rng: Random, topic: Word, ids: Sequence[str]) -> Exchange:
    wanted = demands.make(rng, topic, ids)
    task = say(rng, "tasks", wanted[0].task, {"topic": topic})
    prompt = join([task, *(demand.clause for demand in wanted)])
    shaped = any(demand.body is not join or demand.mark != "{}" or demand.extra for demand in wanted)
    other = topic if shaped and rng.random() < 0.6 else _other(rng, topic)
    return Exchange(topic, prompt, obeying(rng, topic, wanted), join(paragraph(rng, other, rng.randint(1, 2))), wanted)


def _free(rng: Random, topic: Word) -> Exchange:
    kind = rng.choice(_KINDS)
    given = {"n": literal(str(rng.randint(2, 4))), "topic": topic} | {
        slot: rng.choice([word for word in world().words[slot] if word is not topic]) for slot in ("person", "chore")
    }
    prompt = say(rng, "tasks", kind, given)
    used = {slot: word for slot, word in given.items() if slot != "topic"}
    good = _ANSWERS[kind](rng, topic, **used) if kind in _ANSWERS else _plain(rng, topic)
    return Exchange(topic, prompt, good, join(paragraph(rng, _other(rng, topic), rng.randint(1, 2))), ())


def _other(rng: Random, topic: Word) -> Word:
    return rng.choice([word for word in world().words["topic"] if word is not topic])


def oasst_rows(trees: int, seed: int, language: str = SOURCE) -> list[Row]:
    """Make OASST2 message rows: a prompt, two ranked answers, in a third of the trees a second turn."""
    rng = Random(f"oasst2/{seed}")
    rows: list[Row] = []
    for tree in range(trees):
        prefix = f"pocket-{seed}-{tree:05d}"
        first = exchange(rng)
        rows += _turn(rng, prefix, None, 0, first, language)
        if rng.random() < 1 / 3:
            topic = rng.choice([first.topic, _other(rng, first.topic)])
            follow = Exchange(topic, say(rng, "tasks", "more", {"topic": topic}), _plain(rng, topic), first.bad, ())
            rows += _turn(rng, prefix, f"{prefix}-1", 3, follow, language)
    return rows


def _turn(rng: Random, tree: str, parent: str | None, start: int, turn: Exchange, language: str) -> Iterator[Row]:
    texts = [("prompter", None, turn.prompt), ("assistant", 0, turn.good), ("assistant", 1, turn.bad)]
    for offset, (role, rank, text) in enumerate(texts):
        quality = round((0.3 if rank == 1 else 0.7) + rng.random() * 0.3, 2)
        yield {
            "message_id": f"{tree}-{start + offset}", "parent_id": f"{tree}-{start}" if offset else parent,
            "message_tree_id": f"{tree}-0", "tree_state": "ready_for_export", "role": role, "text": text[language],
            "lang": language, "rank": rank, "review_count": 3, "review_result": True, "deleted": False,
            "synthetic": True, "labels": {"spam": 0.0, "lang_mismatch": 0.0, "quality": quality},
        }  # fmt: skip


def helpsteer_rows(prompts: int, seed: int, language: str = SOURCE) -> list[Row]:
    """Make HelpSteer2 rows: two answers per prompt in consecutive rows, in either order; a tenth are ties."""
    rng = Random(f"helpsteer2/{seed}")
    rows: list[Row] = []
    for _ in range(prompts):
        pair = exchange(rng)
        tie = rng.random() < 0.1
        scores = [rng.choice([3, 4]), rng.choice([0, 1, 2])]
        scored = list(zip([pair.good, pair.bad], [scores[0], scores[0]] if tie else scores, strict=True))
        rng.shuffle(scored)
        rows += [
            {"prompt": pair.prompt[language], "response": text[language], "helpfulness": score, "correctness": score,
             "coherence": 4, "complexity": 1, "verbosity": min(4, len(text[language].split()) // 10)}
            for text, score in scored
        ]  # fmt: skip
    return rows


def ifeval_rows(count: int, seed: int, language: str = SOURCE) -> list[Row]:
    """Make IFEval rows: prompts with verifiable instructions on topics never combined with them in training data."""
    rng = Random(f"ifeval/{seed}")
    rows: dict[str, Row] = {}
    while len(rows) < count:
        item = exchange(rng, ifeval=True, demanding=1.0)
        kwargs = [{name: demands.resolve(value, language) for name, value in d.kwargs.items()} for d in item.demands]
        row = {"key": 1000 + len(rows), "prompt": item.prompt[language],
               "instruction_id_list": [demand.id for demand in item.demands], "kwargs": kwargs}  # fmt: skip
        rows.setdefault(item.prompt[SOURCE], row)
    return list(rows.values())


def parallel_rows(count: int, seed: int) -> list[Row]:
    """Make sentence pairs that no pretraining document contains."""
    rng = Random(f"parallel/{seed}")
    found: dict[str, Text] = {}
    while len(found) < count:
        text = sentence(rng, rng.choice(world().words["topic"]))
        if held_out(text):
            found.setdefault(text[SOURCE], text)
    return [{"id": f"pocket/{n:05d}", "source": t[SOURCE], "target": t[TARGET]} for n, t in enumerate(found.values())]


def shots_rows(count: int, seed: int) -> list[Row]:
    """Make few-shot pairs: sentences, instructions, questions, list items and paragraphs in turn."""
    rng = Random(f"shots/{seed}")
    makers: dict[str, Callable[[Word], Text]] = {
        "sentence": lambda topic: sentence(rng, topic),
        "instruction": lambda topic: join([say(rng, "tasks", "plain", {"topic": topic}), demands.make(rng, topic, demands.choose(rng))[0].clause]),
        "question": lambda topic: say(rng, "questions"),
        "list_item": lambda topic: say(rng, "items", given={"topic": topic}),
        "paragraph": lambda topic: join(paragraph(rng, topic, rng.randint(2, 3))),
    }  # fmt: skip
    kinds = [list(makers)[n % len(makers)] for n in range(count)]
    texts = [makers[kind](rng.choice(world().words["topic"])) for kind in kinds]
    return [
        {"source": text[SOURCE], "target": text[TARGET], "kind": kind} for kind, text in zip(kinds, texts, strict=True)
    ]


_OF_BOTH: dict[str, Callable[[int, int], list[Row]]] = {"parallel": parallel_rows, "shots": shots_rows}
_OF_ONE: dict[str, Callable[[int, int, str], list[Row]]] = {
    "oasst2": oasst_rows, "helpsteer2": helpsteer_rows, "ifeval": ifeval_rows, "questions": question_rows,
}  # fmt: skip


def rows(dataset: str, count: int, seed: int, language: str = SOURCE) -> list[Row]:
    """Make the rows of a data set by name; `count` is trees, prompts, pairs or questions, in one language where they have one.

    Raises:
        SourceError: there is no pocket data set of that name, or the pocket world does not speak that language.
    """
    if language not in world().languages:
        raise SourceError(f"the pocket world speaks {' and '.join(world().languages)}, not {language}.")
    if dataset in _OF_BOTH:
        return _OF_BOTH[dataset](count, seed)
    if dataset not in _OF_ONE:
        raise SourceError(f"no pocket data set is called {dataset!r}; use one of {', '.join([*_OF_BOTH, *_OF_ONE])}.")
    return _OF_ONE[dataset](count, seed, language)
