"""The cryptosuite ecdsa-sd-2023: issuers sign each statement by itself, and holders show some of them.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.5 and 3.6.
Input:   documents from the gate; keys on P-256.
Shapes:  as ``ssi.proofs.selective.suite``. The issuer's key signs hash(proof configuration) ‖ public key of this proof
         ‖ hash(mandatory statements); the private key of this proof signs every other statement and is then forgotten.
I/O:     none, except that ``prove`` waits for the signer, and random numbers.
Errors:  InvalidInputError, CanonicalizationError (a document, pointers or a proof value that cannot be),
         InvalidSignatureError, VerificationError (a base proof shown to a verifier, a label map that does not fit).

What a verifier believes is what is in the document that it has: every statement there was signed by the issuer for this
very proof, and every mandatory statement is there. That nothing else was signed, it cannot know. Two showings of one
base proof can be linked: they have a public key and a signature in common. Where that matters, use bbs-2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_bytes
from typing import ClassVar, Self

from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.proofs.ecdsa_sd_proof_value import (
    MAX_STATEMENTS,
    NAME,
    BaseProofValue,
    DerivedProofValue,
    encode_base,
    encode_derived,
    multikey_bytes,
    parse_base,
    parse_derived,
)
from ssi.proofs.plain import Signer
from ssi.proofs.selective.labels import HMAC_KEY_LENGTH, hmac_labels
from ssi.proofs.selective.suite import SelectiveCryptosuite, mandatory_hash
from ssi.types import JsonObject


class EcdsaSd2023(SelectiveCryptosuite):
    """ecdsa-sd-2023; an instance for issuing holds the mandatory pointers."""

    __slots__ = ("_hmac_key", "_proof_key")

    name: ClassVar[str] = NAME
    curve: ClassVar[Curve] = Curve.P256

    def __init__(
        self,
        mandatory_pointers: Sequence[str] = (),
        *,
        hmac_key: bytes | None = None,
        proof_key: PrivateKey | None = None,
    ) -> None:
        """Say what every derived proof will show.

        ``hmac_key`` and ``proof_key`` are for test vectors: left out, each proof draws its own. Raises
        InvalidInputError for what is no JSON pointer.
        """
        super().__init__(mandatory_pointers)
        self._hmac_key = hmac_key
        self._proof_key = proof_key

    def showing(self, mandatory_pointers: Sequence[str]) -> Self:
        """Return this suite with other mandatory pointers. Raises as the constructor."""
        return type(self)(mandatory_pointers, hmac_key=self._hmac_key, proof_key=self._proof_key)

    async def prove(
        self, document: JsonObject, proof_config: JsonObject, sign: Signer, *, contexts: Contexts = BUNDLED
    ) -> str:
        """Return the proofValue of a base proof over ``document`` (3.6.1 to 3.6.5).

        Raises InvalidInputError if a mandatory pointer names nothing, or if there are more statements than one proof
        signs, and as ``sign``.
        """
        hmac_key = self._hmac_key or token_bytes(HMAC_KEY_LENGTH)
        proof_key = self._proof_key or PrivateKey.generate(self.curve)
        grouped = self.group(document, self._mandatory, hmac_labels(hmac_key), contexts)
        others = grouped.others("mandatory")
        if len(others) > MAX_STATEMENTS:
            raise InvalidInputError(f"{self.name}: expected at most {MAX_STATEMENTS} statements that can be withheld")
        data = _signed_data(
            self.config_hash(document, proof_config, contexts),
            proof_key.public_key,
            mandatory_hash([grouped.text("mandatory")]),
        )
        signatures = tuple(proof_key.sign(grouped.lines[index].encode()) for index in others)
        return encode_base(
            BaseProofValue(await sign(data), proof_key.public_key, hmac_key, signatures, self._mandatory)
        )

    def verify(
        self,
        document: JsonObject,
        proof_config: JsonObject,
        proof_value: str,
        key: PublicKey,
        *,
        contexts: Contexts = BUNDLED,
    ) -> None:
        """Raise InvalidSignatureError unless the derived proof over ``document`` holds under ``key`` (3.6.7).

        Raises VerificationError for a base proof: whoever shows one shows too much, and it is not the verifier's.
        """
        self.check_key(key)
        value = parse_derived(proof_value)
        shown = self.read_shown(document, value.label_map, value.mandatory_indexes, contexts)
        if len(shown.others) != len(value.signatures):
            raise VerificationError(f"{self.name}: expected a signature for each statement that is not mandatory")
        config_hash = self.config_hash(document, proof_config, contexts)
        _check(key, value.signature, _signed_data(config_hash, value.public_key, shown.mandatory_hash))
        for line, signature in zip(shown.others, value.signatures, strict=True):
            _check(value.public_key, signature, line)


_SUITE = EcdsaSd2023()


def derive_proof(
    document: JsonObject, *, selective_pointers: Sequence[str], contexts: Contexts = BUNDLED
) -> JsonObject:
    """Return what the pointers select of ``document``, and what is mandatory, under a derived proof (3.6.6).

    ``document`` has one ecdsa-sd-2023 base proof, and it alone is carried over. The signatures are not verified:
    ``verify_base_proof`` does, once. Raises InvalidInputError if a pointer names nothing, if nothing is selected, or if
    the proof is no such proof.
    """
    unsecured, proof = _SUITE.base_proof_of(document)
    value = parse_base(proof["proofValue"])
    labels = hmac_labels(value.hmac_key)
    shown = _SUITE.disclose(unsecured, value.mandatory_pointers, selective_pointers, labels, contexts)
    _check_count(value, shown.grouped.others("mandatory"))
    derived = DerivedProofValue(
        signature=value.signature,
        public_key=value.public_key,
        signatures=tuple(value.signatures[index] for index in shown.selective_indexes),
        label_map=shown.label_map,
        mandatory_indexes=shown.mandatory_indexes,
    )
    return {**shown.document, "proof": {**proof, "proofValue": encode_derived(derived)}}


def verify_base_proof(document: JsonObject, *, key: PublicKey, contexts: Contexts = BUNDLED) -> BaseProofValue:
    """Return the base proof of ``document`` once it holds under the issuer's ``key``: for its holder, on receipt.

    Raises InvalidSignatureError if it does not, VerificationError if it was made for other statements.
    """
    _SUITE.check_key(key)
    unsecured, proof = _SUITE.base_proof_of(document)
    value = parse_base(proof["proofValue"])
    grouped = _SUITE.group(unsecured, value.mandatory_pointers, hmac_labels(value.hmac_key), contexts)
    config = {name: member for name, member in proof.items() if name != "proofValue"}
    _SUITE.unsecured(document, config)
    others = grouped.others("mandatory")
    _check_count(value, others)
    config_hash = _SUITE.config_hash(unsecured, config, contexts)
    mandatory = mandatory_hash([grouped.text("mandatory")])
    _check(key, value.signature, _signed_data(config_hash, value.public_key, mandatory))
    for index, signature in zip(others, value.signatures, strict=True):
        _check(value.public_key, signature, grouped.lines[index].encode())
    return value


def _signed_data(config_hash: bytes, proof_key: PublicKey, mandatory: bytes) -> bytes:
    """Return what the issuer signs (serializeSignData, 3.5.1)."""
    return config_hash + multikey_bytes(proof_key) + mandatory


def _check(key: PublicKey, signature: bytes, message: bytes) -> None:
    try:
        key.verify(signature, message)
    except InvalidSignatureError as exc:
        raise InvalidSignatureError(f"{NAME}: signature mismatch") from exc


def _check_count(value: BaseProofValue, others: Sequence[int]) -> None:
    if len(others) != len(value.signatures):
        raise VerificationError(f"{NAME}: expected a signature for each statement that is not mandatory")
