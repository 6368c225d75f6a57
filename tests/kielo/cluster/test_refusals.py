"""What cannot work on a cluster is refused in one sentence, before anything is queued."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kielo.cluster.jobs.placing import place, refuse_unfit
from kielo.cluster.jobs.refusals import refuse_folder, refuse_hidden_program, refuse_other_architecture
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import known_profiles, load_profile
from kielo.errors import KieloError, RecipeError, RunFolderError, UsageError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from tests.kielo.cluster.plain_profile import GPU_NODE, profile_with
from translate.shards import Shard, begin_shard, write_shard

WriteRecipe = Callable[..., Path]


@pytest.fixture
def recipe(write_recipe: WriteRecipe) -> Recipe:
    """The small recipe of all tests."""
    return load(write_recipe())


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run folder in which nothing is made yet."""
    return RunFolder(tmp_path / "run")


def refuse(recipe: Recipe, profile: Profile, run: RunFolder) -> None:
    refuse_unfit(place(recipe, make_plan(recipe), profile, run), profile, recipe, run)


def one_sentence(error: pytest.ExceptionInfo[KieloError]) -> bool:
    text = str(error.value)
    return text.endswith(".") and "\n" not in text and ". " not in text


@pytest.mark.parametrize("name", known_profiles())
def test_shipped_profiles_take_the_papers_recipe(name: str, run: RunFolder) -> None:
    recipe = load(Path(__file__).resolve().parents[3] / "recipes" / "fi-poro-34b.yaml")
    profile = load_profile(name, account="project_1").model_copy(update={"node_local": ()})
    if name == "loopback":  # one device of each of two nodes: no more than the pocket model
        profile = profile.model_copy(update={"device": "cpu"})
        recipe = load(recipe.file.with_name("pocket.yaml"))
    refuse(recipe, profile, run)


@pytest.mark.parametrize(
    ("jobs", "changes", "sentence"),
    [
        ({"train": {"hours": 72}}, {}, r"jobs\.train\.hours: 72 is over the 48 hours of partition whole"),
        ({"train": {"nodes": 17}}, {}, r"jobs\.train\.nodes: 17 is over the 16 nodes of a job on partition whole"),
        ({"translate": {"devices": 9}}, {}, r"jobs\.translate\.devices: 9 is over the 8 devices of a node"),
        ({"translate": {"cores": 64}}, {}, r"jobs\.translate\.cores: 64 is over the 56 usable cores of a node"),
        ({"cpu": {"memory_gb": 225}}, {}, r"jobs\.cpu\.memory_gb: 225 is over the 224 GB of a node"),
        ({"cpu": {"devices": 1}}, {}, r"jobs\.cpu\.devices: 1 is over the 0 devices"),
        ({"translate": {"partition": "cpu", "devices": 2}}, {}, r"jobs\.translate\.devices: 2 is over the 0 devices"),
        ({"train": {"devices": 4}}, {}, r"jobs\.train\.devices: 4 of 8, but jobs on partition whole get whole nodes"),
        ({"train": {"cores": 7}}, {}, r"jobs\.train\.cores: 7 of 56, but"),
        ({"train": {"processes": 9}}, {}, r"jobs\.train\.processes: 9 processes cannot share 8 devices"),
        ({"cpu": {"hours": 0.2}}, {}, r"jobs\.cpu\.hours: 12 minutes are over before a job has begun: .* up to 660 s"),
        ({"train": {"nodes": 2}}, {"scheduler": "none"}, r"jobs\.train\.nodes: 2, but without Slurm"),
        ({"train": {"nodes": 3}}, {}, r"step sft/\S+ on profile plain \(jobs\.train: 3 x 8 processes\): .*multiple of 24"),
    ],
)  # fmt: skip
def test_more_than_there_is(
    recipe: Recipe, run: RunFolder, jobs: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence) as error:
        refuse(recipe, profile_with(jobs, **changes), run)
    assert one_sentence(error)


def test_the_limit_itself_is_allowed(recipe: Recipe, run: RunFolder) -> None:
    limits = {"train": {"hours": 48, "nodes": 16}, "translate": {"devices": 8, "cores": 56, "memory_gb": 480}}
    refuse(recipe, profile_with(limits), run)
    refuse(recipe, profile_with({"train": {"devices": 8, "cores": 56, "memory_gb": 480}}), run)


