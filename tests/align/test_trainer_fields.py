"""The trainer keys of a recipe are fields of the installed TRL, and TRL's defaults for them are what the docs say."""

from __future__ import annotations

import dataclasses

from kielo.schema.trainer import DPO_ONLY, OURS, Scheduler, Trainer


def test_every_key_is_a_field_of_trl() -> None:
    from trl import DPOConfig, SFTConfig

    sft, dpo = ({field.name for field in dataclasses.fields(config)} for config in (SFTConfig, DPOConfig))
    keys = set(Trainer.model_fields) - set(OURS)
    assert keys <= dpo, f"not in DPOConfig: {sorted(keys - dpo)}"
    shared = keys - set(DPO_ONLY) | {"loss_type"}
    assert shared <= sft, f"not in SFTConfig: {sorted(shared - sft)}"
    assert set(DPO_ONLY) - {"loss_type"} <= dpo - sft, "keys for DPO alone"


def test_the_schedulers_are_those_of_transformers():
    from typing import get_args

    from transformers.trainer_utils import SchedulerType

    of_an_evaluation = {"greedy", "reduce_lr_on_plateau"}  # while the training runs: there is none
    assert set(get_args(Scheduler)) == {scheduler.value for scheduler in SchedulerType} - of_an_evaluation
