"""Signed notes, checkpoints and receipts: what is accepted, and what one change of it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssi.errors import (
    EntryNotFoundError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    ProofPurposeError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Withheld, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import (
    COSIGNATURE_V1,
    Checkpoint,
    NoteKey,
    add_signature,
    build_note,
    checkpoint_text,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_checkpoint,
    verify_note,
)
from ssi.ledger.note import cosigned_message
from ssi.ledger.receipt import Receipt, build_receipt, make_receipt, make_receipts, parse_receipt, verify_receipt

EXAMPLES = json.loads((Path(__file__).parents[2] / "vectors" / "tlog_examples.json").read_text(encoding="utf-8"))
ORIGIN = "ledger.example/log"
NOW = 1_800_000_000
LOG = PrivateKey.generate(Curve.ED25519)
WITNESS = PrivateKey.generate(Curve.ED25519)
LOG_KEY = NoteKey(ORIGIN, LOG.public_key)
WITNESS_KEY = NoteKey("witness.example/w1", WITNESS.public_key, COSIGNATURE_V1)
ROOT = merkle.leaf_hash(b"a")
TEXT = checkpoint_text(Checkpoint(ORIGIN, 1, ROOT))
NOTE = build_note(TEXT, [(LOG_KEY, LOG.sign(TEXT))])


def cosign(note: bytes, key: NoteKey, private: PrivateKey, time: int) -> bytes:
    message = cosigned_message(parse_note(note).unverified_text, time)
    return add_signature(note, key, time.to_bytes(8, "big") + private.sign(message))


@pytest.fixture
async def log() -> tuple[MemoryLedger, MemoryKms]:
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = MemoryLedger()
    await ledger.append([b"%d" % i for i in range(11)])
    return ledger, kms


def test_published_examples() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in EXAMPLES["tree"]["leaves_hex"]]
    frontier: dict[int, bytes] = {}
    nodes = {(lv, first + i): h for lv, first, row in merkle.grow(frontier, 0, leaves) for i, h in enumerate(row)}
    roots = [merkle.root_from_hashes(size, nodes.__getitem__).hex() for size in range(len(leaves) + 1)]
    assert roots == EXAMPLES["tree"]["roots_by_size"]
    note = EXAMPLES["note"]
    open_note(note["note"].encode(), keys=[parse_vkey(note["vkey"])])
    head = EXAMPLES["checkpoint"]
    checkpoint = verify_note(head["note"].encode(), keys=[parse_vkey(head["vkey"])])
    assert (checkpoint.origin, checkpoint.size, checkpoint.cosigned_at) == ("example.com/log/testdata", 3, None)


def test_a_key_is_known_by_name_and_id_together() -> None:
    stranger = PrivateKey.generate(Curve.ED25519)
    by_stranger = build_note(TEXT, [(NoteKey(ORIGIN, stranger.public_key), stranger.sign(TEXT))])
    with pytest.raises(InvalidSignatureError, match="none of the trusted keys"):
        verify_note(by_stranger, keys=[LOG_KEY])
    with_stranger = add_signature(NOTE, NoteKey(ORIGIN, stranger.public_key), b"x" * 64)
    assert verify_note(with_stranger, keys=[LOG_KEY]).size == 1


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    again = add_signature(NOTE, LOG_KEY, b"x" * 64)
    for keys in ([LOG_KEY], [LOG_KEY, WITNESS_KEY]):
        with pytest.raises(InvalidSignatureError):
            verify_note(again, keys=keys)
    bad_witness = add_signature(NOTE, WITNESS_KEY, bytes(8) + b"x" * 64)
    assert verify_note(bad_witness, keys=[LOG_KEY]).cosigners == ()
    with pytest.raises(InvalidSignatureError):
        verify_note(bad_witness, keys=[LOG_KEY, WITNESS_KEY])


@pytest.mark.parametrize("length", [0, 1, 7, 8, 63, 65, 71, 73])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    for key in (LOG_KEY, WITNESS_KEY):
        if length:
            with pytest.raises(InvalidSignatureError):
                open_note(build_note(TEXT, [(key, b"x" * length)]), keys=[key])
        else:
            with pytest.raises(InvalidInputError):
                build_note(TEXT, [(key, b"")])


def test_a_log_vouches_only_for_its_own_origin() -> None:
    text = checkpoint_text(Checkpoint("other.example", 1, ROOT))
    note = build_note(text, [(LOG_KEY, LOG.sign(text))])
    with pytest.raises(InvalidSignatureError, match="name of its origin"):
        verify_note(note, keys=[LOG_KEY])


def test_a_witness_alone_is_not_the_log() -> None:
    note = cosign(NOTE, WITNESS_KEY, WITNESS, NOW)
    with pytest.raises(InvalidSignatureError):
        verify_note(note, keys=[WITNESS_KEY])
    # Nor is a cosigner that calls itself like the log.
    named = NoteKey(ORIGIN, WITNESS.public_key, COSIGNATURE_V1)
    with pytest.raises(InvalidSignatureError):
        verify_note(cosign(NOTE, named, WITNESS, NOW), keys=[named])


def test_cosignatures_say_when_and_who() -> None:
    note = cosign(cosign(NOTE, LOG_KEY.timestamped(), LOG, NOW - 60), WITNESS_KEY, WITNESS, NOW)
    assert verify_note(note, keys=[LOG_KEY]).cosigned_at == NOW - 60
    assert verify_note(note, keys=[LOG_KEY]).cosigners == ()
    seen = verify_note(note, keys=[LOG_KEY, WITNESS_KEY])
    assert (seen.cosigned_at, seen.cosigners) == (NOW, ("witness.example/w1",))
    assert verify_note(NOTE, keys=[LOG_KEY, WITNESS_KEY]).cosigned_at is None


def test_a_plain_signature_does_not_pass_for_a_timestamped_one() -> None:
    forged = add_signature(NOTE, LOG_KEY.timestamped(), NOW.to_bytes(8, "big") + LOG.sign(TEXT))
    with pytest.raises(InvalidSignatureError):
        verify_note(forged, keys=[LOG_KEY])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace("— ".encode(), b"- "),
        NOTE.replace("— ".encode(), "—".encode()),
        NOTE.replace(b"\n", b"\r\n"),
        NOTE + b"\x00\n",
        NOTE + b"\xff\n",
        NOTE + "— name AAAAAAB=\n".encode(),
        NOTE + "— name AAAA AAAA\n".encode(),
        NOTE + "— na+me AAAAAAAA\n".encode(),
        NOTE + "— na\u00a0me AAAAAAAA\n".encode(),
        NOTE + "—  AAAAAAAA\n".encode(),
        NOTE + "— name\n".encode(),
        NOTE + b"a" * (1 << 20) + b"\n",
        NOTE + "— name AAAAAAAA\n".encode() * 100,
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"o\n1\n",
        TEXT[:-1],
        TEXT + b"\n",
        b"\n" + TEXT,
        TEXT.replace(b"\n1\n", b"\n01\n"),
        TEXT.replace(b"\n1\n", b"\n-1\n"),
        TEXT.replace(b"\n1\n", "\n٣\n".encode()),
        TEXT.replace(b"\n1\n", b"\n9999999999999999999\n"),
        TEXT.replace(b"\n1\n", b"\n\n"),
        b"o\n1\nAAAA\n",
        TEXT.replace(b"=", b""),
        b"\xff\n1\n" + TEXT.split(b"\n")[2] + b"\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_checkpoint(text)


@pytest.mark.parametrize("bad", [("a\nb", ()), ("", ()), ("a", ("",)), ("a", ("x\ny",)), ("a\ud800", ())])
def test_no_checkpoint_is_written_that_reads_back_differently(bad: tuple[str, tuple[str, ...]]) -> None:
    with pytest.raises(InvalidInputError):
        checkpoint_text(Checkpoint(bad[0], 1, ROOT, bad[1]))
    extended = Checkpoint("log with spaces", 0, merkle.EMPTY_ROOT, ("extension one", "two"))
    assert parse_checkpoint(checkpoint_text(extended)) == extended


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        LOG_KEY.vkey[:-4],
        LOG_KEY.vkey.upper(),
        LOG_KEY.vkey.replace(ORIGIN, "other.example"),
        "+" + LOG_KEY.vkey.split("+", 1)[1],
        "na me+" + LOG_KEY.vkey.split("+", 1)[1],
    ],
)
def test_what_is_no_vkey_is_refused(vkey: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_vkey(vkey)


def test_note_keys_are_ed25519_of_a_supported_type() -> None:
    assert parse_vkey(LOG_KEY.vkey) == LOG_KEY
    assert parse_vkey(WITNESS_KEY.vkey) == WITNESS_KEY
    with pytest.raises(InvalidInputError):
        NoteKey("name", PrivateKey.generate(Curve.P256).public_key)
    with pytest.raises(InvalidInputError):
        NoteKey("name", LOG.public_key, 6)


async def test_signing_a_head(log: tuple[MemoryLedger, MemoryKms]) -> None:
    ledger, kms = log
    key = NoteKey(ORIGIN, await kms.public_key("log"))
    note = await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN, now=NOW)
    seen = verify_note(note, keys=[key])
    assert (seen.size, seen.root, seen.cosigned_at) == (11, await merkle.root(ledger, 11), NOW)
    earlier = verify_note(await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN, size=4), keys=[key])
    assert (earlier.size, earlier.root, earlier.cosigned_at) == (4, await merkle.root(ledger, 4), None)
    for origin in ("with space", "with+plus", "", "cosignature/v1"):
        with pytest.raises(InvalidInputError):
            await sign_checkpoint(ledger, kms=kms, label="log", origin=origin)
    with pytest.raises(InvalidInputError):
        await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN, now=-1)
    with pytest.raises(EntryNotFoundError):
        await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN, size=12)
    await kms.generate("other", curve=Curve.ED25519, purpose=KeyPurpose.LIST)
    with pytest.raises(ProofPurposeError):
        await sign_checkpoint(ledger, kms=kms, label="other", origin=ORIGIN)


async def test_a_receipt_proves_its_entry_and_no_other(log: tuple[MemoryLedger, MemoryKms]) -> None:
    ledger, kms = log
    keys = [NoteKey(ORIGIN, await kms.public_key("log"))]
    note = await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN, now=NOW)
    receipts = await make_receipts(ledger, range(11), note)
    for index, receipt in enumerate(receipts):
        assert parse_receipt(build_receipt(receipt)) == receipt == await make_receipt(ledger, index, note)
        assert verify_receipt(receipt, b"%d" % index, keys=keys).cosigned_at == NOW
        verify_receipt(receipt, Withheld(merkle.leaf_hash(b"%d" % index), "order"), keys=keys)
        with pytest.raises(InclusionProofError):
            verify_receipt(receipt, b"%d" % (index + 1), keys=keys)
        moved = Receipt((index + 1) % 11, receipt.size, receipt.path, receipt.checkpoint)
        with pytest.raises(InclusionProofError):
            verify_receipt(moved, b"%d" % index, keys=keys)
    with pytest.raises(InvalidSignatureError):
        verify_receipt(receipts[0], b"0", keys=[LOG_KEY])
    with pytest.raises(EntryNotFoundError):
        await make_receipt(ledger, 11, note)


async def test_every_altered_byte_of_a_receipt_is_refused_or_without_effect(
    log: tuple[MemoryLedger, MemoryKms],
) -> None:
    ledger, kms = log
    keys = [NoteKey(ORIGIN, await kms.public_key("log"))]
    receipt = await make_receipt(ledger, 5, await sign_checkpoint(ledger, kms=kms, label="log", origin=ORIGIN))
    data = build_receipt(receipt)
    for position in range(len(data)):
        for bit in (1, 0x20, 0x80):
            altered = data[:position] + bytes([data[position] ^ bit]) + data[position + 1 :]
            with pytest.raises((InvalidInputError, VerificationError)):
                verify_receipt(parse_receipt(altered), b"5", keys=keys)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "log-receipt/2"},
        {"entry_index": "0"},
        {"entry_index": True},
        {"entry_index": 0.0},
        {"size": 2},
        {"path": "AAAA"},
        {"path": [1]},
        {"path": ["A" * 43] * 64},
        {"path": ["===="]},
        {"checkpoint": 1},
        {"checkpoint": "no note"},
        {"more": 1},
    ],
)
def test_what_is_no_receipt_is_refused(change: dict[str, object]) -> None:
    document = json.loads(build_receipt(Receipt(0, 1, (), NOTE)))
    with pytest.raises(InvalidInputError):
        parse_receipt(json.dumps({**document, **change}).encode())
    for missing in document:
        short = {name: value for name, value in document.items() if name != missing}
        with pytest.raises(InvalidInputError):
            parse_receipt(json.dumps(short).encode())
