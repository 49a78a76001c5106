"""`ssi witness serve` as an agency runs it: a process of its own, behind TLS, asked over loopback."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
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
