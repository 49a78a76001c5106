"""The public names of the packages with their signatures, as text.

Source:  docs/deprecation.md, which says what is public: what a package or module lists in ``__all__``, the errors and
         the ports.
Shapes:  one line for each name, sorted; classes are followed by their own public members.
I/O:     imports the packages. ``python -m tests.unit.api_snapshot`` writes the file that the test compares with.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

PACKAGES = ("issuer", "ssi", "verifier", "wallet")
WITHOUT_LIST = ("ssi.errors", "ssi.ports", "ssi.types")
"""Modules that are public as a whole."""
FILE = Path(__file__).with_name("api.txt")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def snapshot() -> str:
    """Return the public interface as text."""
    return "".join(f"{line}\n" for line in sorted(set(_lines())))


def _lines() -> Iterator[str]:
    for module in sorted(_modules()):
        loaded = importlib.import_module(module)
        listed = getattr(loaded, "__all__", None)
        if listed is None and module in WITHOUT_LIST:
            listed = [name for name, value in vars(loaded).items() if getattr(value, "__module__", "") == module]
        for name in listed or ():
            if not name.startswith("_"):
                yield from _of(f"{module}.{name}", getattr(loaded, name))


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not any(part.startswith("_") for part in found.name.split(".")):
                yield found.name


def _of(path: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        made_by_callers = not issubclass(value, Enum) and Protocol not in value.__bases__
        yield f"{path}: class({bases}){_signature(value) if made_by_callers else ''}"
        yield from _members(path, value)
    elif inspect.isroutine(value):
        yield f"{path}: {_kind(value)}{_signature(value)}"
    elif inspect.ismodule(value):
        yield f"{path}: module"
    else:
        yield f"{path}: {type(value).__name__}"


def _members(path: str, owner: type) -> Iterator[str]:
    ours = [base for base in owner.__mro__ if base.__module__.partition(".")[0] in PACKAGES]
    for name in sorted({name for base in ours for name in (*vars(base), *vars(base).get("__annotations__", ()))}):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(owner, name, None)
        if isinstance(member, classmethod | staticmethod):
            inner = member.__func__
            yield f"{path}.{name}: {type(member).__name__} {_kind(inner)}{_signature(inner)}"
        elif inspect.isfunction(member):
            yield f"{path}.{name}: {_kind(member)}{_signature(member)}"
        elif isinstance(member, property):
            yield f"{path}.{name}: property -> {_returned(member)}"
        elif isinstance(member, Enum):
            yield f"{path}.{name} = {member.value!r}"
        else:
            stated = [base.__annotations__[name] for base in ours if name in vars(base).get("__annotations__", ())]
            yield f"{path}.{name}: {stated[0] if stated else 'attribute'}"


def _kind(function: object) -> str:
    return "async def" if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) else "def"


def _returned(member: property) -> str:
    return str(inspect.signature(member.fget).return_annotation) if member.fget else "?"


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "(?)"
    except NameError:  # a Struct with a type that only type checkers import: its members follow by name anyway
        return f"({', '.join(value.__struct_fields__)})"
    return str(signature.replace(parameters=[_plain(parameter) for parameter in signature.parameters.values()]))


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """Leave out evaluated annotations: Python versions write them differently, and fields have their own lines."""
    if not isinstance(parameter.annotation, str):
        parameter = parameter.replace(annotation=inspect.Parameter.empty)
    if parameter.default is not inspect.Parameter.empty:
        parameter = parameter.replace(default=_Text(parameter.default))
    return parameter


class _Text:
    """A default value as the snapshot writes it: no addresses, functions by name."""

    def __init__(self, value: object) -> None:
        self._text = value.__name__ if inspect.isroutine(value) else ADDRESS.sub("", repr(value))

    def __repr__(self) -> str:
        return self._text


if __name__ == "__main__":
    FILE.write_text(snapshot(), encoding="utf-8")
    print(f"written: {FILE.name}, {FILE.read_text(encoding='utf-8').count(chr(10))} lines")
