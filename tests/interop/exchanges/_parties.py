"""The parties of the exchanges: keys, claims and a challenge that every format uses alike."""

from __future__ import annotations

import time
from typing import Any

from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms

ISSUER_KEY, HOLDER_KEY, LIST_KEY = (PrivateKey.generate(Curve.P256) for _ in range(3))
ISSUER = "did:web:registry.example"
KID = f"{ISSUER}#key-1"
VCT = "https://registry.example/credentials/residence"
AUDIENCE, NONCE = "https://benefits.example", "6Z3pM1UuDPPjX0Qb7-2XKA"
STATUS_URI = "https://registry.example/status/1"
SUBJECT: dict[str, Any] = {
    "given_name": "Zoë",
    "family_name": "Ångström \U0001f3e0",
    "address": {"street_address": "Long Lane 1", "locality": "Østby", "country": "NO"},
    "nationalities": ["NO", "SE"],
    "resident_since": 2019,
}


def now() -> int:
    """Return the time in Unix seconds: the peers take no other clock."""
    return int(time.time())


async def kms() -> MemoryKms:
    """Return a key store with the keys ``issuer``, ``holder`` and ``list``."""
    store = MemoryKms()
    await store.add("issuer", ISSUER_KEY, purpose=KeyPurpose.CREDENTIAL)
    await store.add("holder", HOLDER_KEY, purpose=KeyPurpose.HOLDER)
    await store.add("list", LIST_KEY, purpose=KeyPurpose.LIST)
    return store
