"""What a run teaches the checks: its lengths, whatever faults it holds, and which words go together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from translate.checks import Checker, Direction, Item, make_checker

Pairs = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="module")
def items(real_pairs: Pairs) -> list[Item]:
    return [Item(source, target) for source, target in real_pairs("flores")]


@pytest.fixture(scope="module")
def checker(direction: Direction) -> Checker:
    return make_checker(direction)


def ratios(checker: Checker) -> list[float]:
    return [bucket["median_ratio"] for bucket in checker.calibration["buckets"]]


def test_a_run_shifts_what_is_usual(checker: Checker, items: list[Item]) -> None:
    wordy = [Item(item.source, item.translation + " ja niin edelleen") for item in items]
    usual, shifted = (ratios(checker.calibrated(run)) for run in (items, wordy))
    assert (
        shifted[3] > usual[3] + 0.05 and usual[0] == shifted[0]
    )  # FLORES has no short sentences: the pack's ratio stays


def test_nearly_half_a_run_of_faults_does_not_move_the_measure(checker: Checker, items: list[Item]) -> None:
    cut = [Item(item.source, item.translation[:20]) for item in items[:450]]
    usual, mixed = (ratios(checker.calibrated(run)) for run in (items, [*cut, *items[450:]]))
    assert mixed[3:5] == pytest.approx(usual[3:5], abs=0.06)
    fitted = checker.calibrated([*cut, *items[450:]])
    assert sum(any(finding.fatal for finding in fitted.findings(item)) for item in cut) > 0.98 * len(cut)


def test_a_run_of_nothing_but_faults_is_not_its_own_measure(checker: Checker, items: list[Item]) -> None:
    cut = [Item(item.source, item.translation[: len(item.translation) // 3] + ".") for item in items]
    fitted = checker.calibrated(cut)
    assert sum(any(finding.fatal for finding in fitted.findings(item)) for item in cut) > 0.95 * len(cut)


def test_swapped_translations_are_unrelated(checker: Checker, items: list[Item]) -> None:
    fitted = checker.calibrated(items)
    swapped = [Item(item.source, other.translation) for item, other in zip(items, items[1:], strict=False)]
    found = sum("unrelated" in {finding.check for finding in fitted.findings(item)} for item in swapped)
    assert found > 0.6 * len(swapped)
    assert "dictionary" in fitted.calibration and not checker.calibrated(items[:50]).calibration["dictionary"]


def test_calibration_leaves_the_checker_as_it_was(checker: Checker, items: list[Item]) -> None:
    before = checker.calibration
    one, other = checker.calibrated(items), checker.calibrated(list(items))
    assert one.calibration == other.calibration and one.lexicon == other.lexicon
    assert checker.calibration == before


def test_a_run_of_equal_log_probabilities_has_no_lowest_tail(direction: Direction) -> None:
    items = [
        Item(f"The cat has {number} small toys at home.", f"Kissalla on {number} pientä lelua kotona.", logprob=-0.25)
        for number in range(400)
    ]
    checker = make_checker(direction).calibrated(items)
    assert not any(finding.check == "low-probability" for item in items[:20] for finding in checker.findings(item))
    worst = Item(items[0].source, items[0].translation, logprob=-2.0)
    assert any(finding.check == "low-probability" for finding in checker.findings(worst))


def test_the_identifier_knows_the_labels_of_its_model() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    from kielo.languages.identification import PY3LANGID_LABELS

    known = set(LanguageIdentifier.from_model_file(MODEL_FILE).nb_classes)
    assert set(PY3LANGID_LABELS) <= known
