"""Profiles: those that ship, how files lie over one another, and that every mistake is one sentence with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kielo.cluster.profiles.profile import Billing
from kielo.cluster.profiles.reading import known_profiles, load_profile, load_with_files
from kielo.cluster.queue.live import hours_of, pairs
from kielo.errors import RecipeError, UsageError
from kielo.reference.recipe import PROFILE_REFERENCE, PROFILE_SCHEMA, profile_reference_text, profile_schema_text

SMALL = """\
partitions:
  gpu: {node: {devices: 4, cores: 48, memory_gb: 480}, hours: 48}
jobs:
  cpu: {partition: gpu, hours: 1}
  translate: {partition: gpu, hours: 1}
  train: {partition: gpu, hours: 1}
  evaluate: {partition: gpu, hours: 1}
"""


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)


def written(folder: Path, text: str, name: str = "mine.yaml") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", known_profiles())
def test_every_profile_that_ships_can_be_read_and_says_what_it_is(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name and profile.description.endswith(".")
    for use in ("cpu", "translate", "train", "evaluate", "preflight"):
        wanted = profile.use(use)
        partition = profile.partitions[wanted.partition]
        assert wanted.hours <= partition.hours and wanted.nodes <= (partition.nodes or wanted.nodes)
        assert (wanted.devices or 0) <= partition.node.devices


def test_the_variables_of_lumi_go_by_the_generation_of_the_image() -> None:
    new, old = load_profile("lumi").variables(), load_profile("lumi-r64").variables()
    assert not {"NCCL_NET_GDR_LEVEL", "NCCL_SOCKET_IFNAME", "SINGULARITYENV_LD_PRELOAD"} & set(new)
    assert old["NCCL_NET_GDR_LEVEL"] == "PHB" and old["TORCH_COMPILE_DISABLE"] == "1"
    assert new.items() < old.items(), "the older image only adds to what both need"


def test_lumi_bills_a_whole_node_four_and_a_share_by_its_largest_part() -> None:
    partitions = load_profile("lumi").partitions
    whole, share, cores = (partitions[name].billing for name in ("standard-g", "small-g", "small"))
    assert whole and share and cores
    assert whole.charge(nodes=4, cores=56, memory_gb=480, devices=8, hours=2) == 32
    assert share.charge(nodes=1, cores=7, memory_gb=60, devices=1, hours=1) == 0.5
    assert share.charge(nodes=1, cores=7, memory_gb=128, devices=1, hours=1) == 1.0
    assert share.charge(nodes=1, cores=56, memory_gb=480, devices=8, hours=1) == 4.0
    assert cores.charge(nodes=1, cores=4, memory_gb=32, devices=0, hours=24) == 384


def test_a_profile_lies_over_another_key_by_key(tmp_path: Path) -> None:
    written(tmp_path, SMALL + "environment: {A: a, B: b}\nnode_local: [/tmp, /local]\n", "base.yaml")
    over = "based_on: base.yaml\njobs: {train: {nodes: 8}}\nenvironment: {B: other}\nnode_local: [/ssd]\n"
    profile = load_profile(written(tmp_path, over))
    assert profile.name == "mine" and profile.jobs.train.nodes == 8 and profile.jobs.train.partition == "gpu"
    assert profile.environment == {"A": "a", "B": "other"} and profile.node_local == ("/ssd",)


def test_the_command_line_changes_keys_and_the_account_goes_by_precedence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, SMALL)
    changed = load_profile(file, ["jobs.train.nodes=8", "requeue.allowed=false", "node_local=[]"])
    assert changed.jobs.train.nodes == 8 and not changed.requeue.allowed and changed.node_local == ()
    monkeypatch.setenv("SBATCH_ACCOUNT", "of-the-environment")
    assert load_profile(file).account == "of-the-environment"
    own = written(tmp_path, SMALL + "account: own\n", "own.yaml")
    assert load_profile(own).account == "own"
    assert load_profile(own, account="given").account == "given"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("train: {partition: gpu", "train: {partition: gpus", "line 6: jobs.train.partition: unknown partition 'gpus'; did you mean 'gpu'?"),
        ("hours: 48", "hour: 48", "line 2: unknown key 'partitions.gpu.hour'; did you mean 'hours'?"),
        ("cores: 48", "cores: many", "line 2: partitions.gpu.node.cores: "),
        ("cores: 48", "cores: true", "line 2: partitions.gpu.node.cores: true and false are no values"),
        ("devices: 4", "devices: 4, cpu_masks: ['0xf']", "line 2: partitions.gpu.node.cpu_masks: 1 masks for 4 devices"),
        ("devices: 4", "devices: 1, cpu_masks: ['0x0']", "line 2: partitions.gpu.node.cpu_masks.0: "),
        ("partitions:", "environment: {HF_HOME: /x}\npartitions:", "line 1: environment.HF_HOME: would lead jobs away from the cache"),
        ("partitions:", "environments: {new: {HF_HUB_CACHE: /x}}\npartitions:", "line 1: environments.new.HF_HUB_CACHE: would lead"),
        ("devices: 4", "gres: a100", "line 2: partitions.gpu.node.gres: a node without devices"),
        ("evaluate: {", "evaluate: {shards: 2, ", "line 7: jobs.evaluate.shards: does nothing for jobs.evaluate"),
        ("partitions:", "device: a100\npartitions:", "line 1: device: 'a100' is not in slurm/devices.yaml; did you mean 'a100-"),
        ("partitions:", "generation: r70\npartitions:", "line 1: generation: 'r70' is none of `environments`"),
        ("partitions:", "hub_cache: /scratch/{home}\npartitions:", "line 1: hub_cache: '{home}' is no placeholder"),
        ("partitions:", "environment: {A B: x}\npartitions:", "line 1: environment.A B: "),
        ("partitions:", "account: two words\npartitions:", "line 1: account: 'two words' must be one word"),
        ("hours: 48}", "hours: 48, billing: {unit: h, per_node: 4, cores: 8}}", "line 2: partitions.gpu.billing: cores would do nothing"),
        ("partitions:", "based_on: nowhere\npartitions:", "line 1: based_on: no profile 'nowhere'"),
        ("partitions:", "based_on: mine.yaml\npartitions:", "line 1: based_on goes round in a circle"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_file_and_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    file = written(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(RecipeError) as raised:
        load_profile(file)
    assert f"{file}, {sentence}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_mistake_is_said_where_it_stands_below_another_file_or_on_the_command_line(tmp_path: Path) -> None:
    base = written(tmp_path, SMALL.replace("hours: 48", "hours: -1"), "base.yaml")
    with pytest.raises(RecipeError, match="hours") as below:
        load_profile(written(tmp_path, "# one\n# two\nbased_on: base.yaml\naccount: me\n"))
    assert f"{base}, line 2: partitions.gpu.hours" in str(below.value)
    with pytest.raises(RecipeError, match=r"^--set jobs.train.nodes=0: jobs.train.nodes: "):
        load_profile(written(tmp_path, SMALL), ["jobs.train.nodes=0"])
    with pytest.raises(RecipeError, match=r"^--account a b: account: 'a b' must be one word"):
        load_profile(written(tmp_path, SMALL), account="a b")


@pytest.mark.parametrize("change", ["jobs.train", "=3", "jobs..nodes=3", "partitions.gpu.hours.x=1"])
def test_a_change_that_is_none_is_refused(tmp_path: Path, change: str) -> None:
    with pytest.raises(UsageError, match="^--set"):
        load_profile(written(tmp_path, SMALL), [change])


@pytest.mark.parametrize(("name", "sentence"), [("lumy", "did you mean 'lumi'?"), ("absent.yaml", "no such file")])
def test_a_profile_that_is_not_there_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"--profile {name}") as raised:
        load_profile(name)
    assert sentence in str(raised.value)


def test_places_of_keys_are_known_in_every_file(tmp_path: Path) -> None:
    base = written(tmp_path, SMALL, "base.yaml")
    file = written(tmp_path, "based_on: base.yaml\naccount: me\n")
    _, files = load_with_files(file, ["jobs.train.nodes=2"])
    assert files.place(("account",)) == f"{file}, line 2"
    assert files.place(("partitions", "gpu", "hours")) == f"{base}, line 2"
    assert files.place(("jobs", "train", "nodes")) == "--set jobs.train.nodes=2"
    assert files.place(("hub_cache",)) == file


def test_a_share_is_billed_by_what_it_counts() -> None:
    assert Billing(unit="h", each=200, devices=1).charge(2, 72, 217, 3, 0.5) == 600


def test_schema_and_tables_are_fresh() -> None:
    assert PROFILE_SCHEMA.read_text("utf-8") == profile_schema_text(), "run: python -m kielo.reference.recipe"
    assert PROFILE_REFERENCE.read_text("utf-8") == profile_reference_text(), "run: python -m kielo.reference.recipe"
    assert "required" not in json.dumps(json.loads(profile_schema_text())["$defs"]["Use"])


def test_a_line_of_scontrol_is_read_whatever_its_values_hold() -> None:
    line = "NodeName=n1 Gres=gpu:mi250:8(S:0-1) OS=Linux 6.1 #1 SMP a=b State=DOWN*+DRAIN  Reason=not up [root@x] State=UP q=1"
    values = pairs(line)
    assert values["Gres"] == "gpu:mi250:8(S:0-1)" and values["State"] == "DOWN*+DRAIN"
    assert values["OS"] == "Linux 6.1 #1 SMP" and values["Reason"] == "not up [root@x]"


@pytest.mark.parametrize(
    ("written_time", "hours"),
    [("2-00:00:00", 48), ("03:00:00", 3), ("30:00", 0.5), ("90", 1.5), ("1-12", 36), ("UNLIMITED", float("inf"))],
)
def test_time_limits_are_read_as_slurm_writes_them(written_time: str, hours: float) -> None:
    assert hours_of(written_time) == hours


@pytest.mark.parametrize("name", ["HF_TOKEN", "DEEPL_AUTH_KEY", "wandb_api_key"])
def test_a_secret_is_no_business_of_a_profile(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match=rf"line 8: environment\.{name}: a secret would stand in every script"):
        load_profile(written(tmp_path, f"{SMALL}environment: {{{name}: x}}\n"))


@pytest.mark.parametrize("value", ['"\\ud800"', '["\\0"]', "[" * 3000])
def test_values_that_no_file_holds_are_refused(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, SMALL)
    with pytest.raises(RecipeError):
        load_profile(path, [f"node_local={value}"])
    with pytest.raises(RecipeError):
        load_profile(written(tmp_path, f"{SMALL}node_local: {value}\n"))


def test_a_long_value_is_not_said_wholly(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_profile(written(tmp_path, f"{SMALL}offline: {'x' * 5000}\n"))
    assert len(str(caught.value)) < 400
