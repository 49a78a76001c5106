"""The bill of materials: the lock is read whole, the same input gives the same bytes, no licence goes unseen."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LOCK = """
alpha==1.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via countersigned (pyproject.toml)
Beta.Two==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
    # via
    #   -c requirements.lock
    #   alpha
    #   tool
tool==3 \\
    --hash=sha256:{b}
    # via countersigned (pyproject.toml)
""".format(a="a" * 64, b="b" * 64)


def load() -> ModuleType:
    specification = importlib.util.spec_from_file_location("sbom", REPOSITORY / "scripts" / "sbom.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


sbom: Any = load()
PROJECT = {
    "name": "countersigned",
    "description": "d",
    "license": "Apache-2.0",
    "dependencies": ["Alpha[x]>=1,<2"],
    "optional-dependencies": {"dev": ["tool>=1"]},
}


def test_a_lock_is_read() -> None:
    alpha, beta, tool = sbom.parse_lock(LOCK)
    assert (alpha.name, alpha.version, alpha.hashes) == ("alpha", "1.0", ("a" * 64, "b" * 64))
    assert (beta.name, beta.marker, beta.needed_by) == ("beta-two", "sys_platform == 'win32'", {"alpha", "tool"})
    assert tool.purl == "pkg:pypi/tool@3"


def test_what_users_install_is_in_the_bill_and_tools_are_not() -> None:
    document = sbom.bill(PROJECT, sbom.parse_lock(LOCK), version="1", epoch=0)
    assert [component["name"] for component in document["components"]] == ["alpha", "beta-two"]
    assert {"ref": "pkg:pypi/alpha@1.0", "dependsOn": ["pkg:pypi/beta-two@2.0"]} in document["dependencies"]
    assert document["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"
    assert document == sbom.bill(PROJECT, sbom.parse_lock(LOCK), version="1", epoch=0)
    assert document["serialNumber"] != sbom.bill(PROJECT, sbom.parse_lock(LOCK), version="2", epoch=0)["serialNumber"]
    with pytest.raises(SystemExit, match="not in the lock"):
        sbom.bill({**PROJECT, "dependencies": ["gamma"]}, sbom.parse_lock(LOCK), version="1", epoch=0)


@pytest.mark.parametrize("refused", ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License", "unknown"])
def test_a_licence_that_needs_a_decision_stops(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    monkeypatch.setattr(sbom, "licence", lambda name: refused)
    document = sbom.bill(PROJECT, sbom.parse_lock(LOCK), version="1", epoch=0)
    with pytest.raises(SystemExit, match="need a decision: alpha"):
        sbom.report(document)
    monkeypatch.setattr(sbom, "licence", lambda name: "LGPL-3.0-or-later")
    assert "LGPL" in sbom.report(sbom.bill(PROJECT, sbom.parse_lock(LOCK), version="1", epoch=0))


def test_the_real_lock(tmp_path: Path) -> None:
    first, licences = sbom.write(tmp_path, version="1", epoch=1)
    document = json.loads(first.read_text())
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    named = {component["name"] for component in document["components"]}
    assert {sbom.normalised(one) for one in project["dependencies"]} <= named
    assert not named & {"pytest", "mypy", "openvc-core", "hatchling", "django", "gunicorn"}
    references = {component["bom-ref"] for component in document["components"]}
    assert len(references) == len(document["components"])
    assert all(component["hashes"] for component in document["components"])
    assert {edge["ref"] for edge in document["dependencies"]} - {"pkg:pypi/countersigned@1"} == references
    assert "| cryptography |" in licences.read_text()
