"""`kielo profile`: what a newcomer answers on a real Slurm becomes a profile that can be read, and nothing is left half done."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from kielo.cluster.profiles import new as new_profile
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import known_profiles, load_profile
from kielo.errors import UsageError
from tests.kielo.cluster.slurm_on_loopback import Slurm


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)


@pytest.fixture
def _no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def called(monkeypatch: pytest.MonkeyPatch, answers: str, *arguments: str) -> None:
    """Run the verb with answers on its standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    parser = argparse.ArgumentParser()
    new_profile.add_arguments(parser)
    new_profile.run(parser.parse_args(arguments))


def made(monkeypatch: pytest.MonkeyPatch, answers: str, *arguments: str) -> Profile:
    called(monkeypatch, answers, "new", "mine", *arguments)
    return load_profile("mine.yaml")


def test_the_profiles_that_ship_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    called(monkeypatch, "", "list")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == known_profiles()
    called(monkeypatch, "", "list", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in listed] == known_profiles() and all(each["description"] for each in listed)


def test_what_slurm_says_is_taken_without_asking(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = made(monkeypatch, "", "--yes")
    assert profile.jobs.train.partition == "small-g" and profile.device == "mi250x-gcd"
    partition = profile.partitions["small-g"]
    assert (partition.node.devices, partition.node.gres, partition.node.cores) == (8, "mi250", 56)
    assert (partition.node.memory_gb, partition.hours, partition.nodes, partition.allocation) == (480, 72, 4, "share")
    assert profile.account is None and not profile.account_needed and profile.container is None


def test_answers_go_before_defaults_and_are_asked_again_until_they_fit(
    slurm: Slurm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "image.sif").touch()
    answers = ["project_1", "standrd-g", "standard-g", "8", "many", "48", "", "24",
               "small", "16", "", "1e9x", "12", "a100", "a100-80", "4", "image.sif", f"{tmp_path}/image.sif", f"{tmp_path}"]  # fmt: skip
    profile = made(monkeypatch, "\n".join(answers) + "\n")
    printed = capsys.readouterr().out
    for said in (
        "no partition 'standrd-g'; did you mean 'standard-g'?",
        "a whole number",
        "a number above 0",
        "is no file here",
    ):
        assert said in printed
    whole, small = profile.partitions["standard-g"], profile.partitions["small"]
    assert (whole.allocation, whole.node.cores, whole.hours) == ("node", 48, 24)
    assert (small.node.devices, small.node.cores, small.hours) == (0, 16, 12)
    assert profile.account == "project_1" and profile.device == "a100-80" and profile.jobs.train.nodes == 4
    assert profile.jobs.cpu.partition == "small" and profile.jobs.evaluate.partition == "standard-g"
    assert (
        profile.container
        and profile.container.image == f"{tmp_path}/image.sif"
        and profile.container.options == ("--nv",)
    )
    assert profile.hub_cache == f"{tmp_path}/hf-cache"


def test_a_profile_over_another_says_only_what_differs(
    monkeypatch: pytest.MonkeyPatch, _no_slurm: None, tmp_path: Path
) -> None:
    profile = made(monkeypatch, "project_1\n1\n-\n", "--from", "lumi")
    written = [line for line in Path("mine.yaml").read_text().splitlines() if not line.startswith("#")]
    assert written == ["based_on: lumi", "account: project_1", "jobs: {train: {nodes: 1}}"]
    assert profile.jobs.train.partition == "standard-g" and profile.account == "project_1"


def test_odd_names_come_back_as_they_were_given(monkeypatch: pytest.MonkeyPatch, _no_slurm: None) -> None:
    account = """a"b'c\\$(id)#ä"""
    assert made(monkeypatch, f"{account}\n\n\n", "--from", "lumi").account == account


@pytest.mark.parametrize("answers", ["", "project_1\n", "project_1\n8\n"])
def test_an_input_that_ends_early_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, _no_slurm: None, tmp_path: Path, answers: str
) -> None:
    with pytest.raises(UsageError, match="nothing was written"):
        called(monkeypatch, answers, "new", "mine", "--from", "lumi")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_never_written_over(monkeypatch: pytest.MonkeyPatch, _no_slurm: None) -> None:
    Path("mine.yaml").write_text("kept")
    with pytest.raises(UsageError, match="is there already"):
        called(monkeypatch, "", "new", "mine", "--from", "lumi", "--yes")
    assert Path("mine.yaml").read_text() == "kept"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a b"], "no plain name"),
        (["lumi"], "ships with Kielo"),
        (["mine", "--out", "mine.txt"], "ends in .yaml"),
        (["mine", "--out", "absent/mine.yaml"], "no folder absent"),
        (["mine", "--from", "lumy"], "did you mean 'lumi'"),
        (["mine", "--yes"], "run it without --yes on a login node"),
    ],
)
def test_what_cannot_be_written_is_refused(
    monkeypatch: pytest.MonkeyPatch, _no_slurm: None, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        called(monkeypatch, "", "new", *arguments)
    assert not list(tmp_path.iterdir())


def test_answers_that_do_not_go_together_are_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, _no_slurm: None, tmp_path: Path
) -> None:
    base = tmp_path / "base.yaml"
    base.write_text("based_on: lumi\n")
    monkeypatch.setattr(new_profile, "profile_text", lambda answers: "based_on: lumi\ngeneration: r1\n")
    with pytest.raises(UsageError, match=r"nothing was written: mine.yaml, line 2: generation"):
        called(monkeypatch, "\n\n\n", "new", "mine", "--from", "base.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["base.yaml"]
