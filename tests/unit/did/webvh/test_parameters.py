"""Parameters: types, ranges, defaults, what may come when."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.did.webvh.parameters import Parameters, first_parameters, next_parameters
from ssi.did.webvh.witness import NO_WITNESSES, WitnessRule
from ssi.errors import InvalidInputError
from ssi.keys import Curve, PrivateKey
from tests.unit.did.webvh.author import did_key, key, multikey, next_hash

SCID = "QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE"
FIRST = {"method": "did:webvh:1.0", "scid": SCID, "updateKeys": [multikey(key(1))]}
P256_WITNESS = f"did:key:{PrivateKey.generate(Curve.P256).public_key.to_multikey()}"


def test_defaults() -> None:
    assert first_parameters(FIRST) == Parameters(
        scid=SCID,
        update_keys=(multikey(key(1)),),
        method="did:webvh:1.0",
        next_key_hashes=(),
        witness=NO_WITNESSES,
        watchers=(),
        portable=False,
        deactivated=False,
        ttl_seconds=3600,
    )


def test_later_entries_keep_what_they_leave_out() -> None:
    rule = {"threshold": 1, "witnesses": [{"id": did_key(key(5))}]}
    active = first_parameters({**FIRST, "portable": True, "ttl": 0, "watchers": ["did:web:w.example"], "witness": rule})
    assert next_parameters(active, {}) == active
    assert next_parameters(active, {"method": "did:webvh:1.0"}) == active
    assert active.witness == WitnessRule(1, (did_key(key(5)),))
    emptied = next_parameters(active, {"watchers": [], "witness": {}, "portable": False, "ttl": 5, "updateKeys": []})
    assert (emptied.watchers, emptied.witness, emptied.portable, emptied.ttl_seconds) == ((), NO_WITNESSES, False, 5)


def test_null_stands_for_the_default_where_early_logs_wrote_it() -> None:
    active = first_parameters({**FIRST, "ttl": 5, "watchers": ["https://w.example/"]})
    named = {"ttl": None, "watchers": None, "witness": None, "nextKeyHashes": None}
    assert next_parameters(active, named) == first_parameters(FIRST)
    for name in ("method", "scid", "portable", "deactivated"):
        with pytest.raises(InvalidInputError):
            first_parameters({**FIRST, name: None})


@pytest.mark.parametrize("name", ["method", "scid", "updateKeys"])
def test_what_the_first_entry_must_have(name: str) -> None:
    with pytest.raises(InvalidInputError, match="first entry"):
        first_parameters({k: v for k, v in FIRST.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "did:webvh:1.1"),
        ("method", "did:webvh:0.5"),
        ("method", "did:webvh:1.0-rc1"),
        ("method", "didwebvh:1.0"),
        ("method", ["did:webvh:1.0"]),
        ("scid", "{SCID}"),
        ("scid", SCID[:-1]),
        ("scid", "Qm" + "1" * 44),
        ("scid", 5),
        ("updateKeys", multikey(key(1))),
        ("updateKeys", {"0": multikey(key(1))}),
        ("updateKeys", [5]),
        ("updateKeys", [""]),
        ("updateKeys", ["zO0"]),
        ("updateKeys", ["z" + "2" * 200]),
        ("updateKeys", [did_key(key(1))]),
        ("updateKeys", [multikey(key(1))] * 2),
        ("nextKeyHashes", "x"),
        ("nextKeyHashes", [1]),
        ("nextKeyHashes", ["x", "x"]),
        ("nextKeyHashes", ["x" * 2049]),
        ("nextKeyHashes", [str(number) for number in range(257)]),
        ("watchers", ["no url"]),
        ("watchers", ["https://w.example/\n"]),
        ("watchers", [{}]),
        ("portable", "true"),
        ("portable", 1),
        ("deactivated", 0),
        ("deactivated", "false"),
        ("ttl", "3600"),
        ("ttl", -1),
        ("ttl", (1 << 31) + 1),
        ("ttl", 1.5),
        ("ttl", True),
        ("prerotation", True),
        ("witnesses", []),
        ("", 1),
    ],
)
def test_values_that_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError):
        first_parameters({**FIRST, name: value})


@pytest.mark.parametrize("raw", [None, [], "x", 1])
def test_parameters_are_an_object(raw: Any) -> None:
    with pytest.raises(InvalidInputError):
        first_parameters(raw)


def _witnesses(*ids: Any) -> list[Any]:
    return [{"id": witness_id} for witness_id in ids]


@pytest.mark.parametrize(
    "witness",
    [
        [],
        "x",
        {"threshold": 1},
        {"witnesses": _witnesses(did_key(key(5)))},
        {"threshold": 0, "witnesses": []},
        {"threshold": 1, "witnesses": []},
        {"threshold": 0, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": -1, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": 2, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": 1.0, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": True, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": "1", "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": None, "witnesses": _witnesses(did_key(key(5)))},
        {"threshold": 1, "witnesses": _witnesses(did_key(key(5)), did_key(key(5)))},
        {"threshold": 2, "witnesses": _witnesses(did_key(key(5)), did_key(key(5)))},
        {"threshold": 1, "witnesses": _witnesses(multikey(key(5)))},
        {"threshold": 1, "witnesses": _witnesses(f"{did_key(key(5))}#{multikey(key(5))}")},
        {"threshold": 1, "witnesses": _witnesses("did:web:w.example")},
        {"threshold": 1, "witnesses": _witnesses(P256_WITNESS)},
        {"threshold": 1, "witnesses": _witnesses("did:key:")},
        {"threshold": 1, "witnesses": _witnesses(None)},
        {"threshold": 1, "witnesses": [did_key(key(5))]},
        {"threshold": 1, "witnesses": {"id": did_key(key(5))}},
        {"threshold": 1, "witnesses": _witnesses(did_key(key(5))), "selfWeight": 1},
    ],
)
def test_witness_rules_that_are_refused(witness: Any) -> None:
    with pytest.raises(InvalidInputError):
        first_parameters({**FIRST, "witness": witness})
    with pytest.raises(InvalidInputError):
        next_parameters(first_parameters(FIRST), {"witness": witness})


def test_pre_rotation_hashes_are_of_the_text_of_the_key() -> None:
    assert next_hash(key(2)) == "Qmf2V5jB2UwPcFL5bvmKed7VvY3CSQ1RXyDdtip7ufpQ3R"  # From the suite's "pre-rotation".
    active = first_parameters({**FIRST, "nextKeyHashes": [next_hash(key(2)), "any other text"]})
    said = {"updateKeys": [multikey(key(2))], "nextKeyHashes": []}
    assert next_parameters(active, said).next_key_hashes == ()
    for update_keys in ([multikey(key(1))], [multikey(key(2)), multikey(key(1))]):
        with pytest.raises(InvalidInputError, match="committed"):
            next_parameters(active, {**said, "updateKeys": update_keys})
