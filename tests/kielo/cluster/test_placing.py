"""From plan to jobs: nothing lost, nothing twice, nothing before what it stands on, and few jobs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kielo.cluster.jobs.grouping import Group, afters, groups_of
from kielo.cluster.jobs.job import After, Job, Task
from kielo.cluster.jobs.naming import names_of
from kielo.cluster.jobs.placing import place
from kielo.cluster.jobs.units import units_of
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_profile
from kielo.errors import UsageError
from kielo.plan import Step, make_plan
from kielo.recipe.reading import load
from kielo.records import write_json
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from tests.conftest import SMALL_RECIPE
from tests.kielo.cluster.plain_profile import profile_with

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = RunFolder(Path("/nowhere/run"))
WriteRecipe = Callable[..., Path]

JUDGED = SMALL_RECIPE.replace(
    "sft:\n", "    asked: {kind: questions, pocket: questions, rows: 4, language: fi}\nsft:\n", 1
)
JUDGED += "  questions: {asked: {max_tokens: 8}}\n  judge: {engines: {model: pocket}}\n"


@cache
def recipe_and_plan(name: str) -> tuple[Recipe, list[Step]]:
    """Read a shipped recipe once."""
    recipe = load(ROOT / "recipes" / f"{name}.yaml")
    return recipe, make_plan(recipe)


def of(jobs: Sequence[Job]) -> dict[str, Job]:
    return {job.name: job for job in jobs}


def placed(path: Path, profile: Profile, only: tuple[str, ...] = ()) -> dict[str, Job]:
    recipe = load(path)
    return of(place(recipe, make_plan(recipe), profile, NOWHERE, only))


def done_before(jobs: dict[str, Job], job: Job, element: int) -> frozenset[Task]:
    """Collect the tasks that are complete when an element starts, by what Slurm is told of dependencies alone."""

    @cache
    def before(name: str, number: int) -> frozenset[Task]:
        found: frozenset[Task] = frozenset()
        for after in jobs[name].after:
            other = jobs[after.job]
            numbers = [number] if after.matching else range(len(other.elements))
            for each in after.elements if after.elements is not None else numbers:
                found |= {*other.elements[each]} | before(after.job, each)
        return found

    return before(job.name, element)


def check_every_task_once(jobs: Sequence[Job], plan: Sequence[Step]) -> None:
    tasks = Counter(task for job in jobs for element in job.elements for task in element)
    assert set(tasks.values()) == {1}
    assert {task.step for task in tasks if task.shard is None} == {step.name for step in plan}
    for name in {task.step for task in tasks if task.shard}:
        shards = {task.shard for task in tasks if task.step == name and task.shard}
        assert shards == {f"{number}/{len(shards)}" for number in range(1, len(shards) + 1)}


def check_nothing_starts_early(jobs: Sequence[Job], plan: Sequence[Step]) -> None:
    inputs = {step.name: step.inputs for step in plan}
    by_name = of(jobs)
    shards = [task for job in jobs for element in job.elements for task in element if task.shard]
    for job in jobs:
        for number, element in enumerate(job.elements):
            done = set(done_before(by_name, job, number))
            for task in element:
                needed = {Task(name) for name in inputs[task.step]}
                if task.shard is None:
                    needed |= {each for each in shards if each.step == task.step}
                assert needed <= done, (job.name, str(task))
                if job.body != "shards":
                    done.add(task)


def check_no_device_waits_in_vain(jobs: Sequence[Job], plan: Sequence[Step]) -> None:
    """Elements on devices wait for no other device's work than that their steps stand on."""
    inputs = {step.name: step.inputs for step in plan}
    by_name = of(jobs)

    @cache
    def ancestors(name: str) -> frozenset[str]:
        return frozenset(inputs[name]).union(*(ancestors(each) for each in inputs[name]))

    arrays = {step: job.name for job in jobs if job.use != "cpu" for step in job.steps}
    for job in (job for job in jobs if job.use != "cpu"):
        for number, element in enumerate(job.elements):
            waited = {arrays[task.step] for task in done_before(by_name, job, number) if task.step in arrays}
            needed = {arrays[name] for task in element for name in ancestors(task.step) if name in arrays}
            assert waited == needed - {job.name}, job.name


