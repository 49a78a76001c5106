"""What ``ssi jose-cose`` does with a document: each of six ways to secure it, and to verify it.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, section 3; VCDM 2.0.
Input:   bytes of files, and a verification method as JSON.
I/O:     none.
Errors:  as ``ssi.credentials``; InvalidInputError also for a top-level member that nobody allowed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from ssi.credentials.contexts import BASE_CREDENTIAL_MEMBERS
from ssi.credentials.cose import read_vc_cose, read_vp_cose, sign_vc_cose, sign_vp_cose, verify_vc_cose, verify_vp_cose
from ssi.credentials.jose import read_vc_jwt, read_vp_jwt, sign_vc_jwt, verify_vc_jwt, verify_vp_jwt
from ssi.credentials.presentation import Presentation, parse_presentation
from ssi.credentials.values import parse_identified
from ssi.credentials.vc_sd_jwt import read_vc_sd_jwt, sign_vc_sd_jwt, verify_vc_sd_jwt
from ssi.credentials.vcdm import check_credential
from ssi.credentials.vp_sd_jwt import read_vp_sd_jwt, sign_vp_sd_jwt, verify_vp_sd_jwt
from ssi.encoding.base64url import b64_encode
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.keys import KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import sign_jws
from ssi.types import JsonObject, UnixSeconds

_LABEL: Final = "key"
_PRESENTATION_MEMBERS: Final = BASE_CREDENTIAL_MEMBERS | {"holder", "verifiableCredential"}
_REGISTERED_CLAIMS: Final = frozenset({"jti", "nonce"})
"""Of the envelope; the base context defines the others."""
_NO_CHALLENGE: Final[dict[str, Any]] = {"audience": None, "nonce": None, "max_age_seconds": None}

Path = tuple[str | int, ...]


class SigningMethod:
    """A verification method with its private key."""

    def __init__(self, method: JsonObject) -> None:
        """Raises InvalidInputError unless it has an id, a controller and a private key."""
        secret = method.get("secretKeyJwk")
        if type(secret) is not dict:
            raise InvalidInputError("expected a verification method with secretKeyJwk")
        self.id = parse_identified(method.get("id"), "id")
        self.controller = parse_identified(method.get("controller"), "controller")
        self.private = PrivateKey.from_jwk(secret)

    def kid(self, author: str | None) -> str:
        """Return the id, or the key's thumbprint where it would say that somebody else is the author."""
        return self.id if author in (None, self.controller) else self.private.public_key.thumbprint()


def public_key(method: JsonObject) -> PublicKey:
    """Return the public key of a verification method. Raises InvalidInputError."""
    jwk = method.get("publicKeyJwk")
    if type(jwk) is not dict:
        raise InvalidInputError("expected a verification method with publicKeyJwk")
    return PublicKey.from_jwk(jwk)


async def issue(
    data: bytes,
    method: SigningMethod,
    feature: str,
    paths: Sequence[Path],
    *,
    contexts: Collection[str],
    extensions: Collection[str],
    now: UnixSeconds,
) -> str:
    """Return the document in ``data`` secured as ``feature`` says, as text."""
    document = parse_object(data)
    what, _, how = feature.partition("_")
    purpose = KeyPurpose.CREDENTIAL if what == "credential" else KeyPurpose.HOLDER
    kms = MemoryKms()
    await kms.add(_LABEL, method.private, purpose=purpose)
    if what == "credential":
        return await _issue_credential(document, kms, method, how, paths, contexts, extensions)
    presentation = parse_presentation(document, contexts=contexts)
    _check_members(presentation.raw, extensions)
    return await _issue_presentation(presentation, kms, method, how, paths, now)


async def _issue_credential(
    document: JsonObject,
    kms: MemoryKms,
    method: SigningMethod,
    how: str,
    paths: Sequence[Path],
    contexts: Collection[str],
    extensions: Collection[str],
) -> str:
    credential = check_credential(document, contexts=contexts, extensions=extensions)
    kid = method.kid(credential.issuer)
    rules: dict[str, Any] = {"kms": kms, "label": _LABEL, "kid": kid}
    if how == "cose":
        return b64_encode(await sign_vc_cose(credential, **rules))
    if kid != method.id:
        named = {"iss": credential.issuer, **document}
        credential = check_credential(named, contexts=contexts, extensions=extensions)
    if how == "jose":
        return await sign_vc_jwt(credential, **rules)
    return (await sign_vc_sd_jwt(credential, disclosable=paths, **rules)).compact


async def _issue_presentation(
    presentation: Presentation, kms: MemoryKms, method: SigningMethod, how: str, paths: Sequence[Path], now: UnixSeconds
) -> str:
    kid = method.kid(presentation.holder)
    rules: dict[str, Any] = {"kms": kms, "label": _LABEL, "kid": kid, "audience": None, "nonce": None}
    if how == "cose":
        return b64_encode(await sign_vp_cose(presentation, issued_at=now, **rules))
    if how == "sdjwt":
        return (await sign_vp_sd_jwt(presentation, disclosable=paths, issued_at=now, **rules)).compact
    claims = {**presentation.raw, "iat": now} | ({} if kid == method.id else {"iss": presentation.holder})
    header = {"typ": "vp+jwt", "cty": "vp", "kid": kid}
    return await sign_jws(header, claims, kms=kms, label=_LABEL, purpose=KeyPurpose.HOLDER)


async def verify(
    data: bytes,
    key: PublicKey,
    feature: str,
    *,
    contexts: Collection[str],
    extensions: Collection[str],
    now: UnixSeconds,
) -> str:
    """Return the document that ``data`` secures, as JSON text."""
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError as exc:
        raise InvalidInputError("expected text in ASCII") from exc
    rules: dict[str, Any] = {"now": now, "contexts": contexts}
    if feature.startswith("credential"):
        raw = _verified_credential(text, key, feature, rules)
    else:
        raw = _verified_presentation(text, key, feature, rules)
    _check_members(raw, extensions)
    return json.dumps(raw)


def _verified_credential(text: str, key: PublicKey, feature: str, rules: dict[str, Any]) -> JsonObject:
    if feature == "credential_jose":
        return verify_vc_jwt(read_vc_jwt(text), key, **rules).credential.raw
    if feature == "credential_cose":
        return verify_vc_cose(read_vc_cose(text), key, **rules).credential.raw
    return verify_vc_sd_jwt(read_vc_sd_jwt(text), key, key_binding=None, **rules).credential.raw


def _verified_presentation(text: str, key: PublicKey, feature: str, rules: dict[str, Any]) -> JsonObject:
    if feature == "presentation_jose":
        return verify_vp_jwt(read_vp_jwt(text), key, **rules, **_NO_CHALLENGE).presentation.raw
    if feature == "presentation_cose":
        return verify_vp_cose(read_vp_cose(text), key, **rules, **_NO_CHALLENGE).presentation.raw
    return verify_vp_sd_jwt(read_vp_sd_jwt(text), key, **rules, **_NO_CHALLENGE).presentation.raw


def _check_members(document: JsonObject, extensions: Collection[str]) -> None:
    """Refuse top-level members that neither the data model nor the caller knows, whatever a context may say of them."""
    if not document.keys() <= _PRESENTATION_MEMBERS | _REGISTERED_CLAIMS | set(extensions):
        raise InvalidInputError("expected only top-level members of the data model, or those that are allowed")
