"""Carry a ceremony out on the machine without network, and finish it online.

Source:  did:webvh 1.0, "Create (Register)", "Update (Rotate)", pre-rotation always.
Input:   a request and its approvals, the charter and the turn that this machine keeps itself.
Shapes:  the keys of the DID called ``name`` are labelled as ``ssi.did.webvh.update_keys`` has them; Unix seconds.
I/O:     the key store. The caller keeps the transcript durably before it hands it out: it is the machine's memory.
Errors:  those of ``ssi.ceremony.rules``; KeyNotFoundError (this machine has no key that may sign the next line).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ssi.ceremony.documents import (
    Approval,
    Charter,
    CheckpointKey,
    Completion,
    FirstLine,
    NextLine,
    Paper,
    Request,
    Result,
    ceremony_did,
    sign_paper,
)
from ssi.ceremony.rules import Turn, check_approvals, check_request, check_turn, log_of, witness_rule
from ssi.ceremony.transcript import Transcript, VerifiedTranscript, verify_transcript
from ssi.did.webvh import NewVersion, create_did, forget_spent_keys, update_did
from ssi.did.webvh.witness import NO_WITNESSES
from ssi.errors import VerificationError
from ssi.keys import Kms


async def sign_ceremony(
    request: Paper[Request],
    approvals: Sequence[Paper[Approval]],
    *,
    charter: Paper[Charter],
    turn: Turn,
    kms: Kms,
    label: str,
    now: int,
) -> Transcript:
    """Do what the request asks for, if everything holds, and return the transcript with the signed result.

    ``label`` is the machine's own ceremony key. Nothing is made or signed before all checks have passed.
    """
    body = check_request(request, charter=charter, now=now)
    check_turn(body, turn)
    check_approvals(approvals, request, charter=charter.body, now=now)
    if ceremony_did(await kms.public_key(label)) != charter.body.machine:
        raise VerificationError("the charter names another signing machine than the one with this key")
    ordered = tuple(sorted(approvals, key=lambda paper: paper.body.officer))
    transcript = Transcript(charter, request, ordered)
    made = await _carry_out(body, name=charter.body.organisation, kms=kms, now=now)
    result = await sign_paper(Result(follows=transcript.head, at=now, **made), kms=kms, label=label)
    signed = msgspec.structs.replace(transcript, result=result)
    # Verified here as a stranger will: a result that nobody would believe must not become the machine's memory.
    verify_transcript(signed, charter=charter, now=now, after=turn, finished=False)
    return signed


async def finish_ceremony(
    signed: VerifiedTranscript, *, kms: Kms, label: str, entry: int | None, now: int
) -> Transcript:
    """Return the transcript completed by the coordinator, once the result is in use; ``entry`` is its ledger index."""
    transcript = msgspec.structs.replace(signed.transcript, completion=None)
    if ceremony_did(await kms.public_key(label)) != transcript.charter.body.coordinator:
        raise VerificationError("the charter names another coordinator than the one with this key")
    body = Completion(follows=transcript.head, entry=msgspec.UNSET if entry is None else entry, at=now)
    return msgspec.structs.replace(transcript, completion=await sign_paper(body, kms=kms, label=label))


async def _carry_out(request: Request, *, name: str, kms: Kms, now: int) -> dict[str, Any]:
    operation = request.operation
    if isinstance(operation, CheckpointKey):
        return {"vkey": operation.vkey}
    rule = witness_rule(operation.witness)
    if isinstance(operation, NextLine):
        document = None if operation.document is msgspec.UNSET else operation.document
        log = log_of(operation, now=now)
        # Whoever finds a key that signed an earlier line could tell that version's story anew.
        await forget_spent_keys(kms, name, log.head.parameters)
        made = await update_did(log, kms=kms, name=name, now=now, document=document, witness=rule, pre_rotation=True)
    else:
        made = await _create(operation, name=name, kms=kms, now=now)
    return {"line": made.line.decode()}


async def _create(operation: FirstLine, *, name: str, kms: Kms, now: int) -> NewVersion:
    rule = witness_rule(operation.witness)
    return await create_did(
        kms=kms,
        name=name,
        domain=operation.domain,
        port=operation.port or None,
        path=operation.path,
        document=lambda _: operation.document,
        now=now,
        witness=rule or NO_WITNESSES,
    )
