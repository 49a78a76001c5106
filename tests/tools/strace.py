"""The system calls of a process, in order, as strace saw them.

Source:  strace(1): ``-f`` follows threads, ``-y`` writes the path of every descriptor.
Input:   a Python program and its arguments, and the names of the calls to trace.
Shapes:  a call is (name, everything after the opening bracket); descriptors look like ``7</path/of/file>``.
I/O:     starts the process with this repository as its directory and waits for its end.
Errors:  AssertionError if the process fails; without strace ``tests.needs`` decides.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import needs

Call = tuple[str, str]
REPOSITORY = Path(__file__).resolve().parents[2]
_CALL = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<rest>.*)")


def traced(program: str, *arguments: str, calls: Sequence[str]) -> list[Call]:
    """Run the Python ``program`` and return those of its system calls that are named in ``calls``."""
    needs.programs("strace")
    with TemporaryDirectory() as place:
        output = Path(place) / "trace"
        command = ["strace", "-f", "-y", "-o", str(output), "-e", f"trace={','.join(calls)}"]
        command += [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
        if "ptrace" in done.stderr and "not permitted" in done.stderr:
            needs.absent("this machine does not let strace trace")
        assert done.returncode == 0, done.stderr
        return _parse(output.read_text(errors="replace"))


def _parse(text: str) -> list[Call]:
    found = []
    for line in text.splitlines():
        # "1234 name(args) = 0"; the second half of an interrupted line carries no arguments and is not needed.
        match = _CALL.match(line.partition(" ")[2].strip())
        if match and "resumed>" not in line:
            found.append((match["name"], match["rest"]))
    return found


def acknowledges(call: Call) -> bool:
    """Return whether ``call`` tells the outside that something is done: the programs write a line with ACK."""
    return call[0] == "write" and '"ACK' in call[1]
