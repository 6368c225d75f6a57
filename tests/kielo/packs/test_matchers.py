"""The matchers of the shipped packs: forms of everyday words are found, words that only begin alike are not."""

from __future__ import annotations

import pytest

from eval.ifeval.matchers import open_matcher
from eval.ifeval.rules import LanguageRules
from kielo.languages.pack import language

FORMS = {
    "sv": {"bok": "boken bokens", "flicka": "flickor flickorna", "hus": "huset husen"},
    "nb": {"hus": "huset husene", "jente": "jenter jentenes", "bok": "boka"},
    "nn": {"jente": "jenter jentene", "gut": "gutar gutane", "hus": "huset"},
    "is": {"hestur": "hestinum hestar hests", "bók": "bókin bókar", "barn": "barninu"},
    "fo": {"bátur": "bátinum bátar báts", "bók": "bókin bókina", "hús": "húsinum"},
    "et": {"inimene": "inimese inimesed inimestele", "raamat": "raamatu raamatutes", "maja": "majade majasse"},
    "lv": {"grāmata": "grāmatu grāmatām", "draugs": "draugi draugiem", "brālis": "brāļi brāļiem", "egle": "eglēs"},
    "lt": {"namas": "namo namuose", "knyga": "knygą knygomis", "brolis": "broliai broliams", "medis": "medžiai"},
    "ga": {"múinteoir": "múinteoirí", "bord": "borda", "scoil": "scoileanna"},
    "cy": {"llyfr": "llyfrau", "ysgol": "ysgolion", "capel": "capeli"},
    "mt": {"karta": "karti", "skola": "skola", "tabib": "tabiba"},
    "eu": {"etxe": "etxean etxearen etxetik", "lagun": "lagunak lagunekin", "liburu": "liburuaren"},
    "se": {"bussa": "bussat bussas", "guorbmi": "guorpmit", "dállu": "dálus"},
}
OTHERS = {
    "sv": ("bil", "bild"), "nb": ("hus", "husk"), "nn": ("hus", "husk"), "is": ("bók", "bókmenntir"), "fo": ("bátur", "bátaferð"),
    "et": ("maja", "majandus"), "lv": ("māja", "mājturība"), "lt": ("namas", "namudarbis"), "eu": ("etxe", "etxekoandre"),
    "cy": ("llyfr", "llyfrgell"), "ga": ("bord", "bordeaux"), "mt": ("karta", "kartapesta"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "word"), [(code, word) for code, words in FORMS.items() for word in words])
def test_forms_of_a_word_are_found(code: str, word: str) -> None:
    count = open_matcher(LanguageRules.from_pack(code, language(code).ifeval))
    forms = FORMS[code][word].split()
    assert {form: count(word, form) for form in forms} == dict.fromkeys(forms, 1)


@pytest.mark.parametrize("code", OTHERS)
def test_words_that_begin_alike_are_not(code: str) -> None:
    word, other = OTHERS[code]
    assert open_matcher(LanguageRules.from_pack(code, language(code).ifeval))(word, other) == 0
