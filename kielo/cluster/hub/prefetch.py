"""`kielo prefetch`: on the login node, brings what a recipe's steps read of the Hub into the cache that jobs use without a network."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kielo.cluster.hub.needs import Need, encoder_of, hub_folder, missing, needs, usual_cache
from kielo.cluster.profiles.options import add_profile, profile_of
from kielo.cluster.profiles.parts import OTHER_CACHES
from kielo.cluster.profiles.profile import Profile
from kielo.errors import MissingExtraError, SourceError, UsageError
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import load
from kielo.schema import Recipe
from kielo.text_table import text_table

if TYPE_CHECKING:
    from kielo.cluster.hub.fetch import Found

__all__ = ["Need", "add_arguments", "command", "hub_cache", "missing", "needs", "run"]
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_TRUE = ("1", "on", "yes", "true")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe, such as recipes/fi-poro-34b.yaml")
    add_profile(parser, otherwise=" (default: none, and the user's own cache)")
    parser.add_argument("--dry-run", action="store_true", help="list what would be fetched, fetch nothing")


def run(arguments: argparse.Namespace) -> int:
    """Fetch what is missing and print what is there then.

    Raises:
        SourceError: the Hub lacks something, refuses it, or cannot be reached.
        UsageError: the cache cannot be used as it is set, or its disk is too small.
        MissingExtraError: huggingface_hub or datasets is not installed.
    """
    if arguments.profile is None and (arguments.account or arguments.changes):
        raise UsageError("--account and --set change a profile; give --profile, too.")
    profile = profile_of(arguments) if arguments.profile else None
    home = (hub_cache(profile) if profile else None) or usual_cache()
    _use(home, profile)
    recipe = load(arguments.recipe)
    wanted = needs(recipe)
    if not wanted:
        print(f"{arguments.recipe}: it reads nothing of the Hub.")
        return 0
    _fetch_all(wanted, recipe, home, arguments.dry_run)
    return 0


def hub_cache(profile: Profile) -> Path | None:
    """Name the HF_HOME of a profile's jobs for this user and account; None: the user's own.

    Raises:
        UsageError: the profile names it by a job, or by an account that was not given, or not from the root.
    """
    if profile.hub_cache is None:
        return None
    account = profile.account or os.environ.get("SBATCH_ACCOUNT")
    filled = {"{user}": _user(), "{account}": account, "{checkout}": str(CHECKOUT)}
    for placeholder in re.findall(r"\{\w+\}", profile.hub_cache):
        if placeholder not in filled:
            raise UsageError(
                f"profile {profile.name}: hub_cache: {placeholder} is another folder for every run; all jobs share one cache."
            )
        if filled[placeholder] is None:
            raise UsageError(f"profile {profile.name}: hub_cache: it holds {{account}}; give --account.")
    path = Path(re.sub(r"\{\w+\}", lambda match: filled[match[0]] or "", profile.hub_cache))
    if not path.is_absolute():
        raise UsageError(f"profile {profile.name}: hub_cache: {path} must begin with /.")
    return path


def command(recipe: Path, profile: str, account: str | None, changes: Sequence[str]) -> str:
    """Write the command that fetches what a recipe's jobs lack; `profile`, `account` and `changes` as on the command line."""
    options = ["--profile", profile, *(["--account", account] if account else [])]
    return shlex.join(
        ["kielo", "prefetch", str(recipe), *options, *(word for each in changes for word in ("--set", each))]
    )


def _user() -> str:
    import pwd

    return os.environ.get("USER") or pwd.getpwuid(os.getuid()).pw_name


def _use(home: Path, profile: Profile | None) -> None:
    """Point Hugging Face's libraries, which read the environment when they are imported, at the cache of the jobs."""
    for name in _OFFLINE:
        if os.environ.get(name, "").lower() in _TRUE:
            raise UsageError(f"{name} is set, so nothing can be fetched; unset it for kielo prefetch.")
    for name in OTHER_CACHES if profile is not None and profile.hub_cache is not None else ():
        os.environ.pop(name, None)
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()):  # the HTTP package's own complaint would show it
        raise UsageError("HF_TOKEN holds characters that no token has; set it again.")
    os.environ.setdefault("HF_TOKEN_PATH", str(usual_cache() / "token"))
    os.environ["HF_HOME"] = str(home)


def _fetch_all(wanted: Sequence[Need], recipe: Recipe, home: Path, dry_run: bool) -> None:
    try:
        from kielo.cluster.hub.fetch import UnreachableError, fetch, look
    except ImportError as error:
        raise MissingExtraError(
            f"prefetch needs the package {error.name}; pip install -e '.[train]', or the package datasets alone, which brings what it needs."
        ) from error
    try:
        found = [look(need, home) for need in wanted]
    except UnreachableError as error:
        lacking = ", ".join(map(str, missing(recipe, home))) or "nothing; jobs can run"
        raise SourceError(f"{error} Missing in {home}: {lacking}.") from error
    print(_table(found, "to fetch"))
    own = hub_folder(home)
    place = home if own.parent == home else own
    _refuse_full_disk(found, place)
    if dry_run:
        return
    for each in found:
        fetch(each, home)
    for need in wanted:
        encoder = encoder_of(need, home) if need.kind == "COMET" else None
        if encoder is not None:
            found.append(look(encoder, home))
            fetch(found[-1], home)
    print(f"\nIn {place} now:")
    print(_table(found, "fetched"))
    print("\n".join(_advice(found)))


def _refuse_full_disk(found: Sequence[Found], home: Path) -> None:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free, asked = shutil.disk_usage(there).free, sum(each.bytes_to_fetch for each in found)
    print(f"{_size(asked)} to fetch into {home}; {_size(free)} free there (a quota may leave less).")
    if asked > free:
        raise UsageError(
            f"{home}: {_size(free)} free, {_size(asked)} to fetch; make room, or name another `hub_cache` in the profile."
        )


def _table(found: Sequence[Found], verb: str) -> str:
    """Lay out what is fetched from where, a line each."""
    rows = [("", "of the Hub", "revision", "commit", "size", "cache")]
    for each in found:
        need = each.need
        size = "not stated" if each.bytes is None else _size(each.bytes)
        rows.append(
            (need.kind, need.repo, need.revision or "newest", each.commit[:12], size, "there" if each.there else verb)
        )
    return text_table(rows)


def _advice(found: Sequence[Found]) -> Iterator[str]:
    """Say how each revision that was the newest today is pinned."""
    movable = [each for each in found if not each.need.pinned and each.need.kind in ("model", "embedder", "data set")]
    if movable:
        yield "\nTo run the same again later, pin what is the newest today:"
    for each in movable:
        key = f"{each.need.by.removesuffix('model')}".rstrip(".")
        if each.need.by == "model" or each.need.kind in ("embedder", "data set"):
            yield f"  {f'{key}.' if key else ''}revision: {each.commit}"
        else:
            yield f"  {each.need.by}: {each.need.repo} has no key for a revision; to pin it, name a folder that holds it"


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
