"""Peers from npm: installed once from the lock file beside the tests into a folder that is not kept, run by node.

Source:  none.
Input:   tests/interop/npm: package.json, package-lock.json, peer.mjs, ethr.mjs, and bench.mjs for the bench.
Shapes:  one request and one answer are JSON objects; each call is a process of its own.
I/O:     runs npm (which needs the registry the first time) and node; writes to .interop/npm.
Errors:  PeerAbsent if node or npm is missing or the packages cannot be had; in CI, where they must be there, it fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from ssi.encoding.multibase import base58btc_encode
from ssi.encoding.multicodec import BLS12_381_G2_PRIV, ED25519_PRIV, P256_PRIV, P384_PRIV
from ssi.keys import Curve, PrivateKey
from tests.interop.matrix import PeerAbsent
from tests.needs import IN_CI
from tests.vectors.support import REPOSITORY

SOURCE = REPOSITORY / "tests" / "interop" / "npm"
TARGET = REPOSITORY / ".interop" / "npm"
FILES = ("package.json", "package-lock.json", "peer.mjs", "bench.mjs", "selective.mjs", "ethr.mjs")
PREFIXES = {
    Curve.ED25519: ED25519_PRIV,
    Curve.P256: P256_PRIV,
    Curve.P384: P384_PRIV,
    Curve.BLS12_381_G2: BLS12_381_G2_PRIV,
}
MULTIKEY_CONTEXT = "https://w3id.org/security/multikey/v1"


def versions() -> dict[str, str]:
    """Return the pinned version of every peer by its package name."""
    pinned: dict[str, str] = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return pinned


@cache
def installed() -> Path:
    """Return the folder with the peers, installed if the sources changed since. Raises PeerAbsent."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return _absent("node and npm are not on this machine")
    state = sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()
    stamp = TARGET / "stamp"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != state:
        TARGET.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(SOURCE / name, TARGET / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=TARGET, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            return _absent(f"npm could not install the peers: {done.stderr.strip()[-300:]}")
        stamp.write_text(state, encoding="utf-8")
    return TARGET


def ask(**request: Any) -> Any:
    """Return the peer's answer to ``request``. Raises PeerAbsent, or AssertionError with what the peer wrote."""
    return _run("peer.mjs", request)


def seconds(**request: Any) -> list[float]:
    """Return how long each round of ``request`` took the peer, in seconds per call. Raises as ``ask``."""
    taken: list[float] = _run("bench.mjs", request)
    return taken


def ask_selective(**request: Any) -> Any:
    """As ``ask``, of BBS and the suites with selective disclosure; with ``rounds`` and ``calls``, as ``seconds``."""
    return _run("selective.mjs", request)


def ask_ethr(**request: Any) -> Any:
    """As ``ask``, of the did:ethr packages; the request names a node."""
    return _run("ethr.mjs", request)


def _run(script: str, request: dict[str, Any]) -> Any:
    folder = installed()
    command = ["node", script]
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise AssertionError(f"the peer failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def multikey(key: PrivateKey, method: str, *, private: bool = False) -> dict[str, Any]:
    """Return ``key`` as a verification method of the type Multikey."""
    public = key.public_key
    document = {
        "@context": MULTIKEY_CONTEXT,
        "id": method,
        "type": "Multikey",
        "controller": method.partition("#")[0],
        "publicKeyMultibase": public.to_multikey(),
    }
    if private:
        document["secretKeyMultibase"] = base58btc_encode(PREFIXES[public.curve] + key.to_raw())
    return document


def documents(key: PrivateKey, method: str) -> dict[str, Any]:
    """Return what the peer may look up: the verification method, and the document that lists it."""
    controller = method.partition("#")[0]
    listed = {"assertionMethod": [method], "authentication": [method]}
    return {
        method: multikey(key, method),
        controller: {"@context": ["https://www.w3.org/ns/did/v1"], "id": controller, **listed},
    }


def _absent(reason: str) -> Path:
    if IN_CI:
        raise AssertionError(reason)
    raise PeerAbsent(reason)
