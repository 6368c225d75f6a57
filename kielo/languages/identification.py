"""The language identifiers that checks of translations and scores of answers share: their models, their labels, their packages."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kielo.errors import MissingExtraError, RecipeError
from kielo.languages.codes import same_language
from kielo.languages.pack import Language

Probabilities = Callable[[str], Mapping[str, float]]
"""Gives for a text the languages it may be in, by an identifier's own codes, each with its probability."""
NAMES = ("py3langid", "langdetect", "lingua", "glotlid")
PACKAGES: Mapping[str, str] = {"lingua": "lingua-language-detector", "glotlid": "fasttext-numpy2-wheel"}
"""Identifier -> the package whose version changes what it says, where that has another name."""
STEPS = 256
"""Into how many steps a unit of log-probability is cut."""
KNOWN_WORDS = 50_000
_SCRIPTS: Mapping[str, str] = {"Hans": "Hani", "Hant": "Hani"}

PY3LANGID_LABELS = frozenset((
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr ht hu hy "
    "id ig is it ja jv ka kk km kn ko ku ky la lg ln lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt qu "
    "ro ru sa si sk sl so sq sr sv sw ta te th tl tr ug uk ur uz vi xh yo zh zu ace bcl dz ext gcf gom grc gug "
    "hbo kik nso pcm rw se sn st an ary crh fo fuv gcr guw kab lb lij ltg uzs wa sdh arz ba mt nn oc tg tk tt vec "
    "vo wuu yue "
).split())  # fmt: skip
"""The languages of py3langid 0.4, so that its model need not be read to tell whether it knows one."""
Value = TypeVar("Value")


def label_of(language: Language, labels: Container[str]) -> str | None:
    """Find a language's label: by its code, the code's first part, ISO 639-3, or what langdetect calls it."""
    macro = {"nb": "no"}.get(language.code)
    names = (language.code, language.code.split("-")[0], language.iso639_3, language.langdetect, macro)
    return next((name for name in names if name and name in labels), None)


@dataclass(frozen=True)
class NgramModel:
    """py3langid's model (langid.py, Lui and Baldwin 2012): the automaton that finds byte n-grams, and by n-gram the
    log-probability in each language, in STEPS.

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


class ByWord(dict[str, Value]):
    """What is worked out once for each word; all is forgotten when there are KNOWN_WORDS."""

    def __init__(self, work_out: Callable[[str], Value]) -> None:
        self._work_out = work_out

    def __missing__(self, word: str) -> Value:
        if len(self) >= KNOWN_WORDS:
            self.clear()
        value = self[word] = self._work_out(word)
        return value


@cache
def py3langid_model() -> NgramModel:
    """Read the model that comes with py3langid."""
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    # "zxx", no language, is nothing that a text of ours could be in.
    kept = [number for number, label in enumerate(model.nb_classes) if label != "zxx"]
    # Row by row in memory: the rows of a few n-grams are all that is read.
    table = np.ascontiguousarray(np.rint(np.asarray(model.nb_ptc, np.float32)[:, kept] * STEPS), np.int16)
    priors = np.rint(np.asarray(model.nb_pc, np.float32)[kept] * STEPS).astype(np.int32)
    labels = tuple(model.nb_classes[number] for number in kept)
    return NgramModel(labels, table, priors, model.tk_nextmove, [row << 8 for row in model.tk_row], model.tk_output)


@cache
def lingua_codes() -> frozenset[str]:
    """List the ISO 639-3 codes, in capitals, that lingua knows.

    Raises:
        MissingExtraError: its package is not installed.
    """
    try:
        from lingua import Language as Known
    except ImportError as error:
        raise MissingExtraError("the identifier lingua needs its package: pip install 'kielo[lingua]'.") from error
    return frozenset(known.iso_code_639_3.name for known in Known.all())


def lingua_probabilities(codes: Sequence[str]) -> Probabilities:
    """Open lingua for some of its languages (ISO 639-3, in capitals): the fewer, the better it tells them apart."""
    from lingua import Language as Known
    from lingua import LanguageDetectorBuilder

    by_code = {known.iso_code_639_3.name: known for known in Known.all()}
    detector = LanguageDetectorBuilder.from_languages(*(by_code[name] for name in dict.fromkeys(codes))).build()

    def probabilities(text: str) -> dict[str, float]:
        values = detector.compute_language_confidence_values(text)
        return {value.language.iso_code_639_3.name: value.value for value in values}

    return probabilities


@cache
def fasttext_label(code: str) -> str:
    """Write a code such as `fin_Latn` in the one way that holds for the tables of FLORES-200, FLORES+, OpenLID and GlotLID.

    They differ in languages that a macrolanguage's code means by custom (est, ekk), and GlotLID knows Chinese characters
    of one kind (cmn_Hani).
    """
    iso, _, script = code.partition("_")
    return f"{same_language(iso)}_{_SCRIPTS.get(script, script)}"


def fasttext_probabilities(file: Path | None) -> Probabilities:
    """Read a fastText model whose labels are `__label__fin_Latn` (GlotLID, OpenLID); it tells them as `fasttext_label` writes them.

    Raises:
        RecipeError: the file is not there, or no model of fastText.
        MissingExtraError: fastText is not installed.
    """
    if file is None or not file.is_file():
        raise RecipeError(f"{file}: no such file; the identifier glotlid needs its fastText model (identifier_file).")
    try:
        import fasttext
    except ImportError as error:
        raise MissingExtraError("the identifier glotlid needs fastText: pip install 'kielo[glotlid]'.") from error
    try:
        model = fasttext.load_model(str(file))
    except ValueError as error:
        raise RecipeError(f"{file}: not a fastText model, which the identifier glotlid needs ({error}).") from error

    def probabilities(text: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for label, value in zip(*model.predict(text.replace("\n", " "), k=5), strict=True):
            name = fasttext_label(label.removeprefix("__label__"))
            found[name] = found.get(name, 0.0) + float(value)
        return found

    return probabilities
