"""Believe a status list's receipt without the registry: its commitment stands on the ledger, signed by its issuer.

Source:  design decision 9; RFC 6962, section 2.1.1 (inclusion); the statement ``StatusCommitment``.
Input:   a receipt with its entry (``ssi.ledger.receipt``), as it is served beside the list: anybody may have made it.
Shapes:  times are Unix seconds.
I/O:     none; the key of the statement is the caller's to find.
Errors:  InvalidInputError (no such receipt), InvalidSignatureError (of the log, or of the issuer), InclusionProofError.

It proves that the list was anchored, and not that it is the newest one: only the fold over all entries knows that. Nor
does it tell of a key that was declared compromised, or of a commitment that was ended.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ssi.errors import InvalidInputError
from ssi.keys import PublicKey
from ssi.ledger.note import NoteKey
from ssi.ledger.receipt import Receipt, parse_receipt, verify_receipt
from ssi.ports import Commitment
from ssi.registry.statement import Statement, parse_statement, verify_statement
from ssi.registry.types import StatusCommitment, as_commitment


class UnverifiedListReceipt(msgspec.Struct, frozen=True):
    """What a receipt claims: read it to find the key, and for nothing else."""

    receipt: Receipt
    entry: bytes
    statement: Statement
    body: StatusCommitment

    @property
    def issuer(self) -> str:
        """The DID that made the commitment."""
        return self.body.iss

    @property
    def kid(self) -> str:
        """The verification method, of ``issuer``, that signed it."""
        return self.statement.kid

    @property
    def signed_at(self) -> int:
        """When it says that it was signed."""
        return self.body.iat


def parse_list_receipt(data: bytes) -> UnverifiedListReceipt:
    """Read a receipt that has its entry with it. Raises InvalidInputError, also for an entry of another kind."""
    receipt = parse_receipt(data)
    if receipt.entry is None:
        raise InvalidInputError("expected a receipt that has its entry with it")
    statement = parse_statement(receipt.entry)
    if not isinstance(statement.body, StatusCommitment):
        raise InvalidInputError("expected the receipt of a StatusCommitment")
    return UnverifiedListReceipt(receipt, receipt.entry, statement, statement.body)


def verify_list_receipt(
    unverified: UnverifiedListReceipt, key: PublicKey, *, log_keys: Sequence[NoteKey]
) -> Commitment:
    """Return the commitment, which a checkpoint by one of ``log_keys`` includes and ``key`` signed.

    ``key`` is what the DID of ``unverified.issuer`` lists for assertions under ``unverified.kid``. Raises as the
    module says.
    """
    verify_receipt(unverified.receipt, unverified.entry, keys=log_keys)
    verify_statement(unverified.statement, key)
    return as_commitment(unverified.body, unverified.receipt.entry_index)
