"""The whole story on this machine: issue, hold, present, verify, rotate, revoke, refuse.

A ministry keeps a ledger, the municipality of Kerava issues certificates of residence, Aino keeps hers in an encrypted
wallet, and a benefits office verifies what she shows. Then things go wrong, and each of them is refused by name.

Run it with ``make demo``. It needs no server and no network, and leaves its files in ``.demo`` to play with.
"""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_urlsafe

from msgspec.structs import replace

from examples.story import Story, refused
from issuer import CredentialType, Issuer, StatusSettings
from ssi.did.resolver import system_clock
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.keys import KeyPurpose, PrivateKey, open_kms
from ssi.keys.jws import build_jws, parse_jws, signing_input
from ssi.ledger import Ledger, open_ledger
from ssi.ports import PublishedList
from ssi.registry import PrivacyFinding, Registry, RegistryFollower, audit, found_registry, privacy_check
from ssi.types import JsonObject
from verifier import Policy, Verifier
from verifier.offline import OfflineFolder, write_offline_folder
from wallet import Wallet

HERE = Path(__file__).parent
OFFICE = "https://benefits.example"
ADDRESS: JsonObject = {
    "street_address": "Aleksis Kiven tie 12",
    "postal_code": "04200",
    "locality": "Kerava",
    "country": "FI",
}
AINO: JsonObject = {
    "given_name": "Aino",
    "family_name": "Saari",
    "birth_date": "1990-05-17",
    "resident_since": "2019-08-01",
    "address": ADDRESS,
}
LOCALITY = [("address", "locality")]
PASSPHRASE = "a passphrase for the demo only"


class Between:
    """Serves the town's status lists, with other bodies for some of them, as somebody on the way could."""

    def __init__(self, town: Issuer, instead: dict[str, bytes]) -> None:
        self._town, self._instead = town, instead

    async def status_list(self, uri: str) -> PublishedList:
        served = await self._town.status_list(uri)
        return PublishedList(uri, self._instead.get(uri, served.body), served.media_type, served.receipt)


async def main(folder: Path) -> None:
    story = Story(folder)
    started = time.monotonic()

    story.scene("A ledger, and two organisations on it")
    keys = open_kms(f"file:{folder}/keys.json", passphrase=PASSPHRASE)
    ledger = open_ledger(f"sqlite:{folder}/ledger.db")
    registry, ministry = await found_registry(ledger, origin="log.example", root_domain="ministry.example", kms=keys)
    town = await Issuer.create(
        "town",
        domain="town.example",
        accreditor=ministry,
        registry=registry,
        kms=keys,
        catalogue=[CredentialType.load(HERE / "catalogue" / "residence.toml")],
        store=f"sqlite:{folder}/town.db",
        status=StatusSettings(ttl_seconds=60),
    )
    await story.ledger(ledger)
    story.say("Kerava's DID resolves from these entries alone:", town.did)

    story.scene("Kerava issues a certificate of residence, in two formats")
    wallet = await Wallet.open(f"sqlite:{folder}/wallet.db", passphrase=PASSPHRASE)
    mine = await town.issue("residence", AINO, reference="case-17", holder=await wallet.new_key())
    w3c = await town.issue("residence", AINO, reference="case-17-w3c", format="vc+jwt", holder=await wallet.new_key())
    card, w3c_card = await wallet.add(mine.credential), await wallet.add(w3c.credential)
    story.issued(mine, w3c)
    story.cards(await wallet.list())

    story.scene("The benefits office asks where Aino lives; she shows that, and nothing else")
    write_settings(folder, registry, ministry.did, (await registry.note_key()).vkey)
    policy = Policy.load(folder / "policy.toml")
    follower = RegistryFollower(ledger, roots=[ministry.did], keys=[await registry.note_key()])
    await follower.refresh()
    office = await office_without_network(folder / "offline", policy, follower, await town.status_lists())
    presentation, nonce = await show(wallet, card.id)
    (folder / "presentation.txt").write_text(presentation)
    seen = await office.verify(presentation, nonce=nonce)
    story.verified(seen)
    story.remember(nonce, seen.report.at)
    w3c_presentation, w3c_nonce = await show(wallet, w3c_card.id, claims=None)
    whole = await office.verify(w3c_presentation, nonce=w3c_nonce)
    story.say("The W3C form of the same certificate shows all or nothing:", ", ".join(whole.claims))
    story.history(await wallet.history())

    story.scene("Kerava replaces its signing key")
    await town.rotate_key(KeyPurpose.CREDENTIAL)
    await follower.refresh()
    lenient = replace(policy, accept_superseded_keys_until=system_clock() + 86_400)
    strict, later = (Verifier(which, registry=follower, lists=town) for which in (policy, lenient))
    presentation, nonce = await show(wallet, card.id)
    story.refusal("a policy for current keys only", await refused(strict, presentation, nonce))
    accepted = await later.verify(presentation, nonce=nonce)
    story.say("a policy that takes replaced keys until tomorrow:", accepted.report.checks[2].detail)

    story.scene("Three forgeries")
    story.refusal("a copy in which Kerava became Espoo", await refused(later, tampered(presentation), nonce))
    before = {served.uri: served.body for served in await town.status_lists()}
    forged = Between(town, {uri: forge(body) for uri, body in before.items()})
    deceived = Verifier(lenient, registry=follower, lists=forged)
    story.refusal("a status list signed by somebody else", await refused(deceived, presentation, nonce))
    await town.revoke(reference="case-17", reason="moved away", by="population register")
    await follower.refresh()
    deceived = Verifier(lenient, registry=follower, lists=Between(town, before))
    story.refusal("yesterday's list, from before the revocation", await refused(deceived, presentation, nonce))

    story.scene("Aino has moved: the certificate is revoked")
    presentation, nonce = await show(wallet, card.id)
    story.refusal("the office that verified it before", await refused(later, presentation, nonce))

    story.scene("Anybody can audit the ledger, and nobody finds a person on it")
    report = await audit(ledger, roots=[ministry.did], keys=[await registry.note_key()])
    story.audited(report, await search_for_people(ledger, folder / "people.csv"))
    for part in (wallet, town, ledger):
        await part.close()
    story.end(time.monotonic() - started)


