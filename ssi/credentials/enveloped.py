"""What every envelope is checked for once its signature held: JWS, SD-JWT or COSE_Sign1 around the data model.

Source:  W3C Securing Verifiable Credentials using JOSE and COSE, sections 3 (content types), 4 (key discovery),
         6 (validation).
Input:   the header with JOSE's names, the document inside, and the claims that header and document make together.
I/O:     none.
Errors:  InvalidInputError, VerificationError, ValidityError, KeyBindingError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

import msgspec

from ssi.credentials.claims import (
    MAX_SKEW_SECONDS,
    check_author,
    check_challenge,
    check_content_type,
    check_no_wrapping,
    check_times,
    confirmation_key,
)
from ssi.credentials.contexts import InlineContexts
from ssi.credentials.presentation import Envelope, Presentation, parse_presentation
from ssi.credentials.vcdm import Credential, check_validity, parse_credential
from ssi.errors import KeyBindingError, ValidityError, VerificationError
from ssi.keys import PublicKey
from ssi.types import JsonObject, UnixSeconds

AuthorCheck: TypeAlias = Callable[[JsonObject, JsonObject, str, str], None]
"""Raises VerificationError unless header and claims name this author, in this role."""


class VerifiedCredential(msgspec.Struct, frozen=True, gc=False):
    """A credential whose envelope, signature, shape and validity period held when it was verified.

    ``issued_at`` is the time of the signature in Unix seconds, if it says one; ``claims`` are the members around the
    credential and the credential itself, as they were signed; ``compact`` is the envelope as text.
    """

    credential: Credential
    key: PublicKey
    header: JsonObject
    claims: JsonObject
    compact: str
    issued_at: UnixSeconds | None = None

    def holder_key(self) -> PublicKey | None:
        """Return the key that the credential is bound to by ``cnf``, None if it is not. Raises KeyBindingError."""
        return confirmation_key(self.claims)


class VerifiedPresentation(msgspec.Struct, frozen=True, gc=False):
    """A presentation whose envelope, signature, challenge and times held.

    Its credentials are still in their envelopes: each has to be verified on its own.
    """

    presentation: Presentation
    credentials: tuple[Envelope, ...]
    key: PublicKey
    header: JsonObject
    compact: str
    issued_at: UnixSeconds | None = None


class Opened(msgspec.Struct, frozen=True, gc=False):
    """An envelope whose signature held. In JOSE the claims are the document, in COSE the header has some of them."""

    header: JsonObject
    document: JsonObject
    claims: JsonObject
    check_author: AuthorCheck = check_author


def check_credential_in(
    opened: Opened,
    *,
    now: UnixSeconds,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> tuple[Credential, UnixSeconds | None]:
    """Return the credential and the time of its signature, everything after the signature checked.

    ``contexts`` are the context URLs that the verifier knows beside the base context; ``max_skew_seconds`` is how far
    the issuer's clock may be ahead. Raises VerificationError, ValidityError, InvalidInputError.
    """
    check_content_type(opened.header, "vc")
    check_no_wrapping(opened.document)
    credential = parse_credential(opened.document, contexts=contexts, inline_contexts=inline_contexts)
    opened.check_author(opened.header, opened.claims, credential.issuer, "issuer")
    issued_at = check_times(opened.claims, now=now, max_skew_seconds=max_skew_seconds)
    check_validity(credential, now=now, max_skew_seconds=max_skew_seconds)
    return credential, issued_at


def check_presentation_in(
    opened: Opened,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    contexts: Collection[str],
    max_skew_seconds: int = MAX_SKEW_SECONDS,
) -> tuple[Presentation, tuple[Envelope, ...], UnixSeconds | None]:
    """Return the presentation, its envelopes and the time of its signature, everything after the signature checked.

    ``audience``, ``nonce`` and ``max_age_seconds`` (since ``iat``) have to be said; None is for a presentation that
    answers no request. Raises VerificationError, ValidityError, InvalidInputError.
    """
    check_content_type(opened.header, "vp")
    check_no_wrapping(opened.document)
    presentation = parse_presentation(opened.document, contexts=contexts)
    enveloped, issued_at = check_presented(
        opened,
        presentation,
        now=now,
        audience=audience,
        nonce=nonce,
        max_age_seconds=max_age_seconds,
        max_skew_seconds=max_skew_seconds,
    )
    return presentation, enveloped, issued_at


def check_presented(
    opened: Opened,
    presentation: Presentation,
    *,
    now: UnixSeconds,
    audience: str | None,
    nonce: str | None,
    max_age_seconds: int | None,
    max_skew_seconds: int,
) -> tuple[tuple[Envelope, ...], UnixSeconds | None]:
    """Return the envelopes of a parsed presentation and the time of its signature: holder, challenge and age checked.

    Raises as ``check_presentation_in``.
    """
    if presentation.holder is not None:
        opened.check_author(opened.header, opened.claims, presentation.holder, "holder")
    check_challenge(opened.claims, audience=audience, nonce=nonce)
    issued_at = check_times(opened.claims, now=now, max_skew_seconds=max_skew_seconds)
    if max_age_seconds is not None and (issued_at is None or now - issued_at > max_age_seconds):
        raise ValidityError(f"expected a presentation made in the last {max_age_seconds} seconds")
    enveloped = tuple(item for item in presentation.credentials if isinstance(item, Envelope))
    if len(enveloped) != len(presentation.credentials):
        raise VerificationError("expected every credential of the presentation in an envelope")
    return enveloped, issued_at


def check_holder(credential: VerifiedCredential, presentation: VerifiedPresentation) -> None:
    """Raise KeyBindingError unless the presenter is the one that the credential was issued to.

    By key, where the credential has ``cnf``; else its only subject is the holder, whose key the caller resolved.
    """
    bound = credential.holder_key()
    if bound is not None:
        if bound != presentation.key:
            raise KeyBindingError("expected the presentation to be signed by the key in cnf")
        return
    holder = presentation.presentation.holder
    subjects = credential.credential.subjects
    if holder is None or any(subject.get("id") != holder for subject in subjects):
        raise KeyBindingError("expected the holder of the presentation to be the subject of the credential")
