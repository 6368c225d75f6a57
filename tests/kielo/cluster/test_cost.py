"""The costs of a chain of jobs: the paper's recipe on LUMI, known before anything is made, with the cluster's own billing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kielo.cli import main
from kielo.cluster.costs.rows import Row, cost_rows
from kielo.cluster.costs.table import notes, table, to_document
from kielo.cluster.costs.totals import most_passing, totals
from kielo.cluster.jobs.job import After, Job, Resources, Task
from kielo.cluster.jobs.placing import place
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_profile
from kielo.errors import RecipeError, UsageError
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

ROOT = Path(__file__).resolve().parents[3]
SMALL = Resources("small", 1, 16, 32, 0, 12 * 60)
DIES = Resources("small-g", 1, 14, 120, 2, 12 * 60)
NODES = Resources("standard-g", 4, 56, 480, 8, 24 * 60, processes=8)


def tasks(*names: str) -> tuple[tuple[Task, ...], ...]:
    """Make an array of one task each."""
    return tuple((Task(name),) for name in names)


def papers_jobs(recipe: Recipe) -> list[Job]:
    """Lay the paper's recipe on LUMI, as far as costs go."""
    plan = make_plan(recipe)
    sft = [step.name for step in plan if step.kind == "sft"]
    tokens = tuple(Task(step.name) for step in plan if step.kind in ("mix", "tokens"))
    shards = tuple((Task("translate/oasst2", f"{shard}/8"),) for shard in range(1, 9))
    dpo = tuple((Task(f"reference/dpo-{name}"), Task(f"dpo/dpo-{name}")) for name in ("en", "fi", "both"))
    return [
        Job("source", "cpu", "steps", tasks("source/oasst2"), SMALL),
        Job("translate-oasst2", "translate", "steps", shards, DIES, (After("source"),), servers=1, tensor_parallel=2),
        Job("tokens", "cpu", "steps", (tokens,), SMALL, (After("translate-oasst2"),)),
        Job("sft", "train", "training", tasks(*sft), NODES, (After("tokens"),), at_once=4),
        Job("dpo", "train", "training", dpo, NODES, (After("sft", (6,)),), at_once=4),
        Job("responses", "evaluate", "steps", tasks(*(f"responses/{name}" for name in sft)), DIES, (After("sft", matching=True),)),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def paper() -> Recipe:
    return load(ROOT / "recipes" / "fi-poro-34b.yaml")


@pytest.fixture(scope="module")
def lumi() -> Profile:
    return load_profile("lumi")


@pytest.fixture(scope="module")
def rows(paper: Recipe, lumi: Profile, tmp_path_factory) -> list[Row]:
    run = RunFolder(tmp_path_factory.mktemp("run"))
    return cost_rows(paper, make_plan(paper), papers_jobs(paper), lumi, run)


def of(rows: list[Row], name: str) -> Row:
    """Find the row of a job or a training."""
    return next(row for row in rows if row.name == name)


@pytest.mark.parametrize(
    ("training", "size", "spread", "steps", "quotient"),
    [
        ("sft/en-fi-100pct", 128, (32, 4, 1), 216, 213.07),
        ("sft/en-fi-10pct", 128, (32, 4, 1), 123, 120.28),
        ("dpo/dpo-en", 64, (32, 1, 2), 565, 564.14),
        ("dpo/dpo-both", 64, (32, 1, 2), 1040, 1035.78),
    ],
)
def test_the_papers_batches_and_steps(rows, training, size, spread, steps, quotient) -> None:
    found = of(rows, training).estimate
    assert found is not None
    assert (found.devices, found.batches.per_device, found.batches.accumulation) == spread
    assert (found.global_batch_size, found.steps) == (size, steps)
    assert found.quotient == pytest.approx(quotient, abs=0.01)
    assert found.amount.expected


def test_state_before_activations_is_that_of_32_dies(rows: list[Row]) -> None:
    trained = [row.estimate for row in rows if row.estimate and row.estimate.kind != "reference"]
    assert len(trained) == 12
    for found in trained:
        assert found.state_gb == pytest.approx(17.1, abs=0.05)
        assert found.gb is not None
        assert 17.1 < found.gb < 64


def test_billing_is_the_clusters(rows: list[Row]) -> None:
    sft, translation, source = (of(rows, name) for name in ("sft/en-fi-100pct", "translate-oasst2", "source"))
    assert sft.hours is not None
    assert (sft.most, sft.unit) == (4 * 4 * 24, "GPU-hours")
    assert sft.billed == pytest.approx(4 * 4 * sft.hours)
    assert translation.most == 8 * 0.5 * 2 * 12
    assert translation.billed is None
    assert (source.most, source.unit) == (16 * 12, "CPU-core-hours")


def test_memory_beside_a_device_is_billed(paper: Recipe, lumi: Profile, tmp_path: Path) -> None:
    job = Job("answers", "evaluate", "steps", tasks("responses/sft/en-fi-0pct"), Resources("small-g", 1, 7, 128, 1, 60))
    (row,) = cost_rows(paper, make_plan(paper), [job], lumi, RunFolder(tmp_path))
    assert row.most == 0.5 * 2


def test_a_reference_pass_shares_the_limit_of_its_training(rows: list[Row]) -> None:
    reference, training = of(rows, "reference/dpo-en"), of(rows, "dpo/dpo-en")
    assert (reference.limit_hours, reference.most, training.limit_hours) == (None, None, 24)
    assert reference.billed is not None


def test_disk_is_what_trainings_write(rows: list[Row], paper: Recipe, lumi: Profile) -> None:
    sft, parameters = of(rows, "sft/neftune"), 34_216_949_760
    assert sft.kept_bytes == 2 * parameters
    assert sft.peak_bytes == 3 * 12 * parameters  # a third checkpoint is whole before the first one goes
    assert of(rows, "reference/dpo-fi").peak_bytes is None
    (said,) = [line for line in totals(rows, paper, lumi) if line.startswith("disk")]
    models, seven = 12 * 2 * parameters, 7 * (3 * 12 - 2) * parameters
    assert f"{(models + seven) / 1e9:,.0f} GB at most, if up to 7 trainings run at once" in said
    assert "68 GB of LumiOpen/Poro-34B in the Hub's cache" in said
    one_by_one = "\n".join(totals(rows, paper, lumi.model_copy(update={"scheduler": "none"})))
    assert f"{(models + (3 * 12 - 2) * parameters) / 1e9:,.0f} GB at most" in one_by_one


def test_trainings_that_wait_for_a_whole_job_do_not_lie_beside_it(paper: Recipe, lumi: Profile, tmp_path: Path) -> None:
    def counted(*after: After) -> int:
        jobs = [replace(job, after=after) if job.name == "dpo" else job for job in papers_jobs(paper)]
        return most_passing(cost_rows(paper, make_plan(paper), jobs, lumi, RunFolder(tmp_path)))[1]

    assert counted(After("sft")) == 4
    assert counted(After("sft", matching=True)) == 7
    assert counted(After("tokens")) == 7


def test_the_table_is_narrow_and_says_what_was_assumed(rows: list[Row], paper: Recipe, lumi: Profile) -> None:
    text = table(rows, paper, lumi)
    _, *lines = text.partition("\n\n")[0].splitlines()
    assert max(map(len, text.splitlines())) <= 120
    assert len(lines) == 4 + 9 + 6
    line = next(line for line in lines if "sft/en-fi-100pct" in line)
    assert re.search(r"standard-g +4x8 +128:32x4x1 +17\.1/\d+\.\d +216 +\(213\.1\)", line)
    assert next(line for line in lines if "dpo/dpo-fi" in line).endswith(" 4[6]")
    assert next(line for line in lines if "responses" in line).endswith(" 4=")
    assert "02 translate-oasst2 [8]" in text
    text = " ".join(text.split())
    for said in (
        "32 GCDs = 16 modules (mi250x-gcd)", "standard-g: 4 GPU-hours for a node and hour", "recipes/models/shapes.yaml",
        "small-g: 0.5 GPU-hours x the largest of (cores/8, GB/64, devices/1)", "rows as the recipe expects them",
    ):  # fmt: skip
        assert said in text


def test_totals_add_up_each_unit_by_itself(rows: list[Row], paper: Recipe, lumi: Profile) -> None:
    text = "\n".join(totals(rows, paper, lumi))
    gpu = 9 * 384 + 3 * 384 + 8 * 12 + 9 * 12
    assert f"{gpu:,} at most" in text
    assert "CPU-core-hours: 384 at most" in text
    assert "6 jobs, 31 with every element" in text


def test_the_document_holds_the_same(rows: list[Row], paper: Recipe, lumi: Profile) -> None:
    document = json.loads(json.dumps(to_document(rows, paper, lumi)))
    (one,) = [each for each in document["jobs"] if each["step"] == "dpo/dpo-both"]
    assert (one["nodes"], one["devices_per_node"], one["processes_per_node"], one["after"]) == (
        4,
        8,
        8,
        [{"job": "sft", "elements": [6], "matching": False}],
    )
    assert one["training"]["steps"] == 1040
    assert one["training"]["rows_by_batch"] == pytest.approx(1035.78, abs=0.01)
    assert len(document["jobs"]) == len(rows)


def test_a_training_that_does_not_fit_is_marked(paper: Recipe, lumi: Profile, tmp_path: Path) -> None:
    eight = Resources("standard-g", 1, 56, 480, 8, 60, processes=8)
    rows = cost_rows(
        paper,
        make_plan(paper),
        [Job("sft", "train", "training", tasks("sft/neftune"), eight)],
        lumi,
        RunFolder(tmp_path),
    )
    text = table(rows, paper, lumi)
    assert re.search(r"68\.4/\d+!", text)
    assert "!: more than the 64 GB of a device" in text


def test_what_nobody_expects_is_unknown(lumi: Profile, tmp_path: Path) -> None:
    recipe = load(ROOT / "recipes" / "pocket-quick.yaml")
    plan = make_plan(recipe)
    names = [step.name for step in plan if step.kind == "sft"]
    loopback = load_profile("loopback")
    job = Job("sft", "train", "training", tasks(*names), Resources("small-g", 2, 7, 60, 1, 30))
    text = table(cost_rows(recipe, plan, [job], loopback, RunFolder(tmp_path)), recipe, loopback)
    assert re.search(rf"01 {names[0]} +small-g +2x1 +\d+:2x\d+x\d+ +\S+ +\? +\?/0\.5 +\?/0\.5", text)
    assert "not known before" in text


def test_a_profile_without_devices_and_prices(paper: Recipe, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "partitions: {all: {node: {cores: 4, memory_gb: 16}, hours: 4}}\n"
        "jobs: {cpu: {partition: all, hours: 1}, translate: {partition: all, hours: 1}, train: {partition: all, hours: 1}, evaluate: {partition: all, hours: 1}}\n",
        "utf-8",
    )
    profile = load_profile(str(tmp_path / "own.yaml"))
    job = Job("sft", "train", "training", tasks("sft/neftune"), Resources("all", 1, 4, 16, 0, 60))
    rows = cost_rows(paper, make_plan(paper), [job], profile, RunFolder(tmp_path / "run"))
    assert (rows[0].billed, rows[0].most, rows[0].hours) == (None, None, None)
    assert "billed by" not in table(rows, paper, profile)


def test_mistakes_are_one_sentence(paper: Recipe, lumi: Profile, tmp_path: Path) -> None:
    run, plan = RunFolder(tmp_path), make_plan(paper)
    (job,) = [each for each in papers_jobs(paper) if each.name == "sft"]
    other = lumi.model_copy(update={"device": "mi250x"})
    with pytest.raises(UsageError, match="profile lumi: device mi250x: no such device; did you mean 'mi250x-gcd'"):
        cost_rows(paper, plan, [job], other, run)
    three = Job("sft", "train", "training", job.elements, Resources("standard-g", 3, 56, 480, 8, 60, processes=8))
    with pytest.raises(RecipeError, match="global_batch_size 128 does not divide by 24 processes"):
        cost_rows(paper, plan, [three], lumi, run)


def test_a_limit_far_above_the_longest_training_is_noted(paper: Recipe, lumi: Profile, tmp_path: Path) -> None:
    said = {}
    for hours in (12, 24):
        longer = lumi.model_copy(update={"jobs": lumi.jobs.model_copy(update={"train": lumi.use("train").model_copy(update={"hours": hours})})})  # fmt: skip
        plan, run = make_plan(paper), RunFolder(tmp_path)
        found = notes(cost_rows(paper, plan, place(paper, plan, longer, run), longer, run), paper, longer)
        said[hours] = [note for note in found if note.startswith("a limit of")]
    # the longest: a reference pass (0.13 h) and its DPO run (2.6 h)
    assert said[12] == [] and len(said[24]) == 1
    assert said[24][0].startswith("a limit of 24.0 h is more than 5 times the longest training's 2.7 h")


def test_plan_takes_the_account_as_submit_does(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(ROOT / "recipes" / "fi-poro-34b.yaml")
    assert main(["plan", recipe, "--profile", "lumi", "--account", "project_1"]) == 0
    assert main(["plan", recipe, "--profile", "lumi", "--account", "no account"]) == 2
    assert "--account no account: account: 'no account' must be one word" in capsys.readouterr().err
    assert main(["plan", recipe, "--account", "project_1"]) == 2
    assert "--profile" in capsys.readouterr().err


_PLANNED = """
import sys
from pathlib import Path
from kielo.cluster.costs.rows import cost_rows
from kielo.cluster.costs.table import table
from kielo.cluster.jobs.placing import place
from kielo.cluster.profiles.reading import load_profile
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
recipe, lumi, run = load(Path(sys.argv[1])), load_profile("lumi"), RunFolder(Path(sys.argv[2]))
plan = make_plan(recipe)
print(table(cost_rows(recipe, plan, place(recipe, plan, lumi, run), lumi, run), recipe, lumi))
heavy = ("torch", "scipy", "numpy", "transformers", "pyarrow", "datasets", "trl", "huggingface_hub.file_download")
print("loaded:", [name for name in heavy if name in sys.modules])
"""


def test_the_papers_plan_fits_a_terminal_and_loads_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PLANNED, str(ROOT / "recipes" / "fi-poro-34b.yaml"), str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    *lines, loaded = said.splitlines()
    assert loaded == "loaded: []"
    assert max(map(len, lines)) <= 120
    assert "(213.1)" in said
    assert "(1,035.8)" in said
