"""`kielo prefetch` against a stand-in Hub, each run in a process of its own as on a login node, then jobs' reading without a network."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.cluster.hub.needs import Need, is_there
from kielo.cluster.hub.prefetch import hub_cache, missing, needs
from kielo.cluster.profiles.parts import OTHER_CACHES
from kielo.cluster.profiles.reading import load_profile
from kielo.errors import UsageError
from kielo.models import POCKET
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import load
from tests.kielo.cluster.hub import Hub, serving_hub

TOKEN = "hf_Qx7-unusual"
CHATS = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
IFEVAL = {"key": 1, "prompt": "Write.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"n": 1}]}
VERB = """
import argparse, sys
from kielo.cluster.hub import prefetch
from kielo.errors import KieloError
parser = argparse.ArgumentParser()
prefetch.add_arguments(parser)
try:
    sys.exit(prefetch.run(parser.parse_args(sys.argv[1:])))
except KieloError as error:
    sys.exit(f"kielo: {error}")
"""


def files_of_model() -> dict[str, bytes]:
    """A small real model, with files beside it that no job reads."""
    files = {path.name: path.read_bytes() for path in POCKET.iterdir()}
    idle = ("pytorch_model.bin", "onnx/model.onnx", "consolidated.safetensors", "original/params.json", "model.gguf")
    return files | dict.fromkeys(idle, b"idle") | {"README.md": b"A model."}


def parquet(*rows: dict[str, Any]) -> bytes:
    pyarrow, parquet_files = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    written = io.BytesIO()
    parquet_files.write_table(pyarrow.Table.from_pylist(list(rows)), written)
    return written.getvalue()


@pytest.fixture
def hub() -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    with serving_hub() as served:
        yield served


class Login:
    """A login node: its cache, and what it is told there."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.home = folder, folder / "cache"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
        self.environment = {**kept, "HF_ENDPOINT": url, "HF_HOME": str(self.home), "PYTHONPATH": str(CHECKOUT)}

    def recipe(self, model: str = "org/Base", datasets: str = "", **keys: str) -> Path:
        """Write a recipe."""
        chats = "c: {kind: conversations, pocket: oasst2}"
        lines = ["language: fi", f"model: {model}", f"translate: {{datasets: {{{datasets or chats}}}}}"]
        lines += ["sft: {mixes: {m: {shares: {en: 1.0}}}}", *(f"{key}: {value}" for key, value in keys.items())]
        path = self.folder / "r.yaml"
        path.write_text("\n".join(lines), "utf-8")
        return path

    def python(self, code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python there."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        environment = {**self.environment, **environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    def prefetch(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the verb there."""
        return self.python(VERB, *arguments, **environment)

    def files(self) -> set[str]:
        """List the snapshots' files in the cache."""
        return {str(path.relative_to(path.parents[0])) for path in self.home.glob("hub/*/snapshots/*/*")}


@pytest.fixture
def login(hub: Hub, tmp_path: Path) -> Login:
    return Login(tmp_path, hub.url)


def test_jobs_without_a_network_read_what_was_fetched(hub: Hub, login: Login) -> None:
    pytest.importorskip("datasets")
    commit = hub.add("org/Base", files_of_model())
    hub.add("datasets/org/CamelChats", {"README.md": b"---\nlicense: mit\n---\n", "train.jsonl": CHATS * 5})
    hub.add("datasets/org/IFEval", {"data/train-00000-of-00001.parquet": parquet(IFEVAL)})
    path = login.recipe(
        datasets="c: {kind: conversations, hub: org/CamelChats}, ifeval: {kind: ifeval, hub: org/IFEval}"
    )
    recipe = load(path)
    assert [need.repo for need in missing(recipe, login.home)] == ["org/Base", "org/CamelChats", "org/IFEval"]

    done = login.prefetch(path)

    assert done.returncode == 0, done.stderr
    assert f"  revision: {commit}" in done.stdout and "translate.datasets.c.revision: " in done.stdout
    assert missing(recipe, login.home) == []
    assert login.files() >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert not login.files() & {"pytorch_model.bin", "onnx", "consolidated.safetensors", "original", "model.gguf"}
    read = login.python(
        "from translate.rows.sources import hub_rows\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "rows = [list(hub_rows(name, None, 'train', None)) for name in ('org/CamelChats', 'org/IFEval')]\n"
        "words = AutoTokenizer.from_pretrained('org/Base')('moi')['input_ids']\n"
        "print(len(rows[0]), rows[1][0]['prompt'], len(words), AutoModelForCausalLM.from_pretrained('org/Base').device)",
        **{"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
    )
    assert read.stdout.split()[:2] == ["5", "Write."] and read.stdout.split()[-1] == "cpu", read.stderr
    assert login.prefetch(path, "--dry-run").stdout.count(" there\n") == 3


def test_a_dry_run_fetches_nothing(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model())
    done = login.prefetch(login.recipe(), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "org/Base" in done.stdout and "2.2 MB to fetch" in done.stdout
    assert hub.sent_bytes == 0 and not login.home.exists()


def test_a_gated_model_needs_a_token_which_is_never_shown(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model(), token=TOKEN)
    path = login.recipe()
    for environment in ({}, {"HF_TOKEN": "hf_wrong"}):
        refused = login.prefetch(path, **environment)
        assert refused.returncode and "model org/Base: gated; accept its terms" in refused.stderr
        assert "hf_wrong" not in refused.stderr + refused.stdout and "Traceback" not in refused.stderr
    done = login.prefetch(path, HF_TOKEN=TOKEN)
    assert done.returncode == 0 and TOKEN not in done.stdout + done.stderr
    assert not any(TOKEN.encode() in path.read_bytes() for path in login.home.rglob("*") if path.is_file())


def test_a_damaged_token_is_refused_without_being_shown(login: Login) -> None:
    done = login.prefetch(login.recipe(), HF_TOKEN=f"{TOKEN}\nx")
    assert done.stderr == "kielo: HF_TOKEN holds characters that no token has; set it again.\n"


def test_the_token_of_a_login_is_found_though_the_cache_lies_elsewhere(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model(), token=TOKEN)
    login.home.mkdir()
    (login.home / "token").write_text(TOKEN, "utf-8")
    profile = login.folder / "p.yaml"
    profile.write_text(f"based_on: loopback\nhub_cache: {login.folder}/shared/{{user}}\n", "utf-8")
    done = login.prefetch(login.recipe(), "--profile", profile, USER="aino")
    assert done.returncode == 0, done.stderr
    assert missing(load(login.folder / "r.yaml"), login.folder / "shared" / "aino") == []


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ({"model": "org/Nope"}, "model org/Nope: not on the Hub, or private"),
        ({"revision": "v9"}, "model org/Base@v9: it has no such revision"),
        ({"datasets": "c: {kind: conversations, hub: org/Nope}"}, "data set org/Nope, train: not on the Hub"),
        ({"model": "org/Words"}, "model org/Words: its repository holds no config.json with weights"),
    ],
)
def test_what_the_hub_does_not_hold_is_one_sentence(
    hub: Hub, login: Login, recipe: dict[str, str], sentence: str
) -> None:
    hub.add("org/Base", files_of_model())
    hub.add("org/Words", {"tokenizer.json": b"{}"})
    done = login.prefetch(login.recipe(**recipe))
    assert done.returncode == 1 and done.stderr.startswith(f"kielo: {sentence}"), done.stderr
    assert hub.sent_bytes == 0


def test_without_a_network_it_says_what_is_missing(login: Login) -> None:
    done = login.prefetch(login.recipe(), HF_ENDPOINT="http://127.0.0.1:9")
    assert "the Hub does not answer (ConnectError)" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.endswith(f"Missing in {login.home}: model org/Base.\n")


def test_what_is_whole_is_not_fetched_again_after_a_failure(hub: Hub, login: Login) -> None:
    files = {name: content for name, content in files_of_model().items() if "config" in name}
    parts = {f"model-0000{part}-of-00002.safetensors": bytes(40000 * part) for part in (1, 2)}
    index = {"model.safetensors.index.json": json.dumps({"weight_map": {"a": min(parts), "b": max(parts)}}).encode()}
    hub.add("org/Base", files | parts | index | {"tokenizer.json": b"{}"})
    hub.cut_off = max(parts)
    path = login.recipe()
    failed = login.prefetch(path, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert failed.returncode and "files that are whole are kept" in failed.stderr, failed.stderr
    assert [str(need) for need in missing(load(path), login.home)] == ["model org/Base"]
    hub.cut_off, hub.sent_bytes = None, 0
    done = login.prefetch(path)
    assert done.returncode == 0 and hub.sent_bytes == 80000
    assert missing(load(path), login.home) == []


def test_a_disk_that_is_too_small_is_found_before_anything_is_fetched(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model())
    hub.add("datasets/org/Huge", {"a.jsonl": CHATS}, dataset_info={"download_size": 10**16, "dataset_size": 10**17})
    done = login.prefetch(login.recipe(datasets="c: {kind: conversations, hub: org/Huge}"))
    assert done.returncode == 1 and "110000.0 TB to fetch; make room" in done.stderr
    assert hub.sent_bytes == 0


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_an_environment_that_forbids_the_network_is_refused(login: Login, name: str) -> None:
    assert f"{name} is set, so nothing can be fetched" in login.prefetch(login.recipe(), **{name: "1"}).stderr


def test_another_cache_in_the_environment_leads_nothing_away(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model())
    elsewhere = dict.fromkeys(OTHER_CACHES, str(login.folder / "elsewhere"))
    shared = f"hub_cache={login.folder}/shared"
    done = login.prefetch(login.recipe(), "--profile", "loopback", "--set", shared, **elsewhere)
    assert done.returncode == 0, done.stderr
    assert missing(load(login.recipe()), login.folder / "shared") == [] and not (login.folder / "elsewhere").exists()


def test_a_cache_of_the_users_own_choice_is_filled_and_read(hub: Hub, login: Login) -> None:
    """Jobs inherit it where no profile names a hub_cache."""
    pytest.importorskip("datasets")
    hub.add("org/Base", files_of_model())
    hub.add("datasets/org/Chats", {"train.jsonl": CHATS})
    chosen = {"HF_HUB_CACHE": str(login.folder / "models"), "HF_DATASETS_CACHE": str(login.folder / "tables")}
    path = login.recipe(datasets="c: {kind: conversations, hub: org/Chats}")
    done = login.prefetch(path, **chosen)
    assert (
        done.returncode == 0
        and not (login.home / "hub").exists()
        and f"In {login.folder / 'models'} now" in done.stdout
    )
    offline = {**chosen, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    code = "import sys; from pathlib import Path; from kielo.cluster.hub.needs import missing; from kielo.recipe.reading import load\n"
    code += "from kielo.models import model_file; from translate.rows.sources import hub_rows\n"
    code += "print(missing(load(Path(sys.argv[1])), None), model_file('org/Base', 'config.json') is not None)\n"
    code += "print(len(list(hub_rows('org/Chats', None, 'train', None))))"
    read = login.python(code, path, **offline)
    assert read.stdout == "[] True\n1\n", read.stderr


def test_comet_brings_the_tokenizer_of_its_encoder(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model())
    hub.add("org/comet", {"hparams.yaml": b"dropout: 0.1\npretrained_model: org/XLM\n", "checkpoints/model.ckpt": b"c"})
    hub.add("org/XLM", {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"weights"})
    path = login.recipe(
        datasets="s: {kind: sentences, pocket: parallel}, c: {kind: conversations, pocket: oasst2}",
        eval="{translation: s, comet: {model: org/comet, command: [python]}}",
    )
    done = login.prefetch(path)
    assert done.returncode == 0, done.stderr
    assert missing(load(path), login.home) == []
    assert login.home.joinpath("hub/models--org--XLM").is_dir()
    assert not list(login.home.glob("hub/models--org--XLM/snapshots/*/model.safetensors"))
    for file in login.home.glob("hub/models--org--XLM/snapshots/*/tokenizer.json"):
        file.unlink()
    assert [need.repo for need in missing(load(path), login.home)] == ["org/XLM"]


def test_without_a_network_another_revision_is_never_taken_for_the_pinned_one(hub: Hub, login: Login) -> None:
    pytest.importorskip("datasets")
    hub.add("org/Base", files_of_model())
    old = hub.add("datasets/org/Chats", {"train.jsonl": CHATS})
    new = hub.add("datasets/org/Chats", {"train.jsonl": CHATS * 2})
    dataset = "c: {{kind: conversations, hub: org/Chats, revision: {}}}"
    assert login.prefetch(login.recipe(datasets=dataset.format(new))).returncode == 0
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    code = "import sys; from translate.rows.sources import hub_rows\n"
    code += "for commit in sys.argv[1:]: print(len(list(hub_rows('org/Chats', None, 'train', commit))))"
    read = login.python(code, new, old, **offline)
    assert read.stdout == "2\n" and f"holds revision {new}, the recipe asks for {old}" in read.stderr
    path = login.recipe(datasets=dataset.format(old))
    assert [need.revision for need in missing(load(path), login.home)] == [old]
    assert login.prefetch(path).returncode == 0
    assert login.python(code, old, **offline).stdout == "1\n"


def test_the_pocket_recipes_need_nothing(login: Login) -> None:
    for name in ("pocket.yaml", "pocket-quick.yaml"):
        assert needs(load(CHECKOUT / "recipes" / name)) == []
    done = login.prefetch(CHECKOUT / "recipes" / "pocket.yaml", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0 and "reads nothing of the Hub" in done.stdout


def test_the_papers_recipe_needs_its_model_and_three_data_sets() -> None:
    found = needs(load(CHECKOUT / "recipes" / "fi-poro-34b.yaml"))
    repositories = ["LumiOpen/Poro-34B", "sablo/oasst2_curated", "nvidia/HelpSteer2", "google/IFEval"]
    assert [need.repo for need in found] == repositories


def test_models_of_engines_are_needed_where_they_are_loaded_here(login: Login) -> None:
    engines = "[{kind: hf, model: org/Small}, {kind: openai, urls: [http://h:1/v1], model: org/Far}, {kind: deepl}]"
    judges = "{modes: [single], engines: [{kind: vllm-server, model: org/Judge}, {kind: hf, model: org/Small}]}"
    path = login.recipe(
        datasets=f"c: {{kind: conversations, pocket: oasst2, engine: {engines}}}, q: {{kind: questions, pocket: questions}}",
        eval=f"{{questions: {{q: {{}}}}, judge: {judges}}}",
    )
    assert [need.repo for need in needs(load(path))] == ["org/Base", "org/Small", "org/Judge"]


def test_tables_are_there_only_with_every_split_that_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "org___if_eval" / "en" / "0.0.0" / ("a" * 40)
    folder.mkdir(parents=True)
    folder.joinpath("dataset_info.json").write_text(json.dumps({"splits": {"train": {}, "test": {}}}), "utf-8")
    folder.joinpath("if_eval-train.arrow").touch()

    def there(**other: str) -> bool:
        fields = {"repo": "org/IFEval", "revision": None, "config": "en", "split": "train[:10%]", **other}
        return is_there(Need("data set", by="", **fields), tmp_path)  # type: ignore[arg-type]

    assert there() and there(revision="a" * 40)
    assert not there(split="train+test") and not there(config="fi") and not there(revision="b" * 40)
    assert not there(repo="other/IFEval") and not there(repo="org/IFEval2")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("/scratch/{job}/hf", r"\{job\} is another folder for every run"),
        ("/scratch/{account}/hf", "give --account"),
        ("cache", "must begin with /"),
    ],
)
def test_a_cache_that_jobs_cannot_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, written: str, sentence: str
) -> None:
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    with pytest.raises(UsageError, match=sentence):
        hub_cache(load_profile("loopback", [f"hub_cache={written}"]))


def test_a_cache_is_named_for_the_user_and_account() -> None:
    profile = load_profile("loopback", ["hub_cache=/scratch/{account}/hf"], "project_1")
    assert hub_cache(profile) == Path("/scratch/project_1/hf")
    assert hub_cache(load_profile("loopback")) is None


def test_rows_that_cannot_be_read_are_a_sentence(hub: Hub, login: Login) -> None:
    pytest.importorskip("datasets")
    hub.add("org/Base", files_of_model())
    hub.add("datasets/org/Chats", {"train.jsonl": b'{"messages": [}\n'})
    done = login.prefetch(login.recipe(datasets="c: {kind: conversations, hub: org/Chats}"))
    assert done.returncode == 1 and "kielo: org/Chats: its files cannot be read" in done.stderr


EMBEDDER = {
    "modules.json": b'[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}, {"path": "2_Normalize", "type": "a.Normalize"}]',
    "1_Pooling/config.json": b"{}", "onnx/model.onnx": b"idle",
}  # fmt: skip


def test_what_selections_and_new_answers_ask_is_fetched_and_nothing_that_none_needs(hub: Hub, login: Login) -> None:
    hub.add("org/Base", files_of_model())
    hub.add("org/Answers", files_of_model())
    hub.add("org/Embeds", files_of_model() | EMBEDDER)
    anew = "anew: {kind: conversations, prompts_of: c, engine: {kind: hf, model: org/Answers}}"
    annotate = "{embedder: {kind: sentence-transformers, model: org/Embeds}, scores: {kind: ifd}}"
    path = login.recipe(datasets=f"c: {{kind: conversations, pocket: oasst2}}, {anew}")
    assert [need.repo for need in needs(load(path))] == ["org/Base", "org/Answers"]
    text = path.read_text("utf-8").replace("1.0}}", "1.0}, select: {method: car, size: 4}}")
    path.write_text(f"{text}\nannotate: {annotate}\n", "utf-8")
    assert [need.repo for need in missing(load(path), login.home)] == ["org/Base", "org/Answers", "org/Embeds"]
    done = login.prefetch(path)
    assert done.returncode == 0, done.stderr
    assert missing(load(path), login.home) == []
    assert any(login.home.glob("hub/*Embeds/snapshots/*/1_Pooling/config.json"))
    assert not any(login.home.glob("hub/*Embeds/snapshots/*/onnx"))
    next(login.home.glob("hub/*Embeds/snapshots/*/1_Pooling/config.json")).unlink()
    assert [need.repo for need in missing(load(path), login.home)] == ["org/Embeds"]
