"""The Solidity compiler and the node for tests, from npm: installed once into a folder that is not kept.

Source:  none.
Input:   tests/evm/packages: package.json and package-lock.json.
Shapes:  a folder that has node_modules.
I/O:     runs npm (which needs the registry the first time); writes to .interop/evm.
Errors:  Absent from ``find`` and ``find_anvil``; the others go through ``tests.needs``: skipped on a machine that lacks
         node or the packages, failed under CI.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests import needs
from tests.vectors.support import REPOSITORY

SOURCE = REPOSITORY / "tests" / "evm" / "packages"
TARGET = REPOSITORY / ".interop" / "evm"
FILES = ("package.json", "package-lock.json")
ANVIL = Path("node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil")


class Absent(Exception):
    """The packages are not to be had here."""


def installed() -> Path:
    """Return the folder with the packages, for a test."""
    try:
        return find()
    except Absent as exc:
        needs.absent(str(exc))


def anvil() -> Path:
    """Return the node's program, for a test."""
    try:
        return find_anvil()
    except Absent as exc:
        needs.absent(str(exc))


@cache
def find() -> Path:
    """Return the folder with the packages, installed if the lock file changed since."""
    if missing := [name for name in ("npm", "node") if shutil.which(name) is None]:
        raise Absent(f"not installed here: {', '.join(missing)}")
    state = sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs of one working copy install once
        stamp = TARGET / "stamp"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != state:
            for name in FILES:
                shutil.copyfile(SOURCE / name, TARGET / name)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(command, cwd=TARGET, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                raise Absent(f"npm could not install the compiler and the node: {done.stderr.strip()[-300:]}")
            stamp.write_text(state, encoding="utf-8")
    return TARGET


def find_anvil() -> Path:
    """Return the node's program."""
    program = find() / ANVIL
    if not program.exists():
        raise Absent("anvil is packaged for other systems than this one")
    return program
