"""Times ways to translate real messages with one model, in one run: `python -m benchmarks.translation [--messages N]`.

Three designs, on the same messages, with the same model, shots, prompt format and memory (what the batches of the second
need for their longest lines):
1. line by line: every line of a message is a prompt of its own, one at a time, by transformers' `generate`, the few-shot
   part read anew for each (LumiOpen/translation_scripts, the paper's translator);
2. batch by batch: the same lines in batches of equal size, each batch waiting for its slowest line (the later
   LumiOpen/translation_dispatcher): by `generate`, and by our engine, which caches the few-shot part and lets finished
   rows leave, as vLLM would;
3. this stage: segments, equal ones once, the prefix cached, the longest first, rows replaced as they finish, every
   completion stored and every translation checked.
All ways say the known Finnish translation (see benchmarks/replay.py). Accepted messages are those that the stage accepts
without repair; the other ways are credited with the same ones, whatever structure they lose. The repair ladder is not
timed: a replayed reference is the same on every rung.

A second table says how many messages per second one core splits, protects, restores, checks and renders.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.replay import Replaying, make_model
from kielo.generation.protocol import Completion, Request
from kielo.generation.store import CompletionStore, complete
from kielo.languages.pack import Shot, language, read_shots, shots_of
from translate.checks import Checker, Direction, Item, make_checker
from translate.prompting import Prompter
from translate.protect import protect, restore
from translate.repair import Ladder, Rung
from translate.segments import render, split
from translate.texts import Cutting, Text, plain, translate_texts
from translate.translators.language_model import LanguageModel, Way

_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_FILE = "oasst/oasst1_validation_en_fi.jsonl.gz"
_SHOTS, _RATIO = 5, 3.0
_ROWS = 32  # of the batches that wait for their slowest
_CACHED = "batch by batch, prefix cached, finished rows leave"
_AIMS = (
    ("line by line", "tokens", 3.0),
    ("line by line", "seconds", 5.0),
    ("batch by batch", "seconds", 1.5),
    (_CACHED, "seconds", None),
)

Pair = tuple[str, str]


@dataclass(frozen=True)
class Cost:
    """What one way took: tokens the model was fed, without those from a cache; decode steps and their rows; wall time."""

    prefilled: int
    decoded: int
    steps: int
    rows: int
    prompts: int
    seconds: float

    @property
    def tokens(self) -> int:
        """All model work."""
        return self.prefilled + self.decoded


def main() -> int:
    """Run the benchmark; the exit status says whether the aims were met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=240)
    parser.add_argument("--hidden-size", type=int, default=128, help="of the random model; 128: the pocket model's")
    parser.add_argument("--layers", type=int, default=4, help="of the random model")
    parser.add_argument("--output", type=Path, help="write the tables there, as Markdown")
    options = parser.parse_args()
    pairs = [pair for pair in real_pairs(_DATA / _FILE) if is_aligned(pair)]
    chosen = spread(pairs, options.messages)
    with tempfile.TemporaryDirectory() as folder:
        texts = (text for pair in pairs for text in pair)
        model = make_model(Path(folder) / "model", texts, options.hidden_size, options.layers)
        costs, accepted = compare(str(model), chosen, Path(folder))
    table, met = write_costs(costs, len(chosen), accepted, f"{options.layers} layers of {options.hidden_size}")
    rates, fast = write_rates({name: rate(pairs, checker) for name, checker in checkers().items()})
    print(table + "\n" + rates)
    if options.output:
        options.output.write_text(table + "\n" + rates, "utf-8")
    return 0 if met and fast else 1


def real_pairs(file: Path) -> list[Pair]:
    """Read the messages, English and Finnish, each once."""
    rows = map(json.loads, gzip.open(file, "rt", encoding="utf-8"))
    return list(dict.fromkeys((row["text_en"], row["text_fi"]) for row in rows))


def is_aligned(pair: Pair) -> bool:
    """Say whether both sides have the same lines and segments, so that each part's translation is known."""
    blank = [[not line.strip() for line in text.split("\n")] for text in pair]
    source, target = map(split, pair)
    return blank[0] == blank[1] and source.kinds == target.kinds and len(source.segments) > 0


def spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Take so many messages, evenly from the short to the long, in the order of the file."""
    by_length = sorted(range(len(pairs)), key=lambda place: len(pairs[place][0]))
    count = min(count, len(pairs))
    taken = {by_length[(2 * number + 1) * len(pairs) // (2 * count)] for number in range(count)}
    return [pair for place, pair in enumerate(pairs) if place in taken]


def compare(model: str, pairs: Sequence[Pair], folder: Path) -> tuple[dict[str, Cost], int]:
    """Let every way translate the messages; return what each took, and how many messages the stage accepts."""
    source, target = language("en"), language("fi")
    prompter = Prompter("names", tuple(read_shots(shots_of("fi"))), _SHOTS, source, target, _RATIO)
    lines = [line for pair in pairs for line in lines_of(pair)]
    requests = [prompter.request(english.strip()) for english, _ in lines]
    plainly = [replace(request, shared_prefix=0) for request in requests]
    known = {**references(lines), **references(masked(prompter, pairs))}
    engine = Replaying(model, lambda request: known[asked(request)])
    room = max(engine.room(requests[start : start + _ROWS]) for start in range(0, len(requests), _ROWS))
    accepted: list[Text] = []
    checker = make_checker(Direction(source, target, prompter.shots))
    costs = {
        "line by line": timed(engine, True, 1, lambda: batches(engine, plainly, 1)),
        "batch by batch": timed(engine, True, room, lambda: batches(engine, plainly, _ROWS)),
        _CACHED: timed(engine, False, room, lambda: batches(engine, requests, _ROWS)),
        "this stage": timed(engine, False, room, lambda: stage(engine, prompter, pairs, folder, checker, accepted)),
    }
    return costs, len(accepted)


def lines_of(pair: Pair) -> Iterator[Pair]:
    """List the lines that a line-by-line translator sends, with their translations: all but blanks and fenced code."""
    fenced = False
    for english, finnish in zip(*(text.split("\n") for text in pair), strict=True):
        if "```" in english:
            fenced = not fenced
        elif english.strip() and not fenced:
            yield english, finnish


def masked(prompter: Prompter, pairs: Sequence[Pair]) -> Iterator[Pair]:
    """List the segments as they stand in prompts, with their translations; where these hold other spans, one is lost."""
    for english, finnish in pairs:
        for source, target in zip(split(english).segments, split(finnish).segments, strict=True):
            asked_for = protect(source, (), prompter.style).text
            shot = prompter.masked(Shot(source=source, target=target, kind="sentence"))
            yield asked_for, shot.target if shot.source == asked_for else target


def references(pairs: Iterator[Pair] | Sequence[Pair]) -> dict[str, str]:
    """Map every text asked for to its completion: its first translation, and the line end that stops it."""
    return {english.strip(): f" {finnish.strip()}\n" for english, finnish in reversed(list(pairs))}


def asked(request: Request) -> str:
    """Read the text to translate out of a prompt."""
    assert isinstance(request.prompt, str)
    return request.prompt.rpartition("\nFinnish:")[0].rpartition("\nEnglish: ")[2]


def timed(engine: Replaying, plain: bool, batch_tokens: int, run: Callable[[], int]) -> Cost:
    """Run one way, counting what the model is fed."""
    work, start = engine.begin(plain, batch_tokens), time.perf_counter()
    prompts = run()
    seconds = time.perf_counter() - start
    return Cost(work.prefilled, work.decoded, work.steps, work.rows, prompts, seconds)


def batches(engine: Replaying, requests: Sequence[Request], size: int) -> int:
    """Complete requests in batches of equal size, in their order; the next begins when all of one are done."""
    for start in range(0, len(requests), size):
        for _ in engine.generate(requests[start : start + size]):
            pass
    return len(requests)


def stage(
    engine: Replaying, prompter: Prompter, pairs: Sequence[Pair], folder: Path, checker: Checker, accepted: list[Text]
) -> int:
    """Translate the messages as the stage does, up to their checks; collect the accepted ones."""
    prompts = 0
    with CompletionStore(folder / "completions") as store:

        def complete_all(requests: Sequence[Request]) -> Sequence[Completion]:
            nonlocal prompts
            prompts += len({request.prompt for request in requests})
            return complete(engine, requests, store, "this stage")

        model = LanguageModel("hf", complete_all, prompter)
        first = Rung("first", lambda segments, judge: model.candidates(segments, Way()))
        texts = [plain(str(number), english) for number, (english, _) in enumerate(pairs)]
        made = translate_texts(texts, Ladder(None, (first,), checker), Cutting(), calibrate=True)
    accepted += [text for text in texts if made[text].failure is None]
    return prompts


def checkers() -> dict[str, Checker]:
    """Make the checks with and without language identification."""
    checker = make_checker(Direction(language("en"), language("fi")))
    return {"without identification": replace(checker, identifier=None), "with identification": checker}


def rate(pairs: Sequence[Pair], checker: Checker) -> float:
    """Measure messages per second through split, protect, restore, check and render, without a model."""
    known = [(english, split(finnish).segments) for english, finnish in pairs]
    for english, translations in known[:20]:
        through(english, translations, checker)
    start = time.perf_counter()
    for english, translations in known:
        through(english, translations, checker)
    return len(known) / (time.perf_counter() - start)


def through(text: str, translations: Sequence[str], checker: Checker) -> None:
    """Take one message through everything that is done on the processor."""
    document = split(text)
    for segment, translation in zip(document.segments, translations, strict=True):
        protected = protect(segment)
        restore(protected.text, protected)
        checker.findings(Item(segment, translation), "segment")
    checker.findings(Item(text, render(document, translations)), "text")


def write_costs(costs: Mapping[str, Cost], messages: int, accepted: int, model: str) -> tuple[str, bool]:
    """Write what every way took per accepted message, and the ratios against their aims."""
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    lines = [
        f"{messages} messages, {accepted} accepted without repair; a random Llama of {model}, float32; {os.cpu_count()} CPU "
        f"cores, OMP_NUM_THREADS {threads}.",
        "",
        "Per accepted message:",
        "",
        "| way | prompts | tokens fed | of these prefill | decode | decode steps | rows of a step | seconds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {cost.prompts / accepted:.1f} | {cost.tokens / accepted:,.0f} | {cost.prefilled / accepted:,.0f} | "
        f"{cost.decoded / accepted:,.0f} | {cost.steps / accepted:.1f} | {cost.rows / cost.steps:.1f} | {cost.seconds / accepted:.3f} |"
        for name, cost in costs.items()
    ]
    ours = costs["this stage"]
    ratios = [
        (f"{what}: {name} / this stage", getattr(costs[name], what) / getattr(ours, what), aim)
        for name, what, aim in _AIMS
    ]
    return "\n".join(lines) + "\n\n" + _against(ratios, ".2f"), _all_met(ratios)


def write_rates(rates: Mapping[str, float]) -> tuple[str, bool]:
    """Write the rates of the processor's part against their aims."""
    aims = dict(zip(rates, (2000.0, 1000.0), strict=True))
    rows = [(f"messages per second, {name}", rate, aims[name]) for name, rate in rates.items()]
    return _against(rows, ",.0f"), _all_met(rows)


Against = Sequence[tuple[str, float, float | None]]


def _against(rows: Against, form: str) -> str:
    lines = ["| | measured | aim | met |", "|---|---:|---:|---|"]
    for name, value, aim in rows:
        wanted, met = ("", "") if aim is None else (f"{aim:,g}", "yes" if value >= aim else "no")
        lines.append(f"| {name} | {value:{form}} | {wanted} | {met} |")
    return "\n".join(lines) + "\n"


def _all_met(rows: Against) -> bool:
    return all(aim is None or value >= aim for _, value, aim in rows)


if __name__ == "__main__":
    sys.exit(main())
