"""Contexts of one's own, pinned by digest: issued, held, presented and verified with proofs that read JSON-LD."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from issuer import CredentialType, Issuer
from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.errors import CanonicalizationError, InvalidInputError, NotFoundError, SsiError
from ssi.testing import TestFederation
from tests.flows.evidence_world import again
from tests.flows.stores import memory_store
from verifier import Policy, Refused, Registry, Verifier
from verifier.bundle import MANIFEST, OfflineBundle, make_bundle
from verifier.evidence import Evidence
from wallet import Wallet
from wallet.stores.memory import MemoryWalletStore

URL = "https://harbour.example/contexts/berths/v1"
TERMS = "https://harbour.example/terms#"
DOCUMENT = json.dumps(
    {"@context": {"BerthPermit": f"{TERMS}BerthPermit", "berth": f"{TERMS}berth", "paid": f"{TERMS}paid"}}, indent=1
)
DIGEST = sha256(DOCUMENT.encode()).hexdigest()
PIN = f'[[context]]\nurl = "{URL}"\nsha256 = "{DIGEST}"\n'
CATALOGUE = f"""
name = "berth"
vct = "https://harbour.example/berth"
types = ["BerthPermit"]
formats = ["ldp_vc"]
cryptosuite = "ecdsa-rdfc-2019"
contexts = ["{URL}"]
validity_days = 30
[schema]
type = "object"
properties.berth.type = "string"
properties.paid.type = "boolean"
properties.boat.type = "string"
"""
POLICY = """
audience = "https://lock.example"
holder_binding = "required"
status = "required"
max_list_age_seconds = 86400
[[trust]]
type = "BerthPermit"
accredited = true
[registry]
roots = ["{root}"]
keys = ["{key}"]
"""
CLAIMS = {"berth": "A 12", "paid": False}
FILE = 'file = "berths.jsonld"\n'
NONCE = "n-1"


class Harbour:
    """An agency with a context of its own, a skipper's wallet and a lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "berths.jsonld").write_text(DOCUMENT)

    def written(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    async def open(self) -> Harbour:
        self.type = CredentialType.load(
            self.written("berth.toml", CATALOGUE.replace("[schema]", PIN + FILE + "[schema]"))
        )
        self.federation = await TestFederation.found()
        self.clock, self.registry = self.federation.clock, self.federation.registry
        self.issuer = Issuer(
            await self.federation.enrol("harbour", types=[self.type.vct, *self.type.types]),
            store=await memory_store(),
            registry=self.registry,
            catalogue=[self.type],
            status_base="https://harbour.example/status",
            now=self.clock,
        )
        self.wallet = await Wallet.open(
            MemoryWalletStore(),
            passphrase="open sesame",
            resolver=default_resolver(log_source=self.registry, now=self.clock),
            now=self.clock,
            contexts=self.type.jsonld_contexts,
        )
        key = await self.wallet.new_key()
        issued = await self.issuer.issue("berth", CLAIMS, reference="b-1", holder=key)
        self.card = await self.wallet.add(issued.credential)
        return self

    async def shown(self) -> str:
        return await self.wallet.present(self.card.id, audience="https://lock.example", nonce=NONCE)

    async def policy(self, pin: str = PIN + FILE) -> Policy:
        key = await self.federation.registry.note_key()
        text = POLICY.format(root=self.federation.ministry.did, key=key.vkey)
        return Policy.load(self.written("policy.toml", text + pin))

    def lock(self, policy: Policy) -> Verifier:
        return Verifier(policy, lists=self.issuer, registry=self.registry, now=self.clock)

    async def bundle(self) -> bytes:
        return await make_bundle(
            [self.issuer.did],
            now=self.clock(),
            registry=self.registry,
            lists=await self.issuer.status_lists(),
            contexts={URL: DOCUMENT.encode()},
        )


@pytest.fixture
async def harbour(tmp_path: Path) -> Harbour:
    return await Harbour(tmp_path).open()


async def test_a_context_of_ones_own_from_issuer_to_verifier(harbour: Harbour) -> None:
    policy = await harbour.policy()
    found = await harbour.lock(policy).verify(await harbour.shown(), nonce=NONCE)
    assert {name: found.claims[name] for name in CLAIMS} == CLAIMS


async def test_a_policy_without_the_context_refuses(harbour: Harbour) -> None:
    with pytest.raises(InvalidInputError, match="context"):
        await harbour.lock(await harbour.policy("")).verify(await harbour.shown(), nonce=NONCE)
    named = replace(await harbour.policy(""), contexts=(URL,))
    with pytest.raises(Refused, match="context not allowed"):
        await harbour.lock(named).verify(await harbour.shown(), nonce=NONCE)


async def test_another_document_than_the_pinned_one_is_refused(harbour: Harbour) -> None:
    (harbour.folder / "berths.jsonld").write_text(DOCUMENT + " ")
    with pytest.raises(InvalidInputError, match="digest"):
        await harbour.policy()
    with pytest.raises(InvalidInputError, match="beside"):
        await harbour.policy(PIN + 'file = "../berths.jsonld"\n')
    with pytest.raises(NotFoundError):
        await harbour.policy(PIN + 'file = "other.jsonld"\n')
    with pytest.raises(InvalidInputError):
        await harbour.policy(PIN + FILE + PIN + FILE)


async def test_the_catalogue_says_early_what_would_not_be_signed(harbour: Harbour) -> None:
    with pytest.raises(InvalidInputError, match="pin it"):
        CredentialType.load(harbour.written("other.toml", CATALOGUE))
    key = await harbour.wallet.new_key()
    with pytest.raises(CanonicalizationError, match="boat"):
        await harbour.issuer.issue("berth", {**CLAIMS, "boat": "Aava"}, reference="b-2", holder=key)
    with pytest.raises(NotFoundError):
        await harbour.issuer.state("b-2")  # no row and no index was spent on it
    assert (await harbour.issuer.issue("berth", CLAIMS, reference="b-2", holder=key)).reference == "b-2"


async def test_a_bundle_brings_the_context_that_policy_pins(harbour: Harbour) -> None:
    policy = await harbour.policy(PIN)
    with pytest.raises(InvalidInputError, match="document is not there"):
        harbour.lock(policy)
    registry = policy.registry
    assert isinstance(registry, Registry)
    data = await harbour.bundle()
    office = OfflineBundle.open(data, registry=registry).verifier(policy, now=harbour.clock)
    found = await office.verify(await harbour.shown(), nonce=NONCE, keep_evidence=True)
    assert found.claims["berth"] == "A 12"
    kept = Evidence.parse(found.evidence().to_bytes())
    assert parse_object(kept.members["policy.json"])["context"][0]["document"] == DOCUMENT
    assert (await kept.recheck()).outcome == "accepted"
    assert (await kept.recheck(policy=policy)).outcome == "accepted"
    swapped = again(data, MANIFEST, {"contexts/0.jsonld": DOCUMENT.replace("paid", "owed").encode()})
    with pytest.raises(InvalidInputError, match="digest"):
        OfflineBundle.open(swapped, registry=registry).verifier(policy, now=harbour.clock)


async def test_the_bundles_own_word_for_a_context_is_not_enough(harbour: Harbour) -> None:
    policy = await harbour.policy("")
    bundle = OfflineBundle.open(await harbour.bundle(), registry=policy.registry)
    with pytest.raises(InvalidInputError, match="context"):
        await bundle.verifier(policy, now=harbour.clock).verify(await harbour.shown(), nonce=NONCE)


async def test_a_wallet_without_the_context_does_not_take_the_card(harbour: Harbour) -> None:
    other = await Wallet.open(
        MemoryWalletStore(),
        passphrase="open sesame",
        resolver=default_resolver(log_source=harbour.registry, now=harbour.clock),
        now=harbour.clock,
    )
    key = await other.new_key()
    issued = await harbour.issuer.issue("berth", CLAIMS, reference="b-3", holder=key)
    with pytest.raises(SsiError, match="context not allowed"):
        await other.add(issued.credential)


async def test_a_holder_does_not_hide_status_or_end_from_a_verifier(harbour: Harbour) -> None:
    """The proof is over RDF and holds for every way of writing it; JSON under an IRI is what nobody looks at."""
    lax = replace(await harbour.policy(), holder_binding="not-required", status="when-present")
    card = json.loads((await harbour.wallet.get(harbour.card.id)).credential)
    await harbour.lock(lax).verify(json.dumps(card))
    await harbour.issuer.revoke(reference="b-1")
    harbour.clock.advance(100)
    with pytest.raises(Refused, match="revoked"):
        await harbour.lock(lax).verify(json.dumps(card))
    moved = {name: value for name, value in card.items() if name != "credentialStatus"}
    moved["https://www.w3.org/2018/credentials#credentialStatus"] = card["credentialStatus"]
    with pytest.raises(Refused, match="not compact"):
        await harbour.lock(lax).verify(json.dumps(moved))


def test_the_wallets_project_file_pins_contexts(tmp_path: Path) -> None:
    (tmp_path / "berths.jsonld").write_text(DOCUMENT)
    (tmp_path / "passphrase").write_text("open sesame")
    project = tmp_path / "ssi.toml"

    def run(*arguments: str, digest: str = DIGEST) -> subprocess.CompletedProcess[str]:
        wallet = '[wallet]\nstore = "sqlite:wallet.db"\npassphrase_file = "passphrase"\n'
        project.write_text(f'{wallet}[[wallet.context]]\nurl = "{URL}"\nsha256 = "{digest}"\n{FILE}')
        command = [sys.executable, "-m", "ssi.cli", "wallet", *arguments, "--project", str(project)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("new-key").returncode == 0
    assert run("list").returncode == 0
    refused = run("list", digest=DIGEST[::-1])
    assert (refused.returncode, "digest" in refused.stderr + refused.stdout) == (2, True)
