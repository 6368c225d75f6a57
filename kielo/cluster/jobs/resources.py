"""What a job asks of a node: all of it on partitions of whole nodes, else what the profile says or the share of its devices."""

from __future__ import annotations

import math

from kielo.cluster.jobs.job import Resources
from kielo.cluster.profiles.profile import Node, Partition, Profile, UseName


def resources_of(profile: Profile, use: UseName, devices_of_server: int = 1) -> Resources:
    """Work out what a job of a use asks for, on each of its nodes."""
    wanted = profile.use(use)
    partition = profile.partitions[wanted.partition]
    devices = _devices(partition, use, wanted.devices, devices_of_server)
    cores = _cores(partition, devices, wanted.cores)
    return Resources(
        partition=wanted.partition,
        nodes=wanted.nodes,
        cores=cores,
        memory_gb=_memory_gb(partition, devices, cores, wanted.memory_gb),
        devices=devices,
        minutes=max(1, math.floor(wanted.hours * 60 + 1e-6)),
        processes=(wanted.processes or devices or 1) if use in ("train", "preflight") else 1,
    )


def _devices(partition: Partition, use: UseName, written: int | None, of_server: int) -> int:
    of_node = partition.node.devices
    if use == "cpu":
        return written or 0
    if partition.allocation == "node":
        return of_node
    usual = of_node if use in ("train", "preflight") else min(of_node, of_server)
    return usual if written is None else written


def _cores(partition: Partition, devices: int, written: int | None) -> int:
    node = partition.node
    if partition.allocation == "node":
        return node.cores
    return written or max(1, math.floor(node.cores * _share(partition.node, devices)))


def _memory_gb(partition: Partition, devices: int, cores: int, written: float | None) -> float:
    """Share a node's memory out by devices, for jobs without any by cores; in whole MiB, as Slurm counts."""
    node = partition.node
    if partition.allocation == "node":
        return node.memory_gb
    share = _share(node, devices) if devices else min(1, cores / node.cores)
    return math.floor((written or node.memory_gb * share) * 1024) / 1024


def _share(node: Node, devices: int) -> float:
    return min(1, devices / node.devices) if devices and node.devices else 1
