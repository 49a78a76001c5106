"""The W3C credential: every check of the data model that needs no JSON-LD processing.

Source:  W3C Verifiable Credentials Data Model v2.0, sections 4.2 to 4.11 and 5.3 to 5.8; 5.10 for times.
Input:   a JSON object from the parse gate. ``parse_credential`` is for a reader: members that it does not know stay in
         ``raw`` and mean nothing. ``check_credential`` is for an issuer: what no context defines is refused too.
Shapes:  times are Unix seconds; a fraction makes ``valid_from`` later and ``valid_until`` earlier, never the reverse.
I/O:     none.
Errors:  InvalidInputError; ValidityError from ``check_validity``; VerificationError from ``check_related_resources``.

The base context decides the version of the model. Only 2.0 is read here; ``ssi.credentials.vcdm_v1`` reads 1.1, which
has other members (``issuanceDate``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from ssi.credentials.contexts import (
    BASE_CREDENTIAL_MEMBERS,
    BASE_TYPES,
    VC_V1_CONTEXT,
    DefinedTerms,
    InlineContexts,
    check_contexts,
)
from ssi.credentials.editions import check_edition
from ssi.credentials.integrity import check_digest_multibase, check_sri, parse_digest_multibase, parse_sri
from ssi.credentials.values import (
    check_text,
    check_url,
    is_url,
    parse_datetime,
    parse_identified,
    parse_moment,
    parse_objects,
    parse_subjects,
    parse_typed,
    parse_types,
)
from ssi.errors import InvalidInputError, ValidityError
from ssi.types import JsonObject, JsonValue, UnixSeconds

__all__ = [
    "Credential",
    "check_credential",
    "check_related_resources",
    "check_validity",
    "parse_credential",
    "parse_datetime",
]


class Credential(msgspec.Struct, frozen=True, gc=False):
    """A credential whose shape was checked; whether it is secured, valid or trusted is said elsewhere.

    ``raw`` is the object as it was read and is never changed. ``valid_from`` and ``valid_until`` are Unix seconds,
    both inclusive, None where the credential sets no bound.
    """

    raw: JsonObject
    issuer: str
    types: tuple[str, ...]
    subjects: tuple[JsonObject, ...]
    id: str | None = None
    valid_from: UnixSeconds | None = None
    valid_until: UnixSeconds | None = None
    status: tuple[JsonObject, ...] = ()
    schemas: tuple[JsonObject, ...] = ()
    related_resources: tuple[JsonObject, ...] = ()


def parse_credential(
    value: JsonValue, *, contexts: Collection[str], inline_contexts: InlineContexts = False
) -> Credential:
    """Return ``value`` as a credential, every member that the model defines checked.

    ``contexts`` are the context URLs beside the base context that the caller knows; ``inline_contexts`` lets objects
    stand among them. Raises InvalidInputError.
    """
    return _parse(value, contexts, inline_contexts)[0]


def check_credential(
    value: JsonValue,
    *,
    contexts: Collection[str],
    inline_contexts: InlineContexts = False,
    extensions: Collection[str] | None = None,
) -> Credential:
    """Return ``value`` as a credential that an issuer may sign: types and top-level members are all defined.

    With the base context alone, only its own terms (and those defined inline) are defined; a further context by URL is
    taken to define the rest. ``extensions`` closes that door: then no top-level member is allowed beside the model's
    and these. Raises InvalidInputError.
    """
    credential, defined = _parse(value, contexts, inline_contexts)
    for name in credential.raw:
        if name in BASE_CREDENTIAL_MEMBERS:
            continue
        if name not in defined if extensions is None else name not in extensions:
            raise InvalidInputError("expected only top-level members that the model or a context defines")
    for typed in _typed(credential):
        for item in parse_types(typed["type"], "type"):
            if item not in BASE_TYPES and item not in defined and not is_url(item):
                raise InvalidInputError("expected only types that a context defines, or URLs")
    return credential


def check_validity(credential: Credential, *, now: UnixSeconds, max_skew_seconds: int = 0) -> None:
    """Raise ValidityError unless ``now`` lies in the validity period (4.9), which may begin the skew early."""
    if credential.valid_from is not None and now + max_skew_seconds < credential.valid_from:
        raise ValidityError(f"the credential is valid from {credential.valid_from}, now {now}")
    if credential.valid_until is not None and now > credential.valid_until:
        raise ValidityError(f"the credential was valid until {credential.valid_until}, now {now}")


def check_related_resources(credential: Credential, resources: Mapping[str, bytes]) -> tuple[str, ...]:
    """Check the digest of each related resource (5.3) whose bytes are in ``resources``, by URL.

    A context of the W3C's that is not in ``resources`` may have the digest of any edition that was published. Returns
    the URLs that were checked. Raises VerificationError if a resource has another digest.
    """
    checked = []
    for item in credential.related_resources:
        data = resources.get(item["id"])
        if data is None:
            if not check_edition(item):
                continue
        else:
            if "digestSRI" in item:
                check_sri(data, item["digestSRI"])
            if "digestMultibase" in item:
                check_digest_multibase(data, item["digestMultibase"])
        checked.append(item["id"])
    return tuple(checked)


def _parse(value: JsonValue, contexts: Collection[str], inline: InlineContexts) -> tuple[Credential, DefinedTerms]:
    if type(value) is not dict:
        raise InvalidInputError("expected a credential to be a JSON object")
    raw: JsonObject = value
    context = raw.get("@context")
    if type(context) is not list:
        raise InvalidInputError("expected @context to be a list")
    if VC_V1_CONTEXT in context[:1]:
        raise InvalidInputError("expected a credential of data model 2.0, got one of 1.1")
    defined = check_contexts(context, contexts, inline=inline)
    types = parse_types(raw.get("type"), "type", required="VerifiableCredential")
    issuer = parse_identified(raw.get("issuer"), "issuer")
    subjects = parse_subjects(raw.get("credentialSubject"))
    valid_from, valid_until = _parse_period(raw)
    status = parse_typed(raw, "credentialStatus")
    schemas = parse_typed(raw, "credentialSchema", id_required=True)
    related: tuple[JsonObject, ...] = ()
    # Most credentials have none of the others; one look at the names is cheaper than nine.
    if not raw.keys() <= _COMMON_MEMBERS:
        related = _parse_rare(raw)
    identifier = check_url(raw["id"], "id") if "id" in raw else None
    if type(raw["issuer"]) is dict:
        _check_names(raw["issuer"], "issuer.")
    credential = Credential(raw, issuer, types, subjects, identifier, valid_from, valid_until, status, schemas, related)
    return credential, defined


_COMMON_MEMBERS = frozenset(
    {
        *("@context", "id", "type", "issuer", "credentialSubject", "validFrom", "validUntil"),
        *("credentialStatus", "credentialSchema", "iat", "exp", "iss", "cnf", "jti", "sub"),
    }
)
_TYPED_MEMBERS = ("refreshService", "termsOfUse", "evidence", "confidenceMethod", "renderMethod")


def _parse_rare(raw: JsonObject) -> tuple[JsonObject, ...]:
    for name in _TYPED_MEMBERS:
        parse_typed(raw, name)
    _check_names(raw, "")
    if "proof" in raw:
        for proof in parse_objects(raw["proof"], "proof"):
            parse_types(proof.get("type"), "proof.type")
    return _parse_related(raw["relatedResource"]) if "relatedResource" in raw else ()


def _check_names(value: JsonObject, where: str) -> None:
    for name in ("name", "description"):
        if name in value:
            check_text(value[name], where + name)


def _parse_period(raw: JsonObject) -> tuple[UnixSeconds | None, UnixSeconds | None]:
    """4.9: validFrom is not after validUntil, compared as moments and not as text."""
    start = parse_moment(raw["validFrom"], "validFrom") if "validFrom" in raw else None
    end = parse_moment(raw["validUntil"], "validUntil") if "validUntil" in raw else None
    if start is not None and end is not None and start > end:
        raise InvalidInputError("expected validFrom not to be after validUntil")
    return (None if start is None else start[0] + (start[1] != "")), (None if end is None else end[0])


def _parse_related(value: JsonValue) -> tuple[JsonObject, ...]:
    """5.3: each has its own URL and at least one digest."""
    resources = parse_objects(value, "relatedResource")
    seen: set[str] = set()
    for item in resources:
        url = check_url(item.get("id"), "relatedResource.id")
        if url in seen:
            raise InvalidInputError("expected relatedResource.id to be unique")
        seen.add(url)
        if "digestSRI" not in item and "digestMultibase" not in item:
            raise InvalidInputError("expected relatedResource to have digestSRI or digestMultibase")
        if "digestSRI" in item:
            parse_sri(item["digestSRI"])
        if "digestMultibase" in item:
            parse_digest_multibase(item["digestMultibase"])
        if "mediaType" in item and type(item["mediaType"]) is not str:
            raise InvalidInputError("expected relatedResource.mediaType to be a string")
    return resources


def _typed(credential: Credential) -> list[JsonObject]:
    """The objects whose type the model requires (table in 4.5)."""
    found = [credential.raw, *credential.status, *credential.schemas]
    for name in (*_TYPED_MEMBERS, "proof"):
        if name in credential.raw:
            found += parse_objects(credential.raw[name], name)
    return found
