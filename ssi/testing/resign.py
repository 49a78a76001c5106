"""Sign a credential or presentation again, changed in any way, whatever its format.

Shapes:  ``changes`` are members of the payload by their names in a JWT (``iat``, ``exp``, ``nonce``, ``aud``), which go
         where the format has them: into the CWT claims of a COSE header, or into the proof. ``header`` are members of
         the JOSE header, labels of the COSE header, or members of the proof.
I/O:     the key store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ssi.encoding.timestamps import format_seconds
from ssi.keys import KeyPurpose, Kms
from ssi.proofs.suites import suite_for
from ssi.testing.forge import (
    Changes,
    changed,
    decode_cose,
    decode_jws,
    join_sd_jwt,
    prove_anything,
    sign_anything,
    sign_cose_anything,
    split_sd_jwt,
)
from ssi.types import JsonObject, JsonValue

_CWT: Final = {"iss": 1, "sub": 2, "aud": 3, "exp": 4, "nbf": 5, "iat": 6, "nonce": 10}
_LABELS: Final = {"alg": 1, "kid": 4, "typ": 16, "cty": 3}
_IN_PROOF: Final = {"iat": "created", "exp": "expires", "aud": "domain", "nonce": "challenge"}
_TIMES: Final = frozenset({"iat", "exp"})


async def sign_changed(
    text: str,
    *,
    kms: Kms,
    label: str,
    kid: str | None,
    purpose: KeyPurpose,
    header: Changes | None = None,
    changes: Changes | None = None,
) -> str:
    """Return ``text`` with header and payload changed and signed by the key ``label``; ``kid`` names it if given."""
    named: dict[str, Any] = {} if kid is None else {"kid": kid}
    if text.startswith("{"):
        return await _proof(text, kms, label, purpose, {**named, **(header or {})}, changes or {})
    if "." not in text:
        return await _cose(text, kms, label, purpose, {**named, **(header or {})}, changes or {})
    jws, disclosures, binding = split_sd_jwt(text) if "~" in text else (text, [], "")
    old_header, old_claims = decode_jws(jws)
    made = await sign_anything(
        changed({**old_header, **named}, header), changed(old_claims, changes), kms=kms, label=label, purpose=purpose
    )
    return join_sd_jwt(made, disclosures, binding) if "~" in text else made


async def _proof(text: str, kms: Kms, label: str, purpose: KeyPurpose, header: Changes, changes: Changes) -> str:
    document: JsonObject = json.loads(text)
    proof = document.pop("proof")
    key = await kms.public_key(label)
    suite = suite_for(proof["cryptosuite"], key)
    options = {name: value for name, value in proof.items() if name not in ("proofValue", "@context")}
    in_proof = {_IN_PROOF[name]: _in_proof(name, value) for name, value in changes.items() if name in _IN_PROOF}
    if "kid" in header:
        in_proof["verificationMethod"] = header["kid"]
    own = {name: value for name, value in header.items() if name != "kid"}
    options = changed(options, {**in_proof, **own})
    document = changed(document, {name: value for name, value in changes.items() if name not in _IN_PROOF})
    made = await prove_anything(document, options, suite=suite, kms=kms, label=label, purpose=purpose)
    return json.dumps({**document, "proof": made})


def _in_proof(name: str, value: JsonValue) -> JsonValue:
    return format_seconds(value) if name in _TIMES and isinstance(value, int) else value


async def _cose(text: str, kms: Kms, label: str, purpose: KeyPurpose, header: Changes, changes: Changes) -> str:
    old, payload = decode_cose(text)
    claims: Mapping[Any, Any] = old.get(15, {})
    in_header = {_CWT[name]: _in_cwt(name, value) for name, value in changes.items() if name in _CWT}
    merged = {name: value for name, value in {**claims, **in_header}.items() if value is not None}
    named = {_LABELS.get(name, name): _in_cose(name, value) for name, value in header.items()}
    protected = {name: value for name, value in {**old, 15: merged or None, **named}.items() if value is not None}
    body = changed(json.loads(payload), {name: value for name, value in changes.items() if name not in _CWT})
    return await sign_cose_anything(protected, json.dumps(body).encode(), kms=kms, label=label, purpose=purpose)


def _in_cose(name: str, value: Any) -> Any:
    return value.encode() if name == "kid" and isinstance(value, str) else value


def _in_cwt(name: str, value: Any) -> Any:
    return value.encode() if name == "nonce" and isinstance(value, str) else value
