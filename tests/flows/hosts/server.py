"""Run the Django service under gunicorn, and talk to it over a Unix socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

REPOSITORY = Path(__file__).resolve().parents[3]
START_SECONDS = 30


class Server(NamedTuple):
    """A running gunicorn."""

    process: subprocess.Popen[bytes]
    socket: Path
    log: Path

    def post(self, path: str, **fields: str) -> tuple[int, dict[str, Any]]:
        """Post a form on a connection of its own; return status and JSON body."""
        connection = _UnixConnection(self.socket)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(fields), headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.headers.get_content_type() == "application/json", self.log.read_text()
            return answer.status, json.loads(body)
        finally:
            connection.close()


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@contextmanager
def serving(application: str, folder: Path, *, workers: int, threads: int, preload: bool) -> Iterator[Server]:
    """Run ``application`` until the end of the block, then stop it and check that it stopped by itself."""
    server_socket, log = folder / "web.sock", folder / "web.log"
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"unix:{server_socket}"]
    command += ["--workers", str(workers), "--threads", str(threads), "--worker-class", "gthread"]
    command += ["--graceful-timeout", "10", "--worker-tmp-dir", str(folder), "--no-control-socket"]
    command += ["--preload"] if preload else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env={**os.environ, "OFFICE": str(folder)}, stdout=output, stderr=output
        )
        server = Server(process, server_socket, log)
        try:
            _wait_until_up(server)
            yield server
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait_until_up(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(server.socket))
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"gunicorn did not start:\n{server.log.read_text()}")
