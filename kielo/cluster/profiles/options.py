"""The options by which verbs are told a cluster profile, who pays, and what to change of it for once."""

from __future__ import annotations

import argparse

from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_profile


def add_profile(parser: argparse.ArgumentParser, otherwise: str = "") -> None:
    """Add --profile, --account and --set; `otherwise` says what happens without a profile, where one is not needed."""
    parser.add_argument(
        "--profile", required=not otherwise, metavar="NAME|FILE", help=f"a cluster, such as lumi, or a profile's file{otherwise}"
    )  # fmt: skip
    parser.add_argument("--account", metavar="NAME", help="who pays (default: the profile's, or SBATCH_ACCOUNT)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="changes",
        help="change a key of the profile, such as jobs.train.nodes=8; may be repeated",
    )  # fmt: skip


def profile_of(arguments: argparse.Namespace) -> Profile:
    """Read the profile that the options name.

    Raises:
        UsageError: there is no such profile, or a change is not `key=value`.
        RecipeError: it cannot be used; one sentence with the file, the line and the fix.
    """
    return load_profile(arguments.profile, arguments.changes, arguments.account)
