"""Make a presentation of one card: what is chosen, bound to who asked.

Source:  RFC 9901 sections 4.3 and 7.2 (SD-JWT+KB), W3C VC-JOSE-COSE sections 3.1.2 (``vp+jwt``) and 3.3.2
         (``vp+cose``), W3C Data Integrity 1.0 section 2.1 (``domain`` and ``challenge`` of a presentation's own proof).
Shapes:  an SD-JWT VC, and an ``ldp_vc`` with a base proof, is shown with chosen claims, anything else as a whole; what
         is bytes travels in base64. Times are Unix seconds.
I/O:     none; the holder's key store is awaited.
Errors:  InvalidInputError (no such claim, or a choice that the format does not give), VerificationError (no suite signs
         with the holder's key), and those of ``Kms.sign``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ssi.credentials.cose import sign_vp_cose
from ssi.credentials.data_integrity import secure_presentation
from ssi.credentials.jose import sign_vp_jwt
from ssi.credentials.presentation import Envelope
from ssi.credentials.presentation import build_presentation as build_around
from ssi.credentials.sd_jwt import ClaimPath, bind, present
from ssi.did.methods.jwk import did_jwk
from ssi.encoding.base64url import b64_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jsonld import Contexts
from ssi.errors import InvalidInputError
from ssi.keys import Kms, PublicKey

from .cards import shown_paths
from .delivered import Delivered, document_of
from .selective import derive


async def build_presentation(
    delivered: Delivered,
    claims: Iterable[Sequence[str | int | None]] | None,
    *,
    nested: bool,
    kms: Kms,
    label: str | None,
    audience: str,
    nonce: str,
    now: int,
    jsonld_contexts: Contexts,
) -> tuple[str, tuple[ClaimPath, ...]]:
    """Return the presentation, and the paths of the claims that it shows.

    ``audience`` and ``nonce`` are the verifier's; ``label`` names the key that the credential is bound to; with None it
    is shown as it is, to whoever takes a bearer credential.
    """
    if delivered.chosen != (claims is not None):
        if delivered.chosen:
            raise InvalidInputError("expected the paths of the claims to show; an empty list withholds what it can")
        raise InvalidInputError(f"this {delivered.format} is shown as a whole: leave out claims to agree to that")
    if delivered.format == "dc+sd-jwt":
        compact = present(delivered.text, claims or (), nested=nested)
        paths = shown_paths(delivered, compact.split("~")[1:-1])
        if label is None:
            return compact, paths
        return await bind(compact, kms=kms, label=label, nonce=nonce, audience=audience, now=now), paths
    text, pointers = delivered.text, list[str]()
    if claims is not None:
        shown, pointers = derive(
            parse_object(text), claims, delivered.disclosures, nested=nested, contexts=jsonld_contexts
        )
        text = msgspec.json.encode(shown).decode()
    paths = shown_paths(delivered, pointers)
    if label is None or delivered.key is None:
        return text, paths
    holder, kid = _holder(delivered.key, delivered.holder)
    if delivered.format == "ldp_vc":
        return await _with_proof(text, kms, label, holder, kid, audience, nonce, now), paths
    if delivered.format == "vc+cose":
        around = build_around([Envelope("application/vc+cose", text, base64=True)], holder=holder)
        encoded = await sign_vp_cose(
            around, kms=kms, label=label, kid=kid, audience=audience, nonce=nonce, issued_at=now
        )
        return b64_encode(encoded), paths
    presentation = await sign_vp_jwt(
        [delivered.text],
        kms=kms,
        label=label,
        kid=kid,
        holder=holder,
        audience=audience,
        nonce=nonce,
        issued_at=now,
    )
    return presentation, paths


async def _with_proof(
    text: str, kms: Kms, label: str, holder: str, kid: str, audience: str, nonce: str, now: int
) -> str:
    document = parse_object(text)
    secured = await secure_presentation(
        [document],
        kms=kms,
        label=label,
        verification_method=kid,
        holder=holder,
        domain=audience,
        challenge=nonce,
        created=now,
        contexts=[context for context in document["@context"] if isinstance(context, str)],
    )
    return msgspec.json.encode(secured).decode()


def _holder(key: PublicKey, subject: str | None) -> tuple[str, str]:
    """Return the holder's DID and verification method: the subject's, or the key itself as a did:jwk."""
    did = did_jwk(key.to_jwk()) if subject is None else subject
    document = document_of(did)
    methods = {} if document is None else document.keys("authentication")
    for kid, candidate in methods.items():
        if candidate == key:
            return did, kid
    raise InvalidInputError("expected the holder's DID to have the key that the credential is bound to")
