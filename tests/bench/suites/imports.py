"""Rows: what the first use costs a fresh process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tests.bench import ours, peers, subjects
from tests.bench.harness import Spread
from tests.bench.rows import Effort, Line, row, value_line
from tests.unit.import_cost import run_fresh

TIMED = """import time
start = time.perf_counter()
{statement}
print((time.perf_counter() - start) * 1000)"""

PEERS = ("openvc", "sd_jwt.verifier", "joserfc.jws")


def cost(statement: str, rounds: int) -> Spread:
    """Return the milliseconds that ``statement`` takes in fresh interpreters, byte code cached."""
    program = TIMED.format(statement=statement)
    run_fresh(program)
    return Spread.of([float(run_fresh(program)) for _ in range(rounds)])


@row("imports")
def imports(effort: Effort) -> Iterator[Line]:
    rounds = 3 if effort.quick else 15
    peers = "; ".join(f"import {name}: {cost(f'import {name}', rounds).median:.0f} ms" for name in PEERS)
    spread = cost("import verifier", rounds)
    yield value_line("import verifier, over bare Python", spread, "ms", at_most=150, others=peers)


FIRST = """
import verifier
from ssi.credentials.jose import read_vc_jwt, verify_vc_jwt
from ssi.keys import PublicKey
unverified = read_vc_jwt({token!r})
verify_vc_jwt(unverified, PublicKey.from_jwk({jwk!r}), now={now}, contexts=())
"""
PEER_FIRST = """
from openvc.proof.vc_jwt import VcJwtProofSuite
VcJwtProofSuite().verify({token!r}, public_key_jwk={jwk!r})
"""


@row("first verify")
def first_verify(effort: Effort) -> Iterator[Line]:
    rounds = 3 if effort.quick else 15
    public = subjects.jwk(private=False)
    token = asyncio.run(ours.vc_jwt(subjects.credential()))
    theirs = peers.vc_jwt_token()
    spread = cost(FIRST.format(token=token, jwk=public, now=subjects.NOW), rounds)
    peer = cost(PEER_FIRST.format(token=theirs, jwk=public), rounds)
    others = f"openvc: {peer.median:.0f} ms"
    yield value_line(
        "fresh process to the first verified VC-JWT, over bare Python", spread, "ms", at_most=400, others=others
    )
