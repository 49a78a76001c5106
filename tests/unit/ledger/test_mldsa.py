"""Cosignatures with ML-DSA-44: read beside those with Ed25519, and counted in a quorum."""

from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import parse_checkpoint, parse_note, verify_note
from ssi.ledger.mldsa import MlDsa44PublicKey, cosigned_tree
from ssi.ledger.note import COSIGNATURE_MLDSA, COSIGNATURE_V1, ED25519, NoteKey, add_signature, parse_vkey
from ssi.ledger.quorum import Quorum, verify_head
from tests import needs
from tests.contracts.tiles import Publisher

NOW = 1_700_000_000
NAME = "witness.example/pq"


@pytest.fixture
async def log() -> Publisher:
    log = Publisher(MemoryLedger())
    await log.ledger.append([b"a", b"b", b"c"])
    await log.sign()
    return log


@pytest.fixture
def private() -> object:
    try:
        return mldsa.MLDSA44PrivateKey.generate()
    except UnsupportedAlgorithm:  # an OpenSSL before 3.5
        needs.absent("this OpenSSL has no ML-DSA")


async def cosigned(
    log: Publisher, private: object, *, time: int = NOW, name: str = NAME, flip: int | None = None
) -> bytes:
    note = await log.ledger.checkpoint()
    assert note is not None
    head = parse_checkpoint(parse_note(note).unverified_text)
    message = bytearray(cosigned_tree(name, time, head.origin, head.size, head.root))
    if flip is not None:
        message[flip] ^= 1
    signature = time.to_bytes(8, "big") + private.sign(bytes(message))  # type: ignore[attr-defined]
    return add_signature(note, key_of(private), signature)


def key_of(private: object) -> NoteKey:
    raw = private.public_key().public_bytes_raw()  # type: ignore[attr-defined]
    return NoteKey(NAME, MlDsa44PublicKey(raw), COSIGNATURE_MLDSA)


async def test_it_counts(log: Publisher, private: object) -> None:
    key = key_of(private)
    assert parse_vkey(key.vkey) == key
    note = await cosigned(log, private)
    head = verify_head(note, keys=[await log.key()], quorum=Quorum((key,), 1))
    assert (head.cosigned_at, head.cosigners, str(head.witnessed)) == (NOW, (NAME,), "witnesses 1 of 1")


async def test_without_a_time_it_says_nothing_of_newest(log: Publisher, private: object) -> None:
    note = await cosigned(log, private, time=0)
    assert verify_note(note, keys=[await log.key(), key_of(private)]).cosigned_at is None
    with pytest.raises(InvalidSignatureError):
        verify_head(note, keys=[await log.key()], quorum=Quorum((key_of(private),), 1))


async def test_every_part_of_the_message_is_signed(log: Publisher, private: object) -> None:
    keys = [await log.key(), key_of(private)]
    head = parse_checkpoint(parse_note(await log.ledger.checkpoint() or b"").unverified_text)
    for position in range(len(cosigned_tree(NAME, NOW, head.origin, head.size, head.root))):
        with pytest.raises(InvalidSignatureError):
            verify_note(await cosigned(log, private, flip=position), keys=keys)
    with pytest.raises(InvalidSignatureError):
        verify_note(await cosigned(log, private, name="witness.example/another"), keys=keys)


def test_keys_fit_their_type() -> None:
    ed25519 = PrivateKey.generate(Curve.ED25519).public_key
    cases: list[tuple[PublicKey | MlDsa44PublicKey, int]] = [
        (MlDsa44PublicKey(bytes(1312)), ED25519),
        (MlDsa44PublicKey(bytes(1312)), COSIGNATURE_V1),
        (ed25519, COSIGNATURE_MLDSA),
        (ed25519, 2),
    ]
    for public, algorithm in cases:
        with pytest.raises(InvalidInputError):
            NoteKey("x", public, algorithm)
    with pytest.raises(InvalidInputError):
        MlDsa44PublicKey(bytes(1311))
    for name in ("", "x" * 256):
        with pytest.raises(InvalidInputError):
            cosigned_tree(name, 0, "origin", 0, bytes(32))


def test_the_layout_of_the_message() -> None:
    assert cosigned_tree("w", 1, "log", 5, b"r" * 32) == (
        b"subtree/v1\n\0" + b"\x01w" + bytes(7) + b"\x01" + b"\x03log" + bytes(8) + bytes(7) + b"\x05" + b"r" * 32
    )
