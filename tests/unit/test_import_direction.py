"""Imports go downwards only, and `import verifier` stays cheap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.import_cost import loaded_modules
from tests.unit.import_rules import modules, violations

REPOSITORY = Path(__file__).resolve().parents[2]

HEAVY = (
    "aiohttp",
    "asyncio",
    "cbor2",
    "eth_abi",
    "eth_account",
    "eth_keys",
    "eth_utils",
    "jsonschema",
    "jwcrypto",
    "multiformats",
    "pydid",
    "rich",
    "sqlite3",
    "click",
    "py_arkworks_bls12381",
)
"""Modules that cost tens to hundreds of milliseconds, or that verifying a credential has no use for."""


def test_every_import_of_the_packages_goes_downwards() -> None:
    checked = 0
    found: list[str] = []
    for module, path in modules(REPOSITORY):
        found += violations(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")
        checked += 1
    assert checked > 20, "the packages were not found"
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("ssi.encoding.jcs", "from ssi.keys import PublicKey"),
        ("ssi.keys.jws", "import ssi.did.resolver"),
        ("ssi.ledger.merkle", "from ssi.registry.statement import Statement"),
        ("ssi.credentials.jose", "from ssi.status import check_status"),
        ("ssi.did.methods.web", "from ssi.net import HttpDoor"),
        ("ssi.did.resolver", "from ssi import net"),
        ("ssi.keys", "from ssi.keys.backends.memory import MemoryKms"),
        ("ssi.did.resolver", "def f():\n    from ssi.ledger.backends.memory import MemoryLedger"),
        ("ssi.registry.fold", "from ssi.accountability.duty import Duty"),
        ("ssi.net", "from ssi.did.document import DidDocument"),
        ("ssi.cli", "import verifier"),
        ("ssi.status.check", "from importlib import import_module\nimport_module('issuer.store')"),
        ("ssi.trust.rules", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ssi.registry.fold"),
        ("issuer.issuer", "from wallet.wallet import Wallet"),
        ("issuer.issuer", "from issuer.catalogue import Catalogue"),
        ("issuer.issuer", "from .stores.sqlite import SqliteStore"),
        ("verifier.verifier", "from ssi.net import HttpDoor"),
        ("verifier.verifier", "def f():\n    import ssi.ledger.backends.sqlite"),
        ("wallet.stores.sqlite", "from ssi.keys.backends.file import FileKms"),
        ("ssi.brandnew.thing", "from ssi.keys import PublicKey"),
    ],
)
def test_a_planted_import_is_found(module: str, text: str) -> None:
    assert len(violations(text, module)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("ssi.keys.jws", "from ssi.encoding.gate import parse_object"),
        ("ssi.keys.opener", "def f():\n    from ssi.keys.backends.memory import MemoryKms"),
        ("ssi.keys.backends.file", "from ssi.keys.backends.memory import MemoryKms"),
        ("ssi.status.check", "from ssi.credentials.vcdm import Credential"),
        ("ssi.ports", "from ssi.types import JsonObject"),
        ("ssi.cli.main", "from ssi.net import HttpDoor"),
        ("issuer.issuer", "from .catalogue import Catalogue\nfrom . import store\nfrom ssi.keys import Kms"),
        ("issuer.cli", "from .stores.sqlite import SqliteStore\nfrom ssi.net import HttpDoor"),
    ],
)
def test_an_allowed_import_is_not_found(module: str, text: str) -> None:
    assert violations(text, module) == []


def test_relative_imports_are_resolved_against_the_package() -> None:
    assert violations("from ...keys import PublicKey", "ssi.encoding.sub.module")
    assert violations("from ..keys import PublicKey", "ssi.encoding", is_package=True)
    assert not violations("from .jcs import jcs", "ssi.encoding", is_package=True)


def test_did_ethr_is_imported_without_its_extra() -> None:
    modules = "ssi.did.methods.ethr, ssi.did.backends.ethr_controller, ssi.cli.did_ethr"
    assert not [name for name in loaded_modules(f"import {modules}") if name.partition(".")[0].startswith("eth_")]


def test_import_verifier_loads_nothing_heavy() -> None:
    heavy = [name for name in HEAVY if name in loaded_modules("import verifier")]
    assert not heavy, f"`import verifier` loads {', '.join(heavy)}: import them inside the functions that use them"