def check_order_and_names(jobs: Sequence[Job]) -> None:
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names)
    for place_, job in enumerate(jobs):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", job.name)
        assert len({after.job for after in job.after}) == len(job.after)
        for after in job.after:
            assert after.job in names[:place_]
            length = len(jobs[names.index(after.job)].elements)
            assert not after.matching or length == len(job.elements) > 1
            assert after.elements is None or set(after.elements) < set(range(length))


@given(
    name=st.sampled_from(["pocket", "pocket-quick", "fi-poro-34b"]),
    shards=st.integers(1, 5),
    nodes=st.integers(1, 3),
    models=st.integers(1, 14),
    partition=st.sampled_from(["whole", "parts"]),
)
@settings(max_examples=40, deadline=None)
def test_any_profile_gets_every_task_once_and_in_order(
    name: str, shards: int, nodes: int, models: int, partition: str
) -> None:
    recipe, plan = recipe_and_plan(name)
    translate = {"shards": shards, "nodes": nodes, "partition": partition}
    jobs = place(recipe, plan, profile_with({"translate": translate, "evaluate": {"models": models}}), NOWHERE)
    check_every_task_once(jobs, plan)
    check_nothing_starts_early(jobs, plan)
    check_no_device_waits_in_vain(jobs, plan)
    check_order_and_names(jobs)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_part_of_a_plan_is_placed_as_if_the_rest_were_complete(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe, plan = recipe_and_plan("pocket-quick")
    names = [step.name for step in plan]
    only = tuple(data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=12, unique=True)))
    run = RunFolder(tmp_path_factory.mktemp("run"))
    for name in names:
        write_json(run.folder(name) / "step.json", {"fields": {}, "outputs": {}, "sizes": {}})
    jobs = place(recipe, plan, profile_with({"translate": {"shards": 2}}), run, only)
    kept = [step for step in plan if any(step.name == each or step.name.startswith(f"{each}/") for each in only)]
    check_every_task_once(jobs, kept)
    inside = {step.name for step in kept}
    trimmed = [
        Step(step.name, step.kind, step.settings, tuple(each for each in step.inputs if each in inside))
        for step in kept
    ]
    check_nothing_starts_early(jobs, trimmed)
    check_order_and_names(jobs)


def test_the_papers_recipe_is_a_handful_of_jobs() -> None:
    jobs = place(*recipe_and_plan("fi-poro-34b"), load_profile("lumi"), NOWHERE)
    assert [job.name for job in jobs] == [
        "source-mix", "translate-oasst2", "translate-helpsteer2", "translate-ifeval", "tokens-en-fi-0pct", "mix-tokens",
        "sft-en-fi-0pct", "sft", "tokens-dpo-fi", "dpo-en", "dpo", "responses-sft-en-fi-0pct", "responses-sft",
        "responses-dpo-en", "responses-dpo", "report",
    ]  # fmt: skip
    by_name = of(jobs)
    assert [len(by_name[name].elements) for name in ("translate-oasst2", "sft", "dpo", "responses-sft")] == [8, 8, 2, 4]
    training = by_name["sft"].resources
    assert (training.nodes, training.processes, training.devices) == (4, 8, 8)
    assert (by_name["translate-oasst2"].servers, by_name["translate-oasst2"].tensor_parallel) == (1, 2)


def test_a_model_answers_as_soon_as_its_own_training_is_done() -> None:
    jobs = of(place(*recipe_and_plan("pocket"), profile_with(), NOWHERE))
    assert After("sft", matching=True) in jobs["responses-sft"].after
    assert After("sft", elements=(5,)) in jobs["dpo-en"].after
    assert jobs["sft"].elements[5] == (Task("sft/en-fi-100pct"),)
    assert jobs["responses-sft"].elements[0][1:] == (
        Task("eval/sft/en-fi-10pct/ifeval-en"), Task("eval/sft/en-fi-10pct/ifeval-fi"), Task("eval/sft/en-fi-10pct/questions-fi"),
    )  # fmt: skip


def test_several_models_share_an_element() -> None:
    jobs = of(place(*recipe_and_plan("pocket"), profile_with({"evaluate": {"models": 3}}), NOWHERE))
    asked = [
        [task.step for task in each if task.step.startswith("responses/")] for each in jobs["responses-sft"].elements
    ]
    assert list(map(len, asked)) == [3, 3, 2]
    assert After("sft") in jobs["responses-sft"].after


