"""`kielo profile`: lists the profiles there are, or asks for a cluster's features, with what Slurm says as defaults, and writes one."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from kielo.cluster.profiles.asking import Asker, a_file, a_folder, amount, count, one_word, positive
from kielo.cluster.profiles.new_text import Answers, Place, profile_text
from kielo.cluster.profiles.reading import known_devices, known_profiles, load_profile
from kielo.cluster.queue.live import LiveSlurm, read_live
from kielo.errors import ClusterError, RecipeError, UsageError
from kielo.recipe.reading import nearest
from kielo.schema.parts import PLAIN_NAME

_BY_GRES = {"mi250": "mi250x-gcd", "a100": "a100-80", "h100": "h100-80", "gh200": "gh200-96", "h200": "h200-141"}
"""What a type of Slurm's devices most probably is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    what = parser.add_subparsers(dest="what", required=True, metavar="list|new")
    shipped = "list the profiles that ship with Kielo"
    listing = what.add_parser("list", help=shipped, description=f"{shipped[0].upper()}{shipped[1:]}.")
    listing.add_argument("--json", action="store_true", help="print the list as JSON")
    new = what.add_parser(
        "new",
        help="ask for a cluster's features and write a profile",
        description="Ask for a cluster's features and write a profile; what Slurm says of itself is the default.",
    )
    new.add_argument("name", metavar="NAME", help="such as my-cluster")
    new.add_argument(
        "--from", dest="base", metavar="PROFILE", help="lay it over this one: only what differs is written"
    )
    new.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.yaml here")
    new.add_argument("--yes", action="store_true", help="ask nothing: take what Slurm says, and the defaults")


def run(arguments: argparse.Namespace) -> None:
    """List the profiles, or write one.

    Raises:
        UsageError: the name or file will not do, the input ends early, or Slurm says too little for --yes.
    """
    if arguments.what == "list":
        _list(arguments.json)
        return
    out: Path = arguments.out or Path(f"{arguments.name}.yaml")
    _check(arguments.name, out)
    ask = Asker(silent=arguments.yes)
    answers = _over(arguments.name, arguments.base, ask) if arguments.base else _whole(arguments.name, ask)
    text = profile_text(answers)
    _read_back(text, out)
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"--out {out}: is there by now; name another file.") from error
    print(f"{out}: written. Next: kielo doctor --profile {out}")


def _list(as_json: bool) -> None:
    found = {name: load_profile(name).description for name in known_profiles()}
    if as_json:
        print(json.dumps([{"name": name, "description": text} for name, text in found.items()], indent=2))
        return
    for name, text in found.items():
        print(f"{name:14}{text}")


def _check(name: str, out: Path) -> None:
    if not PLAIN_NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no plain name; use letters, digits, '.', '_' and '-'.")
    if name in known_profiles():
        raise UsageError(f"'{name}' ships with Kielo; take another name, and --from {name} to change parts of it.")
    if out.suffix not in (".yaml", ".yml"):
        raise UsageError(f"--out {out}: a profile's file ends in .yaml.")
    if out.exists() or out.is_symlink():
        raise UsageError(f"--out {out}: is there already; name another file, or remove it.")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: no folder {out.parent}; make it.")


def _over(name: str, base: str, ask: Asker) -> Answers:
    """Ask for what differs from another profile."""
    below = load_profile(base)
    shipped = base in known_profiles()
    live = _live()
    account = ask("account that pays ('-': none)", _default_account(live, below.account), one_word)
    nodes = ask("nodes of a training", below.jobs.train.nodes, count)
    scratch = ask("folder that all nodes see, for models ('-': as the other profile)", "-", a_folder)
    return Answers(
        name=name,
        base=base if shipped else str(Path(base).resolve()),
        account=_given(account),
        train_nodes=nodes if nodes != below.jobs.train.nodes else None,
        scratch=_given(scratch),
    )


def _whole(name: str, ask: Asker) -> Answers:
    live = _live()
    if live is None:
        print("Slurm does not answer here: every value must come from you.")
    enforced = live is not None and "associations" in live.settings.get("AccountingStorageEnforce", "")
    account = _given(ask("account that pays ('-': none)", _default_account(live, None), one_word))
    gpu = _partition("devices", ask, live, _proposed(live, True) or _proposed(live, False), None)
    cpu = _partition("steps without a model", ask, live, _proposed(live, False), gpu)
    guess = _BY_GRES.get(gpu.gres or "", "-" if gpu.devices else "cpu")
    device = ask(f"what a device is ({', '.join(known_devices())}; '-': none of them)", guess, _device)
    nodes = ask("nodes of a training", min(2, gpu.nodes or 2), count)
    image = _given(ask("container image ('-': jobs use the Python that submits)", "-", a_file))
    scratch = _given(ask("folder that all nodes see, for models ('-': HF_HOME)", _scratch(account), a_folder))
    nodes_of = live.nodes_of(gpu.name) if live else []
    return Answers(
        name=name,
        account=account,
        account_needed=enforced,
        architecture=next((node.architecture for node in nodes_of if node.architecture), platform.machine()),
        device=_given(device),
        gpu=gpu,
        cpu=cpu,
        train_nodes=nodes,
        image=image,
        image_command=next((each for each in ("apptainer", "singularity") if shutil.which(each)), "apptainer"),
        scratch=scratch,
    )


