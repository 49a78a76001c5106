"""Data Integrity proofs: add them, and verify a document with one proof, a set of them or a chain.

Source:  W3C Verifiable Credential Data Integrity 1.0, sections 4.2 (add proof), 4.3 (add proof set/chain), 4.4 (verify
         proof) and 4.5 (verify proof sets and chains).
Input:   a JSON object from the gate with a ``proof`` member, and the keys that the caller resolved.
Shapes:  times are Unix seconds; a purpose is a verification relationship, such as ``assertionMethod``.
I/O:     none, except that ``add_proof`` and ``add_further_proof`` wait for the key store.
Errors:  InvalidInputError (malformed proof), ProofPurposeError, InvalidSignatureError, ValidityError (expired, or from
         the future), VerificationError (another cryptosuite, type of key, @context, domain or challenge; a chain with
         a missing, ambiguous or looping id).

What is returned is what was signed, and nothing else may be used: a document may have grown an @context since.
``contexts`` is the allow-list for the suites that read JSON-LD; those that use JCS take no notice of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hmac import compare_digest
from typing import Final, Protocol

import msgspec

from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, ProofPurposeError, ValidityError, VerificationError
from ssi.keys import BbsKms, KeyPurpose, Kms, PublicKey
from ssi.proofs.proof import (
    LEGACY_TYPES,
    MAX_PROOFS,
    PROOF_TYPE,
    DataIntegrityProof,
    match_all,
    matching_proofs,
    parse_proof,
    parse_proofs,
)
from ssi.proofs.suites import (
    ECDSA_JCS_2019_P256,
    ECDSA_JCS_2019_P384,
    ECDSA_RDFC_2019_P256,
    ECDSA_RDFC_2019_P384,
    EDDSA_JCS_2022,
    EDDSA_RDFC_2022,
    JCS_NAMES,
    SUITES,
    Cryptosuite,
    check_suite,
    jcs_suite_for,
    suite_for,
)
from ssi.types import JsonObject, UnixSeconds

__all__ = [
    "ECDSA_JCS_2019_P256",
    "ECDSA_JCS_2019_P384",
    "ECDSA_RDFC_2019_P256",
    "ECDSA_RDFC_2019_P384",
    "EDDSA_JCS_2022",
    "EDDSA_RDFC_2022",
    "MAX_PROOFS",
    "MAX_SKEW_SECONDS",
    "SUITES",
    "Cryptosuite",
    "DataIntegrityProof",
    "KeyLookup",
    "KmsSigner",
    "VerifiedDocument",
    "VerifiedProof",
    "add_further_proof",
    "add_proof",
    "jcs_suite_for",
    "parse_proof",
    "parse_proofs",
    "verify_one",
    "verify_parsed",
    "verify_proof",
    "verify_proofs",
]

MAX_SKEW_SECONDS: Final = 60
MAX_SET_BYTES: Final = 1 << 20
"""Most bytes that the graph suites of one set or chain may read: those of the document, once for each proof."""
_encode: Final = msgspec.json.Encoder().encode
_RESERVED_OPTIONS: Final = frozenset(
    {"@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue", "previousProof"}
)


class KeyLookup(Protocol):
    """Where keys come from: the documents that the caller has resolved."""

    def __call__(self, verification_method: str, purpose: str, /) -> PublicKey:
        """Return the key of ``verification_method``, which its controller's document lists for ``purpose``.

        It never comes from the document that is verified. Raises VerificationError if there is none.
        """
        ...


class KmsSigner(msgspec.Struct, frozen=True):
    """Signs with one key of a key store; a suite that needs more than signatures of messages asks the store."""

    kms: Kms
    label: str
    purpose: KeyPurpose

    async def __call__(self, message: bytes) -> bytes:
        """Sign ``message``. Raises as ``Kms.sign``."""
        return await self.kms.sign(self.label, message, purpose=self.purpose)

    async def public_key(self) -> PublicKey:
        """Return the public key. Raises as ``Kms.public_key``."""
        return await self.kms.public_key(self.label)

    async def bbs_sign(self, *, header: bytes, messages: Sequence[bytes], commitment: bytes | None = None) -> bytes:
        """As ``BbsKms.bbs_sign``. Raises InvalidInputError if the store is none."""
        if not isinstance(self.kms, BbsKms):
            raise InvalidInputError("expected a key store that makes BBS signatures")
        return await self.kms.bbs_sign(
            self.label, header=header, messages=messages, commitment=commitment, purpose=self.purpose
        )


class VerifiedProof(msgspec.Struct, frozen=True):
    """One proof that held under ``key``."""

    proof: DataIntegrityProof
    key: PublicKey


class VerifiedDocument(msgspec.Struct, frozen=True):
    """What all of ``proofs`` secure: ``document`` has no ``proof`` member and the @context that was signed."""

    document: JsonObject
    proofs: tuple[VerifiedProof, ...]


def verify_proofs(
    document: JsonObject,
    *,
    keys: KeyLookup,
    expected_purpose: str,
    now: UnixSeconds,
    domain: str | Collection[str] | None = None,
    challenge: str | None = None,
    controller: str | None = None,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    contexts: Contexts = BUNDLED,
) -> VerifiedDocument:
    """Verify every proof of ``document``, a set or chain as it may be, and return what they secure (4.4, 4.5).

    ``domain`` (one, or all of a set) and ``challenge`` have to be those of every proof, and ``controller`` has to be
    that of one verification method at least, whatever the others are; None asks for none of this. Whatever can be told
    without a key is checked of all proofs before the first key is looked for. A set whose members secure different
    values of @context is refused, for nobody signed the same document. Raises what the module says, and what ``keys``
    raises.
    """
    return verify_parsed(
        document,
        parse_proofs(document.get("proof")),
        keys=keys,
        expected_purpose=expected_purpose,
        now=now,
        domain=domain,
        challenge=challenge,
        controller=controller,
        max_skew_seconds=max_skew_seconds,
        contexts=contexts,
    )


def verify_parsed(
    document: JsonObject,
    proofs: Sequence[DataIntegrityProof],
    *,
    keys: KeyLookup,
    expected_purpose: str,
    now: UnixSeconds,
    domain: str | Collection[str] | None = None,
    challenge: str | None = None,
    controller: str | None = None,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    contexts: Contexts = BUNDLED,
) -> VerifiedDocument:
    """As ``verify_proofs``, for ``proofs`` that ``parse_proofs`` has read from ``document`` before, all of them.

    Raises InvalidInputError if there is none, and as ``verify_proofs``.
    """
    if not proofs:
        raise InvalidInputError("expected a document with a proof")
    matched = match_all(proofs)
    _check_work(document, proofs)
    for proof in proofs:
        check_suite(proof.cryptosuite)
        _check_options(proof, expected_purpose, now, max_skew_seconds)
        _check_session(proof, domain, challenge)
    if controller is not None and controller not in [proof.controller for proof in proofs]:
        raise VerificationError("expected a proof by a verification method of the controller that was asked for")
    verified: list[VerifiedProof] = []
    secured: JsonObject = {}
    for proof, matching in zip(proofs, matched, strict=True):
        key = keys(proof.verification_method, expected_purpose)
        unsecured = _verify(document, proof, matching, key, contexts)
        if verified and secured.get("@context") != unsecured.get("@context"):
            raise VerificationError("expected all proofs of the document to secure the same @context")
        secured = unsecured
        verified.append(VerifiedProof(proof, key))
    return VerifiedDocument(secured, tuple(verified))


def verify_proof(
    document: JsonObject,
    *,
    key: PublicKey,
    expected_purpose: str,
    now: UnixSeconds,
    domain: str | Collection[str] | None = None,
    challenge: str | None = None,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Verify the one proof of ``document`` under ``key`` and return the document that it secures (4.4).

    The caller has resolved ``key`` from the proof's verification method, and uses what is returned, not ``document``.
    ``now`` is in Unix seconds; ``domain`` and ``challenge`` as for ``verify_proofs``. Raises InvalidInputError,
    ProofPurposeError, ValidityError, InvalidSignatureError or VerificationError.
    """
    proofs = parse_proofs(document.get("proof"))
    if len(proofs) != 1:
        raise VerificationError(f"expected one proof, got a set of {len(proofs)}")
    _check_session(proofs[0], domain, challenge)
    return verify_one(document, proofs[0], key=key, expected_purpose=expected_purpose, now=now, contexts=contexts)


