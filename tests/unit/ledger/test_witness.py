"""Witnesses of logs: what they cosign and refuse, collecting cosignatures, quorums, and what is kept."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ssi.errors import (
    ConflictError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    SizeConflictError,
)
from ssi.http.log_witness import answer_add, create_app
from ssi.ledger import merkle
from ssi.ledger.backends.heads_sqlite import SqliteHeadStore
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import Checkpoint, NoteKey, checkpoint_text, open_note, parse_note, verify_note
from ssi.ledger.cosign import collect, cosign_head
from ssi.ledger.fork import parse_fork_proof, verify_fork
from ssi.ledger.note import add_signature, build_note
from ssi.ledger.quorum import FilePin, Quorum, verify_head
from ssi.ledger.witness import (
    AddCheckpoint,
    LogWitness,
    build_add_checkpoint,
    origin_hash,
    parse_add_checkpoint,
)
from ssi.protocols.http import HttpRequest
from tests.contracts.tiles import LABEL, Publisher
from tests.unit.ledger.witnesses import Town, make_witness

NOW = 1_700_000_000
ENTRIES = [b"entry %d" % index for index in range(40)]


async def signed(publisher: Publisher, size: int, *, now: int | None = None) -> bytes:
    from ssi.ledger.checkpoint import sign_checkpoint

    await publisher.key()
    return await sign_checkpoint(
        publisher.ledger, kms=publisher.kms, label=LABEL, origin=publisher.origin, now=now, size=size
    )


@pytest.fixture
async def log() -> Publisher:
    publisher = Publisher(MemoryLedger())
    await publisher.ledger.append(ENTRIES)
    return publisher


@pytest.fixture
async def witness(log: Publisher) -> LogWitness:
    return await make_witness("witness.example/w1", [await log.key()])


async def request(log: Publisher, old: int, size: int) -> bytes:
    proof = await merkle.consistency_proof(log.ledger, old, size) if 0 < old < size else []
    return build_add_checkpoint(AddCheckpoint(old, tuple(proof), await signed(log, size)))


async def status(witness: LogWitness, body: bytes) -> tuple[int, bytes]:
    answer = await answer_add(HttpRequest("POST", "/add-checkpoint", body=body), witness=witness, now=NOW)
    assert (answer.content_type == "text/x.tlog.size") == (answer.status == 409)
    return answer.status, answer.body


async def test_a_growing_log_is_cosigned(log: Publisher, witness: LogWitness) -> None:
    old = 0
    for size in (0, 0, 1, 1, 5, 8, 13, 40, 40):
        body = await request(log, old, size)
        code, lines = await status(witness, body)
        assert code == 200
        text = parse_note(parse_add_checkpoint(body).note).unverified_text
        opened = open_note(text + b"\n" + lines, keys=[await witness.key()])
        assert [line.time for line in opened.signatures] == [NOW]
        old = size
    head = await witness.head(origin_hash(log.origin))
    verified = verify_note(head, keys=[await log.key(), await witness.key()])
    assert (verified.size, verified.cosigners) == (40, ("witness.example/w1",))
    assert verified.root == await merkle.root(log.ledger, 40)


async def test_the_statuses_of_the_specification(log: Publisher, witness: LogWitness) -> None:
    assert (await status(witness, await request(log, 0, 8)))[0] == 200
    stranger = Publisher(MemoryLedger(), origin="unknown.example/log")
    await stranger.ledger.append(ENTRIES)
    impostor = Publisher(MemoryLedger())
    await impostor.ledger.append(ENTRIES)
    good = await request(log, 8, 13)
    parsed = parse_add_checkpoint(good)
    key = await log.key()
    broken_line = build_note(parse_note(parsed.note).unverified_text, [(key, bytes(64))])
    empty_root = checkpoint_text(Checkpoint(log.origin, 0, bytes(32)))
    forged_empty = build_note(
        empty_root, [(key, await log.kms.sign(LABEL, empty_root, purpose=(await log.kms.find(LABEL)).purpose))]
    )
    cases: list[tuple[bytes, int]] = [
        (b"", 400),
        (good.replace(b"old 8", b"old 08"), 400),
        (good.replace(b"old 8", b"old -8"), 400),
        (good.replace(b"old 8", b"Old 8"), 400),
        (good.replace(b"old 8\n", b"old 8\n\n"), 400),
        (good.replace(b"old 8\n", b"old 8\n!\n"), 400),
        (b"old 8\n" + (base64.b64encode(bytes(32)) + b"\n") * 64 + b"\n" + parsed.note, 400),
        (build_add_checkpoint(AddCheckpoint(14, parsed.proof, parsed.note)), 400),
        (await request(stranger, 8, 13), 404),
        (await request(impostor, 8, 13), 403),
        (build_add_checkpoint(AddCheckpoint(8, parsed.proof, broken_line)), 403),
        (await request(log, 0, 13), 409),
        (await request(log, 5, 13), 409),
        (await request(log, 5, 5), 409),
        (build_add_checkpoint(AddCheckpoint(8, parsed.proof[:-1], parsed.note)), 422),
        (build_add_checkpoint(AddCheckpoint(8, (*parsed.proof, bytes(32)), parsed.note)), 422),
        (build_add_checkpoint(AddCheckpoint(8, (), parsed.note)), 422),
    ]
    for body, expected in cases:
        code, said = await status(witness, body)
        assert (code, body[:60]) == (expected, body[:60])
        if code == 409:
            assert said == b"8\n"
    fresh = await make_witness("witness.example/w2", [key])
    body = build_add_checkpoint(AddCheckpoint(0, (bytes(32),), parsed.note))
    assert (await status(fresh, body))[0] == 422
    assert (await status(fresh, build_add_checkpoint(AddCheckpoint(0, (), forged_empty))))[0] == 422
    with pytest.raises(NotFoundError):
        await fresh.head(origin_hash(log.origin))
    assert (await status(witness, good))[0] == 200


async def test_a_second_root_of_one_size_is_kept_as_a_proof(log: Publisher, witness: LogWitness) -> None:
    await status(witness, await request(log, 0, 8))
    forged = Publisher(MemoryLedger())
    forged.kms = log.kms
    await forged.ledger.append([b"forged", *ENTRIES[1:]])
    assert (await status(witness, await request(forged, 8, 8)))[0] == 422
    assert (await status(witness, await request(forged, 8, 13)))[0] == 422
    proof = parse_fork_proof(await witness.fork(origin_hash(log.origin)))
    assert verify_fork(proof, keys=[await log.key()]).first.size == 8
    assert (await status(witness, await request(log, 8, 13)))[0] == 200  # the honest history goes on


@pytest.mark.parametrize("durable", [False, True])
async def test_of_two_histories_at_once_one_is_cosigned(log: Publisher, tmp_path: Path, durable: bool) -> None:
    """Many requests race from one head: never two roots of one size, never a smaller size after a larger one."""
    forged = Publisher(MemoryLedger())
    forged.kms = log.kms
    await forged.ledger.append([*ENTRIES[:8], b"forged", *ENTRIES[9:]])
    keys = [await log.key()]
    stores = [await SqliteHeadStore.open(tmp_path / "heads.db") for _ in range(2)] if durable else [None, None]
    first = await make_witness("witness.example/w", keys, stores[0])
    second = LogWitness(
        name="witness.example/w", kms=first._kms, label="cosigner", store=stores[1] or first._store, logs=keys
    )
    assert (await status(first, await request(log, 0, 8)))[0] == 200
    bodies = [await request(each, 8, size) for size in range(9, 30) for each in (log, forged)]
    cosigned: list[tuple[int, bytes]] = []

    async def ask(witness: LogWitness, body: bytes) -> None:
        if (await status(witness, body))[0] == 200:
            head = verify_note(parse_add_checkpoint(body).note, keys=keys)
            cosigned.append((head.size, head.root))

    await asyncio.gather(*(ask(first if index % 2 else second, body) for index, body in enumerate(bodies)))
    assert len(cosigned) == 1
    for store in stores:
        if store is not None:
            assert await store.head(log.origin) is not None
            await store.close()
    if durable:
        again = await SqliteHeadStore.open(tmp_path / "heads.db")
        kept = await again.head(log.origin)
        assert kept is not None
        assert verify_note(kept, keys=keys).size == cosigned[0][0]
        await again.close()


async def test_cosignatures_are_collected(log: Publisher) -> None:
    town = await Town.make([await log.key()])
    addresses = await town.addresses()
    await log.ledger.put_checkpoint(None, await signed(log, 8, now=NOW))
    town.down = {"https://witness1.example"}
    done = await cosign_head(log.ledger, addresses, post=town.post)
    assert [asked.time for asked in done.asked] == [NOW, None, NOW]
    assert done.asked[1].reason == "no answer"
    assert await log.ledger.checkpoint() == done.note
    head = verify_head(done.note, keys=[await log.key()], quorum=await town.quorum(2))
    assert str(head.witnessed) == "witnesses 2 of 3 (2 required)"
    with pytest.raises(InvalidSignatureError, match="witnesses 2 of 3"):
        verify_head(done.note, keys=[await log.key()], quorum=await town.quorum(3))
    # Asked again, each knows the head; a newer signature takes the place of the older one.
    town.down, town.now = set(), NOW + 60
    again = await cosign_head(log.ledger, addresses, post=town.post)
    assert len(parse_note(again.note).signatures) == 5
    assert verify_head(again.note, keys=[await log.key()], quorum=await town.quorum(3)).cosigned_at == NOW + 60
    # The log grows: the sizes that the witnesses know are asked for, and proved from.
    await log.ledger.put_checkpoint(again.note, await signed(log, 13))
    grown = await cosign_head(log.ledger, addresses, post=town.post)
    assert verify_head(grown.note, keys=[await log.key()], quorum=await town.quorum(3)).size == 13
    late = await collect(log.ledger, done.note, addresses, post=town.post)
    assert late.note == done.note
    assert all("13" in asked.reason for asked in late.asked)
    empty = MemoryLedger()
    with pytest.raises(NotFoundError):
        await cosign_head(empty, addresses, post=town.post)


_LINE = "— witness0.example/w " + base64.b64encode(bytes(76)).decode() + "\n"
ANSWERS = [
    (200, "text/plain", b""),
    (200, "text/plain", b"\xff"),
    (200, "text/plain", _LINE.encode()),
    (409, "text/plain", b"8\n"),
    (409, "text/x.tlog.size", b"x\n"),
    (409, "text/x.tlog.size", b"9" * 30),
    (409, "text/x.tlog.size", b"5\n"),
    (409, "text/x.tlog.size", b"41\n"),
    (403, "text/plain", b"no\x1b[31m"),
    (422, "text/plain", b""),
    (500, "text/html", b"<html>"),
]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_a_witness_may_answer(log: Publisher, answer: tuple[int, str, bytes]) -> None:
    from ssi.ports import Fetched

    town = await Town.make([await log.key()], 1)
    note = await signed(log, 40)

    async def post(url: str, body: bytes, *, content_type: str, max_bytes: int = 1 << 20) -> Fetched:
        return Fetched(url, *answer)

    done = await collect(log.ledger, note, await town.addresses(), post=post)
    assert done.note == note
    assert done.asked[0].time is None
    assert done.asked[0].reason.isprintable()


async def test_quorums(log: Publisher) -> None:
    key = await log.key()
    town = await Town.make([key])
    keys = [address.key for address in await town.addresses()]
    for witnesses, required in [(keys, 4), (keys, -1), ([key], 1), ([keys[0], NoteKey("x", keys[0].public_key, 4)], 1)]:
        with pytest.raises(InvalidInputError):
            Quorum(tuple(witnesses), required)
    await log.ledger.put_checkpoint(None, await signed(log, 8, now=NOW + 10**6))
    note = (await cosign_head(log.ledger, await town.addresses(), post=town.post)).note
    assert verify_head(note, keys=[key]).cosigned_at == NOW + 10**6  # the log's own word
    # With witnesses required, neither the log nor one witness makes a head look newer.
    assert verify_head(note, keys=[key], quorum=Quorum(tuple(keys), 2)).cosigned_at == NOW
    town.down = {"https://witness1.example", "https://witness2.example"}
    town.now = NOW + 500
    note = (await cosign_head(log.ledger, await town.addresses(), post=town.post)).note
    assert verify_head(note, keys=[key], quorum=Quorum(tuple(keys), 2)).cosigned_at == NOW
    assert verify_head(note, keys=[key], quorum=Quorum(tuple(keys), 1)).cosigned_at == NOW + 500
    # A log that names itself a witness is none.
    alias = NoteKey("other.example", key.public_key, 4)
    own = add_signature(note, alias, b"".join([(NOW).to_bytes(8, "big"), await _sign(log, note)]))
    assert verify_head(own, keys=[key], quorum=Quorum((alias,), 0)).witnessed.count == 0


async def _sign(log: Publisher, note: bytes) -> bytes:
    from ssi.ledger.note import cosigned_message

    message = cosigned_message(parse_note(note).unverified_text, NOW)
    return await log.kms.sign(LABEL, message, purpose=(await log.kms.find(LABEL)).purpose)


async def test_a_witness_knows_its_logs(log: Publisher) -> None:
    key = await log.key()
    for bad in (key.timestamped(), NoteKey("witness.example/w", key.public_key)):
        with pytest.raises(InvalidInputError):
            await make_witness("witness.example/w", [bad])
    witness = await make_witness("witness.example/w", [key])
    refusals: list[tuple[Callable[[], Awaitable[bytes]], type[Exception]]] = [
        (lambda: witness.head("0" * 64), NotFoundError),
        (lambda: witness.fork(origin_hash(log.origin)), NotFoundError),
    ]
    for act, error in refusals:
        with pytest.raises(error):
            await act()
    with pytest.raises(SizeConflictError) as stale:
        await witness.add_checkpoint(await request(log, 5, 8), now=NOW)
    assert stale.value.size == 0
    assert isinstance(stale.value, ConflictError)


async def test_over_http(log: Publisher, witness: LogWitness) -> None:
    from aiohttp.test_utils import TestClient, TestServer

    async with TestClient(TestServer(create_app(witness, now=lambda: NOW))) as client:
        answer = await client.post("/add-checkpoint", data=await request(log, 0, 8))
        assert (answer.status, await answer.read()) == (200, (await _kept_line(witness, log)))
        stale = await client.post("/add-checkpoint", data=await request(log, 0, 13))
        assert (stale.status, stale.content_type, await stale.text()) == (409, "text/x.tlog.size", "8\n")
        head = await client.get(f"/{origin_hash(log.origin)}/checkpoint")
        assert verify_note(await head.read(), keys=[await log.key()]).size == 8
        assert (await client.get(f"/{origin_hash('x')}/checkpoint")).status == 404
        assert (await client.get(f"/{origin_hash(log.origin)}/fork")).status == 404
        assert (await client.get("/add-checkpoint")).status == 405
        assert (await client.post("/add-checkpoint", data=io.BytesIO(bytes(1 << 21)))).status == 413


async def _kept_line(witness: LogWitness, log: Publisher) -> bytes:
    head = await witness.head(origin_hash(log.origin))
    return b"\xe2\x80\x94" + head.rpartition(b"\xe2\x80\x94")[2]


def test_a_pin_is_a_file(tmp_path: Path) -> None:
    pin = FilePin(tmp_path / "head.note")
    assert pin.read() is None
    (tmp_path / "head.note").write_bytes(b"damaged")
    with pytest.raises(InclusionProofError):
        pin.read()
