"""Credentials and presentations with embedded proofs.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.12 (securing mechanisms), 4.13 (presentations) and 7.1
         (verification); W3C Verifiable Credential Data Integrity 1.0, sections 2.2 (proof purposes) and 4.4 to 4.6.
Input:   a JSON object from the gate. ``read_…`` says whose keys to look for, ``verify_…`` takes the lookup of them and
         returns what to believe: only what ``verify_…`` returned may be used.
Shapes:  times are Unix seconds. A credential is secured for ``assertionMethod``, a presentation for ``authentication``.
I/O:     none; ``secure_…`` awaits the key store.
Errors:  InvalidInputError, InvalidSignatureError, ProofPurposeError, VerificationError, ValidityError, KeyBindingError.

Every proof of a set or chain has to hold. One of them is by the issuer (of a presentation: by the holder), whose
document lists the verification method; the others are by whom they say, and the caller decides what that is worth.
``contexts`` are the context URLs that the caller lets a document name. What they say matters to the suites that read
JSON-LD, and comes from ``jsonld_contexts``; a JCS proof secures every member as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec

from ssi.credentials.claims import MAX_SKEW_SECONDS, confirmation_key
from ssi.credentials.contexts import VC_V2_CONTEXT, InlineContexts
from ssi.credentials.enveloped import VerifiedCredential
from ssi.credentials.presentation import Envelope, Presentation, parse_presentation
from ssi.credentials.unverified import ASSERTION as ASSERTION
from ssi.credentials.unverified import AUTHENTICATION as AUTHENTICATION
from ssi.credentials.unverified import KeyNeeded as KeyNeeded
from ssi.credentials.unverified import UnverifiedCredential as UnverifiedCredential
from ssi.credentials.unverified import UnverifiedPresentation as UnverifiedPresentation
from ssi.credentials.unverified import read_credential as read_credential
from ssi.credentials.unverified import read_presentation as read_presentation
from ssi.credentials.vcdm import Credential, check_validity
from ssi.credentials.vcdm_v1 import parse_any_credential
from ssi.encoding.jsonld import BUNDLED, Contexts
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, KeyBindingError, ValidityError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.proofs.data_integrity import KeyLookup, VerifiedProof, add_proof, verify_parsed
from ssi.proofs.proof import controller_of
from ssi.proofs.suites import Cryptosuite, jcs_suite_for
from ssi.types import JsonObject, UnixSeconds


class DataIntegrityCredential(msgspec.Struct, frozen=True, gc=False):
    """A credential whose proofs, shape and validity period held when it was verified.

    ``credential.raw`` is the document that was signed, without its proofs; ``key`` is the issuer's.
    """

    credential: Credential
    key: PublicKey
    proofs: tuple[VerifiedProof, ...]

    def holder_key(self) -> PublicKey | None:
        """Return the key that the credential is bound to by ``cnf``, None if it is not. Raises KeyBindingError."""
        return confirmation_key(self.credential.raw)


AnyVerifiedCredential: TypeAlias = DataIntegrityCredential | VerifiedCredential
OpenEnvelope: TypeAlias = Callable[[Envelope], VerifiedCredential]


class PresentationProofs(msgspec.Struct, frozen=True, gc=False):
    """A presentation whose own proofs, challenge and times held; nothing is known of its credentials.

    ``key`` is the holder's.
    """

    presentation: Presentation
    key: PublicKey
    proofs: tuple[VerifiedProof, ...]


class DataIntegrityPresentation(msgspec.Struct, frozen=True, gc=False):
    """A presentation whose proofs, challenge and times held, with its credentials, each verified by its own securing.

    ``key`` is the holder's.
    """

    presentation: Presentation
    credentials: tuple[AnyVerifiedCredential, ...]
    key: PublicKey
    proofs: tuple[VerifiedProof, ...]


def found_keys(keys: Mapping[KeyNeeded, PublicKey]) -> KeyLookup:
    """Return the lookup in ``keys``, which the caller resolved for what ``read_…`` said is needed."""

    def find(verification_method: str, purpose: str, /) -> PublicKey:
        key = keys.get(KeyNeeded(verification_method, purpose))
        if key is None:
            raise VerificationError(f"expected a verification method that is known for {purpose}")
        return key

    return find


def verify_credential(
    unverified: UnverifiedCredential,
    *,
    keys: KeyLookup,
    now: UnixSeconds,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    issuer_is_controller: bool = True,
    domain: str | Collection[str] | None = None,
    challenge: str | None = None,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    jsonld_contexts: Contexts = BUNDLED,
) -> DataIntegrityCredential:
    """Return the credential that all its proofs secure.

    ``keys`` finds a key by verification method and purpose; ``contexts`` are the context URLs that the verifier knows
    beside the base context; with that of data model 1.1 among them such credentials are read too.
    ``issuer_is_controller=False`` accepts a credential that somebody else signed for its issuer, which only a policy
    of the caller's own can justify; ``key`` is then that of the first proof. ``domain`` and ``challenge`` are asked of
    every proof unless they are None; ``max_skew_seconds`` is how far the issuer's clock may be ahead. Raises what the
    module says and what ``keys`` raises.
    """
    verified = verify_parsed(
        unverified.document,
        unverified.proofs,
        keys=keys,
        expected_purpose=ASSERTION,
        now=now,
        domain=domain,
        challenge=challenge,
        controller=unverified.issuer if issuer_is_controller else None,
        max_skew_seconds=max_skew_seconds,
        contexts=jsonld_contexts,
    )
    credential = parse_any_credential(verified.document, contexts=contexts, inline_contexts=inline_contexts)
    key = _key_of(verified.proofs, credential.issuer if issuer_is_controller else None)
    check_validity(credential, now=now, max_skew_seconds=max_skew_seconds)
    return DataIntegrityCredential(credential, key, verified.proofs)


def verify_presentation(
    unverified: UnverifiedPresentation,
    *,
    keys: KeyLookup,
    now: UnixSeconds,
    domain: str | Collection[str] | None,
    challenge: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    open_envelope: OpenEnvelope | None = None,
    issuer_is_controller: bool = True,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    jsonld_contexts: Contexts = BUNDLED,
) -> DataIntegrityPresentation:
    """Return the presentation that all its proofs secure, every credential in it verified too.

    ``domain``, ``challenge`` and ``max_age_seconds`` (since ``created``) have to be said; None is for a presentation
    that answers no request. ``open_envelope`` verifies a credential that comes in an envelope; without it such a
    presentation is refused, as is one with a credential that nothing secures by itself. Where a holder is named, one
    proof is by a verification method of the holder. Other arguments as for ``verify_credential``. Raises what the
    module says and what ``keys`` and ``open_envelope`` raise.
    """
    around = verify_own_proofs(
        unverified,
        keys=keys,
        now=now,
        domain=domain,
        challenge=challenge,
        max_age_seconds=max_age_seconds,
        contexts=contexts,
        inline_contexts=inline_contexts,
        max_skew_seconds=max_skew_seconds,
        jsonld_contexts=jsonld_contexts,
    )
    credentials: list[AnyVerifiedCredential] = []
    for member in around.presentation.credentials:
        if not isinstance(member, Envelope):
            credentials.append(
                verify_credential(
                    read_credential(member.raw),
                    keys=keys,
                    now=now,
                    contexts=contexts,
                    inline_contexts=inline_contexts,
                    issuer_is_controller=issuer_is_controller,
                    max_skew_seconds=max_skew_seconds,
                    jsonld_contexts=jsonld_contexts,
                )
            )
        elif open_envelope is None:
            raise VerificationError("expected every credential of the presentation to have a proof, got an envelope")
        else:
            credentials.append(open_envelope(member))
    return DataIntegrityPresentation(around.presentation, tuple(credentials), around.key, around.proofs)


def verify_own_proofs(
    unverified: UnverifiedPresentation,
    *,
    keys: KeyLookup,
    now: UnixSeconds,
    domain: str | Collection[str] | None,
    challenge: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
    jsonld_contexts: Contexts = BUNDLED,
) -> PresentationProofs:
    """Verify what the presenter signed; each credential inside is still to be verified by its own securing.

    For a caller that decides on the credentials one by one; arguments and errors as for ``verify_presentation``.
    """
    verified = verify_parsed(
        unverified.document,
        unverified.proofs,
        keys=keys,
        expected_purpose=AUTHENTICATION,
        now=now,
        domain=domain,
        challenge=challenge,
        controller=unverified.holder,
        max_skew_seconds=max_skew_seconds,
        contexts=jsonld_contexts,
    )
    if max_age_seconds is not None:
        for item in verified.proofs:
            if item.proof.created is None or now - item.proof.created > max_age_seconds:
                raise ValidityError(f"expected a presentation made in the last {max_age_seconds} seconds")
    presentation = parse_presentation(verified.document, contexts=contexts, inline_contexts=inline_contexts)
    return PresentationProofs(presentation, _key_of(verified.proofs, presentation.holder), verified.proofs)


def check_holder(
    credential: AnyVerifiedCredential, presentation: DataIntegrityPresentation | PresentationProofs
) -> None:
    """Raise KeyBindingError unless the presenter is the one that the credential was issued to.

    By key, where the credential has ``cnf``; else by the DID of its subjects, which has to control a verification
    method that the presentation is signed with: that a presentation names a holder proves nothing.
    """
    bound = credential.holder_key()
    if bound is not None:
        if all(item.key != bound for item in presentation.proofs):
            raise KeyBindingError("expected the presentation to be signed by the key in cnf")
        return
    presenters = {item.proof.controller for item in presentation.proofs}
    if any(subject.get("id") not in presenters for subject in credential.credential.subjects):
        raise KeyBindingError("expected the presentation to be signed by the subject of the credential")


async def secure_credential(
    credential: Credential,
    *,
    kms: Kms,
    label: str,
    verification_method: str,
    created: UnixSeconds | None,
    expires: UnixSeconds | None = None,
    proof_id: str | None = None,
    suite: Cryptosuite | None = None,
    issuer_is_controller: bool = True,
    jsonld_contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return ``credential`` with a proof by the key ``label``, whose verification method is the issuer's.

    ``suite`` is the JCS suite of the key unless it is said; ``proof_id`` is for proofs that others will sign over, by
    ``ssi.proofs.data_integrity.add_further_proof``. Raises InvalidInputError, VerificationError if no suite fits the
    key, and as ``Kms.sign``.
    """
    if issuer_is_controller and controller_of(verification_method) != credential.issuer:
        raise InvalidInputError("expected a verification method of the issuer")
    options = {"id": proof_id, "expires": None if expires is None else format_seconds(expires)}
    return await add_proof(
        credential.raw,
        kms=kms,
        label=label,
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=verification_method,
        proof_purpose=ASSERTION,
        created=created,
        suite=suite or jcs_suite_for(await kms.public_key(label)),
        options=_present(options),
        contexts=jsonld_contexts,
    )