def verify_one(
    document: JsonObject,
    proof: DataIntegrityProof,
    *,
    key: PublicKey,
    expected_purpose: str,
    now: UnixSeconds,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """As ``verify_proof``, for one ``proof`` of a document that may carry several, or carry them elsewhere.

    A proof with ``previousProof`` holds only together with those it names, so it is refused here.
    """
    check_suite(proof.cryptosuite)
    _check_options(proof, expected_purpose, now, max_skew_seconds)
    if proof.previous_proof:
        raise VerificationError("expected a proof without previousProof: one proof of a chain says nothing by itself")
    return _verify(document, proof, [], key, contexts)


async def add_proof(
    document: JsonObject,
    *,
    kms: Kms,
    label: str,
    purpose: KeyPurpose,
    verification_method: str,
    proof_purpose: str,
    created: UnixSeconds | None,
    suite: Cryptosuite = EDDSA_JCS_2022,
    options: JsonObject | None = None,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return ``document`` with a proof by the key ``label`` of ``kms`` (4.2).

    ``created`` is in Unix seconds; ``options`` adds members such as ``id``, ``expires``, ``domain`` or ``challenge``.
    Raises InvalidInputError if the document has a proof already or an option is malformed or said elsewhere,
    VerificationError if the key does not fit the suite, and what the key store raises.
    """
    if "proof" in document:
        raise InvalidInputError("expected a document without proof: add_further_proof adds to a set or chain")
    proof = _new_proof(suite, verification_method, proof_purpose, created, options)
    return {**document, "proof": await _sign(document, proof, KmsSigner(kms, label, purpose), suite, contexts)}


async def add_further_proof(
    secured: JsonObject,
    *,
    kms: Kms,
    label: str,
    purpose: KeyPurpose,
    verification_method: str,
    proof_purpose: str,
    created: UnixSeconds | None,
    suite: Cryptosuite = EDDSA_JCS_2022,
    previous_proof: str | Sequence[str] | None = None,
    options: JsonObject | None = None,
    contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return ``secured`` with one more proof, after those that it has (4.3).

    With ``previous_proof``, one id or several, the new proof secures the proofs of these ids too and makes a chain;
    without, it is a member of a set and independent of the others. The proofs that are there are not verified: who
    signs over them has done so before. Arguments as for ``add_proof``. Raises InvalidInputError if there is no proof
    yet, if there would be more than 16, or if an id is missing or ambiguous, and as ``add_proof``.
    """
    proofs = parse_proofs(secured.get("proof"))
    if len(proofs) == MAX_PROOFS:
        raise InvalidInputError(f"expected a document with fewer than {MAX_PROOFS} proofs")
    proof = _new_proof(suite, verification_method, proof_purpose, created, options)
    document = {name: value for name, value in secured.items() if name != "proof"}
    if previous_proof is not None:
        names = [previous_proof] if isinstance(previous_proof, str) else list(previous_proof)
        proof["previousProof"] = previous_proof if isinstance(previous_proof, str) else names
        try:
            matching = matching_proofs(proofs, parse_proof({**proof, "proofValue": "z"}).previous_proof)
        except VerificationError as exc:
            raise InvalidInputError(str(exc)) from exc
        document["proof"] = matching
    if "id" in proof and any(proof["id"] == other.id for other in proofs):
        raise InvalidInputError("expected a proof whose id is not that of another")
    new = await _sign(document, proof, KmsSigner(kms, label, purpose), suite, contexts)
    return {**secured, "proof": [*(other.raw for other in proofs), new]}


def _new_proof(
    suite: Cryptosuite,
    verification_method: str,
    proof_purpose: str,
    created: UnixSeconds | None,
    options: JsonObject | None,
) -> JsonObject:
    if options and not _RESERVED_OPTIONS.isdisjoint(options):
        raise InvalidInputError("expected proof options without the members that arguments or the suite set")
    kind = {"type": suite.name} if suite.name in LEGACY_TYPES else {"type": PROOF_TYPE, "cryptosuite": suite.name}
    proof: JsonObject = {**(options or {}), **kind}
    if created is not None:
        proof["created"] = format_seconds(created)
    proof["verificationMethod"] = verification_method
    proof["proofPurpose"] = proof_purpose
    parse_proof({**proof, "proofValue": "z"})
    return proof


async def _sign(
    document: JsonObject, proof: JsonObject, signer: KmsSigner, suite: Cryptosuite, contexts: Contexts
) -> JsonObject:
    suite.check_key(await signer.kms.public_key(signer.label))
    proof = suite.configure(document, proof)
    return {**proof, "proofValue": await suite.prove(document, proof, signer, contexts=contexts)}


def _check_work(document: JsonObject, proofs: Sequence[DataIntegrityProof]) -> None:
    """Refuse a long document with many proofs that each cost a canonicalization of it as a graph."""
    graphs = sum(proof.cryptosuite not in JCS_NAMES for proof in proofs)
    if graphs < 2:
        return
    try:
        size = len(_encode(document))
    except (msgspec.MsgspecError, TypeError, UnicodeEncodeError, RecursionError) as exc:
        raise InvalidInputError("expected a document from the gate") from exc
    if graphs * size > MAX_SET_BYTES:
        raise InvalidInputError(f"expected a document and its proofs of at most {MAX_SET_BYTES // graphs} bytes")


def _check_options(proof: DataIntegrityProof, expected_purpose: str, now: int, max_skew_seconds: int) -> None:
    if proof.proof_purpose != expected_purpose:
        raise ProofPurposeError(f"expected the proof purpose {expected_purpose}")
    if proof.created is not None and proof.created > now + max_skew_seconds:
        raise ValidityError(f"the proof was created at {proof.created}, now {now}")
    if proof.expires is not None and proof.expires <= now:
        raise ValidityError(f"the proof expired at {proof.expires}, now {now}")


def _check_session(proof: DataIntegrityProof, domain: str | Collection[str] | None, challenge: str | None) -> None:
    """4.4 steps 6 and 7."""
    if domain is not None and set(proof.domain) != ({domain} if isinstance(domain, str) else set(domain)):
        raise VerificationError("expected a proof for the domain of this verifier, and for no other")
    if challenge is not None and not _same_text(proof.challenge, challenge):
        raise VerificationError("expected a proof with the challenge of this verifier")


def _same_text(claimed: str | None, expected: str) -> bool:
    """Compare in time that does not tell how far the two agree."""
    encoding = ("utf-8", "surrogatepass")
    return claimed is not None and compare_digest(claimed.encode(*encoding), expected.encode(*encoding))


def _verify(
    document: JsonObject, proof: DataIntegrityProof, matching: list[JsonObject], key: PublicKey, contexts: Contexts
) -> JsonObject:
    """Verify ``proof`` over ``document`` and the ``matching`` proofs; return what of the document it secures."""
    suite = suite_for(proof.cryptosuite, key)
    options = proof.options
    unsecured = suite.unsecured(document, options)
    hashed = {**unsecured, "proof": matching} if matching else unsecured
    suite.verify(hashed, options, proof.proof_value, key, contexts=contexts)
    return unsecured
