"""Write the bill of materials and the licence report of what a user installs, from the lock.

Source:  CycloneDX 1.6 (JSON), package URLs of type ``pypi``, PEP 639 (``License-Expression``).
Input:   pyproject.toml (dependencies and extras), requirements-dev.lock (versions, hashes, who needs whom), and the
         metadata of the packages installed beside this interpreter, for their licences.
Shapes:  the run-time closure is required, that of the extras for users optional; tools and test oracles are left out.
         Names are normalised as PEP 503 says. The same input gives the same bytes: the time is SOURCE_DATE_EPOCH, the
         serial number comes from the content.
I/O:     ``write`` writes two files.
Errors:  SystemExit: a dependency is not in the lock, or its licence does not go with Apache-2.0.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
NOT_FOR_USERS = {"dev", "interop"}
"""Extras of pyproject.toml that are ours."""
REFUSED = re.compile(r"(?<!L)\bA?GPL|(?<!Lesser )General Public License|SSPL|Proprietary", re.IGNORECASE)
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "countersigned.sbom")
TROVE = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD (unspecified)",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}
TITLES = {"MIT License": "MIT", "Apache License Version 2.0": "Apache-2.0", "BSD 3-Clause License": "BSD-3-Clause"}


class Locked(NamedTuple):
    """One pinned requirement of a lock file."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    needed_by: frozenset[str]

    @property
    def purl(self) -> str:
        """The package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def normalised(name: str) -> str:
    """Return a distribution name as PEP 503 compares it, without extras and versions."""
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
    if found is None:
        raise SystemExit(f"no requirement: {name!r}")
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def parse_lock(text: str) -> list[Locked]:
    """Return the pins of a lock file with hashes and ``# via`` notes."""
    pins: list[Locked] = []
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        head = re.match(r"(\S+)==([^\s;\\]+)[ \t]*(?:;[ \t]*(.*?))?[ \t]*\\?$", block, flags=re.MULTILINE)
        if head is None:
            continue
        notes = re.findall(r"^[ \t]+#[ \t]+(?:via\b)?[ \t]*(\S.*)?$", block, flags=re.MULTILINE)
        needed_by = {normalised(note) for note in notes if note and not note.startswith("-")}
        hashes = tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))
        pins.append(Locked(normalised(head[1]), head[2], head[3] or "", hashes, frozenset(needed_by)))
    return pins


def closure(pins: list[Locked], roots: set[str]) -> set[str]:
    """Return the names of all that ``roots`` need, themselves included. Stops if one is not in the lock."""
    if missing := roots - {pin.name for pin in pins}:
        raise SystemExit(f"not in the lock, run make lock: {', '.join(sorted(missing))}")
    found, grown = set(roots), True
    while grown:
        more = {pin.name for pin in pins if pin.needed_by & found} - found
        grown = bool(more)
        found |= more
    return found


def licence(name: str) -> str:
    """Return what the installed package says of its licence; empty if it is not installed here."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := about.get("License-Expression"):
        return expression
    entries = [entry for entry in about.get_all("Classifier") or () if entry.startswith("License :: OSI Approved ::")]
    if entries:
        return " AND ".join(TROVE.get(entry, entry.rpartition(" :: ")[2]) for entry in entries)
    return _of_text(name) or (about.get("License") or "").strip().partition("\n")[0] or "unknown"


def _of_text(name: str) -> str:
    """Return the licence whose title opens the licence file that the package ships."""
    for path in metadata.files(name) or ():
        if re.match(r"licen[sc]e", path.name, re.IGNORECASE) and ".dist-info" in str(path):
            opening = " ".join(path.read_text(encoding="utf-8").split()[:8])
            for title, identifier in TITLES.items():
                if title in opening:
                    return identifier
    return ""


def bill(project: dict[str, Any], pins: list[Locked], *, version: str, epoch: int) -> dict[str, Any]:
    """Return the CycloneDX document."""
    required, optional = _roots(project)
    direct, extras = closure(pins, required), closure(pins, optional)
    kept = sorted((pin for pin in pins if pin.name in direct | extras), key=lambda pin: (pin.name, pin.version))
    own = f"pkg:pypi/{project['name']}@{version}"
    edges = {pin.purl: sorted({other.purl for other in kept if pin.name in other.needed_by}) for pin in kept}
    edges[own] = sorted(pin.purl for pin in kept if pin.name in required)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": project["name"],
                "version": version,
                "purl": own,
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": [_component(pin, required=pin.name in direct) for pin in kept],
        "dependencies": [{"ref": ref, "dependsOn": needs} for ref, needs in sorted(edges.items())],
    }
    serial = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def _roots(project: dict[str, Any]) -> tuple[set[str], set[str]]:
    extras = project.get("optional-dependencies", {})
    optional = {normalised(one) for extra, wanted in extras.items() if extra not in NOT_FOR_USERS for one in wanted}
    return {normalised(one) for one in project["dependencies"]}, optional


def _component(pin: Locked, *, required: bool) -> dict[str, Any]:
    said = licence(pin.name)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "scope": "required" if required else "optional",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.hashes],
    }
    if said:
        component["licenses"] = [{"license": {"name": said}}]
    if pin.marker:
        component["properties"] = [{"name": "python:marker", "value": pin.marker}]
    return component


def report(document: dict[str, Any]) -> str:
    """Return the licence report of a bill. Stops if a licence does not go with ours or is not known."""
    own = document["metadata"]["component"]
    lines = [f"# Licences: {own['name']} {own['version']}", "", f"Itself: {own['licenses'][0]['expression']}.", ""]
    lines += ["| package | version | needed | licence |", "|---|---|---|---|"]
    refused = []
    for component in document["components"]:
        said = component["licenses"][0]["license"]["name"] if "licenses" in component else ""
        marker = "".join(f", {entry['value']}" for entry in component.get("properties", ()))
        if said == "unknown" or REFUSED.search(said):
            refused.append(f"{component['name']} ({said})")
        shown = said or "not installed where this was made"
        lines.append(f"| {component['name']} | {component['version']} | {component['scope']}{marker} | {shown} |")
    if refused:
        raise SystemExit(f"licences that need a decision: {', '.join(refused)}")
    return "\n".join(lines) + "\n"


def write(place: Path, *, version: str, epoch: int) -> tuple[Path, Path]:
    """Write both files into ``place`` and return their paths."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = parse_lock((REPOSITORY / "requirements-dev.lock").read_text(encoding="utf-8"))
    document = bill(project, pins, version=version, epoch=epoch)
    sbom = place / f"{project['name']}-{version}.cdx.json"
    licences = place / f"{project['name']}-{version}-licences.md"
    sbom.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    licences.write_text(report(document), encoding="utf-8")
    return sbom, licences


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]), version=sys.argv[2], epoch=int(os.environ.get("SOURCE_DATE_EPOCH", "0"))):
        print(path)
