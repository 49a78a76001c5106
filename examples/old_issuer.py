"""An issuer as another system has it, as far as a takeover sees it: what it exports, and what it publishes.

``python -m examples.old_issuer FOLDER`` writes the export of a town with the DID did:web:town.example and three
credentials. ``--revoke INDEX`` lets the town revoke one more, in the published list alone: its export is older then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import msgspec

from issuer.store import AdoptedCredential, AdoptedFamily
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import PublishedList
from ssi.status import StatusFormat
from ssi.status.folder import write_lists
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists

DID = "did:web:town.example"
KEY = f"{DID}#key-1"
LIST, ENTRIES = "https://town.example/lists/7", 1 << 17
INDEXES = {"case-1": 4711, "case-2": 90_210, "case-3": 15}
REVOKED = 15


def export(folder: Path, private: PrivateKey, *, now: int) -> None:
    """Write keys, DID document and what the old system knows of its credentials."""
    credentials = tuple(
        AdoptedCredential(
            reference=reference,
            type="residence",
            format="dc+sd-jwt",
            id=f"urn:town:{reference}",
            key="town/credential",
            issued_at=now - 86_400,
            valid_until=now + 86_400,
            index=index,
            state=CredentialState.REVOKED if index == REVOKED else CredentialState.VALID,
        )
        for reference, index in INDEXES.items()
    )
    family = AdoptedFamily(format=StatusFormat.TOKEN, uri=LIST, entries=ENTRIES, credentials=credentials)
    keys = [{"id": KEY, "uses": ["credential", "list"], "jwk": private.to_jwk()}]
    method = {"id": KEY, "type": "JsonWebKey2020", "controller": DID, "publicKeyJwk": private.public_key.to_jwk()}
    document = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": DID,
        "verificationMethod": [method],
        "assertionMethod": ["#key-1"],
        "service": [{"id": f"{DID}#desk", "type": "Desk", "serviceEndpoint": "https://town.example/desk"}],
    }
    (folder / "keys.json").write_text(json.dumps({"did": DID, "keys": keys}))
    (folder / "did.json").write_text(json.dumps(document))
    (folder / "families.json").write_bytes(msgspec.json.encode({"families": [family]}))


async def publish(folder: Path, private: PrivateKey, revoked: list[int], *, now: int) -> None:
    """Write the list that the old system serves."""
    kms = MemoryKms()
    await kms.add("list", private, purpose=KeyPurpose.LIST)
    states = StatusArray(ENTRIES, [(index, CredentialState.REVOKED) for index in revoked])
    family = StatusFamily(format=StatusFormat.TOKEN, issuer=DID, uri=LIST, entries=ENTRIES)
    made = await publish_lists(family, states, kms=kms, label="list", kid=KEY, now=now)
    write_lists(folder, [PublishedList(each.uri, each.compact.encode(), each.media_type, None) for each in made])


def main() -> None:
    """Write the folder, or only its list once it is there."""
    parser = argparse.ArgumentParser(description="The export of another system's issuer.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--revoke", type=int, action="append", default=[], metavar="INDEX")
    given = parser.parse_args()
    folder, now = given.folder, int(time.time()) - 60
    folder.mkdir(exist_ok=True)
    if (folder / "keys.json").exists():
        private = PrivateKey.from_jwk(json.loads((folder / "keys.json").read_text())["keys"][0]["jwk"])
    else:
        private = PrivateKey.generate(Curve.P256)
        export(folder, private, now=now)
    asyncio.run(publish(folder, private, [REVOKED, *given.revoke], now=now))


if __name__ == "__main__":
    main()
