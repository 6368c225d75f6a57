"""`kielo doctor`: a profile's partitions, limits and account beside what Slurm says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from kielo.cluster.doctor.findings import Finding, Keyed
from kielo.cluster.profiles.profile import Partition, Profile, UseName
from kielo.cluster.queue.live import LiveNode, LivePartition, LiveSlurm
from kielo.recipe.reading import nearest


def slurm_findings(profile: Profile, live: LiveSlurm, keyed: Keyed) -> Iterator[Finding]:
    """Compare a profile with a live Slurm."""
    version, cluster = live.settings.get("SLURM_VERSION", "?"), live.settings.get("ClusterName", "?")
    yield Finding(
        "ok", f"Slurm {version} of {cluster} answers: {len(live.partitions)} partitions, {len(live.nodes)} nodes"
    )
    yield from _account(profile, live, keyed)
    for name, partition in profile.partitions.items():
        yield from _partition(name, partition, profile, live, keyed)
    yield from _settings(profile, live, keyed)


def _account(profile: Profile, live: LiveSlurm, keyed: Keyed) -> Iterator[Finding]:
    enforced = "associations" in live.settings.get("AccountingStorageEnforce", "")
    if profile.account is None:
        if profile.account_needed or enforced:
            told = f"yours: {', '.join(live.accounting.accounts)}" if live.accounting else "ask your project"
            yield keyed.wrong(
                ("account",), f"none, and Slurm refuses jobs without one; {told}: write it here, or give --account"
            )
        else:
            yield keyed.ok(("account",), "none, and none is needed")
    elif live.accounting is None:
        yield keyed.look(
            ("account",), f"{profile.account}: Slurm does not tell whose accounts it knows; a --test-only job would"
        )
    elif profile.account not in live.accounting.accounts:
        yield keyed.wrong(
            ("account",),
            f"{profile.account} is no account of yours; {nearest(profile.account, list(live.accounting.accounts)).rstrip('.')}",
        )
    else:
        yield keyed.ok(("account",), f"{profile.account} is yours")


def _uses(profile: Profile, partition: str) -> dict[UseName, int]:
    """List the uses that are laid on a partition, and how many nodes a job of each takes."""
    uses = {name: profile.use(name) for name in get_args(UseName)}
    return {name: use.nodes for name, use in uses.items() if use.partition == partition}


def _partition(name: str, partition: Partition, profile: Profile, live: LiveSlurm, keyed: Keyed) -> Iterator[Finding]:
    keys, found, uses = ("partitions", name), live.partitions.get(name), _uses(profile, name)
    if found is None:
        absent = f"Slurm has no such partition; {nearest(name, list(live.partitions)).rstrip('.')}"
        yield keyed.wrong(keys, absent) if uses else keyed.look(keys, absent)
        return
    wrong = [
        *_limits(name, partition, profile, found, live, keyed),
        *_nodes(name, partition, live.nodes_of(name), profile, max(uses.values(), default=1), keyed),
    ]
    yield from wrong
    if not wrong:
        node = partition.node
        devices = f", {node.devices} devices" if node.devices else ""
        yield keyed.ok(
            keys, f"{node.cores} cores, {node.memory_gb:g} GB{devices}, {partition.hours:g} h: as Slurm says"
        )


def _limits(
    name: str, partition: Partition, profile: Profile, found: LivePartition, live: LiveSlurm, keyed: Keyed
) -> Iterator[Finding]:
    keys = ("partitions", name)
    if not found.up:
        yield keyed.wrong(keys, "is not up: its jobs wait until it is; take another one, or ask the cluster's support")
    if partition.hours > found.hours + 1e-6:
        yield keyed.wrong(
            (*keys, "hours"), f"{partition.hours:g}, but Slurm ends jobs after {found.hours:g}; write that"
        )
    if found.nodes is not None and (partition.nodes is None or partition.nodes > found.nodes):
        said = "no limit here" if partition.nodes is None else f"{partition.nodes}"
        yield keyed.wrong((*keys, "nodes"), f"{said}, but Slurm gives a job at most {found.nodes}; write that")
    if found.exclusive and partition.allocation == "share":
        yield keyed.wrong((*keys, "allocation"), "share, but Slurm gives whole nodes only; write node")
    account = profile.account
    if account in found.denied_accounts or (found.allowed_accounts and account not in found.allowed_accounts):
        yield keyed.wrong(keys, f"not open to account {account or '(none)'}; take another partition or account")
    if live.accounting and partition.qos is not None and partition.qos not in live.accounting.qos:
        yield keyed.wrong(
            (*keys, "qos"), f"{partition.qos} is none of yours ({', '.join(live.accounting.qos) or 'none'})"
        )
    most = live.accounting and live.accounting.job_limits.get(partition.qos or found.qos or "")
    if most and (partition.jobs is None or partition.jobs > most):
        yield keyed.wrong(
            (*keys, "jobs"), f"{partition.jobs or 'no limit here'}, but Slurm takes {most} of a user; write that"
        )


def _nodes(
    name: str, partition: Partition, nodes: Sequence[LiveNode], profile: Profile, needed: int, keyed: Keyed
) -> Iterator[Finding]:
    keys = ("partitions", name, "node")
    if not nodes:
        yield keyed.look(keys, "Slurm lists no nodes of it; its cores, memory and devices could not be compared")
        return
    wrong = list(_too_much(partition, nodes, profile, keys, keyed))
    yield from wrong
    fit = [node for node in nodes if _fits(node, partition)]
    if wrong:
        return
    if len(fit) < needed:
        yield keyed.wrong(
            keys, f"{len(fit)} of {len(nodes)} nodes hold all of it and a job takes {needed}; ask for less"
        )
    elif sum(node.available for node in fit) < needed:
        yield keyed.look(
            keys, f"only {sum(node.available for node in fit)} of its {len(fit)} nodes are up, and a job takes {needed}"
        )
    if any(partition.node.cores > node.cpus // node.threads for node in fit):
        yield keyed.look(
            (*keys, "cores"),
            f"{partition.node.cores} counts hardware threads; a node has {fit[0].cpus // fit[0].threads} cores",
        )


def _fits(node: LiveNode, partition: Partition) -> bool:
    wanted = partition.node
    devices = node.devices.get(wanted.gres, 0) if wanted.gres else node.device_count
    return node.cpus >= wanted.cores and node.memory_gb + 0.01 >= wanted.memory_gb and devices >= wanted.devices


def _too_much(
    partition: Partition, nodes: Sequence[LiveNode], profile: Profile, keys: tuple[str, ...], keyed: Keyed
) -> Iterator[Finding]:
    """Yield what no node of a partition has."""
    wanted = partition.node
    architectures = sorted({node.architecture for node in nodes if node.architecture})
    if architectures and profile.architecture not in architectures:
        yield keyed.wrong(
            ("architecture",),
            f"{profile.architecture}, but nodes of {keys[1]} are {', '.join(architectures)}; write that",
        )
    cores, memory_gb = max(node.cpus for node in nodes), max(node.memory_gb for node in nodes)
    if wanted.cores > cores:
        yield keyed.wrong((*keys, "cores"), f"{wanted.cores}, but jobs can use {cores} of a node; write that")
    if wanted.memory_gb > memory_gb + 0.01:
        yield keyed.wrong(
            (*keys, "memory_gb"), f"{wanted.memory_gb:g}, but jobs can use {int(memory_gb)} of a node; write that"
        )
    kinds = sorted({kind for node in nodes for kind in node.devices})
    if wanted.gres is not None and wanted.gres not in kinds:
        listed = ", ".join(filter(None, kinds)) or "no types"
        yield keyed.wrong(
            (*keys, "gres"), f"{wanted.gres}, but Slurm knows {listed} there; write that, or leave it out"
        )
        return
    devices = max(node.devices.get(wanted.gres, 0) if wanted.gres else node.device_count for node in nodes)
    if wanted.devices > devices:
        yield keyed.wrong((*keys, "devices"), f"{wanted.devices}, but a node has {devices}; write that")
    if wanted.devices and wanted.gres is None and len(kinds) > 1:
        yield keyed.look(keys, f"nodes have devices of several types ({', '.join(kinds)}); say with gres which")


def _settings(profile: Profile, live: LiveSlurm, keyed: Keyed) -> Iterator[Finding]:
    shards, largest = profile.jobs.translate.shards, int(live.settings.get("MaxArraySize") or 1001)
    if shards > largest:
        yield keyed.wrong(
            ("jobs", "translate", "shards"), f"{shards}, but MaxArraySize is {largest}; write at most that"
        )
    if live.settings.get("SelectType", "").endswith("linear"):
        yield Finding("look", "SelectType is select/linear: Slurm gives whole nodes only, whatever a job asks for")
    if live.settings.get("EnforcePartLimits", "").upper() == "NO":
        yield Finding(
            "look",
            "EnforcePartLimits is NO: Slurm takes jobs that are over a limit and lets them wait for ever; Kielo looks first",
        )
    both = live.settings.get("DependencyParameters", "") + live.settings.get("SchedulerParameters", "")
    own = (
        "Slurm does so by itself"
        if "kill_invalid_depend" in both
        else "Kielo's jobs ask for it, Slurm does not by itself"
    )
    yield Finding("ok", f"jobs whose dependency has failed are taken away ({own})")
