"""Uploading a published folder: what arrives, what is refused and how, and a network that breaks off in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from kielo.errors import KieloError, UsageError
from kielo.execute import Job, execute
from kielo.plan import make_plan, needed_for
from kielo.recipe.reading import load
from kielo.records import write_jsonl
from kielo.run_folder import RunFolder
from kielo.sharing.folder import MARK, seal
from kielo.sharing.hub import _sentences, check_name, upload
from tests.command_line import ROOT
from tests.kielo.sharing.upload_hub import LARGE_BYTES, TOKEN, Stored, UploadHub, serving_uploads

SCRIPT = """\
import sys, time
from pathlib import Path
time.sleep = lambda seconds: None  # the library waits up to half a minute between its attempts
from kielo.verbs import publish
from kielo.errors import KieloError
from kielo.verbs.lazy import Tool
from kielo.sharing.hub import upload
try:
    CALL
except KieloError as error:
    print("kielo:", error)
    sys.exit(2)
"""
UPLOAD = SCRIPT.replace(
    "CALL", 'print("at", upload(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "private"))'
)
RECIPE = """\
language: fi
model: pocket
translate: {datasets: {chat: {kind: conversations, local: rows.jsonl, translate: false, licence: MIT}}}
sft: {mixes: {all: {shares: {en: 1.0}}}}
"""
VERB = SCRIPT.replace(
    "CALL", 'publish.run(Tool("kielo.verbs.publish", "publish").parse("kielo publish", sys.argv[1:]))'
)


@pytest.fixture
def hub() -> Iterator[UploadHub]:
    with serving_uploads() as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published folder with a small file, two large ones, and what the Hub's library may leave."""
    made = tmp_path / "published"
    (made / "data/fi").mkdir(parents=True)
    (made / "README.md").write_text("---\nlanguage: fi\n---\n", "utf-8")
    for number in (0, 1):
        (made / f"data/fi/train-0000{number}-of-00002.parquet").write_bytes(bytes([number]) * (LARGE_BYTES + number))
    (made / ".cache").mkdir()
    (made / ".cache/secret").write_text("not to be uploaded", "utf-8")
    seal(made, "run: set", {})
    return made


@pytest.fixture
def made_run(write_recipe, tmp_path: Path) -> Path:
    """A run with one small data set."""
    write_jsonl(
        tmp_path / "rows.jsonl",
        [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}],
    )
    recipe = load(write_recipe(text=RECIPE))
    run = RunFolder(tmp_path / "runs/small")
    execute(recipe, run, Job(tuple(needed_for(make_plan(recipe), ("source",))), frozenset(), None))
    return run.path


