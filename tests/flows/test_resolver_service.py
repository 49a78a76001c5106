"""`ssi did serve` as somebody runs it: a process of its own with its own certificate, asked with the plain client."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.unit.http.test_did_resolution import ED25519

SSI = [sys.executable, "-m", "ssi.cli"]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process = subprocess.Popen(
        [*SSI, "did", "serve", "--port", "0", "--tls-self-signed"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"https://127\.0\.0\.1:[0-9]+", line)
        assert found is not None, line
        yield found[0]
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stderr.close()


def fetch(url: str, accept: str) -> tuple[int, str]:
    # The certificate was made for this run: nobody can know it.
    context = ssl._create_unverified_context()  # noqa: S323
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310
    try:
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def printed(did: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run([*SSI, "did", "resolve", did, "--json"], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    del answer["outcome"]
    return done.returncode, answer


def test_the_program_prints_what_the_service_answers(base: str) -> None:
    for did, accept, status, code in (
        (ED25519, "application/did-resolution", 200, 0),
        ("did:example", "application/did-resolution", 400, 2),
        (f"{ED25519}#{ED25519[8:]}", "application/did-url-dereferencing", 200, 0),
        (f"{ED25519}#nothing", "application/did-url-dereferencing", 404, 2),
    ):
        got, body = fetch(f"{base}/1.0/identifiers/{quote(did, safe='')}", accept)
        assert got == status
        assert printed(did) == (code, json.loads(body))
