"""Make a presentation of one card: what is chosen, bound to who asked.

Source:  RFC 9901 sections 4.3 and 7.2 (SD-JWT+KB), W3C VC-JOSE-COSE section 3.1.2 (``vp+jwt``).
Shapes:  an SD-JWT VC is shown with chosen claims, a ``vc+jwt`` as a whole. Times are Unix seconds.
I/O:     none; the holder's key store is awaited.
Errors:  InvalidInputError (no such claim, or a choice that the format does not give), and those of ``Kms.sign``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssi.credentials.jose import sign_vp_jwt
from ssi.credentials.sd_jwt import ClaimPath, bind, present
from ssi.did.methods.jwk import did_jwk
from ssi.errors import InvalidInputError
from ssi.keys import Kms, PublicKey

from .cards import Delivered, document_of, shown_paths


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
) -> tuple[str, tuple[ClaimPath, ...]]:
    """Return the presentation, and the paths of the claims that it shows.

    ``label`` names the key that the credential is bound to; with None it is shown as it is, to whoever takes a bearer
    credential.
    """
    if delivered.format == "dc+sd-jwt":
        if claims is None:
            raise InvalidInputError("expected the paths of the claims to show; an empty list withholds what it can")
        shown = present(delivered.text, claims, nested=nested)
        paths = shown_paths(delivered, shown.split("~")[1:-1])
        if label is None:
            return shown, paths
        return await bind(shown, kms=kms, label=label, nonce=nonce, audience=audience, now=now), paths
    if claims is not None:
        raise InvalidInputError("a vc+jwt can only be shown as a whole: leave out claims to agree to that")
    paths = shown_paths(delivered, ())
    if label is None or delivered.key is None:
        return delivered.text, paths
    holder, kid = _holder(delivered.key, delivered.holder)
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


def _holder(key: PublicKey, subject: str | None) -> tuple[str, str]:
    """Return the holder's DID and verification method: the subject's, or the key itself as a did:jwk."""
    did = did_jwk(key.to_jwk()) if subject is None else subject
    document = document_of(did)
    methods = {} if document is None else document.keys("authentication")
    for kid, candidate in methods.items():
        if candidate == key:
            return did, kid
    raise InvalidInputError("expected the holder's DID to have the key that the credential is bound to")
