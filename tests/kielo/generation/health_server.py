"""A program in vLLM's place that is up in a moment: it says what cores it has and that it is healthy, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from kielo.schema import Engine

SERVER = """
import http.server, os, signal, socketserver, sys
if os.environ.get("DEAF"):
    signal.signal(signal.SIGTERM, lambda *_: None)
given = dict(zip(sys.argv, sys.argv[1:]))
print("cores:", sorted(os.sched_getaffinity(0)), flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def address_string(self):
        return "here"
socketserver.UnixStreamServer(given["--uds"], Handler).serve_forever()
"""


def engine(folder: Path, servers: int) -> Engine:
    """Settings of a vllm-server whose servers are this program; DEAF in the environment: they do not end when asked."""
    (folder / "server.py").write_text(SERVER)
    command = (sys.executable, str(folder / "server.py"))
    return Engine(kind="vllm-server", command=command, servers=servers, startup_seconds=60)
