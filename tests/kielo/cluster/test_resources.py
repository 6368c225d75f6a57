"""What jobs ask of a node: all of it or a share, and as many devices for a server as its model needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kielo.cluster.jobs.job import Job, Resources
from kielo.cluster.jobs.placing import place
from kielo.cluster.jobs.resources import resources_of
from kielo.cluster.profiles.profile import Profile
from kielo.errors import RecipeError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from tests.kielo.cluster.plain_profile import profile_with

WriteRecipe = Callable[..., Path]


def asked(resources: Resources) -> tuple[int, float, int]:
    return resources.cores, resources.memory_gb, resources.devices


@pytest.mark.parametrize(
    ("use", "keys", "expected"),
    [
        ("translate", {"devices": 1}, (7, 60, 1)),
        ("translate", {"devices": 3}, (21, 180, 3)),
        ("translate", {"devices": 3, "cores": 5, "memory_gb": 10.5}, (5, 10.5, 3)),
        ("translate", {"partition": "whole"}, (56, 480, 8)),
        ("train", {}, (56, 480, 8)),
        ("train", {"partition": "parts"}, (56, 480, 8)),
        ("train", {"partition": "cpu"}, (128, 224, 0)),
        ("train", {"partition": "cpu", "cores": 32}, (32, 56, 0)),
        ("cpu", {}, (4, 8, 0)),
        ("cpu", {"partition": "whole", "cores": None, "memory_gb": None}, (56, 480, 0)),
    ],
)
def test_share_of_a_node(use: Any, keys: dict[str, Any], expected: tuple[int, float, int]) -> None:
    assert asked(resources_of(profile_with({use: keys}), use)) == expected


def test_shares_are_rounded_down() -> None:
    odd = {"parts": {"node": {"devices": 3, "cores": 64, "memory_gb": 500}, "hours": 9}}
    uses = {use: {"partition": "parts"} for use in ("cpu", "train", "translate", "evaluate")}
    found = resources_of(profile_with(uses, partitions=odd), "translate")
    assert (found.cores, found.devices) == (21, 1)
    assert 166 < found.memory_gb < 500 / 3
    assert found.memory_gb * 1024 == int(found.memory_gb * 1024)


@pytest.mark.parametrize(
    ("keys", "processes"),
    [({}, 8), ({"processes": 2}, 2), ({"partition": "cpu"}, 1), ({"partition": "cpu", "processes": 4}, 4)],
)
def test_processes_of_a_training(keys: dict[str, Any], processes: int) -> None:
    assert resources_of(profile_with({"train": keys}), "train").processes == processes


@pytest.fixture
def served_recipe(write_recipe: WriteRecipe, tmp_path: Path) -> Callable[..., dict[str, Job]]:
    """Place a recipe whose data sets a model of 34 billion parameters translates, on 48 heads."""
    folder = tmp_path / "large"
    folder.mkdir()
    config = {
        "model_type": "llama", "hidden_size": 7168, "num_hidden_layers": 55, "num_attention_heads": 56, "vocab_size": 128000,
        "intermediate_size": 19200, "dtype": "bfloat16",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "model.safetensors").touch()

    def placed(engine: str, profile: Profile) -> dict[str, Job]:
        engine = f"{{{engine}, model: ./large, prompt: {{shots_file: pocket, shots: 3}}}}"
        recipe = load(write_recipe(("translate:\n", f"translate:\n  engine: {engine}\n")))
        jobs = place(recipe, make_plan(recipe), profile, RunFolder(tmp_path / "run"))
        return {job.name: job for job in jobs}

    return placed


def test_devices_of_a_server_follow_from_the_models_size(served_recipe: Callable[..., dict[str, Job]]) -> None:
    job = served_recipe("kind: vllm-server", profile_with())["translate-oasst2"]
    assert (job.tensor_parallel, job.servers, job.resources.devices) == (2, 1, 2)
    job = served_recipe("kind: vllm-server", profile_with(device="a100-40"))["translate-oasst2"]
    assert (job.tensor_parallel, job.servers, job.resources.devices) == (4, 1, 4)


def test_a_whole_node_is_filled_with_servers(served_recipe: Callable[..., dict[str, Job]]) -> None:
    whole = profile_with({"translate": {"partition": "whole"}})
    job = served_recipe("kind: vllm-server, tensor_parallel: 4", whole)["translate-oasst2"]
    assert (job.tensor_parallel, job.servers, job.resources.devices) == (4, 2, 8)


def test_without_devices_the_recipe_says_how_many_servers(served_recipe: Callable[..., dict[str, Job]]) -> None:
    job = served_recipe("kind: vllm-server, servers: 3", profile_with({"translate": {"partition": "cpu"}}))
    assert (job["translate-oasst2"].servers, job["translate-oasst2"].tensor_parallel) == (3, 1)


def test_other_engines_have_no_servers(write_recipe: WriteRecipe) -> None:
    recipe = load(write_recipe())
    jobs = place(recipe, make_plan(recipe), profile_with(), RunFolder(Path("/nowhere")))
    assert {job.servers for job in jobs} == {None}
    assert next(job for job in jobs if job.use == "translate").resources.devices == 1


@pytest.mark.parametrize(
    ("engine", "profile", "sentence"),
    [
        ("kind: vllm-server, tensor_parallel: 1", {}, r"cannot be served on tensor_parallel 1 of .*64 GB.*; use 2\."),
        ("kind: vllm-server, tensor_parallel: 5", {}, r"56 heads\) cannot be served on tensor_parallel 5 .*; use 2\."),
        ("kind: vllm-server, tensor_parallel: 14", {}, r"cannot be served on tensor_parallel 14 .*; use 2\."),
        ("kind: hf", {}, r"does not fit one of the devices.*; use engine vllm-server, whose servers take 2\."),
        ("kind: vllm-server", {"device": "cpu"}, None),
    ],
)
def test_a_model_that_does_not_fit(
    served_recipe: Callable[..., dict[str, Job]], engine: str, profile: dict[str, Any], sentence: str | None
) -> None:
    if sentence is None:
        served_recipe(engine, profile_with(**profile))
        return
    with pytest.raises(RecipeError, match=f"^step translate/oasst2: .*{sentence}$"):
        served_recipe(engine, profile_with(**profile))


def test_a_job_with_fewer_devices_than_a_server_takes(served_recipe: Callable[..., dict[str, Job]]) -> None:
    with pytest.raises(RecipeError, match=r"jobs\.translate\.devices: 1 .* takes 2"):
        served_recipe("kind: vllm-server", profile_with({"translate": {"devices": 1}}))


def test_a_model_larger_than_a_node(served_recipe: Callable[..., dict[str, Job]]) -> None:
    small = {"parts": {"node": {"devices": 1, "cores": 8, "memory_gb": 80}, "hours": 9}}
    uses = {use: {"partition": "parts"} for use in ("cpu", "train", "translate", "evaluate")}
    with pytest.raises(RecipeError, match="does not fit a node"):
        served_recipe("kind: vllm-server", profile_with(uses, partitions=small))
