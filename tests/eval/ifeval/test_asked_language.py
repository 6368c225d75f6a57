"""Answers in a language that a prompt asks for and that has no pack."""

from __future__ import annotations

import pytest

from eval.ifeval.asked_language import asked_verdict
from kielo.languages.pack import codes


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("kn", "ಇದು ಕನ್ನಡದಲ್ಲಿ ಬರೆದ ಒಂದು ಸಣ್ಣ ವಾಕ್ಯ. ನಾವು ನಾಳೆ ಮಾರುಕಟ್ಟೆಗೆ ಹೋಗುತ್ತೇವೆ."),
        ("bg", "Това е кратко изречение на български език. Утре ще отидем на пазара."),
    ],
)
def test_a_language_without_a_pack_is_told_by_its_profile(code, text):
    assert code not in codes()
    assert asked_verdict(text, code, "en") == "target"
    assert asked_verdict("This is a short sentence in English, and nothing else.", code, "en") != "target"
