"""What the entries of a ledger mean: who is accredited, which keys hold, which status list is the newest.

Source:  the project's answerability text, sections 2, 6 and 9; design decisions 8 to 10.
I/O:     only through the Ledger and Kms ports, in ``registry``, ``follower`` and ``audit``.

``statement`` and ``types`` are the envelope and its closed schemas, ``did_line`` the one entry that is no statement;
``guard`` decides what may stand, ``fold`` and ``view`` say what it comes to, at any log size; ``registry`` writes,
``follower`` reads, ``audit`` replays everything, ``privacy`` searches for people. ``state_root`` says in each epoch
what it all comes to, ``answer_desk`` proves one thing of it, and ``answers_view`` is a registry made of such answers.
"""

from __future__ import annotations

from ssi.registry.answer import VerifiedAnswer, parse_answer, verify_answer
from ssi.registry.answer_desk import AnswerDesk
from ssi.registry.answers_view import AnswersSource, AnswersView
from ssi.registry.audit import AuditReport, audit
from ssi.registry.fold import RegistryState, fold_ledger
from ssi.registry.follower import RegistryFollower
from ssi.registry.founding import found_registry, open_registry
from ssi.registry.guard import check_entry, parse_entry
from ssi.registry.organisation import Organisation
from ssi.registry.privacy import PrivacyFinding, privacy_check
from ssi.registry.registry import Registry, Submitted
from ssi.registry.state_map import StateMap
from ssi.registry.state_root import StateKeeper
from ssi.registry.statement import Statement, parse_statement, sign_statement, statement_id, verify_statement
from ssi.registry.types import Accreditation, AccreditationRefs, Ending, EndingRefs, StateRoot, StatusCommitment
from ssi.registry.view import RegistrySnapshot
from ssi.registry.witness_proofs import DidWitnessProofs, witness_entries

__all__ = [
    "Accreditation",
    "AccreditationRefs",
    "AnswerDesk",
    "AnswersSource",
    "AnswersView",
    "AuditReport",
    "DidWitnessProofs",
    "Ending",
    "EndingRefs",
    "Organisation",
    "PrivacyFinding",
    "Registry",
    "RegistryFollower",
    "RegistrySnapshot",
    "RegistryState",
    "StateKeeper",
    "StateMap",
    "StateRoot",
    "Statement",
    "StatusCommitment",
    "Submitted",
    "VerifiedAnswer",
    "audit",
    "check_entry",
    "fold_ledger",
    "found_registry",
    "open_registry",
    "parse_answer",
    "parse_entry",
    "parse_statement",
    "privacy_check",
    "sign_statement",
    "statement_id",
    "verify_answer",
    "verify_statement",
    "witness_entries",
]
