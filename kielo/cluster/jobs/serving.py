"""How many devices a model is served on: from its size, which is known before anything runs."""

from __future__ import annotations

from functools import cache

from align.estimate.hardware import hardware
from align.estimate.model_shape import ModelShape, read_shape
from kielo.cluster.jobs.units import engines_of
from kielo.cluster.profiles.profile import Node, Profile
from kielo.errors import RecipeError
from kielo.plan import Step
from kielo.schema import Engine, Recipe

WEIGHTS_SHARE = 0.6
"""Most of a device's memory that weights may take: the rest holds keys and values of the sequences under way."""


def served_engines(recipe: Recipe, step: Step) -> list[Engine]:
    """List the engines of a step whose servers Kielo starts itself."""
    return [engine for engine in engines_of(recipe, step) if engine.kind == "vllm-server"]


def devices_of_server(recipe: Recipe, step: Step, profile: Profile, node: Node) -> int:
    """Count the devices of one server, for the largest model that a step asks; one where it starts no servers.

    Raises:
        RecipeError: no number of devices of a node holds a model, or the number that the recipe writes does not.
    """
    engines = [engine for engine in engines_of(recipe, step) if engine.kind in ("hf", "vllm-server")]
    return max((_devices_of(recipe, engine, step, profile, node) for engine in engines), default=1)


def _devices_of(recipe: Recipe, engine: Engine, step: Step, profile: Profile, node: Node) -> int:
    written = engine.tensor_parallel  # of engine hf: always one
    name, revision = _model(recipe, engine)
    shape, memory_gb = _shape(name, revision), _device_memory_gb(profile.device)
    if isinstance(shape, str) or memory_gb is None or not node.devices:
        return written
    weights_gb = shape.parameters * (4 if engine.dtype == "float32" else 2) / 1e9
    fitting = [number for number in _divisors(shape, node) if weights_gb <= WEIGHTS_SHARE * memory_gb * number]
    if written in fitting:
        return written
    model = f"step {step.name}: {name} ({weights_gb:.1f} GB of weights, {shape.heads} heads)"
    devices = f"devices of {memory_gb:g} GB of profile {profile.name}, {WEIGHTS_SHARE:.0%} of it for weights"
    if not fitting:
        raise RecipeError(f"{model} does not fit a node ({node.devices} {devices}); take a profile of larger nodes.")
    best = min(fitting, key=lambda number: (node.devices % number > 0, number))  # rather none left over
    if engine.kind == "hf":
        raise RecipeError(
            f"{model} does not fit one of the {devices}; use engine vllm-server, whose servers take {best}."
        )
    if "tensor_parallel" in engine.model_fields_set:
        raise RecipeError(f"{model} cannot be served on tensor_parallel {written} of the {devices}; use {best}.")
    return best


def _divisors(shape: ModelShape, node: Node) -> list[int]:
    return [number for number in range(1, node.devices + 1) if shape.heads % number == 0]


def _model(recipe: Recipe, engine: Engine) -> tuple[str, str | None]:
    own = engine.model is None
    return recipe.model_path if own else recipe.named_model(engine.model or ""), recipe.revision if own else None


@cache
def _shape(model: str, revision: str | None) -> ModelShape | str:
    return read_shape(model, revision)


@cache
def _device_memory_gb(device: str | None) -> float | None:
    """Look the memory of a device up; None where it says nothing: no device, or processors, which share the node's."""
    return None if device in (None, "cpu") else hardware(device, 1, None, None).memory_gb
