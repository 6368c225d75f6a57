"""The devices that trainings would run on, by their names in slurm/devices.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kielo.errors import UsageError
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import nearest
from kielo.strict_yaml import load

DEVICES = CHECKOUT / "slurm" / "devices.yaml"


@dataclass(frozen=True)
class Hardware:
    """What the trainings would run on."""

    devices: int = 1
    name: str | None = None
    memory_gb: float | None = None
    tflops: float | None = None
    per_module: int = 1
    """Devices that are sold, and often billed, as one."""
    called: str | None = None
    """What one of them is."""

    @property
    def words(self) -> str:
        """Say how many devices, and how many modules where several are one."""
        counted = f"{self.devices} x {self.name}" if self.name else f"{self.devices} device{'s' * (self.devices > 1)}"
        if self.per_module == 1 or self.devices % self.per_module:
            return counted
        modules = self.devices // self.per_module
        return f"{self.devices} {self.called}s = {modules} module{'s' * (modules > 1)} ({self.name})"


@cache
def known_devices() -> dict[str, Any]:
    """Read what is known of each device."""
    return load(DEVICES)[0]


def hardware(
    name: str | None, devices: int, memory_gb: float | None, tflops: float | None, key: str = "--device"
) -> Hardware:
    """Look a device up by name; what is given beside the name goes before what the file says.

    Raises:
        UsageError: there is no such device.
    """
    known = known_devices()
    if name is not None and name not in known:
        raise UsageError(f"{key} {name}: no such device; {nearest(name, list(known))}")
    found = known[name] if name else {}
    memory_gb, tflops = memory_gb or found.get("memory_gb"), tflops or found.get("bf16_tflops")
    return Hardware(devices, name, memory_gb, tflops, found.get("per_module", 1), found.get("called"))
