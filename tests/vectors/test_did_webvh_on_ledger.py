"""Anchor the logs of the did:webvh test suite line by line: real logs stand, broken ones are refused by the fold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssi.registry import RegistryState
from tests.unit.registry.world import NOW, Organisation
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "did/did-webvh/test-suite"

count = VectorCount(FOLDER)
_LOGS = sorted((vectors_dir(FOLDER) / "vectors").glob("*/*/did.jsonl"))

# What the ledger does not hold yet: proofs of witnesses, and DIDs that move.
_LATER = {"witness-threshold", "witness-update", "portable-move", "negative-portable-scid-swap"}
_REFUSED = {
    "negative-cross-did-witness-replay": ("guard", "witnesses"),
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
    if scenario in _LATER:
        count.left_out("on the ledger: proofs of witnesses and DIDs that move come later")
        return
    if not lines:
        count.left_out("a scenario without a log of its own")
        return
    did = json.loads(lines[0])["state"]["id"]
    state = RegistryState([root.did])
    assert state.apply(root.lines[0]) is None
    assert state.apply(root.accredit(did, "organisation", iat=NOW)) is None
    refused = next(filter(None, map(state.apply, lines)), None)
    if scenario in _REFUSED:
        kind, words = _REFUSED[scenario]
        assert refused is not None
        assert refused.kind == kind
        assert words in refused.reason
    else:
        assert refused is None
        assert state.at().did_log(did) == b"".join(line + b"\n" for line in lines)
    count.ran()
