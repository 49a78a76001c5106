"""Anchor the logs of the did:webvh test suite line by line: real logs stand, broken ones are refused by the fold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssi.did.webvh import verify_log
from ssi.registry import RegistryState, witness_entries
from tests.unit.registry.world import NOW, Organisation
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "did/did-webvh/test-suite"

count = VectorCount(FOLDER)
_LOGS = sorted((vectors_dir(FOLDER) / "vectors").glob("*/*/did.jsonl"))

# Lines without enough approvals stand on the ledger and never count, here all after the first (see _CONTRADICTIONS of
# the suite's own replay for the logs named by their implementation).
_WAITING = {
    "negative-cross-did-witness-replay/ts": 1,
    "witness-update/java": 1,
    "witness-update/java-eecc": 1,
    "witness-update/python": 1,
    "witness-update/ts": 1,
}
# Witnesses that are no did:key.
_NO_DID_KEY = {"witness-update/rust", "witness-threshold/rust"}
_REFUSED = {
    "negative-portable-scid-swap": ("guard", "G11"),
    "negative-did-key-body-fragment-mismatch": ("webvh", "body and the fragment"),
    "negative-duplicate-witness-ids": ("webvh", "every witness once"),
    "negative-pre-rotation-omit-updatekeys": ("webvh", "pre-rotation is active"),
    "negative-scid-mismatch-genesis": ("webvh", "SCID"),
    "negative-unknown-method-version": ("webvh", "did:webvh:1.0"),
    # The fold has no clock; this one lies past the end of the accreditation.
    "negative-versiontime-future": ("guard", "G03"),
    "negative-versiontime-non-monotonic": ("webvh", "versionTime"),
    "negative-wrong-cryptosuite": ("webvh", "eddsa-jcs-2022"),
    "negative-zero-witness-threshold": ("webvh", "threshold"),
}


@pytest.fixture(scope="module")
def root() -> Organisation:
    return Organisation("root.example")


@pytest.mark.parametrize("path", _LOGS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_a_published_log_is_anchored_or_refused_as_its_scenario_says(path: Path, root: Organisation) -> None:
    scenario = path.parts[-3]
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    if not lines:
        count.left_out("a scenario without a log of its own")
        return
    did = json.loads(lines[0])["state"]["id"]
    state = RegistryState([root.did])
    assert state.apply(root.lines[0]) is None
    assert state.apply(root.accredit(did, "organisation", iat=NOW)) is None
    refused = next(filter(None, map(state.apply, lines)), None)
    name = "/".join(path.parts[-3:-1])
    file = path.with_name("did-witness.json")
    proofs = list(witness_entries(file.read_bytes())) if file.exists() else []
    if name in _NO_DID_KEY:
        assert refused is not None
        assert refused.kind == "envelope"
        assert "parameters.witness" in refused.reason
    elif name in _WAITING:
        assert refused is None
        for entry in proofs:
            state.apply(entry)
        assert state.at().did_log(did) == b"".join(line + b"\n" for line in lines[: _WAITING[name]])
        assert len(state.at().waiting(did)) == len(lines) - _WAITING[name]
    elif scenario in _REFUSED:
        kind, words = _REFUSED[scenario]
        assert refused is not None
        assert refused.kind == kind
        assert words in refused.reason
    else:
        assert refused is None
        assert [state.apply(entry) for entry in proofs] == [None] * len(proofs)
        assert state.at().did_log(did) == b"".join(line + b"\n" for line in lines)
        file_again = state.at().did_witness(did)
        for known_as in {json.loads(line)["state"]["id"] for line in lines}:
            assert verify_log(state.at().did_log(known_as), did=known_as, now=NOW, witness_proofs=file_again)
    count.ran()
