"""``ssi restore`` and ``ssi ledger recover`` killed at any point: the old state or the new one, and again finishes.

A child is killed from outside after a random time, or kills itself at a random one of its calls on the file system, so
that the short moments between two of them are met, too. The seed is printed with a failure.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from ssi.cli.backup_files import KeptFile, read_manifest
from ssi.errors import InclusionProofError, SsiError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.ledger.backends.recovery import copied_lines, recover
from ssi.ledger.backends.sqlite_file import LogFile
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.note import NoteKey, parse_vkey
from ssi.ledger.storage import verify_storage
from tests.unit.cli.program import Town, ssi

pytestmark = pytest.mark.slow

ROUNDS = 30
SECONDS = 60
START = """
import os, signal, sys
from ssi.cli import backup, restore
from ssi.cli.program import run
from ssi.ledger.backends.recovery import copied_lines, recover
from ssi.ledger.note import parse_vkey
from pathlib import Path
left = int(sys.argv.pop(1))
def count(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect", "fcntl.flock"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
sys.addaudithook(count)
"""
RESTORE = "run(sys.argv[1:])"
RECOVER = "recover(sys.argv[1], copied_lines(Path(sys.argv[2])), keys=[parse_vkey(sys.argv[3])])"
STEPS = "\nprint(-left, flush=True)"


def child(work: str, *arguments: object, seconds: float | None = None, steps: int = 0) -> int:
    """Do the work in a process that ends after ``seconds`` or ``steps``; return its steps, or -1 if it was killed."""
    command = [sys.executable, "-c", START + work + STEPS, str(steps), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=SECONDS)
    return int(output.split()[-1]) if process.returncode == 0 else -1


class Chance:
    """When to kill, drawn between the start and the end of a whole run that was measured."""

    def __init__(self, work: str, *arguments: object) -> None:
        self.seed = random.SystemRandom().randrange(1 << 32)
        self.random = random.Random(self.seed)
        start = time.monotonic()
        self.steps = child(work, *arguments)
        self.seconds = time.monotonic() - start
        assert self.steps > 0

    def draw(self, number: int) -> dict[str, float | int]:
        if number % 2:
            return {"steps": self.random.randint(1, self.steps)}
        return {"seconds": self.random.uniform(0, self.seconds / 2)}


def hashes(folder: Path, files: tuple[KeptFile, ...]) -> dict[str, str]:
    paths = [folder / kept.path for kept in files]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in paths if path.exists()}


def test_a_restore_that_is_killed(town: Town, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the backup")
    kept = tmp_path / "kept"
    assert town.ssi("backup", kept, "--passphrase-file", secret).code == 0
    manifest = read_manifest(kept, b"of the backup")
    size = town.ok("ledger", "audit")["size"]

    def arguments(target: Path) -> tuple[object, ...]:
        return ("restore", kept, "--to", target, "--passphrase-file", secret)

    whole = tmp_path / "whole"
    chance = Chance(RESTORE, *arguments(whole))
    wanted = hashes(whole, manifest.files)
    assert len(wanted) == len(manifest.files)
    seen = {"old": 0, "new": 0, "begun": 0}
    for number in range(ROUNDS):
        target = tmp_path / f"target-{number}"
        child(RESTORE, *arguments(target), **chance.draw(number))  # type: ignore[arg-type]
        found = hashes(target, manifest.files)
        where = (chance.seed, number, sorted(found))
        assert found.items() <= wanted.items(), where
        new = (target / "ssi.toml").exists()
        if new:
            assert found == wanted, where
            assert (target / "ledger.db.head").exists(), where
        seen["new" if new else "begun" if found else "old"] += 1
        finished = new and not (target / ".restore.json").exists()
        assert ssi(*arguments(target)).code == (1 if finished else 0), where
        assert hashes(target, manifest.files) == wanted, where
        shutil.copy(town / "passphrase", target / "passphrase")
        assert Town(target).ok("ledger", "audit")["size"] == size, where
        left = [file.name for file in target.iterdir() if file.name.startswith(".")]
        assert not left or (finished and all(name.startswith(".restore-") for name in left)), where
        shutil.rmtree(target)
    print(seen)
    assert min(seen["old"], seen["new"] + seen["begun"]) > 0, seen


class Log:
    """A log of which a backup has the first entries, and a copy all."""

    def __init__(self, folder: Path, vkey: str) -> None:
        self.folder, self.vkey = folder, vkey
        self.database = folder / "log.db"
        self.url = f"sqlite://{self.database}"

    @classmethod
    async def make(cls, folder: Path) -> Log:
        kms = MemoryKms()
        key = await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        log = cls(folder, NoteKey("log.example", key).vkey)
        for name, entries in (("old", range(OLD)), ("new", range(OLD, NEW))):
            ledger = open_ledger(log.url)
            await ledger.append([b"entry %d " % number + b"x" * 400 for number in entries])
            note = await sign_checkpoint(ledger, kms=kms, label="log", origin="log.example")
            await ledger.put_checkpoint(await ledger.checkpoint(), note)
            await ledger.close()
            shutil.copy(log.database, folder / f"{name}.db")
        shutil.copy(folder / "log.db.head", folder / "head")
        return log

    def set_back(self, *, lost: bool) -> None:
        for file in self.folder.glob("log.db*"):
            file.unlink()
        if not lost:
            shutil.copy(self.folder / "old.db", self.database)
        shutil.copy(self.folder / "head", self.folder / "log.db.head")

    def size(self) -> int:
        """Return how many entries there are, as SQLite recovers the file; 0 if there is none."""
        if not self.database.exists():
            return 0
        log = LogFile(self.database)
        try:
            return log.size()
        finally:
            log.close()

    @property
    def arguments(self) -> tuple[object, ...]:
        return (self.url, self.folder / "new.db", self.vkey)


OLD, NEW = 300, 2_500


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    return await Log.make(tmp_path)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_recovery_that_is_killed(log: Log, lost: bool) -> None:
    log.set_back(lost=lost)
    chance = Chance(RECOVER, *log.arguments)
    assert log.size() == NEW
    seen = {"old": 0, "new": 0}
    for number in range(ROUNDS):
        log.set_back(lost=lost)
        child(RECOVER, *log.arguments, **chance.draw(number))  # type: ignore[arg-type]
        size = log.size()
        where = (chance.seed, number, size)
        assert size in (0 if lost else OLD, NEW), where
        seen["new" if size == NEW else "old"] += 1
        if size != NEW:
            with pytest.raises((InclusionProofError, SsiError)):
                await open_ledger(log.url).size()
        done = recover(log.url, copied_lines(log.folder / "new.db"), keys=[parse_vkey(log.vkey)])
        assert (done.size, done.restored_size) == (NEW, size), where
        ledger = open_ledger(log.url)
        await verify_storage(ledger)
        await ledger.close()
    print(seen)
    assert seen["old"], seen
