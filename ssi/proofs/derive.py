"""The holder's side of selective disclosure, whatever the suite: check a base proof, and derive from it.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.6.6; Data Integrity BBS Cryptosuites v1.0, 3.4.6.
Input:   a document with one proof of a suite with selective disclosure, which may stand in a set beside others.
Shapes:  pointers are JSON pointers into the document without its proof.
I/O:     none; random numbers for bbs-2023.
Errors:  InvalidInputError (no such proof, or several; a pointer that names nothing), CanonicalizationError,
         VerificationError (a derived proof, from which nothing more is derived), and of ``verify_base_proof``
         InvalidSignatureError.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PublicKey
from ssi.proofs import bbs_2023, ecdsa_sd_2023
from ssi.proofs.bbs_proof_value import parse_base as parse_bbs_base
from ssi.proofs.ecdsa_sd_proof_value import parse_base as parse_sd_base
from ssi.proofs.proof import DataIntegrityProof, parse_proofs
from ssi.proofs.suites import SELECTIVE_NAMES
from ssi.types import JsonObject


def derive_proof(
    document: JsonObject,
    *,
    selective_pointers: Sequence[str],
    presentation_header: bytes = b"",
    holder: bbs_2023.HolderSecret | None = None,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return what the pointers select of ``document``, and what is mandatory, under a derived proof.

    Other proofs of a set are left behind: they are over the whole document. ``presentation_header`` (a verifier's
    nonce, say) and ``holder`` are for bbs-2023; the other suite has neither and refuses both. No signature is verified:
    that is for ``verify_base_proof``, once.
    """
    proof = base_proof_of(document)
    alone = {**document, "proof": proof.raw}
    if proof.cryptosuite == bbs_2023.Bbs2023.name:
        return bbs_2023.derive_proof(
            alone,
            selective_pointers=selective_pointers,
            presentation_header=presentation_header,
            holder=holder,
            contexts=contexts,
        )
    if presentation_header or holder is not None:
        raise InvalidInputError(f"{proof.cryptosuite}: expected neither a presentation header nor a holder's secret")
    return ecdsa_sd_2023.derive_proof(alone, selective_pointers=selective_pointers, contexts=contexts)


def verify_base_proof(
    document: JsonObject,
    *,
    key: PublicKey,
    holder: bbs_2023.HolderSecret | None = None,
    contexts: Contexts = BUNDLED,
) -> tuple[str, ...]:
    """Return the mandatory pointers of the base proof of ``document``, once it holds under the issuer's ``key``.

    For the holder, on receipt: a verifier takes derived proofs only.
    """
    proof = base_proof_of(document)
    alone = {**document, "proof": proof.raw}
    if proof.cryptosuite == bbs_2023.Bbs2023.name:
        return bbs_2023.verify_base_proof(alone, key=key, holder=holder, contexts=contexts).mandatory_pointers
    return ecdsa_sd_2023.verify_base_proof(alone, key=key, contexts=contexts).mandatory_pointers


def mandatory_pointers_of(document: JsonObject) -> tuple[str, ...] | None:
    """Return what every proof derived from ``document`` shows; None if it has no base proof, or several.

    Nothing is verified. Raises InvalidInputError if a proof is malformed.
    """
    try:
        proof = base_proof_of(document)
    except InvalidInputError:
        return None
    with suppress(VerificationError):  # A derived proof: what it shows is for good.
        if proof.cryptosuite == bbs_2023.Bbs2023.name:
            return parse_bbs_base(proof.proof_value).mandatory_pointers
        return parse_sd_base(proof.proof_value).mandatory_pointers
    return None


def base_proof_of(document: JsonObject) -> DataIntegrityProof:
    """Return the one proof of ``document`` that can be derived from. Raises InvalidInputError."""
    found = [proof for proof in parse_proofs(document.get("proof")) if proof.cryptosuite in SELECTIVE_NAMES]
    if len(found) != 1:
        raise InvalidInputError(f"expected a document with one proof of {' or '.join(sorted(SELECTIVE_NAMES))}")
    return found[0]
