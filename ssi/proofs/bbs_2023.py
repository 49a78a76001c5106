"""The cryptosuite bbs-2023: issuers sign all statements, holders show some, and no two showings can be linked.

Source:  W3C Data Integrity BBS Cryptosuites v1.0 (editor's draft of 2025-04-03), 3.4.1 to 3.4.8;
         draft-irtf-cfrg-bbs-signatures-10 with BLS12-381-SHA-256.
Input:   documents from the gate; keys in the group G2 (``Curve.BLS12_381_G2``).
Shapes:  a base proof goes from issuer to holder, a derived proof from holder to verifier; both stand in ``proof`` as a
         DataIntegrityProof. Pointers are JSON pointers into the document without its proof.
I/O:     none, except that ``prove`` waits for the key store, and random numbers.
Errors:  InvalidInputError, CanonicalizationError (a document, pointers or a proof value that cannot be),
         InvalidSignatureError, VerificationError (a base proof shown to a verifier, a label map that does not fit),
         UnavailableError (the extra ``countersigned[bbs]`` is not installed).

What a verifier believes is what is in the document that it has: every statement there was signed by the issuer, and
every mandatory statement is there. That nothing else was signed, it cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import ClassVar, Protocol, Self, runtime_checkable

import msgspec

from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.proofs.bbs_proof_value import (
    BaseProofValue,
    DerivedProofValue,
    Feature,
    encode_base,
    encode_derived,
    parse_base,
    parse_derived,
)
from ssi.proofs.selective.grouping import Grouped
from ssi.proofs.selective.labels import HMAC_KEY_LENGTH, shuffled_labels
from ssi.proofs.selective.suite import SelectiveCryptosuite, mandatory_hash
from ssi.types import JsonObject


@runtime_checkable
class BbsSigner(Protocol):
    """Signs with one key of BBS, as the signer of the other suites signs messages."""

    async def public_key(self) -> PublicKey:
        """Return the public key."""
        ...

    async def bbs_sign(self, *, header: bytes, messages: Sequence[bytes], commitment: bytes | None = None) -> bytes:
        """Return the signature over header and messages, and what a holder committed to. As ``BbsKms.bbs_sign``."""
        ...


class HolderSecret(msgspec.Struct, frozen=True):
    """What a holder keeps for anonymous holder binding. Its text form shows neither."""

    secret: bytes
    """The committed message; at least 32 random bytes."""
    prover_blind: bytes
    """The blind of the commitment that the issuer signed (``ssi.keys.bbs.blind.Commitment``)."""

    def __repr__(self) -> str:
        return "HolderSecret()"


class Bbs2023(SelectiveCryptosuite):
    """bbs-2023; an instance for issuing holds the mandatory pointers."""

    __slots__ = ("_commitment", "_hmac_key")

    name: ClassVar[str] = "bbs-2023"
    curve: ClassVar[Curve] = Curve.BLS12_381_G2

    def __init__(
        self,
        mandatory_pointers: Sequence[str] = (),
        *,
        holder_commitment: bytes | None = None,
        hmac_key: bytes | None = None,
    ) -> None:
        """Say what every derived proof will show, and to whose secret the proof is bound.

        ``holder_commitment`` is a commitment with proof to one message of the holder (anonymous holder binding).
        ``hmac_key`` is for test vectors: left out, each proof draws its own, which is what hides the shape of what is
        not shown. Raises InvalidInputError for what is no JSON pointer.
        """
        super().__init__(mandatory_pointers)
        self._commitment = holder_commitment
        self._hmac_key = hmac_key

    def showing(self, mandatory_pointers: Sequence[str]) -> Self:
        """Return this suite with other mandatory pointers. Raises as the constructor."""
        return type(self)(mandatory_pointers, holder_commitment=self._commitment, hmac_key=self._hmac_key)

    async def prove(
        self, document: JsonObject, proof_config: JsonObject, sign: object, *, contexts: Contexts = BUNDLED
    ) -> str:
        """Return the proofValue of a base proof over ``document`` (3.4.1, 3.4.2, 3.4.5).

        Raises InvalidInputError if a mandatory pointer names nothing, if there are more statements than one signature
        covers, or if ``sign`` is not a ``BbsSigner``.
        """
        if not isinstance(sign, BbsSigner):
            raise InvalidInputError(f"{self.name}: expected a signer with a key store that makes BBS signatures")
        hmac_key = self._hmac_key or token_bytes(HMAC_KEY_LENGTH)
        grouped = self.group(document, self._mandatory, shuffled_labels(hmac_key), contexts)
        header = self.config_hash(document, proof_config, contexts) + mandatory_hash([grouped.text("mandatory")])
        messages = _messages(grouped)
        signature = await sign.bbs_sign(header=header, messages=messages, commitment=self._commitment)
        public_key = (await sign.public_key()).to_raw()
        feature = Feature.BASELINE if self._commitment is None else Feature.HOLDER_BINDING
        return encode_base(BaseProofValue(signature, header, public_key, hmac_key, self._mandatory, feature))

    def verify(
        self,
        document: JsonObject,
        proof_config: JsonObject,
        proof_value: str,
        key: PublicKey,
        *,
        contexts: Contexts = BUNDLED,
    ) -> None:
        """Raise InvalidSignatureError unless the derived proof over ``document`` holds under ``key`` (3.4.7).

        Raises VerificationError for a base proof: whoever shows one shows too much, and it is not the verifier's.
        """
        from ssi.keys.bbs import proof_verify
        from ssi.keys.bbs.blind import blind_proof_verify

        self.check_key(key)
        value = parse_derived(proof_value)
        read = self.read_shown(document, value.label_map, value.mandatory_indexes, contexts)
        header = self.config_hash(document, proof_config, contexts) + read.mandatory_hash
        shown = read.others
        if len(shown) != len(value.selective_indexes):
            raise VerificationError(f"{self.name}: expected an index for each statement that is not mandatory")
        public, proof, indexes, about = key.to_raw(), value.proof, value.selective_indexes, value.presentation_header
        if value.message_count is None:
            proof_verify(public, proof, shown, indexes, header=header, presentation_header=about)
        else:
            count = value.message_count
            blind_proof_verify(public, proof, count, shown, indexes, header=header, presentation_header=about)


_SUITE = Bbs2023()


def derive_proof(
    document: JsonObject,
    *,
    selective_pointers: Sequence[str],
    presentation_header: bytes = b"",
    holder: HolderSecret | None = None,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return what the pointers select of ``document``, and what is mandatory, under a derived proof (3.4.6).

    ``document`` has one bbs-2023 base proof, and it alone is carried over. ``presentation_header`` is what a verifier
    asked for, such as a nonce: it is part of the proof, and shown. ``holder`` is needed if the proof is bound to a
    holder's secret. The signature is not verified: ``verify_base_proof`` does, once. Raises InvalidInputError if a
    pointer names nothing, if nothing is selected, or if the proof is not such a proof.
    """
    unsecured, proof = _SUITE.base_proof_of(document)
    value = parse_base(proof["proofValue"])
    labels = shuffled_labels(value.hmac_key)
    shown = _SUITE.disclose(unsecured, value.mandatory_pointers, selective_pointers, labels, contexts)
    messages = _messages(shown.grouped)
    derived = DerivedProofValue(
        proof=_prove(value, messages, shown.selective_indexes, presentation_header, holder),
        label_map=shown.label_map,
        mandatory_indexes=shown.mandatory_indexes,
        selective_indexes=shown.selective_indexes,
        presentation_header=presentation_header,
        feature=value.feature,
        message_count=None if value.feature is Feature.BASELINE else len(messages),
    )
    return {**shown.document, "proof": {**proof, "proofValue": encode_derived(derived)}}


