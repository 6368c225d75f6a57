"""Who tells languages apart for the checks: source or target, piece by piece, and whether the whole is in a third language."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

from kielo.errors import MissingExtraError, RecipeError
from kielo.language_detection import known_codes, language_probabilities
from kielo.languages import Language


@dataclass(frozen=True)
class Leaning:
    """For each piece how surely it is in the source language rather than the target (1: sure, -1: surely the target, 0: open);
    and the third language that the whole is surely in, with how surely."""

    to_source: tuple[float, ...]
    third: str = ""
    sure: float = 0.0


class Identifier(Protocol):
    """Tells two languages apart."""

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge the pieces of one text: words in lower case with a blank between."""


def make_identifier(name: str, source: Language, target: Language, file: Path | None) -> tuple[Identifier | None, str]:
    """Make the identifier of a name, and say in words what it is; None where it does not know both languages.

    Raises:
        MissingExtraError: its package is not installed.
        RecipeError: there is no such identifier, or its file is missing.
    """
    makers = {"py3langid": _py3langid, "langdetect": _langdetect, "lingua": _lingua}
    if name == "glotlid":
        return _glotlid(source, target, file), f"glotlid ({file.name if file else ''})"
    if name not in makers:
        raise RecipeError(f"no identifier '{name}'; there are {', '.join((*makers, 'glotlid'))}.")
    found = makers[name](source, target)
    if found is None:
        return None, f"none: {name} does not know both '{source.code}' and '{target.code}'"
    return found, name


LEAN, FOREIGN, FOREIGN_BYTES = 4.0, 3.0, 40
"""py3langid's log-probabilities over the root of the bytes: by how much source or target must lead to be sure, and a third
language before the target, in texts of so many bytes."""
TELLING_WORDS = 40
"""Different words by which a third language is judged; more say the same."""
KNOWN_WORDS = 50_000
STEPS = 256
"""Into how many steps a unit of log-probability is cut."""


_LABELS = frozenset((
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr ht hu hy "
    "id ig is it ja jv ka kk km kn ko ku ky la lg ln lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt qu "
    "ro ru sa si sk sl so sq sr sv sw ta te th tl tr ug uk ur uz vi xh yo zh zu ace bcl dz ext gcf gom grc gug "
    "hbo kik nso pcm rw se sn st an ary crh fo fuv gcr guw kab lb lij ltg uzs wa sdh arz ba mt nn oc tg tk tt vec "
    "vo wuu yue "
).split())  # fmt: skip
"""The languages of py3langid 0.4, so that its model need not be read to tell whether it knows one."""
_ONCE = math.log1p(1)
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Model:
    """py3langid's model: the automaton that finds byte n-grams, and by n-gram the log-probability in each language, in STEPS.

    Whole numbers: their sums are quick, and the same on every machine.
    """

    labels: tuple[str, ...]
    table: Any
    priors: Any
    next_state: Any
    rows: Sequence[int]
    feature: Sequence[int]

    def features(self, word: str) -> array[int]:
        """List the n-grams of a word that the model knows."""
        next_state, rows, feature = self.next_state, self.rows, self.feature
        state, found = 0, []
        for byte in f" {word} ".encode("utf-8", "replace"):
            state = next_state[rows[state] + byte]
            if feature[state] >= 0:
                found.append(feature[state])
        return array("I", found)


class _ByWord(dict[str, Value]):
    """What is worked out once for each word; all is forgotten when there are KNOWN_WORDS."""

    def __init__(self, work_out: Callable[[str], Value]) -> None:
        self._work_out = work_out

    def __missing__(self, word: str) -> Value:
        if len(self) >= KNOWN_WORDS:
            self.clear()
        value = self[word] = self._work_out(word)
        return value


