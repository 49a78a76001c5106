"""What a power cut may leave of a log in a folder: every subset of the writes that were not synchronised, replayed.

Source:  strace(1); the order in which ``ssi.ledger.backends.sqlite`` writes is read off the process itself.
Input:   a process that appends and signs, its writes with all their bytes, its synchronisations, its acknowledgements.
Shapes:  at each moment a file is what was synchronised plus any subset of what was written since, in order, the last
         write of it perhaps torn at a sector. Names that were made or renamed are there up to some point since their
         folder was synchronised (metadata in order, as journalling file systems keep it). Subsets are all there are up
         to MAX_IMAGES at a moment, and a sample beyond that with none and all of them among it.
I/O:     one traced process; images in a temporary folder.
Errors:  none; ``tests.needs`` decides where strace is absent.

The log is a SQLite file, or of an EVM log the mirror, whose chain goes on while it is away.
The shared-memory file of the write-ahead log is no part of an image: SQLite rebuilds it.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ssi.errors import SsiError
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.backends.evm.ledger import EvmLeafLedger
from ssi.ledger.storage import verify_storage
from tests import needs
from tests.tools.strace import REPOSITORY

MAX_IMAGES = 24
GOES_ON = b"and it goes on"
SECTOR = 512
_MEMORY = Path("/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir())  # noqa: S108
"""Images are opened where a synchronisation costs nothing."""
PROGRAM = """
import asyncio, os, sys
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.ledger.checkpoint import sign_checkpoint
from tests.tools.unsynced import entries_of

async def main(url, seed, count):
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = open_ledger(url)
    for number in range(int(count)):
        entries = entries_of(seed, number)
        for index, entry in zip(await ledger.append(entries), entries):
            os.write(1, b"ACK %d %s\\n" % (index, entry))
        if number % 2:
            note = await sign_checkpoint(ledger, kms=kms, label="log", origin="power.example")
            await ledger.put_checkpoint(await ledger.checkpoint(), note)
            os.write(1, b"HEAD %d\\n" % await ledger.size())

