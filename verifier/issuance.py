"""Hold the proofs of issuance that came with a presentation against the ledger.

Source:  decision 15 of the design; docs/adr/0007-what-a-compromised-key-signed.md.
Input:   untrusted proofs, and a credential of which nothing is believed yet.
I/O:     none.
Errors:  none: a proof that does not hold proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ssi.errors import InvalidInputError, VerificationError
from ssi.ports import Commitment, RegistryView
from ssi.status.issuance import parse_issuance_proof, verify_issuance_proof

from .candidate import Candidate

MAX_PROOFS: Final = 16


def proven_before(
    candidate: Candidate, method: str, proofs: Sequence[bytes], view: RegistryView | None
) -> Commitment | None:
    """Return the commitment that proves ``candidate`` older than the compromise of its key ``method``, or None."""
    if view is None:
        return None
    for data in proofs[:MAX_PROOFS]:
        try:
            proof = parse_issuance_proof(data)
            return verify_issuance_proof(proof, candidate.signing_input, issuer=candidate.issuer, kid=method, view=view)
        except (InvalidInputError, VerificationError):
            continue
    return None
