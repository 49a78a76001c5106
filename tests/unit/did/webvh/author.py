"""Writes did:webvh logs without the product's controller, valid ones and ones that are wrong in one place only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ssi.did.webvh.hashing import entry_hash, key_hash, scid_of, substitute
from ssi.encoding.timestamps import format_seconds
from ssi.keys import Curve, PrivateKey
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.types import JsonObject

NOW = 1_700_000_000
START = 1_600_000_000
DAY = 86_400


def key(number: int) -> PrivateKey:
    return PrivateKey.from_raw(Curve.ED25519, number.to_bytes(32, "big"))


def multikey(private: PrivateKey) -> str:
    return private.public_key.to_multikey()


def next_hash(private: PrivateKey) -> str:
    return key_hash(multikey(private))


def did_key(private: PrivateKey) -> str:
    return f"did:key:{multikey(private)}"


def prove(document: JsonObject, private: PrivateKey, **members: Any) -> JsonObject:
    """A proof over ``document``; ``members`` replace the usual ones before it is signed."""
    suite = EddsaJcs2022()
    config: JsonObject = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{did_key(private)}#{multikey(private)}",
        "created": "2020-09-13T12:26:40Z",
        "proofPurpose": "assertionMethod",
        **members,
    }
    return {**config, "proofValue": suite.encode(private.sign(suite.hash_data(document, config)))}


class Author:
    """One log that grows line by line."""

    def __init__(self) -> None:
        self.entries: list[JsonObject] = []
        self.scid = ""

    @property
    def log(self) -> bytes:
        return b"".join(json.dumps(entry).encode() + b"\n" for entry in self.entries)

    @property
    def did(self) -> str:
        """The DID of the newest entry."""
        return str(self.entries[-1]["state"]["id"])

    def first(
        self,
        signer: PrivateKey,
        *,
        change: Callable[[JsonObject], None] | None = None,
        **parameters: Any,
    ) -> Author:
        """The first entry; ``change`` edits it before its SCID is made, ``parameters`` add to the usual ones."""
        entry: JsonObject = {
            "versionId": "{SCID}",
            "versionTime": format_seconds(START),
            "parameters": {
                "method": "did:webvh:1.0",
                "scid": "{SCID}",
                "updateKeys": [multikey(signer)],
                **parameters,
            },
            "state": {"@context": ["https://www.w3.org/ns/did/v1"], "id": "did:webvh:{SCID}:agency.example"},
        }
        if change is not None:
            change(entry)
        self.scid = scid_of(entry)
        self._sign(substitute(entry, "{SCID}", self.scid), self.scid, [signer])
        return self

    def next(
        self,
        signer: PrivateKey | Sequence[PrivateKey],
        *,
        change: Callable[[JsonObject], None] | None = None,
        proof: JsonObject | None = None,
        **parameters: Any,
    ) -> Author:
        """The next entry, a day later; ``change`` edits it before it is hashed, ``proof`` its proof's members."""
        head = self.entries[-1]
        number = len(self.entries) + 1
        entry: JsonObject = {
            "versionId": head["versionId"],
            "versionTime": format_seconds(START + (number - 1) * DAY),
            "parameters": parameters,
            "state": json.loads(json.dumps(head["state"])),
        }
        if change is not None:
            change(entry)
        signers = [signer] if isinstance(signer, PrivateKey) else list(signer)
        self._sign(entry, head["versionId"], signers, proof or {})
        return self

    def witnessed(self, *numbers_and_keys: tuple[int, PrivateKey], **members: Any) -> bytes:
        """The witness file in which each key approved the version with its number."""
        items = []
        for number, private in numbers_and_keys:
            document = {"versionId": self.entries[number - 1]["versionId"]}
            items.append({**document, "proof": [prove(document, private, **members)]})
        return json.dumps(items).encode()

    def _sign(
        self, entry: JsonObject, predecessor: str, signers: Sequence[PrivateKey], members: JsonObject | None = None
    ) -> None:
        number = len(self.entries) + 1
        entry = {**entry, "versionId": f"{number}-{entry_hash(entry, predecessor)}"}
        self.entries.append({**entry, "proof": [prove(entry, signer, **(members or {})) for signer in signers]})
