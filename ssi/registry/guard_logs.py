"""The guard's rules for what a ledger says of logs: heads of others, and bodies of its own that are withheld.

Source:  docs/ledger-entries.md; C2SP tlog-checkpoint (the head that an anchor carries).
Input:   a body of the right shape and the view at the size where it would stand.
Shapes:  as ``ssi.registry.guard``.
I/O:     none.
Errors:  GuardError.

Whose signature the carried head has is for its readers, who know the other log's key; what it says is checked here, so
that nothing rides along.
"""

from __future__ import annotations

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import GuardError, InvalidInputError
from ssi.ledger.checkpoint import parse_checkpoint, parse_note
from ssi.ledger.rules import check_name
from ssi.registry.types import CheckpointAnchor, Withholding
from ssi.registry.view import RegistrySnapshot

MAX_NOTE_LINES = 2
"""A log signs its head once, and once more with the time."""
_SIGNATURE_BYTES = (64, 72)
"""Ed25519, without and with eight bytes of time."""


def check_anchor(body: CheckpointAnchor, view: RegistrySnapshot) -> None:
    """Refuse an anchor that is not what its note says, of another's log, or before the newest of its origin."""
    check_name(body.origin, "origin")
    try:
        note = parse_note(b64url_decode(body.note))
        said = parse_checkpoint(note.unverified_text)
    except InvalidInputError as exc:
        raise GuardError("G02", "note is no checkpoint") from exc
    if said.extensions or (said.origin, said.size, b64url_encode(said.root)) != (body.origin, body.size, body.root):
        raise GuardError("G02", "origin, size and root are not what the note says, or it says more")
    if len(note.signatures) > MAX_NOTE_LINES or any(line.name != body.origin for line in note.signatures):
        raise GuardError("G06", "note has signatures of others than its origin")
    if any(len(line.signature) not in _SIGNATURE_BYTES for line in note.signatures):
        raise GuardError("G06", "note has a signature that is longer or shorter than those of logs are")
    newest = view.newest_anchor(body.origin)
    if newest is None:
        return
    if newest.body.iss != body.iss and not view.anchor_ended(newest):
        raise GuardError("G10", "another organisation anchors the log of this origin")
    if body.epoch <= newest.body.epoch:
        raise GuardError("G11", f"the epoch comes after {newest.body.epoch}")
    if body.size < newest.body.size:
        raise GuardError("G11", f"a log does not shrink: {newest.body.size} entries were anchored")
    if body.size == newest.body.size and body.root != newest.body.root:
        raise GuardError("G11", "another root was anchored for this size")


def check_withholding(body: Withholding, view: RegistrySnapshot) -> None:
    """Refuse an order about no entry, a second one about the same, and one by somebody who may give none."""
    if body.index >= view.size:
        raise GuardError("G07", "index is not on this ledger yet")
    if view.withholding(body.index) is not None:
        raise GuardError("G11", "an order withholds this entry already")
    if body.iss in view.roots:
        return
    if all(view.role(body.iss, role, at=body.iat, acting=True) is None for role in ("supervisor", "appeal")):
        raise GuardError("G10", "bodies are withheld by a root, a supervisor or an appeal body")
