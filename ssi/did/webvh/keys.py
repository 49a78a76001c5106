"""The did:key references and Multikeys that authorise log entries and witness proofs.

Source:  did:webvh 1.0, "Authorized Keys", "Witness DIDs and Reputation"; did:key method specification.
Shapes:  a Multikey is the ``z…`` text of an Ed25519 key, the only type that eddsa-jcs-2022 verifies with.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from typing import Final

from ssi.errors import InvalidInputError
from ssi.keys import Curve, PublicKey

MAX_MULTIKEY_CHARACTERS: Final = 128


def did_key_of_method(verification_method: str) -> str:
    """Return the Multikey of ``did:key:<multikey>#<multikey>``.

    Body and fragment must be equal, byte for byte: the body is the key, and a reader who took the fragment for it would
    believe a signature of another key. Raises InvalidInputError.
    """
    body, hash_sign, fragment = verification_method.partition("#")
    multikey = body.removeprefix("did:key:")
    if multikey == body or not hash_sign or not multikey:
        raise InvalidInputError("expected a verificationMethod of the form did:key:…#…")
    if multikey != fragment:
        raise InvalidInputError("expected the body and the fragment of a did:key to be equal")
    return multikey


def did_key_method(key: PublicKey) -> str:
    """Return the verification method of the did:key of ``key``."""
    multikey = key.to_multikey()
    return f"did:key:{multikey}#{multikey}"


def update_key(multikey: str) -> PublicKey:
    """Return the Ed25519 key that a Multikey spells. Raises InvalidInputError."""
    if len(multikey) > MAX_MULTIKEY_CHARACTERS:
        raise InvalidInputError(f"expected a Multikey of at most {MAX_MULTIKEY_CHARACTERS} characters")
    key = PublicKey.from_multikey(multikey)
    if key.curve is not Curve.ED25519:
        raise InvalidInputError(f"expected an Ed25519 Multikey, got one on {key.curve}")
    return key
