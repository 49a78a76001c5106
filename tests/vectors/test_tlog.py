"""Replay the tlog vectors: Merkle proofs, signed notes, checkpoints, and a small log that Tessera wrote."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InclusionProofError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PrivateKey
from ssi.ledger import merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.checkpoint import NoteKey, parse_checkpoint, verify_note
from ssi.ledger.note import build_note, open_note, parse_note, parse_vkey
from ssi.ledger.storage import verify_storage
from ssi.ledger.tiles import parse_bundle
from ssi.ledger.witness import build_add_checkpoint, parse_add_checkpoint
from tests.contracts.tiles import AlteredSource, Publisher
from tests.vectors.support import VectorCount, load_json, vectors_dir

merkle_count = VectorCount("tlog/merkle")
note_count = VectorCount("tlog/signed-note")
c2sp_count = VectorCount("tlog/c2sp-specs")
tessera_count = VectorCount("tlog/tessera-testdata")
tlog_count = VectorCount("tlog")

# The verifier key that the Tessera repository publishes for its test log.
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def _decoded(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[name]) for name in names]


def _path(case: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(node) for node in case["proof"] or []]


def test_inclusion_proofs() -> None:
    for file in sorted((vectors_dir("tlog/merkle") / "inclusion").rglob("*.json")):
        case = json.loads(file.read_text())
        root, leaf = _decoded(case, "root", "leafHash")
        arguments = (case["leafIdx"], case["treeSize"], leaf, _path(case), root)
        if case["wantErr"]:
            with pytest.raises(InclusionProofError):
                merkle.verify_inclusion(*arguments)
        else:
            merkle.verify_inclusion(*arguments)
        merkle_count.ran()


def test_consistency_proofs() -> None:
    for file in sorted((vectors_dir("tlog/merkle") / "consistency").rglob("*.json")):
        case = json.loads(file.read_text())
        roots = _decoded(case, "root1", "root2")
        arguments = (case["size1"], case["size2"], _path(case), roots[0], roots[1])
        refused = case["wantErr"] or any(len(root) != 32 for root in roots)
        if refused:
            with pytest.raises(InclusionProofError):
                merkle.verify_consistency(*arguments)
        else:
            merkle.verify_consistency(*arguments)
        if refused and not case["wantErr"]:
            merkle_count.left_out("accepted upstream with roots that are no hashes; we refuse them, which is checked")
        else:
            merkle_count.ran()


async def test_rfc6962_reference_tree() -> None:
    reference = load_json("tlog", "rfc6962-reference.json")
    leaves = [bytes.fromhex(leaf) for leaf in reference["leaves_hex"]]
    ledger = MemoryLedger()
    await ledger.append(leaves)
    assert [value.hex() for value in await ledger.hashes(0, 0, 8)] == reference["leaf_hashes"]
    assert [(await merkle.root(ledger, size)).hex() for size in range(9)] == reference["roots_by_size"]
    tlog_count.ran(len(leaves) + len(reference["roots_by_size"]))


def test_signed_notes() -> None:
    vectors = load_json("tlog/signed-note", "vectors.json")
    spec, sumdb = vectors["vectors"]
    notes = [
        (spec["note"], [spec["vkey"]], 1),
        (sumdb["note_one_sig"], sumdb["vkeys"], 1),
        (sumdb["note_two_sigs"], sumdb["vkeys"], 2),
        (sumdb["note_two_sigs"], sumdb["vkeys"][:1], 1),
    ]
    for text, vkeys, signatures in notes:
        keys = [parse_vkey(vkey) for vkey in vkeys]
        assert [key.vkey for key in keys] == vkeys
        opened = open_note(text.encode(), keys=keys)
        assert len(opened.signatures) == signatures
        note_count.ran()
    for vkey in vectors["bad_vkeys"]:
        with pytest.raises(InvalidInputError):
            parse_vkey(vkey)
        note_count.ran()
    parsed = parse_note(vectors["cosigned_checkpoint_example"].encode())
    assert [line.name for line in parsed.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert [len(line.signature) for line in parsed.signatures] == [64, 72]
    assert parse_checkpoint(parsed.unverified_text).size == 20852163
    note_count.ran()


def test_a_note_is_signed_byte_for_byte_as_published() -> None:
    sumdb = load_json("tlog/signed-note", "vectors.json")["vectors"][1]
    _, _, name, key_id, encoded = sumdb["skey"].split("+", 4)
    private = PrivateKey.from_raw(Curve.ED25519, base64.b64decode(encoded)[1:])
    key = NoteKey(name, private.public_key)
    assert key.key_id.hex() == key_id
    text = sumdb["text"].encode()
    assert build_note(text, [(key, private.sign(text))]).decode() == sumdb[sumdb["expect_sign_output"]]
    note_count.ran()


def test_every_altered_byte_of_a_published_note_is_refused() -> None:
    sumdb = load_json("tlog/signed-note", "vectors.json")["vectors"][1]
    keys = [parse_vkey(vkey) for vkey in sumdb["vkeys"]]
    note = sumdb["note_two_sigs"].encode()
    for position in range(len(note)):
        altered = note[:position] + bytes([note[position] ^ 1]) + note[position + 1 :]
        try:
            opened = open_note(altered, keys=keys)
        except (InvalidInputError, InvalidSignatureError):
            continue
        # A byte of one signature's name or key id makes it the signature of somebody unknown; the other one holds.
        assert opened.text == sumdb["text"].encode()
        assert len(opened.signatures) == 1


def test_examples_of_the_specifications() -> None:
    for block in load_json("tlog/c2sp-specs", "examples.json")["blocks"]:
        text = (block["text"] + "\n").encode()
        if block["source"] == "tlog-proof.md":
            c2sp_count.left_out("tlog-proof: its signatures are elided in the text")
            continue
        parsed = parse_note(text)
        if block["source"] in ("tlog-checkpoint.md", "tlog-cosignature.md"):
            checkpoint = parse_checkpoint(parsed.unverified_text)
            assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
        c2sp_count.ran()


def _numbered(directory: Path) -> list[Path]:
    return sorted(directory.iterdir(), key=lambda path: int(path.name))


@pytest.mark.parametrize("size", range(1, 16))
async def test_tiles_that_tessera_wrote_are_read_at_every_size(size: int) -> None:
    folder = FolderTiles(vectors_dir("tlog/tessera-testdata") / "testdata" / "log")
    head = await folder.get(f"checkpoint.{size}", max_bytes=1 << 20)
    source = AlteredSource(folder, {"checkpoint": head})
    ledger = TilesLedger(source, keys=[parse_vkey(TESSERA_KEY)])
    report = await verify_storage(ledger)
    assert report.size == size
    read = [path for path in dict.fromkeys(source.asked) if path != "checkpoint"]
    assert read == [f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"]
    # Every byte of theirs counts.
    for path in read:
        data = await folder.get(path, max_bytes=1 << 20)
        for position in range(len(data)):
            source.altered[path] = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            with pytest.raises(InclusionProofError):
                await verify_storage(TilesLedger(source, keys=[parse_vkey(TESSERA_KEY)]))
        del source.altered[path]
    tessera_count.ran()


async def test_our_files_of_their_entries_are_theirs(tmp_path: Path) -> None:
    log = vectors_dir("tlog/tessera-testdata") / "testdata" / "log"
    publisher = Publisher(folder=TileFolder(tmp_path))
    for bundle in _numbered(log / "tile" / "entries" / "000.p"):
        await publisher.ledger.append(parse_bundle(bundle.read_bytes(), int(bundle.name)))
        await publisher.publish()
    for kind in ("entries", "0"):
        theirs = {path.name: path.read_bytes() for path in (log / "tile" / kind / "000.p").iterdir()}
        assert {path.name: path.read_bytes() for path in (tmp_path / "tile" / kind / "000.p").iterdir()} == theirs
        tessera_count.ran(len(theirs))


def test_the_example_of_a_witness() -> None:
    example = json.loads((Path(__file__).parent / "tlog_examples.json").read_text(encoding="utf-8"))["witness"]
    body = example["request"].encode()
    request = parse_add_checkpoint(body)
    head = parse_checkpoint(parse_note(request.note).unverified_text)
    assert (request.old_size, len(request.proof), head.size) == (20852014, 4, 20852163)
    assert build_add_checkpoint(request) == body
    answered = parse_note(parse_note(request.note).unverified_text + b"\n" + example["response"].encode())
    assert [line.name for line in answered.signatures] == [
        "witness.example/w1",
        "witness.example/w1",
        "witness.example/w2",
    ]


async def test_a_log_that_tessera_wrote() -> None:
    log = vectors_dir("tlog/tessera-testdata") / "testdata" / "log"
    key = parse_vkey(TESSERA_KEY)
    ledger = MemoryLedger()
    for bundle in _numbered(log / "tile" / "entries" / "000.p"):
        await ledger.append(parse_bundle(bundle.read_bytes(), int(bundle.name)))
        assert await ledger.size() == int(bundle.name)
        tessera_count.ran()
    for tile in _numbered(log / "tile" / "0" / "000.p"):
        assert b"".join(await ledger.hashes(0, 0, int(tile.name))) == tile.read_bytes()
        tessera_count.ran()
    for file in sorted(log.glob("checkpoint*")):
        note = file.read_bytes()
        checkpoint = verify_note(note, keys=[key])
        assert checkpoint.root == await merkle.root(ledger, checkpoint.size)
        for position in range(len(note)):
            with pytest.raises((InvalidInputError, VerificationError)):
                verify_note(note[:position] + bytes([note[position] ^ 1]) + note[position + 1 :], keys=[key])
        tessera_count.ran()
    state = json.loads((log / ".state" / "treeState").read_text())
    assert base64.b64decode(state["root"]) == await merkle.root(ledger, state["size"])
    tessera_count.ran()
    tessera_count.left_out("locks and version number of Tessera's own state", 3)
