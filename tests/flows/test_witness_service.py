"""`ssi witness serve` as an agency runs it: a process of its own, behind TLS, asked over loopback."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from ssi.did.webvh import WitnessRule, build_document, create_did, verify_log
from ssi.did.webvh.witnessing import build_witness_file
from ssi.keys.backends.memory import MemoryKms
from tests.unit.net.tls_server import Authority, make_authority

SSI = [sys.executable, "-m", "ssi.cli", "witness"]


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    (tmp_path / "passphrase").write_text("a passphrase for this test only")
    return ["--keys", str(tmp_path / "keys.json"), "--passphrase-file", str(tmp_path / "passphrase")]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path, names=["localhost"], addresses=["127.0.0.1"])


@pytest.fixture
def service(tmp_path: Path, keys: list[str], authority: Authority) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """The witness's DID, the address of its service, and its process."""
    did = subprocess.run([*SSI, "key", *keys], capture_output=True, text=True, check=True).stdout.strip()
    tls = ["--tls-cert", str(authority.certificate_file), "--tls-key", str(authority.key_file)]
    process = subprocess.Popen(
        [*SSI, "serve", "--store", str(tmp_path / "witness.db"), "--anybody", "--port", "0", *tls, *keys],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    yield did, process.stderr.readline().split()[-1], process
    process.kill()
    process.wait()
    process.stderr.close()


async def test_a_witness_behind_tls(service: tuple[str, str, subprocess.Popen[str]], authority: Authority) -> None:
    did, url, process = service
    assert url.startswith("https://127.0.0.1:")
    now = int(time())
    made = await create_did(
        kms=MemoryKms(),
        name="town",
        domain="town.example",
        document=lambda name: build_document(name),
        now=now,
        witness=WitnessRule(1, (did,)),
    )
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    request = urllib.request.Request(f"{url}/witness", data=made.log.log)  # noqa: S310
    with urllib.request.urlopen(request, context=context, timeout=20) as response:  # noqa: S310, ASYNC210
        approved = json.load(response)
    file = build_witness_file({approved["versionId"]: [approved["proof"]]})
    verify_log(made.log.log, did=made.did, now=now, witness_proofs=file)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_whom_to_witness_must_be_said(tmp_path: Path, keys: list[str]) -> None:
    done = subprocess.run(
        [*SSI, "serve", "--store", str(tmp_path / "w.db"), *keys], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "say whom to witness" in done.stderr


def test_ledgers_are_witnessed_at_the_same_address(tmp_path: Path, keys: list[str], authority: Authority) -> None:
    """C2SP tlog-witness over TLS: a head is cosigned, and after a kill -9 still no second one of its size."""
    import asyncio

    from ssi.ledger.backends.memory import MemoryLedger
    from ssi.ledger.note import parse_vkey
    from ssi.ledger.quorum import Quorum, verify_head
    from ssi.ledger.witness import AddCheckpoint, build_add_checkpoint
    from tests.contracts.tiles import Publisher

    cosigner = subprocess.run(
        [*SSI, "key", "--cosigner", "witness.example/w", *keys], capture_output=True, text=True, check=True
    ).stdout.strip()
    honest, forged = Publisher(MemoryLedger()), Publisher(MemoryLedger())
    forged.kms = honest.kms

    async def sign() -> tuple[bytes, bytes, str]:
        await honest.ledger.append([b"a", b"b"])
        await forged.ledger.append([b"a", b"B"])
        return await honest.sign(), await forged.sign(), (await honest.key()).vkey

    note, other, vkey = asyncio.run(sign())
    context = ssl.create_default_context(cafile=str(authority.ca_file))

    def ask(url: str, old: int, head: bytes) -> tuple[int, bytes]:
        body = build_add_checkpoint(AddCheckpoint(old, (), head))
        try:
            with urllib.request.urlopen(f"{url}/add-checkpoint", body, context=context, timeout=20) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    tls = ["--tls-cert", str(authority.certificate_file), "--tls-key", str(authority.key_file)]
    serve = [*SSI, "serve", "--store", str(tmp_path / "w.db"), "--log", vkey, "--name", "witness.example/w"]
    answers = []
    for old, head in [(0, note), (2, other), (0, other), (2, note)]:
        process = subprocess.Popen(
            [*serve, "--port", "0", *tls, *keys], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert process.stderr is not None
        answers.append(ask(process.stderr.readline().split()[-1], old, head))
        process.kill()
        process.wait()
        process.stderr.close()
    assert [status for status, _ in answers] == [200, 422, 409, 200]
    assert answers[2][1] == b"2\n"
    quorum = Quorum((parse_vkey(cosigner),), 1)
    assert verify_head(note + answers[0][1], keys=[parse_vkey(vkey)], quorum=quorum).size == 2
