"""Key ceremonies: root operations prepared online, approved by officers, signed without a network, finished online."""

from __future__ import annotations

from ssi.ceremony.documents import (
    Approval,
    Charter,
    CheckpointKey,
    FirstLine,
    NextLine,
    Paper,
    Request,
    build_charter,
    ceremony_did,
    read_paper,
)
from ssi.ceremony.request import approve, checkpoint_key, first_line, next_line, prepare
from ssi.ceremony.rules import Turn, check_request
from ssi.ceremony.signing import finish_ceremony, sign_ceremony
from ssi.ceremony.transcript import Transcript, VerifiedTranscript, read_transcript, verify_transcript

__all__ = [
    "Approval",
    "Charter",
    "CheckpointKey",
    "FirstLine",
    "NextLine",
    "Paper",
    "Request",
    "Transcript",
    "Turn",
    "VerifiedTranscript",
    "approve",
    "build_charter",
    "ceremony_did",
    "check_request",
    "checkpoint_key",
    "finish_ceremony",
    "first_line",
    "next_line",
    "prepare",
    "read_paper",
    "read_transcript",
    "sign_ceremony",
    "verify_transcript",
]
