"""Prove that a credential was issued before a moment, with nothing about it or its subject on the ledger.

Source:  decision 15 of the design and docs/adr/0007-what-a-compromised-key-signed.md; the tree is that of RFC 9162,
         section 2.1.
Input:   the signing input of a credential's JWS (what its issuer signed).
Shapes:  a leaf is HMAC-SHA-256(secret, "countersigned/issued/1" ‖ SHA-256(signing input)), the secret 32 bytes of its
         own for each credential. A batch is a tree of exactly 2**SIZE_LOG2 leaves; empty places hold random bytes. The
         list is canonical JSON with the root, and a ``StatusCommitment`` anchors its SHA-256. Unix seconds.
I/O:     none.
Errors:  InvalidInputError (no proof), InclusionProofError (the proof is of another credential or list),
         VerificationError (no commitment stands before the compromise).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from ssi.credentials.unverified import read_credential
from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys.jws import parse_jws
from ssi.ledger.merkle import leaf_hash, node_hash, verify_inclusion
from ssi.ports import Commitment, RegistryView

SIZE_LOG2: Final = 12
"""Of every batch of every issuer: a size that differed would say how much was issued."""
CAPACITY: Final = 1 << SIZE_LOG2
MAX_PROOF_BYTES: Final = 8_192
_DOMAIN: Final = b"countersigned/issued/1"
Hash: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]


class IssuanceList(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="issuance-list"
):
    """What one batch comes to. It is not signed: its commitment on the ledger is."""

    v: Literal[1] = 1
    iss: str
    uri: str
    epoch: Annotated[int, Meta(ge=0)]
    root: Hash
    size_log2: Literal[12] = SIZE_LOG2

    @property
    def data(self) -> bytes:
        """Its canonical bytes."""
        return jcs(msgspec.json.decode(msgspec.json.encode(self)))

    @property
    def digest(self) -> str:
        """What is anchored."""
        return b64url_encode(sha256(self.data).digest())


class IssuanceProof(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="issuance-proof"
):
    """What the holder keeps beside a credential: its place in a batch."""

    list: IssuanceList
    index: Annotated[int, Meta(ge=0, lt=CAPACITY)]
    secret: Hash
    path: Annotated[tuple[Hash, ...], Meta(min_length=SIZE_LOG2, max_length=SIZE_LOG2)]

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return jcs(msgspec.json.decode(msgspec.json.encode(self)))


def issuance_secret(key: bytes, signing_input: bytes) -> bytes:
    """Return the secret of a credential, derived from a key that the issuer alone has."""
    return hmac.digest(key, b"countersigned/issued/secret/1" + sha256(signing_input).digest(), "sha256")


def issuance_leaf(secret: bytes, signing_input: bytes) -> bytes:
    """Return the leaf of a credential: without ``secret`` it is noise, whatever is known of the credential."""
    return hmac.digest(secret, _DOMAIN + sha256(signing_input).digest(), "sha256")


def batch_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a batch. Raises InvalidInputError unless it has exactly CAPACITY leaves of 32 bytes."""
    return _levels(leaves)[-1][0]


def batch_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion path of the leaf at ``index``."""
    return [level[(index >> number) ^ 1] for number, level in enumerate(_levels(leaves)[:-1])]


def build_issuance_proof(issued: IssuanceList, leaves: Sequence[bytes], index: int, *, secret: bytes) -> IssuanceProof:
    """Return the proof for the leaf at ``index`` of a batch."""
    path = tuple(b64url_encode(each) for each in batch_path(leaves, index))
    return IssuanceProof(list=issued, index=index, secret=b64url_encode(secret), path=path)


def parse_issuance_proof(data: bytes) -> IssuanceProof:
    """Return the proof in ``data``. Raises InvalidInputError; there is one spelling of a proof."""
    raw = parse_object(data, max_bytes=MAX_PROOF_BYTES, max_depth=4)
    try:
        proof = msgspec.convert(raw, IssuanceProof)
    except msgspec.ValidationError as exc:
        raise InvalidInputError("expected a proof of issuance") from exc
    if proof.data != data:
        raise InvalidInputError("expected a proof of issuance in canonical JSON")
    return proof


def issuance_input(credential: str) -> bytes:
    """Return what a credential's issuer signed, with its disclosures left out.

    Raises as ``parse_jws``, ``read_credential`` for one with embedded proofs, or ``read_vc_cose`` for base64 of COSE.
    """
    if credential.startswith("{"):
        return read_credential(parse_object(credential)).signing_input
    if "." not in credential:
        from ssi.credentials.cose import read_vc_cose

        return read_vc_cose(credential).sign1.signing_input()
    return parse_jws(credential.partition("~")[0]).signing_input


def check_issuance_proof(proof: IssuanceProof, signing_input: bytes, *, issuer: str) -> None:
    """Raise unless the proof is of what ``issuer`` signed: its leaf leads to the root of the list.

    Whether the list was anchored in time is another question. Raises InclusionProofError, VerificationError.
    """
    if proof.list.iss != issuer:
        raise VerificationError("the proof of issuance is of another issuer")
    leaf = issuance_leaf(b64url_decode(proof.secret), signing_input)
    path, root = [b64url_decode(each) for each in proof.path], b64url_decode(proof.list.root)
    verify_inclusion(proof.index, CAPACITY, leaf_hash(leaf), path, root)


def verify_issuance_proof(
    proof: IssuanceProof, signing_input: bytes, *, issuer: str, kid: str, view: RegistryView
) -> Commitment:
    """Return the commitment that proves: ``issuer`` had issued this before its key ``kid`` was compromised.

    Raises InclusionProofError, VerificationError.
    """
    check_issuance_proof(proof, signing_input, issuer=issuer)
    found = view.commitment_before_compromise(kid, uri=proof.list.uri, digest=proof.list.digest)
    if found is None or found.issuer != issuer or found.epoch != proof.list.epoch:
        raise VerificationError("no commitment on the ledger proves the credential earlier than the compromise")
    return found


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    if len(leaves) != CAPACITY or any(len(leaf) != 32 for leaf in leaves):
        raise InvalidInputError(f"expected a batch of {CAPACITY} leaves of 32 bytes")
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)])
    return levels
