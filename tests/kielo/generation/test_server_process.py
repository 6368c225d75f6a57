"""Servers that Kielo starts: nothing of them outlives it, and a failed start shows the server's own last words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kielo.errors import GenerationError
from kielo.generation.devices import environment_of_server
from kielo.generation.server_process import ServerProcess
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
STUBBORN = """
import http.server, os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None)\\nwhile True: time.sleep(1)"])
open(sys.argv[2], "w").write(f"{os.getpid()} {child.pid}")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
OWNER = """
import signal, sys, time
from pathlib import Path
from kielo.generation.server_process import ServerProcess
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with Ctrl-C ignored
server = ServerProcess(sys.argv[3:], f"http://127.0.0.1:{sys.argv[1]}/health", Path(sys.argv[2]))
server.wait_healthy(30)
print("healthy", flush=True)
time.sleep(60)
"""


def command(port: int, pids: Path) -> list[str]:
    return [sys.executable, "-c", STUBBORN, str(port), str(pids)]


def living(pids: Path) -> list[int]:
    alive = []
    for process in map(int, pids.read_text().split()):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        alive += [process] if state != "Z" else []
    return alive


def gone(pids: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while living(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not living(pids)


@pytest.fixture
def quick_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The guard with a grace of half a second, since these servers have children that ignore being asked."""
    import kielo.generation.server_process as module

    text = module._GUARD.read_text()
    assert "_GRACE_SECONDS = 10.0" in text
    (tmp_path / "guard.py").write_text(text.replace("_GRACE_SECONDS = 10.0", "_GRACE_SECONDS = 0.5"))
    monkeypatch.setattr(module, "_GUARD", tmp_path / "guard.py")


@pytest.mark.usefixtures("quick_guard")
def test_stop_ends_the_server_and_its_children(tmp_path: Path) -> None:
    port = free_port()
    server = ServerProcess(command(port, tmp_path / "pids"), f"http://127.0.0.1:{port}/health", tmp_path / "log")
    server.wait_healthy(30)
    assert server.alive and len(living(tmp_path / "pids")) == 2
    server.stop()
    assert gone(tmp_path / "pids", 2) and not server.alive
    server.stop()


@pytest.mark.usefixtures("quick_guard")
@pytest.mark.parametrize("victim", ["server", "guard"])
def test_a_killed_server_or_guard_leaves_nothing_behind(tmp_path: Path, victim: str) -> None:
    port = free_port()
    server = ServerProcess(command(port, tmp_path / "pids"), f"http://127.0.0.1:{port}/health", tmp_path / "log")
    server.wait_healthy(30)
    os.kill(living(tmp_path / "pids")[0] if victim == "server" else server._process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.alive and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not server.alive
    server.stop()
    assert gone(tmp_path / "pids", 2)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_kielo_is_the_end_of_its_servers(tmp_path: Path, end: signal.Signals) -> None:
    port = free_port()
    arguments = [str(port), str(tmp_path / "log"), *command(port, tmp_path / "pids")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert owner.stdout is not None and owner.stdout.readline() == b"healthy\n"
    child = living(tmp_path / "pids")[1]
    os.kill(child, signal.SIGKILL)  # the stubborn one would only lengthen the wait
    owner.send_signal(end)
    owner.wait(10)
    owner.stdout.close()
    assert gone(tmp_path / "pids", 5)


OWNER_OF_SOCKETS = """
import sys, time
from pathlib import Path
import kielo.generation.server_process as module
from kielo.generation.vllm_server import VllmServerGenerator
from tests.kielo.generation.health_server import engine
folder = Path(sys.argv[1])
module._GUARD = folder / "guard.py"
opened = VllmServerGenerator(engine(folder, servers=2), "m", "m", None, folder)
print(opened._folder, flush=True)
time.sleep(60)
"""


@pytest.mark.usefixtures("quick_guard")
@pytest.mark.parametrize("deaf", ["", "1"])
def test_a_kielo_that_is_killed_leaves_no_sockets(tmp_path: Path, deaf: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DEAF": deaf}
    command = [sys.executable, "-c", OWNER_OF_SOCKETS, str(tmp_path)]
    owner = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    folder = Path(owner.stdout.readline().strip())
    assert len(list(folder.iterdir())) == 2
    owner.send_signal(signal.SIGKILL)
    owner.communicate(timeout=10)
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_start_that_fails_shows_the_end_of_the_log(tmp_path: Path) -> None:
    failing = "for n in range(40): print('line', n, flush=True)\nraise SystemExit('no such model')"
    server = ServerProcess([sys.executable, "-c", failing], f"http://127.0.0.1:{free_port()}/health", tmp_path / "log")
    with pytest.raises(GenerationError) as caught:
        server.wait_healthy(30)
    server.stop()
    assert "ended with status 1" in str(caught.value) and "no such model" in str(caught.value)
    assert (
        "line 39" in str(caught.value)
        and "line 3\n" not in str(caught.value)
        and str(tmp_path / "log") in str(caught.value)
    )


def test_a_start_that_hangs_is_given_up(tmp_path: Path) -> None:
    server = ServerProcess(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        f"http://127.0.0.1:{free_port()}/health",
        tmp_path / "log",
    )
    with pytest.raises(GenerationError, match="not healthy after 0.5 seconds"):
        server.wait_healthy(0.5)
    server.stop()
    assert not server.alive


def test_a_missing_program_is_said(tmp_path: Path) -> None:
    server = ServerProcess([str(tmp_path / "python")], f"http://127.0.0.1:{free_port()}/health", tmp_path / "log")
    with pytest.raises(GenerationError, match="No such file"):
        server.wait_healthy(10)
    server.stop()


CUDA, HIP, ROCR = "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"


@pytest.mark.parametrize(("seen", "amd", "servers", "each", "given"), [
    ({}, False, 1, 2, [{}]),
    ({}, False, 2, 2, [{CUDA: "0,1"}, {CUDA: "2,3"}]),
    ({CUDA: "4,5,6,7"}, False, 2, 2, [{CUDA: "4,5"}, {CUDA: "6,7"}]),
    ({CUDA: "4,5,6,7"}, False, 1, 2, [{CUDA: "4,5,6,7"}]),
    ({CUDA: ""}, False, 2, 1, [{CUDA: ""}, {CUDA: ""}]),
    ({CUDA: "GPU-a,GPU-b"}, False, 2, 1, [{CUDA: "GPU-a"}, {CUDA: "GPU-b"}]),
    ({ROCR: "2,3,4,5"}, True, 2, 2, [{HIP: "2,3"}, {HIP: "4,5"}]),
    ({ROCR: "2,3,4,5"}, None, 1, 4, [{HIP: "2,3,4,5"}]),
    ({HIP: "6,7"}, None, 2, 1, [{HIP: "6"}, {HIP: "7"}]),
    ({ROCR: "4,5,6,7", HIP: "2,3"}, True, 2, 1, [{HIP: "6"}, {HIP: "7"}]),
    ({ROCR: "4,5", CUDA: "4,5"}, True, 2, 1, [{HIP: "4"}, {HIP: "5"}]),
    ({}, True, 2, 1, [{HIP: "0"}, {HIP: "1"}]),
])  # fmt: skip
def test_every_server_sees_its_own_devices_under_one_name(
    seen: dict[str, str], amd: bool | None, servers: int, each: int, given: list[dict[str, str]]
) -> None:
    found = [environment_of_server({"PATH": "/bin", **seen}, number, servers, each, amd) for number in range(servers)]
    assert found == [{"PATH": "/bin", **mine} for mine in given]


def test_too_few_devices_are_said() -> None:
    with pytest.raises(GenerationError, match=r"3 server.* need 6 and 4 are visible \(0,1,2,3\)"):
        environment_of_server({CUDA: "0,1,2,3"}, 0, 3, 2, False)
