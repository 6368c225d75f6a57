"""Fingerprints and differences."""

from __future__ import annotations

import math
import subprocess

import pytest

from kielo import provenance
from kielo.provenance import code_state, differences, fingerprint


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


def test_states_of_the_code_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "CHECKOUT", tmp_path)
    assert code_state() == {"commit": "unknown", "changes": "unknown"}
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    for command in (("init", "-q"), (*names, "commit", "-q", "--allow-empty", "-m", "none")):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    (tmp_path / "code.py").write_bytes(b"\xff 1\n")
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    subprocess.run(["git", "-C", tmp_path, *names, "commit", "-q", "-m", "one"], check=True)
    states = [code_state()]
    for written in (b"\xff 2\n", b"\xff 3\n"):
        (tmp_path / "code.py").write_bytes(written)
        states.append(code_state())
    assert states[0]["changes"] == "" and len(states[0]["commit"]) == 40
    assert len({state["changes"] for state in states}) == 3 and len({state["commit"] for state in states}) == 1
