"""did:jwk, where the DID is the key.

Source:  did:jwk method specification (2023-08-19), "DID Format" and "To create the DID Document".
Shapes:  the identifier is unpadded base64url over the UTF-8 JSON of one public JWK; its verification method is ``#0``.
I/O:     none: the document is computed.
Errors:  InvalidDidError (not a public JWK), InvalidInputError (asked for another version).
"""

from __future__ import annotations

from typing import Final

from ssi.did.document import parse_document
from ssi.did.parse import parse_did
from ssi.did.resolver import Resolution, ResolutionMetadata
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import PublicKey
from ssi.keys.jwk import PRIVATE_MEMBERS
from ssi.types import JsonObject

_CONTEXT: Final = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"]
_SIGNING: Final = ("assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation")
_IMPORTED: Final = frozenset({("EC", "P-256"), ("EC", "P-384"), ("EC", "secp256k1"), ("OKP", "Ed25519")})


class DidJwk:
    """The did:jwk method."""

    method: Final[str] = "jwk"

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        """Return the one document that ``did`` ever has; ``version_time`` changes nothing.

        Raises InvalidDidError, and InvalidInputError if a version id is asked for.
        """
        if version_id is not None:
            raise InvalidInputError("did:jwk documents have no versions")
        document = parse_document(build_jwk_document(did), did=did)
        return Resolution(document, ResolutionMetadata(source="key"))


def did_jwk(jwk: JsonObject) -> str:
    """Return the did:jwk of a public JWK, its members in RFC 8785 order.

    Raises InvalidDidError if the JWK is private or is no key.
    """
    _check(jwk)
    return f"did:jwk:{b64url_encode(jcs(jwk))}"


def build_jwk_document(did: str) -> JsonObject:
    """Return the document of a did:jwk; the JWK's ``use`` decides which relationships list it.

    Raises InvalidDidError.
    """
    parsed = parse_did(did)
    if parsed.method != "jwk":
        raise InvalidDidError("expected did:jwk and the base64url of a JWK")
    try:
        jwk = parse_object(b64url_decode(parsed.id))
    except InvalidInputError as exc:
        raise InvalidDidError(f"the identifier is not the base64url of a JSON object: {exc}") from exc
    _check(jwk)
    method_id = f"{did}#0"
    method = {"id": method_id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
    document: JsonObject = {"@context": list(_CONTEXT), "id": did, "verificationMethod": [method]}
    if jwk.get("use") != "enc":
        document.update({relationship: [method_id] for relationship in _SIGNING})
    if jwk.get("use") != "sig":
        document["keyAgreement"] = [method_id]
    return document


def _check(jwk: JsonObject) -> None:
    """Refuse private and symmetric keys, and keys of the supported curves that are none."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str):
        raise InvalidDidError("a JWK is an object with a kty")
    if jwk["kty"] == "oct" or not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise InvalidDidError("the JWK is not public")
    curve = jwk.get("crv")
    if isinstance(curve, str) and (jwk["kty"], curve) in _IMPORTED:
        # Only the point: what the key may be used for is asked when it is used.
        try:
            PublicKey.from_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk})
        except InvalidInputError as exc:
            raise InvalidDidError(f"the JWK is not a key: {exc}") from exc
