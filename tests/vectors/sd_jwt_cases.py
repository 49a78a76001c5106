"""Reads the SD-JWT cases of other projects: YAML with ``!sd`` tags, and the JSON frames of sd-jwt-js.

What a verifier must end with is computed here from the tags alone, by other code than the library's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ssi.credentials.sd_jwt import ClaimPath


class Hidden(msgspec.Struct, frozen=True):
    """A value, or the name of a member, that carries the tag ``!sd``."""

    value: Any


class Specification(msgspec.Struct, frozen=True):
    """One ``specification.yml``."""

    claims: dict[str, Any]
    disclosable: list[ClaimPath]
    shown: list[ClaimPath]
    expected: dict[str, Any]
    key_binding: bool
    header: dict[str, Any]
    json_serialization: bool


class _Loader(yaml.SafeLoader):
    pass


def _construct_hidden(loader: _Loader, node: yaml.Node) -> Hidden:
    if isinstance(node, yaml.ScalarNode):
        plain = node.style is None
        tag = loader.resolve(yaml.ScalarNode, node.value, (plain, not plain))  # type: ignore[no-untyped-call]
        return Hidden(loader.construct_object(yaml.ScalarNode(tag, node.value)))
    if isinstance(node, yaml.SequenceNode):
        return Hidden(loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return Hidden(loader.construct_mapping(node, deep=True))


_Loader.add_constructor("!sd", _construct_hidden)


def read_yaml(file: Path) -> Specification:
    """Return the case that ``file`` describes; its own expectation, where it has one, is checked against ours."""
    content = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506  (a SafeLoader with one more tag)
    tagged, frame = content["user_claims"], content.get("holder_disclosed_claims") or {}
    expected = expect(tagged, frame)
    assert content.get("expect_verified_user_claims", expected) == expected, file
    claims = untagged(tagged)
    return Specification(
        claims=claims,
        disclosable=hidden_paths(tagged),
        shown=shown_paths(claims, frame),
        expected=expected,
        key_binding=content.get("key_binding", False),
        header=content.get("extra_header_parameters") or {},
        json_serialization=content.get("serialization_format") == "json",
    )


def read_settings(file: Path) -> dict[str, Any]:
    """Return the keys of a ``settings.yml``."""
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["key_settings"]
    return settings


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in ``file``."""
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def untagged(value: Any) -> Any:
    """Return ``value`` without its tags."""
    if isinstance(value, Hidden):
        return untagged(value.value)
    if isinstance(value, dict):
        return {str(untagged(name)): untagged(item) for name, item in value.items()}
    return [untagged(item) for item in value] if isinstance(value, list) else value


def hidden_paths(value: Any, path: ClaimPath = ()) -> list[ClaimPath]:
    """Return the path of everything that carries the tag."""
    if isinstance(value, Hidden):
        return hidden_paths(value.value, path)
    found: list[ClaimPath] = []
    for step, marked, item in _children(value):
        found += [(*path, step)] if marked else []
        found += hidden_paths(item, (*path, step))
    return found


def expect(value: Any, frame: Any) -> Any:
    """Return what is left of tagged ``value`` when the holder shows what ``frame`` names."""
    if isinstance(value, Hidden):
        return expect(value.value, frame)
    if not isinstance(value, dict | list):
        return value
    kept = []
    for step, marked, item in _children(value):
        below = _frame_at(frame, step)
        if not marked or below:
            kept.append((step, expect(item, below)))
    return dict(kept) if isinstance(value, dict) else [item for _, item in kept]


def shown_paths(claims: Any, frame: Any, path: ClaimPath = ()) -> list[ClaimPath]:
    """Return the paths that ``frame`` names and that lead to a claim."""
    found: list[ClaimPath] = []
    for step, _, item in _children(claims):
        below = _frame_at(frame, step)
        if below:
            found += [(*path, step), *shown_paths(item, below, (*path, step))]
    return found


def container_paths(value: Any, path: ClaimPath = ()) -> list[ClaimPath]:
    """Return the paths of all objects and arrays, the claims themselves included."""
    if not isinstance(value, dict | list):
        return []
    return [path, *(found for step, _, item in _children(value) for found in container_paths(item, (*path, step)))]


def read_frame(frame: Any, path: ClaimPath = ()) -> tuple[list[ClaimPath], dict[ClaimPath, int]]:
    """Return the disclosable paths and the decoys of a disclosure frame of sd-jwt-js; its indexes may be text."""
    disclosable: list[ClaimPath] = [(*path, step) for step in frame.get("_sd", [])]
    decoys = {path: frame["_sd_decoy"]} if "_sd_decoy" in frame else {}
    for name, below in frame.items():
        if isinstance(below, dict):
            step = int(name) if name.isdigit() else name
            more, more_decoys = read_frame(below, (*path, step))
            disclosable += more
            decoys |= more_decoys
    return disclosable, decoys


def _children(value: Any) -> list[tuple[str | int, bool, Any]]:
    """Return step, tagged or not, and value of what lies in an object or array."""
    if isinstance(value, dict):
        return [(str(untagged(name)), isinstance(name, Hidden), item) for name, item in value.items()]
    if isinstance(value, list):
        return [(index, isinstance(item, Hidden), item) for index, item in enumerate(value)]
    return []


def _frame_at(frame: Any, step: str | int) -> Any:
    if isinstance(frame, dict):
        return frame.get(step, frame.get(str(step)))
    if isinstance(frame, list) and isinstance(step, int):
        return frame[step] if step < len(frame) else None
    return None
