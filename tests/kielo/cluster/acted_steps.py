"""Steps that are acted, not made: jobs' scripts run as they are, with a Python that leaves each step's record, and can be told to misbehave."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from kielo.plan import fields_of
from kielo.provenance import canonical, fingerprint
from tests.kielo.cluster.submitted_run import SubmittedRun

RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 12}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 6}
sft:
  mixes:
    both: {shares: {en: 1.0, fi: 1.0}}
    half: {shares: {en: 1.0, fi: 0.5}}
eval:
  ifeval: {languages: [en, fi]}
"""
_PROFILE = """\
based_on: loopback
python: {python}
jobs:
  cpu: {{partition: small-g, hours: 0.1, cores: 1, memory_gb: 0.5}}
  translate: {{partition: small-g, hours: 0.1, devices: 1, cores: 1, memory_gb: 0.5, shards: 3, at_once: 3}}
  train: {{partition: small-g, hours: 0.1, nodes: 1, devices: 1, cores: 1, memory_gb: 0.5}}
  evaluate: {{partition: small-g, hours: 0.1, devices: 1, cores: 1, memory_gb: 0.5}}
"""
# What a job calls in place of Python. A file of the step's name in orders/ is run first: it may sleep, fail, or leave no result.
_PYTHON = """\
#!/bin/bash
world={world}
[ "$2" = kielo.cli ] || exit 0
run=$4
shift 4
steps=() shard='' part=''
while [ $# -gt 0 ]; do
  case $1 in
    --shard) shard=$2; shift 2 ;;
    --part) part=$2; shift 2 ;;
    --*) shift 2 ;;
    *) steps+=("$1"); shift ;;
  esac
done
for step in "${{steps[@]}}"; do
  name=${{step//\\//--}}${{shard:+--${{shard%/*}}}}
  if [ "$part" = prepare ]; then mkdir -p "$run/$step"; echo '{{}}' > "$run/$step/job.json"; continue; fi
  [ ! -e "$run/$step/step.json" ] || continue
  if [ -n "$shard" ] && [ -e "$run/$step/shards/${{shard/\\//-of-}}.json" ]; then continue; fi
  if [ -e "$world/orders/$name" ]; then source "$world/orders/$name"; fi
  echo "$step${{shard:+ $shard}}" >> "$world/made"
  if [ -n "$shard" ]; then
    mkdir -p "$run/$step/shards"
    echo "{{\\"shard\\": ${{shard%/*}}, \\"of\\": ${{shard#*/}}, \\"complete\\": true, \\"ids\\": []}}" > "$run/$step/shards/${{shard/\\//-of-}}.json"
  else
    mkdir -p "$run/$step"
    cp "$world/records/${{step//\\//--}}" "$run/$step/step.json"
  fi
done
"""


@dataclass
class World(SubmittedRun):
    """A recipe, a profile whose Python acts, and the run folder."""

    profile: Path

    @property
    def made(self) -> list[str]:
        """What was made, in its order, once for every time."""
        file = self.folder / "made"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def order(self, step: str, commands: str | None) -> None:
        """Have a step (`sft/both`, `translate/oasst2--2` for its second shard) begin with commands; None: no longer."""
        file = self.folder / "orders" / step.replace("/", "--")
        if commands is None:
            file.unlink()
        else:
            file.write_text(commands, "utf-8")


def build_world(folder: Path, recipe: str = RECIPE) -> World:
    """Write a world into an empty folder."""
    for name in ("orders", "records"):
        (folder / name).mkdir(parents=True)
    world = World(folder, folder / "acted.yaml", folder / "acted-cluster.yaml")
    world.recipe.write_text(recipe, "utf-8")
    python = folder / "python"
    python.write_text(_PYTHON.format(world=shlex.quote(str(folder))), "utf-8")
    python.chmod(0o755)
    world.profile.write_text(_PROFILE.format(python=json.dumps(str(python))), "utf-8")
    nothing = fingerprint({})[:16]
    for step in world.plan:
        fields = json.loads(canonical(fields_of(step, dict.fromkeys(step.inputs, nothing))))
        record = {"fields": fields, "outputs": {}, "sizes": {}, "wall_seconds": 0.0}
        (folder / "records" / step.name.replace("/", "--")).write_text(json.dumps(record), "utf-8")
    return world