def write_settings(folder: Path, registry: Registry, root: str, vkey: str) -> None:
    """Write what the benefits office accepts, and where the program ``ssi`` finds the ledger."""
    trusted = f"roots = {json.dumps([root])}\n"
    policy = (HERE / "policy.toml").read_text("utf-8")
    (folder / "policy.toml").write_text(f"{policy}\n[registry]\n{trusted}keys = {json.dumps([vkey])}\n", "utf-8")
    ledger = f'[ledger]\nurl = "sqlite:ledger.db"\norigin = "log.example"\n{trusted}'
    (folder / "ssi.toml").write_text(f"{ledger}checkpoint_keys = {json.dumps([vkey])}\n", "utf-8")


async def office_without_network(
    folder: Path, policy: Policy, registry: RegistryFollower, lists: Sequence[PublishedList]
) -> Verifier:
    """Return an office that verifies from files: the registry and the status lists as they are now."""
    await write_offline_folder(folder, registry=registry, lists=lists)
    offline = OfflineFolder.open(folder, registry=policy.registry)
    return Verifier(policy, resolver=offline.resolver(now=system_clock), registry=offline, lists=offline)


async def show(wallet: Wallet, card: str, claims: Sequence[tuple[str, str]] | None = LOCALITY) -> tuple[str, str]:
    """Present a card for a nonce that the office has just drawn; return both."""
    nonce = token_urlsafe(16)
    return await wallet.present(card, claims, audience=OFFICE, nonce=nonce), nonce


def tampered(presentation: str) -> str:
    """Return the presentation with another locality in its disclosure."""
    parts = presentation.split("~")
    plain = [b64url_decode(part) if "." not in part else b"" for part in parts]
    at = next(index for index, text in enumerate(plain) if b"Kerava" in text)
    parts[at] = b64url_encode(plain[at].replace(b"Kerava", b"Espoo"))
    return "~".join(parts)


def forge(signed: bytes) -> bytes:
    """Sign a list again with a key of one's own, under the town's name."""
    jws = parse_jws(signed, max_bytes=len(signed))
    thief = PrivateKey.from_jwk(FORGER)
    message = signing_input(jws.header, jws.unverified_claims())
    return build_jws(message, thief.sign(message)).encode()


async def search_for_people(ledger: Ledger, file: Path) -> Sequence[PrivacyFinding]:
    """Look for Aino in every entry, and leave what was searched for in ``file``."""
    person = {name: value for name, value in {**AINO, **ADDRESS}.items() if isinstance(value, str)}
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, person.keys())
        writer.writeheader()
        writer.writerow(person)
    return privacy_check(list(await ledger.read(0, await ledger.size())), [person])


FORGER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
"""The published key of RFC 7515, appendix A.3: everybody has it."""


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    asyncio.run(main(target))
