"""The closed schemas of the statements that a ledger may hold.

Source:  the project's answerability text, sections 2.1 (common payload) and 2.2 (ledger types, first release);
         docs/ledger-entries.md for anchors of other logs and orders that withhold a body.
Input:   the JSON payload of a verified-shape envelope (``ssi.registry.statement`` parses it through the gate).
Shapes:  times are Unix seconds, ids are 43 characters of base64url (SHA-256), DIDs are of a method for
         organisations. Every optional member is UNSET when absent: ``null`` is refused everywhere.
I/O:     none.
Errors:  ``parse_body`` raises InvalidInputError and names the path of the member, never its value.

An unknown member is an error, so nothing rides along unseen; a change of a schema gets a new ``v``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ssi.errors import InvalidInputError
from ssi.ports import Commitment
from ssi.types import JsonObject

MAX_TIME: Final = 253_402_300_799
"""The last second of the year 9999: later times have no four-digit year."""

Time: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_TIME)]
StatementId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")]
Digest: TypeAlias = StatementId
DidText: TypeAlias = Annotated[str, Meta(pattern=r"^did:[a-z0-9]+:[A-Za-z0-9.:%_-]+\Z", max_length=1024)]
DidUrlText: TypeAlias = Annotated[str, Meta(pattern=r"^did:[a-z0-9]+:[A-Za-z0-9.:%_-]+#[!-~]+\Z", max_length=1024)]
UriText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
Date: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]

Role: TypeAlias = Literal[
    "organisation", "register", "issuer", "supervisor", "appeal", "witness", "accreditor", "mandator"
]
EndingReason: TypeAlias = Literal[
    "retired", "repealed", "revoked", "lifted", "overturned", "stayed", "remedied", "compromised", "succeeded"
]


class StatementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """What every statement's payload has: version, signer, time of signing (section 2.1)."""

    v: Literal[1] = 1
    iss: DidText
    iat: Time


class AccreditationRefs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``by``: the accreditation under which the signer accredits; absent only when a root signs."""

    by: StatementId


class Accreditation(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="Accreditation"):
    """An accreditor entitles an organisation to a role and names who supervises it.

    ``types`` narrows an ``issuer`` role to these credential types (for an ``accreditor``: what it may hand on);
    absent means that the accreditor set no limit. Valid from ``valid_from`` up to, not including, ``valid_until``.
    """

    subject: DidText
    role: Role
    answerable_to: Annotated[tuple[DidText, ...], Meta(max_length=256)]
    types: Annotated[tuple[UriText, ...], Meta(min_length=1, max_length=256)] | UnsetType = UNSET
    non_working_days: Annotated[tuple[Date, ...], Meta(max_length=256)] | UnsetType = UNSET
    valid_from: Time
    valid_until: Time
    refs: AccreditationRefs | UnsetType = UNSET


class EndingRefs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``ends``: the id of the ledger entry that ends, or whose organisation's key ``kid`` is compromised."""

    ends: StatementId


class Ending(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="Ending"):
    """Ends a ledger statement from ``effective`` on or, with ``compromised``, one key of an organisation."""

    reason: EndingReason
    effective: Time
    kid: DidUrlText | UnsetType = UNSET
    successor: DidText | UnsetType = UNSET
    refs: EndingRefs


class StatusCommitment(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="StatusCommitment"):
    """An issuer anchors one signed status list: ``digest`` is the base64url SHA-256 of the list's signed bytes.

    Per ``uri`` the statement with the highest ``epoch`` counts; epochs only grow.
    """

    uri: UriText
    epoch: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    digest: Digest
    valid_from: Time
    valid_until: Time


def as_commitment(body: StatusCommitment, entry: int) -> Commitment:
    """Return what the statement at index ``entry`` commits to, as the status check wants it."""
    return Commitment(
        uri=body.uri,
        epoch=body.epoch,
        digest=body.digest,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        issuer=body.iss,
        entry=entry,
    )


class CheckpointAnchor(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="CheckpointAnchor"):
    """The head of another log, said here: whoever rewrites that log later contradicts this one.

    ``note`` is that log's checkpoint, base64url, under its own signatures alone; ``origin``, ``size`` and ``root`` are
    what it says. Epochs only grow and sizes never shrink, one line of them for each origin.
    """

    origin: Annotated[str, Meta(min_length=1, max_length=300)]
    epoch: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    root: Digest
    note: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\Z", max_length=1024)]


class Withholding(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="Withholding"):
    """The body of the entry at ``index`` is to be erased; ``leaf`` is its hash in the tree, which stays.

    ``order`` is the SHA-256 of the decision, which is kept elsewhere.
    """

    index: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    leaf: Digest
    order: Digest


class StateRoot(StatementBody, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="StateRoot"):
    """The operator says what the first ``size`` entries come to: ``root`` is that of the map over the registry's state.

    It stands at the index ``size``: nothing comes between the entries that it speaks of and itself.
    """

    size: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    root: Digest


LedgerBody: TypeAlias = Accreditation | Ending | StatusCommitment | CheckpointAnchor | Withholding | StateRoot

LEDGER_TYPES: Final[dict[str, type[StatementBody]]] = {
    "Accreditation": Accreditation,
    "Ending": Ending,
    "StatusCommitment": StatusCommitment,
    "CheckpointAnchor": CheckpointAnchor,
    "Withholding": Withholding,
    "StateRoot": StateRoot,
}
"""The signed types that the ledger admits; a ``DidLogEntry`` is a did:webvh line and no JWS."""


def parse_body(payload: JsonObject, types: Mapping[str, type[StatementBody]]) -> StatementBody:
    """Return the payload as the Struct of its ``type``; only the given types are known.

    Raises InvalidInputError for an unknown type, an unknown, absent, null or misshapen member, and for a member
    longer than its bound. The message names the path, never the value.
    """
    name = payload.get("type")
    schema = types.get(name) if isinstance(name, str) else None
    if schema is None:
        raise InvalidInputError("statement: this type is not known here")
    try:
        return msgspec.convert(payload, schema)
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"{schema.__name__}: {_without_value(exc)}") from exc


def build_payload(body: StatementBody) -> JsonObject:
    """Return the JSON object of a body, checked against its own schema: the inverse of ``parse_body``.

    Raises InvalidInputError if a member breaks its bound (a Struct made in code is not checked when it is made).
    """
    payload: JsonObject = msgspec.json.decode(msgspec.json.encode(body))
    parse_body(payload, {type(body).__name__: type(body)})
    return payload


def _without_value(error: msgspec.ValidationError) -> str:
    """Keep the path of msgspec's message; its first half may quote the value."""
    text = str(error)
    if text.startswith("Object missing"):
        return text
    if text.startswith("Object contains"):  # the unknown member's name is the sender's own text
        return "an unknown member"
    _, found, path = text.rpartition(" - at ")
    return f"member {path} has another type, bound or form than its schema" if found else "not the shape of its schema"
