"""A recipe's vLLM servers as one job runs them: how many, on how many devices each, and by what command of the profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kielo.cluster.profiles.parts import Engine as EngineOfMachine
from kielo.schema import Engine, Recipe
from kielo.schema.selection import Labels, Scores


@dataclass(frozen=True)
class Servers:
    """What a job sets for every engine `vllm-server`; None leaves what the recipe says. No completion depends on it."""

    servers: int | None
    tensor_parallel: int | None
    machine: EngineOfMachine

    def over(self, engine: Engine) -> Engine:
        """Set them for one engine; a command or arguments that the recipe writes itself go before the profile's."""
        if engine.kind != "vllm-server":
            return engine
        given: dict[str, Any] = {
            "servers": self.servers or engine.servers,
            "tensor_parallel": self.tensor_parallel or engine.tensor_parallel,
            "command": engine.command or self.machine.command,
            "extra_args": engine.extra_args or self.machine.extra_args,
        }
        return engine.model_copy(update=given)


def on_machine(recipe: Recipe, servers: Servers) -> Recipe:
    """Give a recipe its engines as a job runs them; only those who open engines may read it, for it is not what was submitted."""
    stage, scores = recipe.translate, recipe.eval
    datasets = {
        name: dataset.model_copy(update={"engine": _all(dataset.engine, servers)})
        for name, dataset in stage.datasets.items()
    }
    translate = stage.model_copy(update={"datasets": datasets, "engine": _all(stage.engine, servers)})
    judge = scores.judge and scores.judge.model_copy(update={"engines": _all(scores.judge.engines, servers)})
    evaluate = scores.model_copy(update={"engine": servers.over(scores.engine), "judge": judge})
    annotate = recipe.annotate.model_copy(
        update={
            "labels": _asked(recipe.annotate.labels, servers), "scores": _asked(recipe.annotate.scores, servers)
        }
    )  # fmt: skip
    return recipe.model_copy(update={"translate": translate, "annotate": annotate, "eval": evaluate})


def _asked(part: Labels | Scores, servers: Servers) -> Labels | Scores:
    return part.model_copy(update={"engine": part.engine and servers.over(part.engine)})


def _all(engines: tuple[Engine, ...] | None, servers: Servers) -> tuple[Engine, ...] | None:
    return engines and tuple(map(servers.over, engines))
