"""A fork proof convinces a stranger: the file, the wheel, no network, no home, no project, nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples import split_view
from tests import needs
from tests.vectors.support import REPOSITORY

INSIDE = """
import pathlib, socket, sys
import ssi
assert pathlib.Path(ssi.__file__).is_relative_to(sys.argv[1]), ssi.__file__
try:
    socket.create_connection(("127.0.0.1", 9), timeout=5)
except OSError as exc:
    print(type(exc).__name__, exc.errno)
print(socket.if_nameindex())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this repository and installed alone into a folder."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    install = [sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return target


class Stranger:
    """Somebody else's machine: an empty home, an empty folder, no network, and the wheel."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.home, self.cwd, self.site = folder / "home", folder / "cwd", site
        for each in (self.home, self.cwd):
            each.mkdir(parents=True)

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run Python in a network namespace of its own, which has no interface that is up."""
        environment = {"HOME": str(self.home), "PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}
        unshare = shutil.which("unshare") or "unshare"
        return subprocess.run(
            [unshare, "-r", "-n", sys.executable, "-P", *map(str, command)],
            cwd=self.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def verify(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "ssi.cli", "ledger", "verify-fork", *arguments, "--json")


def namespaces() -> None:
    """Need a system that gives a process a network of its own."""
    needs.programs("unshare")
    if subprocess.run(["unshare", "-r", "-n", "true"], capture_output=True, check=False).returncode:
        needs.absent("this system gives no network namespaces")


async def test_both_readers_convince_a_stranger(tmp_path: Path, site: Path) -> None:
    namespaces()
    (tmp_path / "story").mkdir()
    await split_view.main(tmp_path / "story")
    stranger = Stranger(tmp_path / "stranger", site)
    alone = stranger.run("-c", INSIDE, site)
    assert alone.returncode == 0, alone.stderr
    assert "'lo'" in alone.stdout
    assert alone.stdout.count("(") == 1  # loopback is its only interface, and it is down
    assert "OSError 101" in alone.stdout
    for name in ("by-wallet.json", "by-office.json"):
        shutil.copy(tmp_path / "story" / name, stranger.cwd / name)
        done = stranger.verify(name)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["outcome"], said["origin"]) == ("proved", split_view.ORIGIN)
        assert stranger.verify(name, "--vkey", said["keys"][0]).returncode == 0
        proof = json.loads((stranger.cwd / name).read_bytes())
        (stranger.cwd / name).write_text(json.dumps({**proof, "checkpoints": [proof["checkpoints"][1]] * 2}))
        assert stranger.verify(name).returncode == 1
        (stranger.cwd / name).unlink()
    assert list(stranger.home.iterdir()) == list(stranger.cwd.iterdir()) == []