def test_shards_on_several_nodes(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(), profile_with({"translate": {"shards": 2, "nodes": 2}}))
    array = jobs["translate-oasst2"]
    assert array.body == "shards"
    assert [[task.shard for task in element] for element in array.elements] == [["1/4", "2/4"], ["3/4", "4/4"]]
    merge = next(job for job in jobs.values() if Task("translate/oasst2") in job.elements[0])
    assert merge.use == "cpu"
    assert After("translate-oasst2") in merge.after


def test_a_translation_in_one_piece_needs_no_merge(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(), profile_with())
    assert jobs["translate-oasst2"].elements == ((Task("translate/oasst2"),),)
    assert jobs["translate-oasst2"].body == "steps"


@pytest.mark.parametrize(
    "engine",
    ["{kind: openai, urls: [http://node1:8000/v1]}", "[{kind: deepl}, {kind: openai, urls: [http://node1:8000/v1]}]"],
)
def test_engines_elsewhere_ask_for_no_devices(write_recipe: WriteRecipe, engine: str) -> None:
    path = write_recipe(("translate:\n", f"translate:\n  engine: {engine}\n"))
    jobs = placed(path, profile_with({"translate": {"shards": 8}}))
    assert "translate-oasst2" not in jobs
    assert Task("translate/oasst2") in jobs["source-translate-mix-tokens"].elements[0]


def test_a_reference_pass_goes_with_the_one_training_that_uses_it(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(), profile_with())
    assert jobs["dpo"].elements == ((Task("reference/dpo-both"), Task("dpo/dpo-both")),)


def test_a_shared_reference_pass_is_made_once_before(write_recipe: WriteRecipe) -> None:
    swept = ("{data: {helpsteer2: [en, fi]}}", "{data: {helpsteer2: [en, fi]}, sweep: {beta: [0.1, 0.2]}}")
    jobs = placed(write_recipe(swept), profile_with())
    assert jobs["reference"].elements == ((Task("reference/dpo-both"),),)
    assert jobs["reference"].body == "training"
    assert len(jobs["dpo"].elements) == 2
    assert After("reference") in jobs["dpo"].after


def test_arrays_of_one_length_do_not_match_by_that_alone(write_recipe: WriteRecipe) -> None:
    swept = ("{data: {helpsteer2: [en, fi]}}", "{data: {helpsteer2: [en, fi]}, sweep: {beta: [0.1, 0.2, 0.3]}}")
    jobs = placed(write_recipe(swept), profile_with())
    assert len(jobs["sft"].elements) == len(jobs["dpo"].elements) == 3
    assert [after for after in jobs["dpo"].after if after.job == "sft"] == [After("sft", elements=(1,))]
    assert jobs["sft"].elements[1] == (Task("sft/en-fi-100pct"),)


def test_seeds_are_elements_that_match(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(("language: fi\n", "language: fi\nseeds: [1, 2]\n")), profile_with())
    assert len(jobs["dpo"].elements) == 2
    assert After("dpo", matching=True) in jobs["responses-dpo"].after


def test_a_judge_on_devices_is_a_job_of_its_own(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(text=JUDGED), profile_with())
    assert (jobs["judge"].use, jobs["judge"].resources.devices) == ("evaluate", 1)
    assert {"responses-sft", "responses-dpo"} <= {after.job for after in jobs["judge"].after}
    elsewhere = write_recipe(
        ("{model: pocket}}", "{model: big, kind: openai, urls: [http://node1:1/v1]}}"), text=JUDGED
    )
    jobs = placed(elsewhere, profile_with())
    assert jobs["judge-report"].use == "cpu"


def test_comet_is_given_a_device(write_recipe: WriteRecipe) -> None:
    held_out = ("sft:\n", "    held-out: {kind: sentences, pocket: parallel, rows: 4}\nsft:\n")
    plain = SMALL_RECIPE + "  translation: held-out\n"
    jobs = placed(write_recipe(held_out, text=plain), profile_with())
    assert jobs["translation-quality"].use == "cpu"
    jobs = placed(write_recipe(held_out, text=plain + "  comet: {command: [python]}\n"), profile_with())
    assert (jobs["translation-quality"].use, jobs["translation-quality"].resources.devices) == ("evaluate", 1)


