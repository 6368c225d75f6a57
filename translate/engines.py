"""Who translates a data set: the engines of the recipe, opened when first needed, as the rungs of the repair ladder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kielo.errors import GenerationError
from kielo.generation.protocol import Completion, Generator, Request
from kielo.generation.store import CompletionStore, complete
from kielo.models import POCKET, has_chat_template, model_file, model_identity
from kielo.plan import Workplace
from kielo.schema import Engine
from translate.answers import Answer, Failure, Segment, Translated, Translator
from translate.checks import Direction
from translate.masks import filled
from translate.prompting import choose_prompt, choose_sentinels, load_shots, sentences_of
from translate.prompting.choose import BASE_FORMATS
from translate.protect import STYLES
from translate.repair import Candidates, Judge, Rung, untouched
from translate.translators.language_model import LanguageModel, Way, blanks_as_in

if TYPE_CHECKING:
    from translate.translators.deepl import DeepLTranslator

COMPLETIONS = "completions"


class Model(Protocol):
    """What a rung needs of an engine."""

    def candidates(self, segments: Sequence[Segment], way: Way) -> Candidates:
        """Give translations of each segment, asked for in one way."""


@dataclass
class Hand:
    """One engine of a recipe, opened at the first request, with what was chosen for its prompts."""

    engine: Engine
    place: Workplace
    direction: Direction
    label: str
    store: CompletionStore
    stack: ExitStack
    choices: dict[str, Any] = field(default_factory=dict)
    """How it is prompted, for the record."""

    @property
    def prompted(self) -> bool:
        """Whether shots and sampling mean something to it."""
        return self.engine.kind != "deepl"

    def refuse_missing_key(self) -> None:
        """Find a service without its key before hours of other engines' work, not after."""
        if not self.prompted:
            _ = self._opened

    @property
    def billed_characters(self) -> int | None:
        """Count what a paid service has billed for this data set; None for a model of one's own."""
        return None if self.prompted else self._service.billed_characters

    @property
    def speaks_pocket(self) -> bool:
        """Whether it is the model of the pocket world."""
        return self._generator.path == str(POCKET)

    @property
    def model(self) -> str:
        """Identity of the model that is asked."""
        return self._generator.model

    @property
    def chats(self) -> bool:
        """Whether its model is asked in messages: it has a chat template, or nothing is known of its tokenizer here."""
        path, revision = self._generator.path, self._generator.revision
        known = Path(path).is_dir() or model_file(path, "tokenizer_config.json", revision) is not None
        return not known or has_chat_template(path, revision)

    def candidates(self, segments: Sequence[Segment], way: Way) -> Candidates:
        """Give translations of each segment, asked for in one way.

        Raises:
            GenerationError: some got no answer, which the next run may get: they must not be called untranslatable.
        """
        offers = self._opened.candidates(segments, way) if segments else []
        failed = [each for each in chain.from_iterable(offers) if isinstance(each, Failure)]
        self._refuse_unanswered([each.detail for each in failed if each.reason == "engine-error"], len(segments))
        return offers

    def complete(self, requests: Sequence[Request]) -> Sequence[Completion]:
        """Complete requests; what the store holds needs no model.

        Raises:
            GenerationError: some got no answer; the others are stored.
        """
        completions = complete(self._generator, requests, self.store, self.place.step.name)
        errors = [each.error or "no reason given" for each in completions if each.finish_reason == "error"]
        self._refuse_unanswered(errors, len(requests))
        return completions

    def _refuse_unanswered(self, errors: Sequence[str], of_all: int) -> None:
        if errors:
            raise GenerationError(
                f"{self.place.folder}: {len(errors)} of {of_all} requests got no answer (the first: {errors[0]}); run the same command again: it asks only for these."
            )

    @cached_property
    def _generator(self) -> _Lazy:
        generator = _Lazy(self.engine, self.place)
        self.stack.callback(generator.close)
        return generator

    @cached_property
    def _opened(self) -> Model:
        return self.language_model if self.prompted else _OneWay(self._service)

    @cached_property
    def _service(self) -> DeepLTranslator:
        from translate.translators.deepl import open_deepl

        context = self.place.recipe.translate.prompt.context != "none"
        direction = self.direction
        return open_deepl(self.engine, direction.source, direction.target, self.store, self.label, context)

    @cached_property
    def language_model(self) -> LanguageModel:
        """The model with its prompt and sentinels chosen."""
        recipe = self.place.recipe
        prompt = self.engine.prompt or recipe.translate.prompt
        shots = load_shots(recipe, prompt)
        formats = (*BASE_FORMATS, "chat") if has_chat_template(self._generator.path) else BASE_FORMATS
        prompter, self.choices["prompt"] = choose_prompt(
            prompt, shots, self.direction, recipe.translate.max_tokens_ratio, self.complete, formats
        )
        name: str | None = recipe.translate.sentinels
        if name == "auto":
            name, self.choices["sentinels"] = choose_sentinels(self.complete, prompter)
        if name is None:
            return LanguageModel(self.label, self.complete, prompter, copies_sentinels=False)
        return LanguageModel(self.label, self.complete, replace(prompter, style=STYLES[name]))


