"""The recovery bit, found without recovering the key, is the one that recovering it gives."""

from __future__ import annotations

import random

import pytest
from eth_keys.datatypes import Signature

from ssi.errors import UnavailableError
from ssi.net.evm import recovery
from ssi.net.evm.recovery import ORDER, recovery_bit
from ssi.net.evm.signer import LocalSigner, recoverable


async def test_the_bit_recovers_the_address() -> None:
    draw, bits = random.Random(6), set()
    signer = LocalSigner(draw.randbytes(32))
    for _ in range(24):
        digest = draw.randbytes(32)
        bit, r, s = await recoverable(signer, digest)
        found = Signature(vrs=(bit, r, s)).recover_public_key_from_msg_hash(digest)
        assert found.to_canonical_address() == signer.address
        assert s <= ORDER // 2
        bits.add(bit)
    assert bits == {0, 1}


async def test_a_known_key_is_recovered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = LocalSigner(random.Random(7).randbytes(32))
    await recoverable(signer, b"\1" * 32)
    monkeypatch.setattr(recovery, "_recovered", None)  # would fail if it were called
    await recoverable(signer, b"\2" * 32)


@pytest.mark.parametrize("known", [False, True])
async def test_another_key_is_refused(known: bool) -> None:
    secret = random.Random(8 + known).randbytes(32)
    signer, digest = LocalSigner(secret), b"\3" * 32
    if known:
        await recoverable(signer, digest)
    # The negative of a key has the same abscissa, which is what the second check looks at.
    for other in (random.Random(1).randbytes(32), (ORDER - int.from_bytes(secret, "big")).to_bytes(32, "big")):
        _, r, s = await recoverable(LocalSigner(other), digest)
        with pytest.raises(UnavailableError):
            recovery_bit(digest, r, s, signer.address)
    _, r, s = await recoverable(signer, digest)
    for altered in ((r, s + 1), (r + 1, s), (r, 0), (0, s)):
        with pytest.raises(UnavailableError):
            recovery_bit(digest, *altered, signer.address)


async def test_a_bounded_number_of_keys_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "MAX_KEPT", 2)
    monkeypatch.setattr(recovery, "_keys", {})
    for seed in range(4):
        await recoverable(LocalSigner(random.Random(seed).randbytes(32)), b"\4" * 32)
    assert len(recovery._keys) == 2
