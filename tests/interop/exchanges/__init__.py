"""The exchanges with each peer, one module for each; ``load`` imports them all, which registers them."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every module beside this one."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