asyncio.run(main(*sys.argv[1:]))
"""
_CALL = re.compile(r"^\d+ +(?P<name>[a-z0-9_]+)\((?P<rest>.*)$")
_PATH = re.compile(r"^\d+<(?P<path>[^>]*)>")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


def entries_of(seed: int | str, number: int) -> list[bytes]:
    """Return what the process appends with its append ``number``."""
    return [f"{seed}/{number}/{part}".encode() * 30 for part in range(1 + number % 3)]


class File:
    """Bytes on the disk, and what was written since they were synchronised."""

    def __init__(self) -> None:
        self.durable = b""
        self.pending: list[tuple[int, bytes | None]] = []
        """(offset, bytes), or (length, None) for a truncation."""
        self.length = 0

    def write(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        self.length = max(self.length, offset + len(data))

    def truncate(self, length: int) -> None:
        self.pending.append((length, None))
        self.length = length

    def sync(self) -> None:
        self.durable = self.image(self.pending)
        self.pending = []

    def image(self, chosen: list[tuple[int, bytes | None]]) -> bytes:
        content = bytearray(self.durable)
        for offset, data in chosen:
            if data is None:
                del content[offset:]
                content.extend(bytes(offset - len(content)))
            else:
                content.extend(bytes(max(0, offset - len(content))))
                content[offset : offset + len(data)] = data
        return bytes(content)


class Disk:
    """One folder: its files, and the names that are sure to be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.names: dict[str, File] = {}
        self.durable_names: dict[str, File] = {}
        self.pending_names: list[dict[str, File]] = []

    def file(self, path: str) -> File:
        if path not in self.names:
            self.names = {**self.names, path: File()}
            self.pending_names.append(self.names)
        return self.names[path]

    def rename(self, old: str, new: str) -> None:
        names = dict(self.names)
        if old in names:
            names[new] = names.pop(old)
        self.names = names
        self.pending_names.append(names)

    def unlink(self, path: str) -> None:
        self.names = {name: file for name, file in self.names.items() if name != path}
        self.pending_names.append(self.names)

    def sync_folder(self) -> None:
        self.durable_names, self.pending_names = self.names, []

    def images(self, rng: random.Random, most: int) -> Iterator[dict[str, bytes]]:
        """Yield what the folder may hold after a power cut now."""
        writes = sum(len(file.pending) for file in self.names.values())
        spread = [self.durable_names, *self.pending_names]
        every = 1 << writes if writes < 20 else most + 1
        count = min(most, every * len(spread))
        for number in range(count):
            names = spread[number % len(spread)] if number > 1 else spread[-1]
            if every <= most:
                mask = number // len(spread) if len(spread) > 1 else number
            else:
                mask = (0, (1 << writes) - 1)[number] if number < 2 else rng.getrandbits(writes)
            yield self._image(names, mask, rng)

    def _image(self, names: dict[str, File], mask: int, rng: random.Random) -> dict[str, bytes]:
        made = {}
        for path, file in names.items():
            chosen = []
            for change in file.pending:
                if mask & 1:
                    chosen.append(change)
                mask >>= 1
            if chosen and chosen[-1][1] and rng.random() < 0.3:
                offset, data = chosen[-1]
                chosen[-1] = (offset, (data or b"")[: rng.randrange(len(data or b"") + 1) // SECTOR * SECTOR])
            made[path] = file.image(chosen)
        return made


def sqlite_url(folder: Path) -> str:
    """Return the URL of a log that is a SQLite file in ``folder``."""
    return f"sqlite://{folder}/log.db"


async def replay(
    place: Path, seed: int, *, appends: int, url: Callable[[Path], str] = sqlite_url, images_each: int = MAX_IMAGES
) -> tuple[int, list[str]]:
    """Trace one run in ``place``, and open what every moment of it may leave behind, up to ``images_each``.

    Return how many images were opened, and what was wrong with them. ``url`` names the log whose files are in a folder.
    """
    needs.programs("strace")
    place = place.resolve()
    trace = await asyncio.to_thread(_trace, url(place), place, seed, appends)
    rng, disk, image = random.Random(seed), Disk(place), _Image(url, place, seed, appends)
    images, problems = 0, list[str]()
    for line in trace.splitlines():
        match = _CALL.match(line)
        if match is None:
            continue
        said = _apply(disk, match["name"], match["rest"])
        if said is None:
            continue
        image.hear(said)
        for content in disk.images(rng, images_each):
            images += 1
            problems += await image.open(content)
            if len(problems) > 10:
                return images, problems
    if len(image.acknowledged) < appends:
        problems.append("the traced process did not do its work")
    return images, problems


def _trace(url: str, place: Path, seed: int, appends: int) -> str:
    output = place.with_name(place.name + "-trace")
    calls = "openat,pwrite64,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
    command = ["strace", "-f", "-y", "-s", "200000", "-o", str(output), "-e", f"trace={calls}", sys.executable, "-c"]
    command += [PROGRAM, url, str(seed), str(appends)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    try:
        if "not permitted" in done.stderr:
            needs.absent("this machine does not let strace trace")
        assert done.returncode == 0, done.stderr
        return output.read_text(errors="replace")
    finally:
        output.unlink(missing_ok=True)


def _apply(disk: Disk, name: str, rest: str) -> bytes | None:
    """Do to the disk what a call did; return what it told the outside, or None if it does not matter here."""
    texts = [_bytes(text) for text in _TEXT.findall(rest)]
    found = _PATH.match(rest)
    path = found["path"] if found else ""
    if name == "write" and rest.startswith("1<"):
        return texts[0]
    if name == "openat":
        opened = texts[0].decode() if texts else ""
        if not opened.startswith(disk.folder + "/") or opened.endswith("-shm") or "= -1" in rest:
            return None
        if "O_CREAT" in rest:
            file = disk.file(opened)
            if "O_TRUNC" in rest:
                file.truncate(0)
        return b""
    if name.startswith(("rename", "unlink")):
        paths = [text.decode() for text in texts if text.decode(errors="replace").startswith(disk.folder)]
        if not paths or "= -1" in rest:
            return None
        if name.startswith("rename"):
            disk.rename(paths[0], paths[1])
        else:
            disk.unlink(paths[0])
        return b""
    if path == disk.folder and name in ("fsync", "fdatasync"):
        disk.sync_folder()
        return b""
    if not path.startswith(disk.folder + "/") or path.endswith("-shm"):
        return None
    file = disk.file(path)
    if name == "pwrite64":
        file.write(int(rest.rpartition(")")[0].rpartition(", ")[2] if ")" in rest else 0), texts[0])
    elif name == "write":
        file.write(file.length, texts[0])
    elif name == "ftruncate":
        file.truncate(int(re.split(r"[,)]", rest.partition(">")[2])[1]))
    elif name in ("fsync", "fdatasync"):
        file.sync()
    return b""


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1")


class _Image:
    """What was told to the outside so far, and a folder in which it is held against what is left."""

    def __init__(self, url: Callable[[Path], str], place: Path, seed: int, appends: int) -> None:
        self.acknowledged: list[tuple[int, bytes]] = []
        self.head = 0
        self._url, self._place = url, place
        self._every = [entry for number in range(appends) for entry in entries_of(seed, number)]
        self._target = _MEMORY / f"unsynced-{os.getpid()}-{place.name}"

    def hear(self, said: bytes) -> None:
        """Take in what the process told."""
        for text in said.decode("latin-1").splitlines():
            kind, _, rest = text.partition(" ")
            if kind == "ACK":
                index, entry = rest.split(" ", 1)
                self.acknowledged.append((int(index), entry.encode()))
            elif kind == "HEAD":
                self.head = int(rest)

    async def open(self, image: dict[str, bytes]) -> list[str]:
        """Open what is left; return what is wrong with it."""
        shutil.rmtree(self._target, ignore_errors=True)
        self._target.mkdir()
        for path, content in image.items():
            (self._target / Path(path).relative_to(self._place)).write_bytes(content)
        try:
            ledger = open_ledger(self._url(self._target))
            try:
                return await self._look(ledger)
            finally:
                await ledger.close()
        except SsiError as exc:
            return [f"what is left does not open: {exc}"]
        finally:
            shutil.rmtree(self._target, ignore_errors=True)

    async def _look(self, ledger: Ledger) -> list[str]:
        size = await ledger.size()
        wrong = [
            f"entry {index} is lost"
            for index, entry in self.acknowledged
            if index >= size or list(await ledger.read(index, index + 1)) != [entry]
        ]
        if isinstance(ledger, EvmLeafLedger):
            # The chain has what came after this moment; only its bodies are missing here, and come from elsewhere.
            await ledger.supply([*self._every, GOES_ON])
        report = await verify_storage(ledger)
        if report.size < self.head or (self.head and await ledger.checkpoint() is None):
            wrong.append(f"the head of size {self.head} is lost")
        await ledger.append([GOES_ON])
        return wrong
