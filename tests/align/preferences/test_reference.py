"""The reference pass: made once, it trains as TRL's own reference would, in as many processes as there are, and goes on after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from align import dpo, reference
from align.preferences import reference_pass
from align.tokens.token_file import TOKENS, read_tokens
from align.training.launch import train_here
from kielo.errors import RunFolderError
from kielo.plan import Workplace
from kielo.records import read_jsonl, write_json

LORA = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": "all-linear"}


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(folder / "metrics.jsonl")]


def furthest(one: Path, other: Path) -> float:
    """The largest difference between the weights of two trained models."""
    from safetensors.torch import load_file

    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def of_kind(place: Workplace, kind: str) -> Path:
    return next(folder for name, folder in place.inputs.items() if name.startswith(kind))


def again(place: Workplace) -> Path:
    """The job of the reference pass that a dpo workplace stands on, not made yet."""
    folder = of_kind(place, "reference")
    (folder / reference.SCORES).unlink()
    return folder / "job.json"


@pytest.fixture
def start(sft_place: Any) -> Workplace:
    from align import sft

    place: Workplace = sft_place(trainer={"max_steps": 3})
    sft.run(place)
    return place


@pytest.mark.parametrize(
    ("name", "lora", "trainer"),
    [
        ("full", None, {}),
        ("adapters", LORA, {}),
        ("weighted", None, {"ld_alpha": 0.5, "loss_type": ["sigmoid", "sft"]}),
    ],
)
def test_it_trains_as_an_online_reference_does(
    start: Workplace, dpo_place: Any, name: str, lora: Any, trainer: dict[str, Any]
) -> None:
    keys = {"max_steps": 4, **trainer}
    once, online = (
        dpo_place(start, f"{name}-{scored}", trainer=keys, lora=lora, scored=scored) for scored in (True, False)
    )
    dpo.run(once), dpo.run(online)
    first, peer = metrics(once.folder)[0], metrics(online.folder)[0]
    assert first["loss"] == pytest.approx(peer["loss"], abs=1e-5)
    assert metrics(once.folder)[-1]["loss"] < first["loss"], "nothing was learnt, so nothing is compared"
    assert furthest(once.folder, online.folder) < 1e-5


def test_no_reference_model_is_loaded(start: Workplace, dpo_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from align.preferences.trainer import PairTrainer

    kept = []
    log = PairTrainer.log
    monkeypatch.setattr(PairTrainer, "log", lambda self, *given: (kept.append(self.ref_model), log(self, *given))[1])
    dpo.run(dpo_place(start, trainer={"max_steps": 1}))
    assert kept and not any(kept)
    dpo.run(dpo_place(start, "moving", trainer={"max_steps": 1, "sync_ref_model": True}, scored=False))
    assert kept[-1] is not None


def test_a_pass_goes_on_where_it_was_killed(start: Workplace, dpo_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = dpo_place(start)
    folder = of_kind(place, "reference")
    whole = (folder / reference.SCORES).read_bytes()
    job = again(place)
    monkeypatch.setattr(reference_pass, "ROWS_OF_A_CHUNK", 10)
    score_rows, seen = reference_pass.score_rows, []

    def killed(trainer: Any, model: Any, rows: Any, room: int) -> Any:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(list(rows))
        return score_rows(trainer, model, rows, room)

    monkeypatch.setattr(reference_pass, "score_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        reference.score(job)
    assert not (folder / reference.SCORES).exists()
    seen.clear()
    monkeypatch.setattr(
        reference_pass, "score_rows", lambda *given: (seen.append(list(given[2])), score_rows(*given))[1]
    )
    reference.score(job)
    assert seen == [list(range(20, 30)), [30, 31]], "the first two chunks were kept"
    assert close(folder / reference.SCORES, whole) and not (folder / reference_pass.CHUNKS).exists()


def close(file: Path, other: bytes) -> bool:
    import pyarrow

    one, two = (pyarrow.ipc.open_stream(source).read_all() for source in (file.read_bytes(), other))
    names = ("ref_chosen_logps", "ref_rejected_logps")
    near = [
        abs(a - b) < 1e-4 for name in names for a, b in zip(one[name].to_pylist(), two[name].to_pylist(), strict=True)
    ]
    return one["id"] == two["id"] and all(near)


def test_two_processes_that_share_the_model_score_as_one(start: Workplace, dpo_place: Any) -> None:
    place = dpo_place(start, rows=9)
    folder = of_kind(place, "reference")
    whole = (folder / reference.SCORES).read_bytes()
    job = again(place)
    values = json.loads(job.read_text())
    write_json(job, {**values, "trainer": {**values["trainer"], "parallel": "fsdp2"}})
    train_here("align.reference", job, reference.score, processes=2)
    assert close(folder / reference.SCORES, whole)


def test_scores_of_other_pairs_are_refused(start: Workplace, dpo_place: Any) -> None:
    place, other = dpo_place(start, rows=4), dpo_place(start, "other", rows=5)
    tokens = read_tokens(of_kind(other, "tokens") / TOKENS)
    with pytest.raises(RunFolderError, match="made of other pairs than the tokens hold"):
        reference.join(tokens, of_kind(place, "reference"))


def test_batches_hold_like_lengths_within_their_room() -> None:
    lengths = {0: 5, 1: 90, 2: 6, 3: 40, 4: 40}
    assert list(reference_pass.batches_by_length(lengths, 160)) == [[1], [3, 4], [2, 0]]
