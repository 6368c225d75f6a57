"""Whatever stands in a profile, a recipe's name or a path: it reaches the programs as it is, and nothing of it is evaluated."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from pydantic import ValidationError

from kielo.cluster.jobs.job import Body, Job, Resources, Task
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.scripts.quoting import environment
from kielo.cluster.scripts.script import OFFLINE, script_text
from kielo.errors import UsageError
from kielo.provenance import CHECKOUT
from kielo.run_folder import RunFolder
from tests.kielo.cluster.slurm_on_loopback import Slurm

PIECES = (
    '"; echo x > canary; #', "$(echo x > canary)", "`echo x > canary`", "'; echo x > canary; '", "\n#SBATCH --hold\n", "\necho x > canary\n",
    "$HOME", "${IFS}", "\\", "\\'", "\r\n", "\t", "ä", "日本", "\u2028", "\x1b[31m", "\x7f", " ", "*", "?", "[a]", "~", "!", "&& ", "|| ", "|", ">canary", "<(x)",
    ")", "}", ";;", "esac", "{% raw %}", "<#", "#", "%j", "%", "=", ",", "-", "--", "a", "x1", "\x80", "\x01b",
)  # fmt: skip
FREE = {"user": "who", "job": "77", "account": None}
# Every program is a function that writes down its name, its words and, for srun, the variables that it finds; PATH is empty.
RECORDER = r"""
record() { printf '%s\0' "$@" end-of-call >> "$records"; }
module() { record module "$@"; }
scancel() { record scancel "$@"; }
grep() { record grep "$@"; return 1; }
touch() { record touch "$@"; }
scontrol() { record scontrol "$@"; echo n1; }
stat() { :; }
find() { :; }
sleep() { return 1; } # who watches for a hang looks once
command_not_found_handle() { record unknown "$@"; }
srun() {
  local name values=()
  for name in "${names[@]}"; do values+=("$name=${!name}"); done
  record srun "$@" end-of-words "${values[@]}"
}
"""


def hostile(draw: random.Random, refused: str = "") -> str:
    """Make a text out of what shells, Slurm and templates read as their own."""
    text = "".join(draw.choices(PIECES, k=draw.randint(1, 4)))
    return "".join(letter for letter in text if letter not in refused) or "x"


def word(draw: random.Random) -> str:
    """Make one that a profile takes as a word: no blanks, all of it printable."""
    return "".join(each for each in hostile(draw) if each.isprintable() and not each.isspace()) or "w"


def texts(draw: random.Random, most: int = 3) -> list[str]:
    return [hostile(draw) for _ in range(draw.randint(0, most))]


def written(draw: random.Random) -> str:
    """Make a text with placeholders in it."""
    plain = hostile(draw).replace("{", "")
    return plain + draw.choice(("", "{user}", "{job}", "{run}", "{checkout}", "{account}")) + draw.choice(("", plain))


@dataclass(frozen=True)
class Case:
    """A hostile profile with a job and a run folder."""

    profile: Profile
    job: Job
    run: RunFolder

    @property
    def text(self) -> str:
        return script_text(self.job, self.profile, "recipe", self.run)

    def filled(self, value: str) -> str:
        known = {**FREE, "account": self.profile.account, "run": str(self.run.path), "checkout": str(CHECKOUT)}
        for part in known:
            if value.count(f"{{{part}}}"):
                before, _, after = value.partition(f"{{{part}}}")
                return f"{before}{known[part]}{after}"
        return value


def case_of(seed: int) -> Case:
    draw = random.Random(seed)
    values: dict[str, Any] = {
        "account": word(draw), "partitions": {"p": {"node": {"devices": 8, "cores": 8, "memory_gb": 8}, "hours": 9, "qos": word(draw)}},
        "jobs": {use: {"partition": "p", "hours": 1} for use in ("cpu", "translate", "train", "evaluate")},
        "environment": {f"NAME_{number}": written(draw) for number in range(draw.randint(0, 3))},
        "generation": "g", "environments": {"g": {"NAME_G": written(draw)}}, "hub_cache": written(draw),
        "modules": {"use": texts(draw), "load": texts(draw)} if draw.random() < 0.7 else None,
        "container": draw.choice((None, {
            "image": written(draw), "command": [hostile(draw), *texts(draw)], "binds": [written(draw)], "options": [written(draw)],
            "bind_option": hostile(draw),
        })),
        "python": hostile(draw), "srun": texts(draw), "torchrun": texts(draw), "master_address": draw.choice((None, hostile(draw))),
        "offline": draw.random() < 0.5,
    }  # fmt: skip
    body: Body = draw.choice(("steps", "shards", "training"))
    folder = Path("/") / hostile(draw, refused="\\\r\n\t\x1b\x7f\x01/") / "run"
    shards = (Task("translate/x", "1/2"), Task("translate/x", "2/2"))
    tasks = {"steps": (Task("source/a"), Task("mix/b")), "shards": shards, "training": (Task("sft/a"),)}[body]
    resources = Resources("p", 2 if body != "steps" else 1, 8, 8.0, 8, 60, 8)
    return Case(Profile.model_validate(values), Job("job", "cpu", body, (tasks,), resources), RunFolder(folder))


def expected(case: Case) -> Iterator[list[str]]:
    """Spell out the calls that a script must make where every program says yes and leaves no result."""
    modules, run = case.profile.modules, str(case.run.path)
    if modules:
        yield ["module", "purge"]
        yield from (["module", "use", folder] for folder in modules.use)
        if modules.load:
            yield ["module", "load", *modules.load]
    variables = {
        **(OFFLINE if case.profile.offline else {}),
        "HF_HOME": case.profile.hub_cache or "",
        **case.profile.variables(),
    }
    found = ["end-of-words", *(f"{name}={case.filled(value)}" for name, value in variables.items())]
    python, step = started(case), ["-m", "kielo.cli", "step", run]
    one = ["srun", "--nodes=1", "--ntasks=1", "--cpus-per-task=8", *case.profile.srun, *python]
    shown = ["scontrol", "show", "job", "--oneliner", "77"]
    both = ["srun", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=8", *case.profile.srun]
    if case.job.body == "training":
        master = case.profile.master_address or "n1"
        if case.profile.master_address is None:
            yield ["scontrol", "show", "hostnames", "n[1-2]"]
        yield shown
        yield [*one, *step, "sft/a", "--part", "prepare", *found]
        yield shown
        yield [
            *both, "--kill-on-bad-exit=1", "bash", "-c", 'PET_NODE_RANK=$SLURM_NODEID exec "$@"', "_", *python,
            "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=8", f"--master-addr={master}", "--master-port=20077",
            *case.profile.torchrun, "-m", "align.sft", f"{run}/sft/a/job.json", *found,
        ]  # fmt: skip
        yield shown
        yield [*one, *step, "sft/a", "--part", "collect", *found]
    elif case.job.body == "shards":
        inner = 'shard=${*:SLURM_PROCID+2:1}; exec "${@:$1+2}" --shard "$shard"'
        shell = ["bash", "-c", inner, "_", "2", "1/2", "2/2"]
        yield shown
        yield [*both, "--kill-on-bad-exit=0", "--no-kill", *shell, *python, *step, "translate/x", *found]
        yield ["grep", "-qs", '"complete": *true', f"{run}/translate/x/shards/1-of-2.json"]
        yield shown
        yield [*one, *step, "translate/x", "--shard", "1/2", *found]
    else:
        yield shown
        yield [*one, *step, "source/a", "mix/b", *found]
    yield shown


def started(case: Case) -> list[str]:
    container, python = case.profile.container, case.profile.python or ""
    if container is None:
        return [python]
    binds = [part for bind in container.binds for part in (container.bind_option, case.filled(bind))]
    return [*container.command, *binds, *map(case.filled, container.options), case.filled(container.image), python]


def recorded(
    scripts: Sequence[Path], names: Sequence[Sequence[str]], place: Path, locale: str
) -> list[list[list[str]]]:
    """Run scripts one after the other in a bash that can start no program; give the calls of each."""
    lines = [RECORDER]
    for number, script in enumerate(scripts):
        lines.append(f"(records={place}/{number}.calls names=({' '.join(names[number])}); . {script}) > /dev/null 2>&1")
    (place / "all.sh").write_text("\n".join(lines), encoding="utf-8")
    (place / "empty").mkdir(exist_ok=True)
    slurm = {"SLURM_JOB_ID": "77", "SLURM_JOB_NODELIST": "n[1-2]", "USER": "who", "HOME": "/nowhere"}
    environment = {**slurm, "PATH": str(place / "empty"), "LC_ALL": locale}
    subprocess.run(["/bin/bash", str(place / "all.sh")], cwd=place / "empty", env=environment, check=False, timeout=120)
    files = [place / f"{number}.calls" for number in range(len(scripts))]
    return [[call.split("\0")[:-1] for call in _read(file).split("end-of-call\0")[:-1]] for file in files]


def _read(file: Path) -> str:
    return file.read_bytes().decode("utf-8") if file.exists() else ""


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_thousand_hostile_profiles_reach_the_programs_as_they_are(tmp_path: Path, locale: str) -> None:
    cases = [case_of(seed) for seed in range(500 if locale == "C" else 0, 500 if locale != "C" else 1000)]
    scripts = [tmp_path / f"{number}.sh" for number in range(len(cases))]
    for script, case in zip(scripts, cases, strict=True):
        script.write_bytes(case.text.encode("utf-8"))
        done = subprocess.run(["bash", "-n", str(script)], capture_output=True, env={**os.environ, "LC_ALL": locale})
        assert (done.returncode, done.stderr) == (0, b""), case
    names = [[part.partition("=")[0] for part in last_variables(case)] for case in cases]
    for case, calls in zip(cases, recorded(scripts, names, tmp_path, locale), strict=True):
        assert calls == list(expected(case)), case
    assert os.listdir(tmp_path / "empty") == [] and not list(tmp_path.rglob("canary*"))


def last_variables(case: Case) -> list[str]:
    call = next(call for call in expected(case) if call[0] == "srun")
    return call[call.index("end-of-words") + 1 :]


def test_no_line_of_a_script_is_made_by_a_value() -> None:
    for seed in range(200):
        lines = case_of(seed).text.split("\n")
        first = next(place for place, line in enumerate(lines) if line and not line.startswith("#"))
        assert not any(line.startswith("#SBATCH") for line in lines[first:]) and "\r" not in "".join(lines)


def job_of(run: RunFolder, profile: Profile, name: str = "recipe") -> str:
    return script_text(
        Job("job", "cpu", "steps", ((Task("report"),),), Resources("p", 1, 1, 1.0, 0, 60)), profile, name, run
    )


PLAIN = {"partitions": {"p": {"node": {"cores": 1, "memory_gb": 1}, "hours": 1}}, "jobs": {use: {"partition": "p", "hours": 1} for use in ("cpu", "translate", "train", "evaluate")}}  # fmt: skip


@pytest.mark.parametrize("path", ["/a\nb", "/a\x00b", "/a\rb", "/a\\b", "/\x1b[31m"])
def test_paths_that_slurm_cannot_take_are_refused(path: str) -> None:
    with pytest.raises(UsageError, match="control characters|backslash"):
        job_of(RunFolder(Path(path)), Profile.model_validate(PLAIN))


@pytest.mark.parametrize("changes", [{"srun": ["a\0b"]}, {"python": "a\0b"}, {"modules": {"load": ["\0"]}}])
def test_a_nul_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no argument of a command"):
        Profile.model_validate(PLAIN | changes)
    with pytest.raises(UsageError, match="NUL"):
        environment().from_string("{{ text }}").render(text="a\0b")


def test_every_printed_value_is_quoted() -> None:
    template = environment().from_string("{{ text }} {{ number }} {{ path }} {{ words }} {{ 'a b' }}")
    assert (
        template.render(text="$(x)", number=3, path=Path("/a b"), words=["c", "d;"]) == "'$(x)' 3 '/a b' c 'd;' 'a b'"
    )
    with pytest.raises(UndefinedError):
        environment().from_string("{{ absent }}").render()
    for value in (None, True, 1.5, {"a": 1}):
        with pytest.raises(TypeError):
            environment().from_string("{{ value }}").render(value=value)


HOSTILE = ('"; rm -rf ~ #', "$(id)", "`id`", "it's", "ä 日本", "100%j", "$HOME", "a  b")


def test_slurm_takes_hostile_names_as_they_are(slurm: Slurm, tmp_path: Path) -> None:
    loopback = load_profile("loopback")
    for number, name in enumerate(HOSTILE):
        run, account = RunFolder(tmp_path / str(number) / name), "".join(name.split())
        (run.path / "jobs" / "logs").mkdir(parents=True)
        profile = loopback.model_copy(update={"account": account, "python": "/bin/true"})
        job = Job("job", "cpu", "steps", ((Task("report"),),), Resources("small-g", 1, 1, 1.0, 0, 5))
        script = tmp_path / f"{number}.sbatch"
        script.write_text(script_text(job, profile, "recipe", run), encoding="utf-8")
        submission = slurm.call("sbatch", "--parsable", str(script))
        shown = slurm.call("scontrol", "show", "job", submission)
        assert (
            f" Account={account.lower()} QOS=" in shown and "JobName=kielo-recipe-job\n" in shown
        )  # Slurm's accounts are lower case
        slurm.wait_for([submission])
        log = (run.path / "jobs" / "logs" / f"job-{submission}.log").read_text(encoding="utf-8")
        assert f"report: ended without a result, {run.path}/report/step.json is not there" in log
