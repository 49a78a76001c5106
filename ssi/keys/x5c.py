"""JWS signed by the key of a certificate whose chain leads to a given anchor.

Source:  RFC 7515 section 4.1.6 (``x5c``), RFC 5280 section 6 through ``cryptography``'s own path checks.
Input:   a parsed JWS; anchors as certificates that the caller trusts.
I/O:     none; nothing is fetched, so revocation of the certificates is not looked up here.
Errors:  InvalidInputError (no chain), UntrustedIssuerError (no path to an anchor at that time), and as ``verify_jws``.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BinasciiError
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from cryptography import x509

from ssi.errors import InvalidInputError, UntrustedIssuerError, ValidityError
from ssi.keys.jws import POSSESSION_TYPES, UnverifiedJws, VerifiedJws, _verify
from ssi.keys.public import PublicKey
from ssi.types import UnixSeconds

MAX_CHAIN: Final = 8


class X5cVerifiedJws(msgspec.Struct, frozen=True):
    """A JWS verified under the leaf certificate; ``chain`` runs from the leaf to the anchor."""

    jws: VerifiedJws
    chain: tuple[x509.Certificate, ...]


def verify_x5c(
    jws: UnverifiedJws, *, anchors: Sequence[x509.Certificate], typ: Collection[str], now: UnixSeconds
) -> X5cVerifiedJws:
    """Return the JWS verified under its leaf certificate, with the chain that leads to one of ``anchors``."""
    if not POSSESSION_TYPES.isdisjoint(typ):
        raise ValueError("verify_x5c takes no typ of a possession proof")
    chain = _path_to_anchor(_certificates(jws), anchors, now)
    key = PublicKey(chain[0].public_key())  # type: ignore[arg-type]
    return X5cVerifiedJws(_verify(jws, key, typ), tuple(chain))


def _certificates(jws: UnverifiedJws) -> list[x509.Certificate]:
    encoded = jws.header.get("x5c")
    if not isinstance(encoded, list) or not 0 < len(encoded) <= MAX_CHAIN:
        raise InvalidInputError(f"expected x5c with 1 to {MAX_CHAIN} certificates")
    if "jwk" in jws.header:
        raise InvalidInputError("expected a header with x5c and no jwk")
    try:
        return [x509.load_der_x509_certificate(b64decode(item, validate=True)) for item in encoded]
    except (ValueError, TypeError, BinasciiError) as exc:
        raise InvalidInputError("expected x5c with base64 DER certificates") from exc


def _path_to_anchor(
    chain: list[x509.Certificate], anchors: Sequence[x509.Certificate], now: UnixSeconds
) -> list[x509.Certificate]:
    if chain[0] in anchors:
        raise UntrustedIssuerError("expected a leaf certificate below an anchor, got the anchor itself")
    path = [chain[0]]
    for candidate in chain[1:]:
        if candidate not in anchors:
            _check_issued(path[-1], candidate, depth=len(path) - 1)
            path.append(candidate)
    for anchor in anchors:
        if anchor.subject == path[-1].issuer:
            _check_issued(path[-1], anchor, depth=len(path) - 1)
            path.append(anchor)
            break
    else:
        raise UntrustedIssuerError("expected a certificate chain that leads to an anchor")
    for certificate in path:
        if not certificate.not_valid_before_utc.timestamp() <= now <= certificate.not_valid_after_utc.timestamp():
            raise ValidityError("expected certificates that are valid at the time asked about")
    _check_leaf(path[0])
    return path


def _check_issued(child: x509.Certificate, parent: x509.Certificate, *, depth: int) -> None:
    """RFC 5280, 6.1.4 (k) to (n): the parent is a CA, may sign certificates, and its path length suffices."""
    try:
        child.verify_directly_issued_by(parent)
        constraints = parent.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = parent.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as exc:
        raise UntrustedIssuerError("expected CA certificates with basic constraints and key usage") from exc
    except Exception as exc:  # verify_directly_issued_by raises by key type: InvalidSignature, ValueError, TypeError
        raise UntrustedIssuerError("expected a certificate issued by the next one in the chain") from exc
    if not constraints.ca or not usage.key_cert_sign:
        raise UntrustedIssuerError("expected an issuing certificate that is a CA")
    if constraints.path_length is not None and depth > constraints.path_length:
        raise UntrustedIssuerError("expected a chain within the path length of its CA")


def _check_leaf(leaf: x509.Certificate) -> None:
    known = {
        x509.oid.ExtensionOID.BASIC_CONSTRAINTS,
        x509.oid.ExtensionOID.KEY_USAGE,
        x509.oid.ExtensionOID.EXTENDED_KEY_USAGE,
        x509.oid.ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
    for extension in leaf.extensions:
        if extension.critical and extension.oid not in known:
            raise UntrustedIssuerError(
                f"critical certificate extension {extension.oid.dotted_string} is not understood"
            )
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            raise UntrustedIssuerError("expected a leaf certificate that is no CA")
        if isinstance(extension.value, x509.KeyUsage) and not extension.value.digital_signature:
            raise UntrustedIssuerError("expected a leaf certificate for digital signatures")
