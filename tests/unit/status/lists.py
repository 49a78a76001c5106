"""Signed lists for the status tests: one issuer, one key, both formats."""

from __future__ import annotations

from typing import Any

from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.keys.jws import build_jws, signing_input
from ssi.status import VerifiedStatusList, parse_status_list, verify_status_list
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import build_lists
from ssi.status.reference import StatusFormat, StatusReference

NOW = 1_800_000_000
ISSUER = "did:example:agency"
KID = f"{ISSUER}#lists"
URI = "https://agency.example/status/7"
KEY = PrivateKey.generate(Curve.P256)
ENTRIES = 131_072


def family(form: StatusFormat, **changes: Any) -> StatusFamily:
    return StatusFamily(**{"format": form, "issuer": ISSUER, "uri": URI, "entries": ENTRIES, **changes})


def sign(header: dict[str, Any], claims: dict[str, Any] | bytes, key: PrivateKey = KEY) -> str:
    message = signing_input({"alg": key.public_key.alg, **header}, claims)
    return build_jws(message, key.sign(message))


def signed_lists(
    form: StatusFormat,
    states: dict[int, CredentialState] | None = None,
    *,
    now: int = NOW,
    key: PrivateKey = KEY,
    **changes: Any,
) -> list[str]:
    """Return the compact lists of a family; for bitstring lists revocation comes first."""
    array = StatusArray(ENTRIES, (states or {}).items())
    unsigned = build_lists(family(form, **changes), array, kid=KID, now=now)
    return [sign(item.header, item.claims, key) for item in unsigned]


def verified(
    compact: str, reference: StatusReference, *, now: int = NOW, key: PublicKey = KEY.public_key, issuer: str = ISSUER
) -> VerifiedStatusList:
    return verify_status_list(parse_status_list(compact), key, expected_uri=reference.uri, issuer=issuer, now=now)


def verified_lists(
    form: StatusFormat, states: dict[int, CredentialState] | None = None, *, now: int = NOW, **changes: Any
) -> list[VerifiedStatusList]:
    references = family(form).references(0)
    compacts = signed_lists(form, states, now=now, **changes)
    return [verified(compact, ref, now=now) for compact, ref in zip(compacts, references, strict=True)]