def test_only_keeps_a_part_and_asks_for_what_it_stands_on(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = load(write_recipe())
    plan, run = make_plan(recipe), RunFolder(tmp_path / "run")
    with pytest.raises(UsageError, match=r"step sft/en-fi-0pct needs tokens/sft/en-fi-0pct, not complete"):
        place(recipe, plan, profile_with(), run, ("sft",))
    for step in plan:
        if step.kind == "tokens":
            write_json(run.folder(step.name) / "step.json", {"fields": {}, "outputs": {}, "sizes": {}})
    (job,) = place(recipe, plan, profile_with(), run, ("sft",))
    assert (job.name, len(job.elements), job.after) == ("sft", 4, ())
    with pytest.raises(UsageError, match="no step 'sfd'"):
        place(recipe, plan, profile_with(), run, ("sfd",))


def test_throttles_are_the_least_that_profile_and_partition_say(write_recipe: WriteRecipe) -> None:
    partitions = {"parts": {"node": {"devices": 8, "cores": 8, "memory_gb": 80}, "hours": 9, "running": 3}}
    base = profile_with({"train": {"partition": "parts"}, "cpu": {"partition": "parts"}}, partitions=partitions)
    for at_once, elements, expected in ((None, 8, 3), (2, 8, 2), (5, 8, 3), (None, 3, None), (None, 1, None)):
        use = base.jobs.translate.model_copy(update={"shards": elements, "at_once": at_once})
        profile = base.model_copy(update={"jobs": base.jobs.model_copy(update={"translate": use})})
        assert placed(write_recipe(), profile)["translate-oasst2"].at_once == expected


def test_groups_stand_in_order_whatever_the_order_of_the_units() -> None:
    recipe, plan = recipe_and_plan("pocket")
    units = units_of(recipe, plan, profile_with({"translate": {"shards": 2}}))
    groups = groups_of(units[::-1], plan, 1)
    names = [str(number) for number in range(len(groups))]
    for place_, waits in enumerate(afters(groups, names, plan)):
        assert all(int(after.job) < place_ for after in waits)


def test_long_names_are_cut_and_stay_apart() -> None:
    long = "x" * 80
    steps = [Step(f"translate/{long}{number}", "translate", {}) for number in range(3)]
    groups = [Group(step.name, "translate", "steps", ((Task(step.name),),)) for step in steps]
    names = names_of(groups, steps)
    assert len(set(names)) == 3
    assert max(map(len, names)) < 64


ANEW = SMALL_RECIPE.replace(
    "sft:\n", "    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: hf}}\nsft:\n", 1
)
CHOSEN = SMALL_RECIPE.replace("mixes:\n", "mixes:\n    few: {shares: {fi: 1.0}, select: {method: mig, size: 4}}\n", 1)
SERVER = "{kind: openai, urls: [http://localhost:1/v1], model: someone/instruct}"


def test_answers_made_anew_are_made_in_shards_as_translations_are(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(text=ANEW), load_profile("generic-cuda"))
    anew, shards = jobs["regenerate-anew"], load_profile("generic-cuda").jobs.translate.shards
    assert (anew.use, len(anew.elements), anew.resources.devices) == ("translate", shards, 1)
    assert anew.elements[0] == (Task("regenerate/anew", f"1/{shards}"),)
    merges = [
        job for job in jobs.values() if Task("regenerate/anew") in [task for each in job.elements for task in each]
    ]
    assert [job.use for job in merges] == ["cpu"]
    assert Task("translate/oasst2") in done_before(jobs, anew, 0)


def test_who_asks_a_running_server_needs_no_device(write_recipe: WriteRecipe) -> None:
    jobs = placed(write_recipe(text=ANEW.replace("{kind: hf}", SERVER)), load_profile("generic-cuda"))
    (job,) = (job for job in jobs.values() if "regenerate/anew" in job.steps)
    assert job.use == "cpu"
    tagged = f"{CHOSEN}annotate: {{labels: {{kind: llm, engine: {SERVER}}}}}\n"
    for text, use in ((CHOSEN, "cpu"), (tagged, "cpu"), (tagged.replace(SERVER, "{kind: hf}"), "evaluate")):
        jobs = placed(write_recipe(text=text), load_profile("generic-cuda"))
        (job,) = (job for job in jobs.values() if "annotate/oasst2" in job.steps)
        assert job.use == use
