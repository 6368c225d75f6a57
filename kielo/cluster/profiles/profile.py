"""What a cluster is and how a recipe's steps are laid on it: the schema of a profile."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kielo.cluster.profiles.parts import (
    Argument,
    Billing,
    Container,
    Engine,
    Modules,
    Node,
    Partition,
    Requeue,
    Use,
    UseName,
    Uses,
    Variables,
    Word,
    Written,
)
from kielo.schema.parts import Name, Part

__all__ = ["Billing", "Node", "Partition", "Profile", "Use", "UseName"]


class Profile(Part):
    """A cluster, as Kielo uses it."""

    name: Name = Field("", description="default: the file's name", validate_default=False)
    description: str = ""
    scheduler: Literal["slurm", "none"] = Field(
        "slurm", description="none: the jobs' scripts run here, one after the other"
    )
    architecture: str = Field("x86_64", description="of its nodes, as `uname -m` says it")
    device: str | None = Field(None, description="a device of slurm/devices.yaml; null: no accelerators")
    account: Word | None = Field(None, description="who pays; also --account, or SBATCH_ACCOUNT")
    account_needed: bool = Field(False, description="whether Slurm refuses jobs without one")
    partitions: dict[Word, Partition] = Field(min_length=1)
    jobs: Uses
    generation: str | None = Field(None, description="of the image: which of `environments` holds")
    environment: Variables = Field({}, description="variables of every job")
    environments: dict[str, Variables] = Field(
        {}, description="image generation -> further variables: what one image needs hangs another"
    )
    modules: Modules | None = None
    container: Container | None = None
    python: Argument | None = Field(
        None,
        description="Python that has Kielo's packages, in the container if there is one; default: the submitting one, in a container `python`",
    )
    srun: tuple[Argument, ...] = Field((), description="further options of every srun")
    torchrun: tuple[Argument, ...] = Field(
        (),
        description="further options of torch.distributed.run, such as --numa-binding=exclusive, which is left out of jobs that `cpu_masks` bind",
    )
    engine: Engine = Engine()
    master_address: Argument | None = Field(None, description="of the first node; default: its host name")
    offline: bool = Field(True, description="compute nodes ask no hub; `kielo prefetch` brings what they need")
    hub_cache: Written | None = Field(None, description="HF_HOME of jobs and of `kielo prefetch`; default: the user's")
    node_local: tuple[str, ...] = Field(
        ("/tmp", "/dev/shm", "/run"), description="folders that other nodes do not see: no run folder may lie there"
    )
    requeue: Requeue = Requeue()

    def variables(self) -> dict[str, str]:
        """Give the variables of a job, those of the image's generation last."""
        return {**self.environment, **(self.environments[self.generation] if self.generation else {})}

    def use(self, name: UseName) -> Use:
        """Look a use up; a preflight that is not spelled out is two nodes of a training."""
        found: Use | None = getattr(self.jobs, name)
        return found or self.jobs.train.model_copy(update={"nodes": 2, "hours": 0.5})


def profile_schema() -> dict[str, Any]:
    """Make the JSON Schema of a profile."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
