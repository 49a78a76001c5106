"""What a test needs from the machine: skip without it on a developer's, fail without it under CI.

Source:  none.
Input:   names of programs or modules, or a reason found out otherwise.
Shapes:  every function may be called in a test, in a fixture and while a module is collected.
I/O:     looks for programs in PATH and for modules to import.
Errors:  ``absent`` never returns. A run under CI (CI=true) that leaves out a test must not look like one that ran it.
"""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any, NoReturn

import pytest

IN_CI = os.environ.get("CI", "").lower() in {"true", "1", "yes"}


def absent(reason: str) -> NoReturn:
    """Skip the test or module that calls, and say why; under CI fail it."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def programs(*names: str) -> None:
    """Need every program of ``names``."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        absent(f"not installed here: {', '.join(missing)}")


def module(name: str) -> Any:
    """Return the imported module ``name`` of an optional distribution."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name is None or name.partition(".")[0] != exc.name.partition(".")[0]:
            raise  # it is there and lacks something: no reason to look away
        absent(f"not installed here: the module {name}")


def fork() -> None:
    """Need a system that forks processes."""
    if not hasattr(os, "fork"):
        absent("this system does not fork")