def test_no_more_jobs_than_a_user_may_have(recipe: Recipe, run: RunFolder) -> None:
    partitions = {"parts": {"node": GPU_NODE, "hours": 9, "jobs": 30}}
    uses = {use: {"partition": "parts"} for use in ("cpu", "train", "evaluate")}
    refuse(recipe, profile_with({**uses, "translate": {"partition": "parts", "shards": 4}}, partitions=partitions), run)
    too_many = profile_with({**uses, "translate": {"partition": "parts", "shards": 9}}, partitions=partitions)
    with pytest.raises(
        RecipeError,
        match=r"partitions\.parts\.jobs: \d+ jobs .* takes 30 of a user .*translate-oasst2 9.*lower jobs\.translate\.shards",
    ):
        refuse(recipe, too_many, run)


def test_a_missing_account(recipe: Recipe, run: RunFolder) -> None:
    with pytest.raises(UsageError, match=r"need an account there; give --account"):
        refuse(recipe, profile_with(account_needed=True), run)
    refuse(recipe, profile_with(account_needed=True, account="project_1"), run)
    refuse(recipe, profile_with(account_needed=True, scheduler="none"), run)


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\\b", "a\x7fb", "a\u2028b", "a\x85b"])
def test_paths_that_slurm_does_not_carry(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="rename the folder") as error:
        refuse_folder(profile_with(), tmp_path / name)
    assert one_sentence(error)
    refuse_folder(profile_with(scheduler="none"), tmp_path / name)


@pytest.mark.parametrize("name", ["it's", "a b", '"; rm -rf ~ #', "$(id)", "$HOME", "`id`", "ääkköset", "%j", "{run}"])
def test_paths_that_are_only_odd(tmp_path: Path, name: str) -> None:
    refuse_folder(profile_with(), tmp_path / name)


def test_a_run_folder_on_a_disk_of_one_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local, shared = tmp_path / "local", tmp_path / "shared"
    local.mkdir()
    (tmp_path / "link").symlink_to(local)
    profile = profile_with(node_local=[str(tmp_path / "link")])
    shared.mkdir()
    (shared / "hop").symlink_to(local)
    for path in (local / "run", tmp_path / "link" / "run", shared / "hop" / "run"):
        with pytest.raises(RunFolderError, match=r"is a disk of this node alone \(node_local of profile plain\)"):
            refuse_folder(profile, path)
    monkeypatch.chdir(local)
    with pytest.raises(RunFolderError, match="is a disk of this node alone"):
        refuse_folder(profile, Path("runs/x"))
    for path in (shared / "run", tmp_path / "local-too" / "run"):
        refuse_folder(profile, path)


def test_another_architecture() -> None:
    for_arm = profile_with(architecture="aarch64")
    with pytest.raises(UsageError, match=r"its nodes are aarch64 \(architecture\) and this machine is x86_64"):
        refuse_other_architecture(for_arm, "x86_64")
    for machine, profile in (("arm64", for_arm), ("aarch64", for_arm), ("AMD64", profile_with())):
        refuse_other_architecture(profile, machine)
    refuse_other_architecture(profile_with(scheduler="none"), "aarch64")


def test_a_data_set_begun_in_shards_is_not_made_in_one_piece(recipe: Recipe, run: RunFolder) -> None:
    folder = run.folder("translate/oasst2")
    for number in (1, 2):
        begin_shard(folder, Shard(number, 2))
    write_shard(folder, Shard(1, 2), ["a"])
    with pytest.raises(RunFolderError, match=r"begun in 2 shards, and profile plain makes it in one piece"):
        refuse(recipe, profile_with(), run)
    refuse(recipe, profile_with({"translate": {"shards": 2}}), run)
    write_shard(folder, Shard(2, 2), ["b"])
    refuse(recipe, profile_with(), run)


def test_a_python_that_other_nodes_do_not_see() -> None:
    mine = {"python": "/local/me/bin/python", "node_local": ["/local"]}
    with pytest.raises(UsageError, match="the Python of the jobs, /local/me/bin/python: /local is a disk of this node"):
        refuse_hidden_program(profile_with(**mine))
    with pytest.raises(UsageError, match="the Python of the jobs, /"):
        refuse_hidden_program(profile_with(node_local=[str(Path(sys.executable).parent)]))
    refuse_hidden_program(profile_with(**mine, container={"command": ["singularity", "exec"], "image": "/x.sif"}))
    refuse_hidden_program(profile_with(**mine, scheduler="none"))
    refuse_hidden_program(profile_with(**{**mine, "python": "python3"}))  # of a module: found on the node


def test_packs_that_no_node_sees_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIELO_PACKS", str(tmp_path))
    with pytest.raises(UsageError, match=r"the language packs \(KIELO_PACKS\), .*; move them to a shared file system"):
        refuse_hidden_program(profile_with(node_local=[str(tmp_path)]))
