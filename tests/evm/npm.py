"""The Solidity compiler and the node for tests, from npm: installed once into a folder that is not kept.

Source:  none.
Input:   tests/evm/packages: package.json and package-lock.json.
Shapes:  a folder that has node_modules.
I/O:     runs npm (which needs the registry the first time); writes to .interop/evm.
Errors:  ``tests.needs``: skipped on a machine that lacks node or the packages, failed under CI.
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


@cache
def installed() -> Path:
    """Return the folder with the packages, installed if the lock file changed since."""
    needs.programs("npm", "node")
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
                needs.absent(f"npm could not install the compiler and the node: {done.stderr.strip()[-300:]}")
            stamp.write_text(state, encoding="utf-8")
    return TARGET


def anvil() -> Path:
    """Return the node's program."""
    program = installed() / ANVIL
    if not program.exists():
        needs.absent("anvil is packaged for other systems than this one")
    return program
