"""Digital Bazaar's BBS (npm): signatures and proofs, and bbs-2023 credentials issued, derived and verified in turn."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ssi.errors import InvalidSignatureError
from ssi.keys.bbs import SHA_256, SHAKE_256, Ciphersuite, keygen, proof_gen, proof_verify, sign, sk_to_pk, verify
from tests.interop.exchanges import _npm as npm
from tests.interop.exchanges._selective import documents_here, documents_there
from tests.interop.matrix import HERE, THERE, exchange

PRIMITIVES = "@digitalbazaar/bbs-signatures"
SUITE = "@digitalbazaar/bbs-2023-cryptosuite"
SUITES = {"BLS12-381-SHA-256": SHA_256, "BLS12-381-SHAKE-256": SHAKE_256}
MESSAGES = [f"message {number}".encode() for number in range(12)] + [b""]
SHOWN = [0, 5, 12]
HEADER, ABOUT = b"header", b"nonce of the verifier"
SECRET = keygen(b"a secret that is at least 32 octets long")
PUBLIC = sk_to_pk(SECRET)


def _primitive(action: str, name: str, **request: Any) -> Any:
    texts = {member: _text(value) for member, value in request.items()}
    return npm.ask_selective(action=action, ciphersuite=name, publicKey=PUBLIC.hex(), header=HEADER.hex(), **texts)


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_text(item) for item in value] if isinstance(value, list) else value


def primitives_here(name: str, suite: Ciphersuite) -> None:
    signature = bytes.fromhex(_primitive("sign", name, secretKey=SECRET, messages=MESSAGES))
    assert signature == sign(SECRET, PUBLIC, MESSAGES, header=HEADER, suite=suite)
    verify(PUBLIC, signature, MESSAGES, header=HEADER, suite=suite)
    made = {"signature": signature, "presentationHeader": ABOUT, "messages": MESSAGES, "indexes": SHOWN}
    proof = bytes.fromhex(_primitive("proofGen", name, **made))
    shown = [MESSAGES[index] for index in SHOWN]
    proof_verify(PUBLIC, proof, shown, SHOWN, header=HEADER, presentation_header=ABOUT, suite=suite)
    with pytest.raises(InvalidSignatureError):
        proof_verify(PUBLIC, proof, shown, SHOWN, header=HEADER, presentation_header=b"", suite=suite)


def primitives_there(name: str, suite: Ciphersuite) -> None:
    signature = sign(SECRET, PUBLIC, MESSAGES, header=HEADER, suite=suite)
    assert _primitive("verify", name, signature=signature, messages=MESSAGES) is True
    assert _primitive("verify", name, signature=signature, messages=MESSAGES[::-1]) is False
    proof = proof_gen(PUBLIC, signature, MESSAGES, SHOWN, header=HEADER, presentation_header=ABOUT, suite=suite)
    shown = [MESSAGES[index] for index in SHOWN]
    request = {"proof": proof, "presentationHeader": ABOUT, "indexes": SHOWN}
    assert _primitive("proofVerify", name, disclosed=shown, **request) is True
    assert _primitive("proofVerify", name, disclosed=shown[::-1], **request) is False


def _register() -> None:
    for name, suite in SUITES.items():
        for direction, run in ((HERE, primitives_here), (THERE, primitives_there)):
            exchange(PRIMITIVES, name, direction)(partial(run, name, suite))
    exchange(SUITE, "bbs-2023, issued by either", HERE)(partial(documents_here, "bbs-2023"))
    exchange(SUITE, "bbs-2023, issued by either", THERE)(partial(documents_there, "bbs-2023"))


_register()