class _OneWay:
    """A translator that gives one translation however it is asked."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator

    def candidates(self, segments: Sequence[Segment], way: Way) -> Candidates:
        return [[answer] for answer in self.translator.translate(segments)]


class _Lazy:
    """A generator that is opened at the first request that the store cannot answer."""

    def __init__(self, engine: Engine, place: Workplace) -> None:
        recipe = place.recipe
        self.path = recipe.named_model(engine.model) if engine.model else recipe.model_path
        self.revision = None if engine.model else recipe.revision
        identity = model_identity(self.path, self.revision)
        self.model = f"{identity} served as {engine.served_model}" if engine.served_model else identity
        self.engine, self.logs, self.stack = engine, place.folder / "logs", ExitStack()
        self.opened: Generator | None = None

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        if self.opened is None:
            from kielo.generation.engines import open_generator

            self.opened = self.stack.enter_context(open_generator(self.engine, self.path, self.revision, self.logs))
        yield from self.opened.generate(requests)

    def close(self) -> None:
        self.stack.close()


@contextmanager
def open_hands(place: Workplace, engines: Sequence[Engine], direction: Direction) -> Iterator[list[Hand]]:
    """Prepare the engines of a step; models and servers are started at their first request and ended at the end."""
    beside = sorted(folder for folder in place.folder.parent.glob(f"*/{COMPLETIONS}") if folder.parent != place.folder)
    with ExitStack() as stack:
        store = stack.enter_context(CompletionStore(place.folder / COMPLETIONS, also=beside))
        hands: list[Hand] = []
        for engine in engines:
            same = sum(hand.engine.kind == engine.kind for hand in hands)
            label = engine.kind if not same else f"{engine.kind}-{same + 1}"
            hands.append(Hand(engine, place, direction, label, store, stack))
            hands[-1].refuse_missing_key()
        yield hands


def rungs_of(place: Workplace, hands: Sequence[Hand]) -> tuple[Rung, ...]:
    """Build the ladder that a recipe asks for; what an engine cannot do is no rung of it."""
    if not hands:
        return ()
    repair = place.recipe.translate.repair
    first, *others = hands
    ways = {"shots": Way(alternative=1), "samples": Way(samples=repair.samples, temperature=repair.temperature)}
    if not first.prompted:
        ways.clear()
    rungs = [_asking("first", first, Way())]
    for name in repair.rungs:
        if name in ways:
            rungs.append(_asking(name, first, ways[name]))
        elif name == "split":
            rungs.append(_splitting(first, (Way(), *ways.values())))
        elif name == "engine":
            rungs += [_asking(f"engine {hand.label}", hand, Way()) for hand in others]
        elif name == "source":
            rungs.append(Rung("source", _keep))
    return tuple(rungs)


def _asking(name: str, hand: Hand, way: Way) -> Rung:
    return Rung(name, lambda segments, judge: hand.candidates(segments, way))


def _keep(segments: Sequence[Segment], judge: Judge) -> Candidates:
    return [[Translated(filled(segment), "source", "source")] for segment in segments]


def _splitting(hand: Hand, ways: Sequence[Way]) -> Rung:
    """Translate sentence by sentence and around spans; each sentence takes the first way whose candidate passes."""
    around = [Way(way.alternative, way.samples, way.temperature, around=True) for way in ways]

    def ask(segments: Sequence[Segment], judge: Judge) -> Candidates:
        cuts = [_sentences(segment, hand.direction) for segment in segments]
        best = {part: kept for cut in cuts for part in cut if (kept := untouched(part)) is not None}
        for way in around:
            rest = [part for part in dict.fromkeys(part for cut in cuts for part in cut) if part not in best]
            for part, offers in zip(rest, hand.candidates(rest, way), strict=True):
                passing = [outcome.answer for offer in offers if (outcome := judge(part, offer)).passed]
                if passing and isinstance(passing[0], Translated):
                    best[part] = passing[0]
        return [_joined(cut, best) for cut in cuts]

    return Rung("split", ask)


def _sentences(segment: Segment, direction: Direction) -> list[Segment]:
    """Cut a segment into sentences; what lies within a text that is to stay as it is stays, too."""
    kept = [source for source, target in segment.glossary if source == target]
    parts = []
    for text in sentences_of(segment.text, direction.source):
        inside = tuple((words, words) for words in (text.strip(),) if words and any(words in whole for whole in kept))
        parts.append(Segment(text, (*segment.glossary, *inside), segment.kind, segment.context))
    return parts


def _joined(cut: Sequence[Segment], best: Mapping[Segment, Translated]) -> list[Answer]:
    """Join the sentences of a segment, or offer nothing where one of them has no translation."""
    if not all(part in best for part in cut):
        return []
    text = "".join(blanks_as_in(part.text, best[part].text) for part in cut)
    engine = next((best[part].engine for part in cut if best[part].engine != "copy"), "copy")
    known = [value for part in cut if (value := best[part].logprob) is not None]
    return [Translated(text, engine, logprob=min(known, default=None))]