class _Py3langid:
    """Naive Bayes over byte n-grams (langid.py, Lui and Baldwin 2012), word by word: what a word says is worked out once.

    N-grams across a blank are not seen, which costs nothing measurable and makes it many times faster than py3langid itself.
    The model is read when a text is first judged.
    """

    def __init__(self, source: str, target: str) -> None:
        self._labels = source, target
        self._features = _ByWord(lambda word: self._model.features(word))
        self._lead = _ByWord(self._add_leads)

    @cached_property
    def _model(self) -> _Model:
        return _py3langid_model()

    @cached_property
    def _columns(self) -> tuple[int, int]:
        source, target = map(self._model.labels.index, self._labels)
        return source, target

    @cached_property
    def _leads(self) -> list[int]:
        """By n-gram, how much more it says source than target."""
        import numpy as np

        source, target = (self._model.table[:, column].astype(np.int32) for column in self._columns)
        leads: list[int] = np.subtract(source, target).tolist()
        return leads

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge the pieces by the two languages alone, and all together by all languages."""
        words = [piece.split() for piece in pieces]
        leans = [
            self._sum(found) / (STEPS * LEAN * math.sqrt(len(piece) + 1))
            for piece, found in zip(pieces, words, strict=True)
        ]
        return Leaning(tuple(leans), *self._third(dict.fromkeys(chain.from_iterable(words))))

    def _sum(self, words: Sequence[str]) -> float:
        """Add up what the words say; one said again says less each time."""
        lead = self._lead
        if len(set(words)) == len(words):
            return sum([lead[word] * _ONCE for word in words])
        return sum([lead[word] * math.log1p(times) for word, times in Counter(words).items()])

    def _third(self, distinct: Iterable[str]) -> tuple[str, float]:
        import numpy as np

        words = list(distinct)
        words = words[:: -(-len(words) // TELLING_WORDS) or 1]
        size = len(" ".join(words).encode("utf-8", "replace"))
        if size < FOREIGN_BYTES:
            return "", 0.0
        features = np.frombuffer(b"".join([self._features[word] for word in words]), np.uintc)
        if not features.size:
            return "", 0.0
        scores = self._model.table.take(features, axis=0).sum(axis=0, dtype=np.int32) + self._model.priors
        best = int(scores.argmax())
        if best in self._columns:
            return "", 0.0
        return self._model.labels[best], int(scores[best] - scores[self._columns[1]]) / (
            STEPS * FOREIGN * math.sqrt(size)
        )

    def _add_leads(self, word: str) -> int:
        """Tell how much more a word says source than target."""
        return sum(map(self._leads.__getitem__, self._features[word]))


@cache
def _py3langid_model() -> _Model:
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    # "zxx", no language, is nothing that a translation could be in.
    kept = [number for number, label in enumerate(model.nb_classes) if label != "zxx"]
    # Row by row in memory: the rows of a few n-grams are all that is read.
    table = np.ascontiguousarray(np.rint(np.asarray(model.nb_ptc, np.float32)[:, kept] * STEPS), np.int16)
    priors = np.rint(np.asarray(model.nb_pc, np.float32)[kept] * STEPS).astype(np.int32)
    labels = tuple(model.nb_classes[number] for number in kept)
    return _Model(labels, table, priors, model.tk_nextmove, [row << 8 for row in model.tk_row], model.tk_output)


def _py3langid(source: Language, target: Language) -> Identifier | None:
    labels = [_label(language, _LABELS) for language in (source, target)]
    return _Py3langid(labels[0], labels[1]) if labels[0] and labels[1] else None


def _label(language: Language, labels: Container[str]) -> str | None:
    """Find a language's label: by its code, the code's first part, ISO 639-3, or what langdetect calls it."""
    macro = {"nb": "no"}.get(language.code)
    names = (language.code, language.code.split("-")[0], language.iso639_3, language.langdetect, macro)
    return next((name for name in names if name and name in labels), None)


@dataclass(frozen=True)
class _ByProbability:
    """Any identifier that gives probabilities of languages by its own codes."""

    probabilities: Any
    source: str
    target: str

    def leaning(self, pieces: Sequence[str]) -> Leaning:
        """Judge each piece, and the whole by all pieces together."""
        found = [self.probabilities(piece) for piece in pieces]
        leans = tuple((each.get(self.source, 0.0) - each.get(self.target, 0.0)) / 0.9 for each in found)
        whole = found[0] if len(found) == 1 else self.probabilities("\n".join(pieces))
        best = max(whole, key=whole.__getitem__, default=self.target)
        if best in (self.source, self.target):
            return Leaning(leans)
        return Leaning(leans, best, (whole[best] - whole.get(self.target, 0.0)) / 0.95)


def _langdetect(source: Language, target: Language) -> Identifier | None:
    codes = (source.langdetect, target.langdetect)
    if not codes[0] or not codes[1] or not known_codes().issuperset(code for code in codes if code):
        return None
    return _ByProbability(language_probabilities, codes[0], codes[1])


def _lingua(source: Language, target: Language) -> Identifier | None:
    try:
        from lingua import Language as Known
        from lingua import LanguageDetectorBuilder
    except ImportError as error:
        raise MissingExtraError("the identifier lingua needs its package: pip install 'kielo[lingua]'.") from error
    names = [language.iso639_3.upper() for language in (source, target)]
    by_code = {known.iso_code_639_3.name: known for known in Known.all()}
    if not set(names) <= set(by_code):
        return None
    detector = LanguageDetectorBuilder.from_languages(*(by_code[name] for name in dict.fromkeys(names))).build()

    def probabilities(text: str) -> dict[str, float]:
        values = detector.compute_language_confidence_values(text)
        return {value.language.iso_code_639_3.name: value.value for value in values}

    return _ByProbability(probabilities, *names)


def _glotlid(source: Language, target: Language, file: Path | None) -> Identifier:
    """Read a fastText model whose labels are `__label__fin_Latn` (GlotLID, OpenLID)."""
    if file is None or not file.is_file():
        raise RecipeError(f"{file}: no such file; the identifier glotlid needs its fastText model (identifier_file).")
    try:
        import fasttext
    except ImportError as error:
        raise MissingExtraError("the identifier glotlid needs fastText: pip install 'kielo[glotlid]'.") from error
    model = fasttext.load_model(str(file))

    def probabilities(text: str) -> dict[str, float]:
        labels, values = model.predict(text.replace("\n", " "), k=5)
        return {label.removeprefix("__label__"): float(value) for label, value in zip(labels, values, strict=True)}

    return _ByProbability(probabilities, source.flores, target.flores)
