"""An auditor: one presentation verified and kept, checked again from the file, the ledger audited and searched.

The relying party knows two names, a ledger and a policy; the auditor has the policy's roots and keys, a checkpoint kept
from before, and a sample of the register of persons.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from issuer import CredentialType, Issuer
from ssi.audit import AuditedLedger
from ssi.keys import open_kms
from ssi.ledger import open_ledger
from ssi.registry import found_registry
from ssi.status import AnchoringPolicy
from verifier import CouldNotCheck, Evidence, Policy, Refused, Registry, Trust, Verifier
from verifier.anchors import Anchors, LedgerAnchors
from wallet import Wallet

AUDIENCE, NONCE = "https://kindergarten.example", "a-random-value-for-each-request"
RESIDENCE = CredentialType(
    name="residence",
    vct="https://kerava.example/residence",
    types=("Residence",),
    schema={"type": "object", "properties": {"given_name": {}, "locality": {}}},
    validity_days=365,
)
PEOPLE = "given_name,reference\nAino-Kaarina,case-17\nEino-Olavi,case-18\n"


async def town_and_presentation(url: str, folder: Path) -> tuple[Issuer, Policy, str]:
    """The public side: a ministry, a town and a person; returns the town, the policy and what the person shows."""
    ledger, keys = open_ledger(url), open_kms("memory:")
    registry, ministry = await found_registry(ledger, origin="log.example", root_domain="ministry.example", kms=keys)
    town = await Issuer.create(
        "town", domain="kerava.example", accreditor=ministry, registry=registry, kms=keys,
        catalogue=[RESIDENCE], store="memory:",
    )  # fmt: skip
    wallet = await Wallet.open("memory:", passphrase="a long passphrase of the holder's own")
    claims = {"given_name": "Aino-Kaarina", "locality": "Kerava"}
    issued = await town.issue("residence", claims, reference="case-17", holder=await wallet.new_key())
    card = await wallet.add(issued.credential)
    shown = await wallet.present(card.id, [("locality",)], audience=AUDIENCE, nonce=NONCE)
    (folder / "trusted.note").write_bytes(await registry.sign_checkpoint())
    await wallet.close()
    await ledger.close()
    policy = Policy(
        audience=AUDIENCE, holder_binding="required", status="required", max_list_age_seconds=43_200,
        trust=(Trust(type=RESIDENCE.vct, accredited=True),),
        anchoring=AnchoringPolicy(max_staleness_seconds=86_400, max_unanchored_seconds=0),
        registry=Registry(roots=(ministry.did,), keys=((await registry.note_key()).vkey,)),
    )  # fmt: skip
    return town, policy, shown


async def main(folder: Path) -> None:
    """Verify, keep, check again, audit, search; ``folder`` is an absolute path."""
    url = f"sqlite://{folder}/ledger.db"
    town, policy, shown = await town_and_presentation(url, folder)
    assert policy.registry is not None
    roots, keys = policy.registry.roots, policy.registry.keys

    async with await Verifier.open(url, policy=policy, lists=town) as verifier:
        try:
            result = await verifier.verify(shown, nonce=NONCE, keep_evidence=True)
        except (Refused, CouldNotCheck) as exc:
            raise SystemExit(f"{exc.check}: {exc.reason}") from exc  # which check, in words, no claim value
    for check in result.report.checks:
        print(f"{check.name}: {check.outcome}, by {check.source}")
    result.evidence(keep="P10Y").save(folder / "case-17.evidence")
    await town.close()

    again = await Evidence.load(folder / "case-17.evidence").recheck(
        anchors=Anchors(registry=LedgerAnchors(roots, keys))
    )
    print(f"evidence, years later: {again.outcome}, ledger {again.ledger}, anchors {again.anchors}")

    (folder / "register-sample.csv").write_text(PEOPLE, encoding="utf-8")
    async with await AuditedLedger.open(url, roots=roots, keys=keys, checkpoint=folder / "trusted.note") as log:
        report = await log.audit()
        assert report.compared is not None
        print(f"audit: {'holds' if report.ok else report.first}, compared with a checkpoint at {report.compared.size}")
        print(f"people on the ledger: {len(await log.search_people(folder / 'register-sample.csv'))}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else place).absolute()))
