"""Prepare a ceremony online, and approve it.

Source:  did:webvh 1.0 (log lines); C2SP signed-note v1.0.0 (possession of a checkpoint key).
Input:   the charter, the transcript of the ceremony before, and what is to be done.
Shapes:  times are Unix seconds; a request lives a week unless it is said otherwise.
I/O:     the key store of whoever signs the paper.
Errors:  InvalidInputError, VerificationError (what a signing machine would refuse), and those of the key store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.ceremony.documents import (
    Approval,
    Charter,
    CheckpointKey,
    FirstLine,
    NextLine,
    Operation,
    Paper,
    Request,
    ceremony_did,
    sign_paper,
)
from ssi.ceremony.rules import Turn, check_operation, check_request, possession_text
from ssi.did.webvh import DocumentKey, WebvhLog, WitnessRule, build_document, build_webvh_did
from ssi.did.webvh.hashing import SCID_PLACEHOLDER
from ssi.errors import VerificationError
from ssi.keys import KeyPurpose, Kms
from ssi.ledger.note import NoteKey, build_note
from ssi.types import JsonObject

LIFETIME_SECONDS: Final = 7 * 86_400


def first_line(
    *,
    domain: str,
    keys: Sequence[DocumentKey],
    port: int | None = None,
    path: Sequence[str] = (),
    services: Sequence[JsonObject] = (),
    witness: WitnessRule | None = None,
) -> FirstLine:
    """Return the operation that makes a DID; ``keys`` are those that its document lists, made online."""
    did = build_webvh_did(domain, port=port, path=tuple(path), scid=SCID_PLACEHOLDER)
    return FirstLine(
        domain=domain,
        port=msgspec.UNSET if port is None else port,
        path=tuple(path),
        document=build_document(did, keys=keys, services=services),
        witness=_witness(witness),
    )


def next_line(log: WebvhLog, *, document: JsonObject | None = None, witness: WitnessRule | None = None) -> NextLine:
    """Return the operation that adds a line: the next update key, and what else is given."""
    return NextLine(
        log=log.log.decode(),
        document=msgspec.UNSET if document is None else document,
        witness=_witness(witness),
    )


async def checkpoint_key(
    *, origin: str, kms: Kms, label: str, charter: Paper[Charter], number: int, replaces: Sequence[str] = ()
) -> CheckpointKey:
    """Return the operation that certifies the key ``label`` for the checkpoints of ``origin``."""
    key = NoteKey(origin, await kms.public_key(label))
    text = possession_text(charter.digest, number)
    note = build_note(text, [(key, await kms.sign(label, text, purpose=KeyPurpose.CHECKPOINT))])
    return CheckpointKey(vkey=key.vkey, possession=note.decode(), replaces=tuple(replaces))


async def prepare(
    operation: Operation,
    *,
    charter: Paper[Charter],
    turn: Turn,
    kms: Kms,
    label: str,
    now: int,
    lifetime_seconds: int = LIFETIME_SECONDS,
) -> Paper[Request]:
    """Return the request for the ceremony after ``turn``, signed with the coordinator's key ``label``."""
    body = Request(
        charter=charter.digest,
        number=turn.number + 1,
        previous=turn.result or msgspec.UNSET,
        operation=operation,
        at=now,
        expires_at=now + lifetime_seconds,
    )
    check_operation(body)
    request = await sign_paper(body, kms=kms, label=label)
    check_request(request, charter=charter, now=now)
    return request


async def approve(
    request: Paper[Request], *, expected: str, officer: str, charter: Paper[Charter], kms: Kms, label: str, now: int
) -> Paper[Approval]:
    """Return an officer's approval of the request whose digest is ``expected``, as it was read out to the officer.

    Raises VerificationError if this file is another request, or ``officer`` has another key in the charter.
    """
    if request.digest != expected:
        raise VerificationError("this file is not the request with the digest that you were told")
    check_request(request, charter=charter, now=now)
    if charter.body.officers.get(officer) != ceremony_did(await kms.public_key(label)):
        raise VerificationError(f"the charter has no officer {officer} with this key")
    return await sign_paper(Approval(request=request.digest, officer=officer, at=now), kms=kms, label=label)


def _witness(rule: WitnessRule | None) -> JsonObject | msgspec.UnsetType:
    if rule is None:
        return msgspec.UNSET
    if not rule.ids:
        return {}
    return {"threshold": rule.threshold, "witnesses": [{"id": each} for each in rule.ids]}