def _partition(purpose: str, ask: Asker, live: LiveSlurm | None, proposed: str | None, known: Place | None) -> Place:
    """Ask for a partition; what Slurm says of it stands as defaults."""
    listed = f" ({', '.join(live.partitions)})" if live else ""
    name = ask(f"partition for {purpose}{listed}", proposed or (known.name if known else None), _partition_name(live))
    if known and name == known.name:
        return known
    said = _said(name, live)
    devices = ask(f"  devices of a node of {name}", said.devices if said else None, amount) if known is None else 0
    return Place(
        name=name,
        devices=devices,
        gres=said.gres if said and devices else None,
        cores=ask("  cores of a node that jobs may use", said.cores if said else None, count),
        memory_gb=ask("  memory of a node that jobs may use, GB", said.memory_gb if said else None, positive),
        hours=ask("  longest job, hours", said.hours if said else None, positive),
        nodes=said.nodes if said else None,
        whole_nodes=said.whole_nodes if said else False,
    )


def _said(name: str, live: LiveSlurm | None) -> Place | None:
    """Describe a partition by its smallest node that has the most devices."""
    found = live.partitions.get(name) if live else None
    nodes = live.nodes_of(name) if live else []
    if found is None or not nodes:
        return None
    most = max(node.device_count for node in nodes)
    alike = [node for node in nodes if node.device_count == most]
    kinds = {kind for node in alike for kind in node.devices}
    return Place(
        name=name,
        devices=most,
        gres=(next(iter(kinds)) or None) if len(kinds) == 1 else None,
        cores=min(node.cpus // node.threads for node in alike),
        memory_gb=float(int(min(node.memory_gb for node in alike))),
        hours=found.hours if found.hours < math.inf else 24.0,
        nodes=found.nodes,
        whole_nodes=found.exclusive,
    )


def _proposed(live: LiveSlurm | None, with_devices: bool) -> str | None:
    """Propose the partition of that kind that Slurm takes by default, or whose jobs may run longest."""
    fit = [
        each
        for each in (live.partitions.values() if live else ())
        if live and each.up and any(bool(node.device_count) == with_devices for node in live.nodes_of(each.name))
    ]
    best = max(fit, key=lambda each: (each.default, each.hours), default=None)
    return best.name if best else None


def _live() -> LiveSlurm | None:
    try:
        return read_live()
    except ClusterError:
        return None


def _default_account(live: LiveSlurm | None, of_base: str | None) -> str:
    accounts = live.accounting.accounts if live and live.accounting else ()
    return of_base or os.environ.get("SBATCH_ACCOUNT") or next(iter(accounts), "-")


def _scratch(account: str | None) -> str:
    """Propose the account's folder under /scratch, where clusters often have one."""
    proposed = Path("/scratch") / account if account else Path("/scratch")
    return str(proposed) if account and os.access(proposed, os.W_OK) else "-"


def _given(answer: str) -> str | None:
    return None if answer == "-" else answer


def _read_back(text: str, out: Path) -> None:
    """Read a profile before it is written where it belongs.

    Raises:
        UsageError: it cannot be read, for an answer does not fit the others.
    """
    with tempfile.TemporaryDirectory(prefix="kielo-profile-") as scratch:
        trial = Path(scratch) / out.name
        trial.write_text(text, "utf-8")
        try:
            load_profile(str(trial))
        except RecipeError as error:
            raise UsageError(f"nothing was written: {str(error).replace(str(trial), str(out))}") from error


def _partition_name(live: LiveSlurm | None) -> Callable[[str], str]:
    def read(written: str) -> str:
        if live and written not in live.partitions:
            raise ValueError(f"Slurm has no partition '{written}'; {nearest(written, list(live.partitions))}")
        return one_word(written)

    return read


def _device(written: str) -> str:
    if written != "-" and written not in known_devices():
        raise ValueError(f"'{written}' is not in slurm/devices.yaml; {nearest(written, known_devices())}")
    return written
