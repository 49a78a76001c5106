"""The compact serialization: cut an SD-JWT or SD-JWT+KB into its parts.

Source:  RFC 9901 section 4.
Input:   untrusted text.
Shapes:  ``<issuer-signed JWT>~<disclosure>~…~<disclosure>~`` with the key binding JWT, if any, after the last "~".
         At most 1,000 disclosures. A JWT without a "~" is no SD-JWT.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.encoding.gate import MAX_JSON_BYTES
from ssi.errors import InvalidInputError
from ssi.keys.jws import UnverifiedJws, parse_jws
from ssi.types import JsonObject

MAX_DISCLOSURES: Final = 1_000


class UnverifiedSdJwt(msgspec.Struct, frozen=True, gc=False):
    """The parts of an SD-JWT. Nothing in it is to be believed yet."""

    issuer_jws: UnverifiedJws
    disclosures: tuple[str, ...]
    kb_jws: UnverifiedJws | None
    """The key binding JWT; None for a bare SD-JWT."""
    sd_jwt: str
    """The text up to and including the last "~", which is what ``sd_hash`` covers."""

    @property
    def header(self) -> JsonObject:
        """The protected header of the issuer-signed JWT."""
        return self.issuer_jws.header

    def unverified_claims(self) -> JsonObject:
        """Return the issuer-signed payload as it stands, to choose a key by and for nothing else."""
        return self.issuer_jws.unverified_claims()


def parse_sd_jwt(text: str | bytes, *, max_bytes: int = MAX_JSON_BYTES) -> UnverifiedSdJwt:
    """Parse the compact form of at most ``max_bytes`` characters (RFC 9901, 4).

    Disclosures are not decoded here: nothing is until the issuer's signature holds. Raises InvalidInputError.
    """
    if len(text) > max_bytes:
        raise InvalidInputError(f"expected an SD-JWT of at most {max_bytes} bytes, got {len(text)}")
    if isinstance(text, bytes):
        try:
            text = text.decode("ascii")
        except UnicodeDecodeError as exc:
            raise InvalidInputError("expected an SD-JWT in ASCII") from exc
    elif not text.isascii():
        raise InvalidInputError("expected an SD-JWT in ASCII")
    jws, *disclosures = text.split("~", MAX_DISCLOSURES + 2)
    if not disclosures:
        raise InvalidInputError('expected an SD-JWT, which has a "~" after its issuer-signed JWT')
    last = disclosures.pop()
    if len(disclosures) > MAX_DISCLOSURES:
        raise InvalidInputError(f"expected at most {MAX_DISCLOSURES} disclosures")
    if "" in disclosures:
        raise InvalidInputError("expected no empty disclosure")
    return UnverifiedSdJwt(
        issuer_jws=parse_jws(jws),
        disclosures=tuple(disclosures),
        kb_jws=parse_jws(last) if last else None,
        sd_jwt=text[: len(text) - len(last)],
    )
