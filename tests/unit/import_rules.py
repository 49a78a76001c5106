"""Which module of this project may import which.

Source:  docs/adr/0001-architecture-and-import-direction.md.
Input:   the text of one module and its dotted name.
Shapes:  a module name is absolute ("ssi.keys.jws"); relative imports are resolved before they are judged.
I/O:     none, but for ``modules`` which lists the files of the packages.
Errors:  none; ``violations`` returns sentences, one for each forbidden import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROLES = ("issuer", "wallet", "verifier")
PACKAGES = ("ssi", *ROLES)

LEVELS = {
    "ssi.errors": 0,
    "ssi.types": 0,
    "ssi.ports": 0,
    "ssi.blocking": 0,
    "ssi.database": 0,
    "ssi.files": 0,
    "ssi.durable": 0,
    "ssi.encoding": 1,
    "ssi.keys": 2,
    "ssi.proofs": 3,
    "ssi.ledger": 4,
    "ssi.did": 5,
    "ssi.credentials": 6,
    "ssi.status": 6,
    "ssi.schema": 6,
    "ssi.trust": 6,
    "ssi.registry": 7,
    "ssi.accountability": 8,
    "ssi.audit": 8,
    "ssi.ceremony": 8,
    "ssi.protocols": 8,
    "ssi.http": 9,
}
"""A layer imports lower ones only."""

SIDEWAYS = {("ssi.status", "ssi.credentials"), ("ssi.schema", "ssi.credentials")}
"""Imports allowed between layers of one level. Level 0 is one layer, its modules may know each other."""

COMPOSITION = ("ssi.cli", "ssi.testing")
"""Where an application is put together: may import all of the core, adapters included."""


class Import(NamedTuple):
    """One import: what, where, and whether it runs only when a function is called."""

    target: str
    line: int
    deferred: bool
    relative: bool


def layer(module: str) -> str:
    """Return the layer that a core module belongs to: its first two names."""
    return ".".join(module.split(".")[:2])


def adapter(module: str) -> bool:
    """Tell whether a module is an adapter of the core: the outbound door, the HTTP applications or a backend."""
    parts = module.split(".")
    return parts[0] == "ssi" and (parts[1:2] in (["net"], ["http"]) or "backends" in parts)


def shell(module: str) -> bool:
    """Tell whether a module is the outer part of a role: its HTTP application, its commands, its stores."""
    parts = module.split(".")
    return parts[0] in ROLES and len(parts) > 1 and parts[1] in {"http", "cli", "stores"}


def imports(text: str, module: str, *, is_package: bool) -> Iterator[Import]:
    """Yield the imports of our own packages in the module ``text``; strings given to import_module count too."""
    tree = ast.parse(text)
    inside = {id(node) for fn in ast.walk(tree) if isinstance(fn, FUNCTIONS) for node in ast.walk(fn)}
    for node in ast.walk(tree):
        for target, relative in _targets(node, module, is_package):
            if target.split(".")[0] in PACKAGES:
                yield Import(target, getattr(node, "lineno", 0), id(node) in inside, relative)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _targets(node: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, False
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = module.split(".")
            kept = parts[: len(parts) - node.level + is_package]
            base = ".".join([*kept, base] if base else kept)
        # "from ssi import net" imports a module as much as "import ssi.net" does.
        for alias in node.names:
            yield f"{base}.{alias.name}", bool(node.level)
    elif isinstance(node, ast.Call) and _name(node.func) in {"import_module", "__import__"} and node.args:
        argument = node.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            target = argument.value
            yield (f"{module.split('.')[0]}{target}" if target.startswith(".") else target), target.startswith(".")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def violations(text: str, module: str, *, is_package: bool = False) -> list[str]:
    """Return one sentence for each import in ``text`` that the module of this name may not make."""
    found = []
    for item in imports(text, module, is_package=is_package):
        reason = _refusal(module, item)
        if reason:
            found.append(f"{module}:{item.line} imports {item.target}: {reason}")
    return found


def _refusal(module: str, item: Import) -> str:
    own, target = module.split(".")[0], item.target
    if own in ROLES:
        return _refusal_in_role(module, item)
    if target.split(".")[0] in ROLES:
        return "the core never imports a role"
    if layer(module) in COMPOSITION or module == "ssi":
        return ""
    if target.startswith(COMPOSITION):
        return "nothing of the core imports where applications are put together"
    if adapter(target):
        return _refusal_of_adapter(module, item)
    return _refusal_by_level(module, target)


def _refusal_of_adapter(module: str, item: Import) -> str:
    if layer(module) == layer(item.target) and (adapter(module) or item.deferred):
        return ""  # A backend may share code with its siblings; an opener imports the one that the URL names.
    if adapter(module) and layer(item.target) == "ssi.net" and layer(module) != "ssi.net":
        return ""  # What a backend reaches over a network, it reaches through the parts of the outbound layer.
    return "adapters are imported where an application is put together, or by their own opener inside a function"


def _refusal_by_level(module: str, target: str) -> str:
    here, there = layer(module), layer(target)
    if here == there or there == "ssi" or there not in LEVELS:
        return ""
    if here == "ssi.net":
        return "" if LEVELS[there] <= LEVELS["ssi.encoding"] else "the outbound door knows encodings and errors only"
    if here not in LEVELS:
        return f"{here} has no level in the import rules"
    both_lowest = LEVELS[here] == LEVELS[there] == 0
    if LEVELS[there] < LEVELS[here] or both_lowest or (here, there) in SIDEWAYS:
        return ""
    return f"{here} may not know {there}"


def _refusal_in_role(module: str, item: Import) -> str:
    own, target = module.split(".")[0], item.target
    if target.split(".")[0] == own:
        if not item.relative:
            return "a role imports its own modules relatively, so that a host may mount it under another name"
        if shell(target) and not shell(module) and not item.deferred:
            return "the inner part of a role does not import its outer part"
        return ""
    if target.split(".")[0] in ROLES:
        return "roles never import each other"
    composed = shell(module) and module.split(".")[1] != "stores"
    if adapter(target) and not composed:
        return "roles take adapters as arguments; only their HTTP application and commands import them"
    if target.startswith("ssi.testing") or (target.startswith("ssi.cli") and not composed):
        return "a role does not import where applications are put together"
    return ""


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of every module of the packages below ``root``."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = list(path.relative_to(root).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