async def secure_presentation(
    credentials: Sequence[JsonObject | Envelope],
    *,
    kms: Kms,
    label: str,
    verification_method: str,
    holder: str | None,
    domain: str | Sequence[str] | None,
    challenge: str | None,
    created: UnixSeconds,
    expires: UnixSeconds | None = None,
    identifier: str | None = None,
    contexts: Collection[str] = (),
    suite: Cryptosuite | None = None,
    jsonld_contexts: Contexts = BUNDLED,
) -> JsonObject:
    """Return a presentation of ``credentials``, secured ones or envelopes, signed by the holder's key ``label``.

    ``domain`` and ``challenge`` are the verifier's. ``contexts`` are the context URLs of the credentials, which the
    presentation itself does not need. Raises InvalidInputError, VerificationError if no suite fits the key, and as
    ``Kms.sign``.
    """
    if holder is not None and controller_of(verification_method) != holder:
        raise InvalidInputError("expected a verification method of the holder")
    members = [item.to_object() if isinstance(item, Envelope) else item for item in credentials]
    document: JsonObject = {
        "@context": [VC_V2_CONTEXT],
        "type": ["VerifiablePresentation"],
        "id": identifier,
        "holder": holder,
        "verifiableCredential": members or None,
    }
    document = _present(document)
    parse_presentation(document, contexts=contexts, inline_contexts=True)
    expiry = None if expires is None else format_seconds(expires)
    named = domain if domain is None or isinstance(domain, str) else list(domain)
    return await add_proof(
        document,
        kms=kms,
        label=label,
        purpose=KeyPurpose.HOLDER,
        verification_method=verification_method,
        proof_purpose=AUTHENTICATION,
        created=created,
        suite=suite or jcs_suite_for(await kms.public_key(label)),
        options=_present({"expires": expiry, "domain": named, "challenge": challenge}),
        contexts=jsonld_contexts,
    )


def _key_of(proofs: Sequence[VerifiedProof], controller: str | None) -> PublicKey:
    """Return the key of the first proof, or of the first by ``controller``, whom verify_proofs has found among them."""
    return next(item.key for item in proofs if controller is None or item.proof.controller == controller)


def _present(members: JsonObject) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}
