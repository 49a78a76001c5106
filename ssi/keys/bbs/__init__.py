"""BBS signatures over BLS12-381: sign a list of messages, and prove some of them without showing the others.

Source:  draft-irtf-cfrg-bbs-signatures-10, with the ciphersuites BLS12-381-SHA-256 and BLS12-381-SHAKE-256.
Errors:  UnavailableError on import if the extra ``countersigned[bbs]`` is not installed: import it where it is used.

Not constant time: whoever can time the secret operations closely may learn about the keys. Keep them out of reach.
"""

from __future__ import annotations

from ssi.keys.bbs.ciphersuite import SHA_256, SHAKE_256, Ciphersuite
from ssi.keys.bbs.interface import MAX_MESSAGES
from ssi.keys.bbs.proof import proof_gen, proof_verify
from ssi.keys.bbs.signature import keygen, sign, sk_to_pk, verify

__all__ = [
    "MAX_MESSAGES",
    "SHAKE_256",
    "SHA_256",
    "Ciphersuite",
    "keygen",
    "proof_gen",
    "proof_verify",
    "sign",
    "sk_to_pk",
    "verify",
]
