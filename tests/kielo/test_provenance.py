"""Fingerprints and differences."""

from __future__ import annotations

import math

import pytest

from kielo.provenance import differences, fingerprint


def test_order_of_keys_does_not_matter_and_values_do():
    assert fingerprint({"a": 1, "b": [1.5, None, "ä"]}) == fingerprint({"b": [1.5, None, "ä"], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
    assert fingerprint({"a": True}) != fingerprint({"a": 1})


@pytest.mark.parametrize("value", [{1, 2}, object(), {1: "a"}, {"a": [b"x"]}])
def test_what_has_no_single_spelling_is_refused(value):
    with pytest.raises(TypeError, match="value"):
        fingerprint({"value": value} if not isinstance(value, dict) else value)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        fingerprint({"a": math.nan})


def test_differences_name_the_field():
    old = {"sft": {"trainer": {"learning_rate": 2e-5}, "gone": 1}}
    new = {"sft": {"trainer": {"learning_rate": 1e-5}, "new": "x"}}
    assert list(differences(old, new)) == [
        "sft.trainer.learning_rate: 2e-05 -> 1e-05",
        "sft.gone: 1 -> (absent)",
        'sft.new: (absent) -> "x"',
    ]
