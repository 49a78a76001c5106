"""The envelope of a statement: who says what, in one signed line.

Source:  the project's answerability text, section 2.1.
Input:   a compact JWS with exactly the header members ``typ`` (``answerable+jwt``), ``alg`` (ES256 or Ed25519) and
         ``kid`` (a DID URL under the payload's ``iss``). Statements of holders (``jwk``) never stand on a ledger.
Shapes:  an id is base64url(SHA-256(signing input)), 43 characters: without the signature, so that a second signature
         over the same words makes no second statement. The signed bytes are kept.
I/O:     ``sign_statement`` awaits the key store; the rest none.
Errors:  InvalidInputError (envelope or schema), InvalidSignatureError and VerificationError (``verify_statement``).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError
from ssi.keys import Curve, KeyPurpose, Kms, PublicKey
from ssi.keys.jws import UnverifiedJws, parse_jws, sign_jws, verify_jws
from ssi.registry.types import LEDGER_TYPES, StatementBody, build_payload, parse_body
from ssi.types import JsonObject

STATEMENT_TYP: Final = "answerable+jwt"
MAX_LEDGER_BYTES: Final = 8_192

_ALGORITHMS: Final = {Curve.P256: "ES256", Curve.ED25519: "Ed25519"}
_HEADER: Final = frozenset({"typ", "alg", "kid"})


class Envelope(msgspec.Struct, frozen=True):
    """A statement whose header is in order and whose payload is an object; nothing in it is verified."""

    id: str
    kid: str
    entry: bytes
    jws: UnverifiedJws
    payload: JsonObject

    @property
    def type(self) -> str:
        """The type that the payload gives itself; "" if it is no string."""
        name = self.payload.get("type")
        return name if isinstance(name, str) else ""


class Statement(msgspec.Struct, frozen=True):
    """A parsed statement: ``body`` has the shape of its type, ``entry`` is the line as it was signed."""

    id: str
    kid: str
    entry: bytes
    jws: UnverifiedJws
    body: StatementBody

    @property
    def type(self) -> str:
        """The statement's type, for example ``Accreditation``."""
        return type(self.body).__name__


def statement_id(jws: str | bytes) -> str:
    """Return the id of a compact JWS: base64url of the SHA-256 of its signing input (43 characters).

    Raises InvalidInputError if the text has no three parts.
    """
    raw = jws.encode("utf-8", "surrogatepass") if isinstance(jws, str) else jws
    message, dot, _ = raw.rpartition(b".")
    if not dot or message.count(b".") != 1:
        raise InvalidInputError("expected a compact JWS of three parts")
    return b64url_encode(sha256(message).digest())


def parse_envelope(data: bytes | str, *, max_bytes: int = MAX_LEDGER_BYTES) -> Envelope:
    """Parse the JWS of a statement and check its header; the payload's schema comes next (``parse_statement``).

    Raises InvalidInputError for more than ``max_bytes``, another header member, ``typ`` or ``alg``, or a ``kid`` that
    is no DID URL under the payload's ``iss``.
    """
    jws = parse_jws(data, max_bytes=max_bytes)
    header = jws.header
    if header.keys() != _HEADER:
        raise InvalidInputError("statement: the header has exactly typ, alg and kid")
    if header["typ"] != STATEMENT_TYP:  # exactly: our own format has one spelling
        raise InvalidInputError(f"statement: typ is {STATEMENT_TYP}")
    if header["alg"] not in _ALGORITHMS.values():
        raise InvalidInputError("statement: alg is ES256 or Ed25519")
    payload = jws.unverified_claims()
    kid, issuer = header["kid"], payload.get("iss")
    if not (isinstance(kid, str) and isinstance(issuer, str) and kid.startswith(f"{issuer}#") and len(kid) <= 1024):
        raise InvalidInputError("statement: kid is a DID URL under iss")
    identifier = b64url_encode(sha256(jws.signing_input).digest())
    return Envelope(identifier, kid, jws.compact.encode("ascii"), jws, payload)


def parse_statement(
    data: bytes | str,
    *,
    types: Mapping[str, type[StatementBody]] = LEDGER_TYPES,
    max_bytes: int = MAX_LEDGER_BYTES,
) -> Statement:
    """Return a statement of one of ``types``, its shape checked and its signature not.

    Raises InvalidInputError: envelope, unknown type, or a member that its closed schema does not have.
    """
    return parse_typed(parse_envelope(data, max_bytes=max_bytes), types)


def parse_typed(envelope: Envelope, types: Mapping[str, type[StatementBody]] = LEDGER_TYPES) -> Statement:
    """Return the statement of an envelope. Raises InvalidInputError as ``parse_statement``."""
    body = parse_body(envelope.payload, types)
    return Statement(envelope.id, envelope.kid, envelope.entry, envelope.jws, body)


def verify_statement(statement: Statement, key: PublicKey) -> StatementBody:
    """Return the body once the signature holds under ``key``, which the caller found under ``statement.kid``.

    Raises InvalidSignatureError if it does not, or if the key's curve is not the header's.
    """
    verify_jws(statement.jws, key, typ=(STATEMENT_TYP,))
    return statement.body


async def sign_statement(
    body: StatementBody, *, kms: Kms, label: str, kid: str, purpose: KeyPurpose = KeyPurpose.STATEMENT
) -> str:
    """Return ``body`` as a statement signed by the key ``label``, which ``kid`` names in the signer's DID document.

    Raises InvalidInputError if the body breaks its schema, ``kid`` is not under ``iss`` or the key is neither P-256
    nor Ed25519, KeyNotFoundError and ProofPurposeError as ``Kms.sign``.
    """
    payload = build_payload(body)
    if not kid.startswith(f"{body.iss}#"):
        raise InvalidInputError("statement: kid is a DID URL under iss")
    key = await kms.public_key(label)
    alg = _ALGORITHMS.get(key.curve)
    if alg is None:
        raise InvalidInputError("statement: keys are P-256 or Ed25519")
    return await sign_jws({"typ": STATEMENT_TYP, "kid": kid}, payload, kms=kms, label=label, purpose=purpose, alg=alg)