def verify_base_proof(
    document: JsonObject, *, key: PublicKey, holder: HolderSecret | None = None, contexts: Contexts = BUNDLED
) -> BaseProofValue:
    """Return the base proof of ``document`` once it holds under the issuer's ``key``: for its holder, on receipt.

    Raises InvalidSignatureError if it does not, VerificationError if it was made for another key or statements.
    """
    from ssi.keys.bbs import verify
    from ssi.keys.bbs.blind import blind_verify

    _SUITE.check_key(key)
    unsecured, proof = _SUITE.base_proof_of(document)
    value = parse_base(proof["proofValue"])
    if value.public_key != key.to_raw():
        raise VerificationError("bbs-2023: expected a base proof by the key that it names")
    grouped = _SUITE.group(unsecured, value.mandatory_pointers, shuffled_labels(value.hmac_key), contexts)
    config = {name: member for name, member in proof.items() if name != "proofValue"}
    _SUITE.unsecured(document, config)
    header = _SUITE.config_hash(unsecured, config, contexts) + mandatory_hash([grouped.text("mandatory")])
    if header != value.header:
        raise VerificationError("bbs-2023: expected a base proof over the statements of this document")
    if value.feature is Feature.BASELINE:
        verify(value.public_key, value.signature, _messages(grouped), header=value.header)
    else:
        secret = _holder(holder)
        messages, hidden = _messages(grouped), [secret.secret]
        blind_verify(value.public_key, value.signature, messages, hidden, secret.prover_blind, header=value.header)
    return value


def _prove(
    value: BaseProofValue,
    messages: Sequence[bytes],
    selective: Sequence[int],
    presentation_header: bytes,
    holder: HolderSecret | None,
) -> bytes:
    from ssi.keys.bbs import proof_gen
    from ssi.keys.bbs.blind import blind_proof_gen

    public, signature, header = value.public_key, value.signature, value.header
    if value.feature is Feature.BASELINE:
        return proof_gen(public, signature, messages, selective, header=header, presentation_header=presentation_header)
    secret = _holder(holder)
    return blind_proof_gen(
        public,
        signature,
        messages,
        [secret.secret],
        secret.prover_blind,
        selective,
        header=header,
        presentation_header=presentation_header,
    )


def _holder(holder: HolderSecret | None) -> HolderSecret:
    if holder is None:
        raise InvalidInputError("bbs-2023: expected the holder's secret, to which this proof is bound")
    return holder


def _messages(grouped: Grouped) -> list[bytes]:
    return [grouped.lines[index].encode() for index in grouped.others("mandatory")]
