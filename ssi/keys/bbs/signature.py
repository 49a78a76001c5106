"""BBS signatures: one signature of constant size over an ordered list of messages.

Source:  draft-irtf-cfrg-bbs-signatures-10, sections 3.4 (keys), 3.5.1, 3.5.2 (Sign, Verify), 3.6.1, 3.6.2 (CoreSign,
         CoreVerify) and 4.2.3 (domain).
Input:   octets; messages are hashed to scalars, so that any octets may be one.
Shapes:  a secret key has 32 octets, a public key 96, a signature 80: a point A and a scalar e.
I/O:     none.
Errors:  InvalidInputError (a key, a header or a number of messages that cannot be), InvalidSignatureError.

Not constant time: see ``ssi.keys.bbs.group``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys.bbs.ciphersuite import SHA_256, Ciphersuite
from ssi.keys.bbs.group import (
    BP2,
    GT,
    NEGATIVE_BP2,
    ONE,
    POINT_LENGTH,
    SCALAR_LENGTH,
    G1Point,
    Scalar,
    combine,
    g1_from_octets,
    g2_from_octets,
    scalar_from_octets,
)
from ssi.keys.bbs.interface import GeneratorList, Interface, interface

SIGNATURE_LENGTH: Final = POINT_LENGTH + SCALAR_LENGTH


def keygen(
    key_material: bytes, key_info: bytes = b"", *, key_dst: bytes | None = None, suite: Ciphersuite = SHA_256
) -> bytes:
    """Derive a secret key from at least 32 octets of secret material (3.4.1). Raises InvalidInputError."""
    if len(key_material) < 32 or len(key_info) > 65535:
        raise InvalidInputError("expected key material of at least 32 octets and a key info of at most 65535")
    tag = suite.identifier + b"KEYGEN_DST_" if key_dst is None else key_dst
    derived = suite.hash_to_scalar(key_material + len(key_info).to_bytes(2, "big") + key_info, tag)
    return scalar_from_octets(derived.to_be_bytes()).to_be_bytes()


def sk_to_pk(secret_key: bytes) -> bytes:
    """Return the public key, 96 octets, of a secret key (3.4.2). Raises InvalidInputError."""
    return (BP2 * scalar_from_octets(secret_key)).to_compressed_bytes()


def check_public_key(public_key: bytes) -> None:
    """Raise InvalidInputError unless these are the octets of a public key (``octets_to_pubkey``)."""
    g2_from_octets(public_key)


def sign(
    secret_key: bytes,
    public_key: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> bytes:
    """Sign the messages, in order, and the header (3.5.1). The same input gives the same signature.

    ``public_key`` is that of ``secret_key``. Raises InvalidInputError if the secret key is none, or if there are too
    many messages.
    """
    api = interface(suite)
    scalars, generators = api.messages_to_scalars(messages), api.generators(len(messages) + 1)
    secret = scalar_from_octets(secret_key)
    domain = calculate_domain(public_key, generators, header, api)
    hashed = b"".join(scalar.to_be_bytes() for scalar in (secret, *scalars, domain))
    return signature_octets(secret, api.hash_to_scalar(hashed), commit(suite, generators, domain, scalars))


def verify(
    public_key: bytes,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> None:
    """Raise InvalidSignatureError unless the signature over header and messages holds (3.5.2).

    Raises InvalidInputError if the public key is none, or if there are too many messages.
    """
    api = interface(suite)
    scalars, generators = api.messages_to_scalars(messages), api.generators(len(messages) + 1)
    core_verify(public_key, signature, generators, header, scalars, api)


def core_verify(
    public_key: bytes,
    signature: bytes,
    generators: GeneratorList,
    header: bytes,
    scalars: Sequence[Scalar],
    api: Interface,
) -> None:
    """Raise InvalidSignatureError unless a signature over message scalars holds (3.6.2)."""
    w = g2_from_octets(public_key)
    a, e = parse_signature(signature)
    domain = calculate_domain(public_key, generators, header, api)
    # h(A, W) h(A e - B, BP2) = 1, with B - A e in one multiplication and the base point negated instead.
    points = [a, api.suite.p1, *generators.points]
    difference = combine(points, [-e, ONE, domain, *scalars])
    if not GT.pairing_check([a, difference], [w, NEGATIVE_BP2]):
        raise InvalidSignatureError("the BBS signature does not hold")


def parse_signature(octets: bytes) -> tuple[G1Point, Scalar]:
    """Return A and e of a signature (4.2.4.3). Raises InvalidSignatureError if the octets are none."""
    if len(octets) != SIGNATURE_LENGTH:
        raise InvalidSignatureError(f"expected a BBS signature of {SIGNATURE_LENGTH} octets, got {len(octets)}")
    try:
        return g1_from_octets(octets[:POINT_LENGTH]), scalar_from_octets(octets[POINT_LENGTH:])
    except InvalidInputError as exc:
        raise InvalidSignatureError(f"the BBS signature is malformed: {exc}") from exc


def calculate_domain(public_key: bytes, generators: GeneratorList, header: bytes, api: Interface) -> Scalar:
    """Return the domain of a signature: a hash of its key, its generators and its header (4.2.3)."""
    count = (len(generators.points) - 1).to_bytes(8, "big")
    length = len(header).to_bytes(8, "big")
    return api.hash_to_scalar(b"".join((public_key, count, generators.octets, api.api_id, length, header)))


def commit(suite: Ciphersuite, generators: GeneratorList, domain: Scalar, scalars: Sequence[Scalar]) -> G1Point:
    """Return B = P1 + Q_1 domain + H_1 msg_1 + … (3.6.1, step 3)."""
    points = [suite.p1, *generators.points[: len(scalars) + 1]]
    return combine(points, [ONE, domain, *scalars])


def signature_octets(secret: Scalar, e: Scalar, b: G1Point) -> bytes:
    """Return the octets of (A, e) with A = B / (SK + e) (3.6.1, steps 4 and 5). Raises InvalidInputError."""
    exponent = secret + e
    if exponent.is_zero():
        raise InvalidInputError("these messages have no signature under this key")
    return (b * exponent.inverse()).to_compressed_bytes() + e.to_be_bytes()
