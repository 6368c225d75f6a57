"""Runs a server and ends its whole process group when Kielo is gone, however it went: `python guard.py CORES SOCKET COMMAND...`.

CORES: numbers of the processor cores that the server is bound to, by commas; SOCKET: what it listens on, taken away
at the end, and its folder when Kielo is gone. Either may be empty.

Kielo holds the other end of this process's standard input and never writes to it: its end is Kielo's end, kill -9
included. It runs as a script of its own and imports nothing of Kielo.
"""

import os
import select
import signal
import subprocess
import sys
import time

_GRACE_SECONDS = 10.0


def main(cores: str, unix_socket: str, command: list[str]) -> int:
    """Run the command in this process group; return its exit status."""
    # A handler, not SIG_IGN: the server must not inherit deafness.
    signal.signal(signal.SIGTERM, lambda *_: None)
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, map(int, cores.split(",")))
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while server.poll() is None and not _input_ended(0.2):
        pass
    status = server.poll()
    ask_to_end(server)
    if unix_socket:
        _take_away(unix_socket, with_folder=status is None)
    if _lives(server):
        os.killpg(0, signal.SIGKILL)  # this process, too
    return 143 if status is None else status


def _take_away(unix_socket: str, with_folder: bool) -> None:
    """Remove a socket, and the folder if it was the last one there; Kielo may be doing the same, or be gone."""
    try:
        os.unlink(unix_socket)
    except FileNotFoundError:
        pass  # the server had not come so far
    if with_folder:
        try:
            os.rmdir(os.path.dirname(unix_socket))
        except OSError:
            pass  # the sockets of other servers, or it is gone already


def _input_ended(wait_seconds: float) -> bool:
    ready, _, _ = select.select([0], [], [], wait_seconds)
    return bool(ready) and not os.read(0, 4096)


def ask_to_end(server: "subprocess.Popen[bytes]") -> None:
    """Ask all processes of this group to end, and give them some time for it."""
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline and _lives(server):
        time.sleep(0.05)


def _lives(server: "subprocess.Popen[bytes]") -> bool:
    return server.poll() is None or _others()


def _others() -> bool:
    """Say whether another process of this group lives: a server's own children can outlive it."""
    if not os.path.isdir("/proc/self"):
        return False
    group, myself = os.getpgrp(), os.getpid()
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != myself and _group_of(name) == group:
            return True
    return False


def _group_of(process: str) -> int | None:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[2]) if fields[0] != "Z" else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
