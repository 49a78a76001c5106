"""The W3C credential of data model 1.1, to be read: such credentials are still about, and nobody should make new ones.

Source:  W3C Verifiable Credentials Data Model v1.1, sections 4.1 to 4.9 and 5.4 to 5.6.
Input:   a JSON object from the parse gate whose @context starts with the base context of 1.1.
Shapes:  the ``Credential`` of ``ssi.credentials.vcdm``: ``valid_from`` is ``issuanceDate``, ``valid_until`` is
         ``expirationDate``, in Unix seconds. A credential of 1.1 that says ``validFrom`` or ``validUntil`` is bound by
         them too, for 1.1 reserved them for this meaning.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Collection

from ssi.credentials.contexts import VC_V1_CONTEXT, InlineContexts, check_v1_contexts
from ssi.credentials.values import (
    check_url,
    parse_identified,
    parse_moment,
    parse_objects,
    parse_subjects,
    parse_typed,
    parse_types,
)
from ssi.credentials.vcdm import Credential, parse_credential
from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue, UnixSeconds


def is_v1(value: JsonValue) -> bool:
    """Whether ``value`` is an object whose @context starts with that of data model 1.1."""
    context = value.get("@context") if type(value) is dict else None
    return type(context) is list and context[:1] == [VC_V1_CONTEXT]


def parse_any_credential(
    value: JsonValue, *, contexts: Collection[str], inline_contexts: InlineContexts = False
) -> Credential:
    """Return ``value`` as a credential of data model 2.0, or of 1.1 if its base context is among ``contexts``.

    Raises InvalidInputError.
    """
    if VC_V1_CONTEXT in contexts and is_v1(value):
        return parse_credential_v1(value, contexts=contexts, inline_contexts=inline_contexts)
    return parse_credential(value, contexts=contexts, inline_contexts=inline_contexts)


def parse_credential_v1(
    value: JsonValue, *, contexts: Collection[str], inline_contexts: InlineContexts = False
) -> Credential:
    """Return ``value`` as a credential of data model 1.1, every member that the model defines checked.

    ``contexts`` are the context URLs beside the base context that the caller knows; ``inline_contexts`` lets objects
    stand among them. Raises InvalidInputError.
    """
    if type(value) is not dict:
        raise InvalidInputError("expected a credential to be a JSON object")
    raw: JsonObject = value
    if type(raw.get("@context")) is not list:
        raise InvalidInputError("expected @context to be a list")
    check_v1_contexts(raw["@context"], contexts, inline=inline_contexts)
    types = parse_types(raw.get("type"), "type", required="VerifiableCredential")
    issuer = parse_identified(raw.get("issuer"), "issuer")
    subjects = parse_subjects(raw.get("credentialSubject"))
    valid_from, valid_until = _period(raw)
    status = parse_typed(raw, "credentialStatus", id_required=True)
    schemas = parse_typed(raw, "credentialSchema", id_required=True)
    parse_typed(raw, "refreshService", id_required=True)
    for name in ("termsOfUse", "evidence"):
        parse_typed(raw, name)
    if "proof" in raw:
        for proof in parse_objects(raw["proof"], "proof"):
            parse_types(proof.get("type"), "proof.type")
    identifier = check_url(raw["id"], "id") if "id" in raw else None
    return Credential(raw, issuer, types, subjects, identifier, valid_from, valid_until, status, schemas)


def _period(raw: JsonObject) -> tuple[UnixSeconds, UnixSeconds | None]:
    """4.6 and 4.8: the latest beginning and the earliest end of all that are said, rounded inwards."""
    if "issuanceDate" not in raw:
        raise InvalidInputError("expected issuanceDate, which data model 1.1 requires")
    starts = [_moment(raw, name) for name in ("issuanceDate", "validFrom") if name in raw]
    ends = [_moment(raw, name) for name in ("expirationDate", "validUntil") if name in raw]
    if ends and max(starts) > min(ends):
        raise InvalidInputError("expected issuanceDate not to be after expirationDate")
    start = max(starts)
    return start[0] + (start[1] != ""), min(ends)[0] if ends else None


def _moment(raw: JsonObject, name: str) -> tuple[UnixSeconds, str]:
    return parse_moment(raw[name], name)
