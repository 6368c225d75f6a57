"""Which devices each of several servers on one machine sees: its slice of what this process sees, under one variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kielo.errors import GenerationError

_MASKS = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
_AMD_DRIVER = Path("/dev/kfd")


def environment_of_server(
    environment: Mapping[str, str], server: int, servers: int, devices_each: int, amd: bool | None = None
) -> dict[str, str]:
    """Give server number `server` (from 0) its devices: CUDA_VISIBLE_DEVICES, or on AMD HIP_VISIBLE_DEVICES alone.

    ROCm's masks stack (HIP's numbers count within ROCR's list) and vLLM refuses HIP and CUDA masks that differ, so one
    variable alone is handed on. Slurm sets ROCR_VISIBLE_DEVICES on AMD nodes; vLLM reads HIP_VISIBLE_DEVICES. A single
    server sees all that this process sees.

    Raises:
        GenerationError: there are fewer devices than the servers need.
    """
    if amd is None:
        amd = _AMD_DRIVER.exists() or any(mask in environment for mask in _MASKS[1:])
    visible = _visible(environment, amd)
    result = {name: value for name, value in environment.items() if name not in _MASKS}
    if visible is None and servers == 1:
        return result
    needed = servers * devices_each
    if visible is None:
        visible = [str(number) for number in range(needed)]
    if 0 < len(visible) < needed:
        raise GenerationError(
            f"{servers} server(s) with {devices_each} device(s) each need {needed} and {len(visible)} are visible "
            f"({','.join(visible)}); lower `servers` or `tensor_parallel`, or ask the cluster for more."
        )
    mine = visible if servers == 1 else visible[server * devices_each : (server + 1) * devices_each]
    result["HIP_VISIBLE_DEVICES" if amd else "CUDA_VISIBLE_DEVICES"] = ",".join(mine)
    return result


def _visible(environment: Mapping[str, str], amd: bool) -> list[str] | None:
    """List the devices that this process sees, as their numbers on the machine; None where no variable limits them."""
    cuda, hip, rocr = (_listed(environment, mask) for mask in _MASKS)
    if not amd:
        return cuda
    if rocr is None:
        return hip if hip is not None else cuda
    if hip is None:
        return rocr  # a CUDA mask beside ROCR's is Slurm's second copy of the same list
    return [rocr[int(place)] for place in hip if place.isdecimal() and int(place) < len(rocr)]


def _listed(environment: Mapping[str, str], mask: str) -> list[str] | None:
    if mask not in environment:
        return None
    return [device.strip() for device in environment[mask].split(",") if device.strip()]