def start(hub: UploadHub, *given: object, script: str = UPLOAD, **changed: str) -> tuple[int, str]:
    """Upload in a process of its own, whose library reads its environment."""
    home = Path(str(given[0])).parent / "home"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
    }
    environment |= {"HF_HUB_OFFLINE": "0", "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **changed}
    command = [sys.executable, "-c", script, *map(str, given)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert not [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    return done.returncode, done.stdout


def files_of(folder: Path) -> Mapping[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize(("kind", "place"), [("dataset", "datasets/group/set"), ("model", "group/set")])
def test_all_files_arrive_and_a_second_upload_sends_none_again(hub, folder, kind, place) -> None:
    assert start(hub, folder, "group/set", kind, "private")[0] == 0
    stored = hub.repositories[place]
    assert stored.private
    assert {name: content for name, content in stored.files.items() if name != ".gitattributes"} == files_of(folder)
    sent = hub.received_bytes
    assert start(hub, folder, "group/set", kind, "public")[0] == 0
    assert hub.received_bytes == sent


def test_a_lost_network_is_told_and_the_same_command_goes_on(hub, folder) -> None:
    hub.break_off_after = 1
    code, said = start(hub, folder, "group/set", "dataset", "public")
    assert code == 2
    assert "run the same command again" in said
    assert MARK in hub.repositories["datasets/group/set"].files, "the name is ours from the first moment on"
    assert len(hub.large) == 1
    arrived = next(iter(hub.large))
    hub.break_off_after = None
    hub.asked.clear()
    assert start(hub, folder, "group/set", "dataset", "public")[0] == 0
    assert [line for line in hub.asked if line == f"PUT {arrived}"] == [], "what arrived is not sent again"
    assert set(hub.repositories["datasets/group/set"].files) - {".gitattributes"} == set(files_of(folder))


def test_a_new_version_takes_the_files_of_the_old_one_away(hub, folder) -> None:
    start(hub, folder, "group/set", "dataset", "public")
    hub.repositories["datasets/group/set"].files["notes.md"] = b"added on the Hub by hand"
    (folder / "data/fi/train-00001-of-00002.parquet").unlink()
    seal(folder, "run: set", {})
    assert start(hub, folder, "group/set", "dataset", "public")[0] == 0
    files = hub.repositories["datasets/group/set"].files
    assert "data/fi/train-00001-of-00002.parquet" not in files
    assert "notes.md" in files


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("group/set", {"HF_TOKEN": ""}, "there is no token"),
        ("group/set", {"HF_TOKEN": "hf_" + "x" * 34}, "does not know this token"),
        ("others/set", {}, "may not write"),
        ("group/set", {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        ("group/set", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "does not answer"),
        ("group/set", {"HF_TOKEN": "hf_ä"}, "holds letters that no token has"),
    ],
)
def test_refusals_are_one_sentence_with_the_cure(hub, folder, name, changed, said) -> None:
    code, told = start(hub, folder, name, "dataset", "public", **changed)
    assert (code, told.startswith("kielo: --hub"), said in told, len(told.splitlines())) == (2, True, True, 1), told
    assert not hub.repositories


@pytest.mark.parametrize("written", ["huggingface.co", "ftp://host", "http://[::1", "http://host:port", "http://"])
def test_an_address_that_is_none_is_told(folder, monkeypatch, written) -> None:
    monkeypatch.setenv("HF_ENDPOINT", written)
    with pytest.raises(UsageError, match="HF_ENDPOINT="):
        upload(folder, "group/set", "dataset", private=False)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "refuses what is sent, with 400 (it says: no, <KEY>)"), (401, "does not know this token (it says"),
        (403, "may not write datasets there (it says"), (404, "may not write datasets"), (409, "run the same command again later"),
        (429, "answered 429"), (500, "answered 500"),
    ],
)  # fmt: skip
def test_every_refusal_says_what_the_hub_said_without_the_token(status, said) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    response = SimpleNamespace(status_code=status, headers={}, request=None)
    with pytest.raises(KieloError) as told, _sentences("group/set", "dataset", TOKEN):
        raise HfHubHTTPError("refused", response=response, server_message=f"no, {TOKEN}")
    assert said in str(told.value)
    assert TOKEN not in str(told.value)


def test_a_name_that_is_taken_is_refused_and_nothing_is_changed(hub, folder) -> None:
    hub.repositories["datasets/group/other"] = Stored({"train.csv": b"1,2"})
    hub.repositories["datasets/group/ours"] = Stored({MARK: json.dumps({"what": "run: another"}).encode()})
    hub.repositories["datasets/group/open"] = Stored({".gitattributes": b""})
    for name, private, said in (
        ("group/other", "public", "it holds train.csv"), ("group/ours", "public", "run: another"), ("group/open", "private", "is public"),
    ):  # fmt: skip
        code, told = start(hub, folder, name, "dataset", private)
        assert (code, said in told) == (2, True), told
    assert all(stored.commits == 0 for stored in hub.repositories.values())


def test_the_verb_brings_a_data_set_to_the_hub_through_a_lost_network(hub, made_run, tmp_path) -> None:
    hub.break_off_after = 0
    given = (made_run, "chat", "--to", str(tmp_path / "out"), "--hub", "group/chat", "--private")
    code, said = start(hub, *given, script=VERB)
    assert (code, "run the same command again" in said) == (2, True), said
    hub.break_off_after = None
    code, said = start(hub, *given, script=VERB)
    assert code == 0, said
    assert f"uploaded: {hub.url}/datasets/group/chat/commit/" in said
    stored = hub.repositories["datasets/group/chat"]
    assert stored.private
    assert {name: content for name, content in stored.files.items() if name != ".gitattributes"} == files_of(
        tmp_path / "out"
    )
    assert "data/en/train-00000-of-00001.parquet" in stored.files


@pytest.mark.parametrize("name", ["set", "a/b/c", "group/../x", "group/x.git", "-a/b", "group/ä", "group/a b"])
def test_names_that_are_no_repository_are_refused(name) -> None:
    with pytest.raises(UsageError, match="owner/name"):
        check_name(name)
