"""Every rule of a log, broken alone: hashes and signatures hold wherever the rule is about something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ssi.did.webvh import find_version, read_log, resolve_log, verify_log, verify_next
from ssi.did.webvh.hashing import entry_hash
from ssi.did.webvh.log import WebvhLog
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    InvalidSignatureError,
    ProofPurposeError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.types import JsonObject
from tests.unit.did.webvh.author import DAY, NOW, START, Author, did_key, key, multikey, next_hash, prove

A, B, C = key(1), key(2), key(3)
REFUSED = (InvalidInputError, VerificationError)


def verify(author: Author, *, did: str | None = None, now: int = NOW, proofs: bytes | None = None) -> WebvhLog:
    return verify_log(author.log, did=did or author.did, now=now, witness_proofs=proofs)


def refused(author: Author, match: str, *, error: Any = REFUSED, **options: Any) -> None:
    with pytest.raises(error, match=match):
        verify(author, **options)


def put(path: str, value: Any) -> Callable[[JsonObject], None]:
    """An edit that sets one member of an entry, such as "state.id"; the entry itself, not a copy."""

    def change(entry: JsonObject) -> None:
        *holders, name = path.split(".")
        for holder in holders:
            entry = entry[holder]
        entry[name] = value

    return change


def test_a_log_verifies_and_says_what_is_in_force() -> None:
    author = Author().first(A, ttl=60, watchers=["https://watcher.example/"])
    author.next(A, updateKeys=[multikey(B)]).next(B, change=put("state.alsoKnownAs", ["did:web:agency.example"]))
    verified = verify(author)
    assert [version.number for version in verified.versions] == [1, 2, 3]
    assert verified.head.parameters.update_keys == (multikey(B),)
    assert (verified.head.parameters.ttl_seconds, verified.head.parameters.watchers) == (
        60,
        ("https://watcher.example/",),
    )
    assert verified.scid == author.scid
    assert verified.log == author.log
    assert not verified.deactivated


def test_a_log_grows_one_verified_line_at_a_time() -> None:
    author = Author().first(A).next(A).next(A)
    version = None
    for line in author.log.splitlines():
        version = verify_next(version, line, now=NOW)
    assert version == verify(author).head


def test_only_active_keys_sign() -> None:
    refused(Author().first(A).next(B), "log entry 2: expected a proof by an active update key")
    # The key that an entry brings in signs the one after it, not itself.
    refused(Author().first(A).next(B, updateKeys=[multikey(B)]), "active update key")
    refused(Author().first(A).next(A, updateKeys=[multikey(B)]).next(A), "log entry 3: expected a proof by an active")
    refused(Author().first(A).next(A, updateKeys=[]).next(A), "log entry 3: expected a proof by an active")
    assert len(verify(Author().first(A).next(A, updateKeys=[multikey(A), multikey(B)]).next(B)).versions) == 3


def test_every_proof_of_an_entry_must_hold() -> None:
    assert verify(Author().first(A, updateKeys=[multikey(A), multikey(B)]).next([A, B]))
    refused(Author().first(A).next([A, B]), "log entry 2: expected a proof by an active update key")
    author = Author().first(A, updateKeys=[multikey(A), multikey(B)]).next([A, B])
    author.entries[1]["proof"][1]["proofValue"] = author.entries[0]["proof"][0]["proofValue"]
    refused(author, "log entry 2: eddsa-jcs-2022: signature mismatch", error=InvalidSignatureError)
    author.entries[1]["proof"] = []
    refused(author, "log entry 2: expected 1 to 16 proofs")


def test_what_a_proof_must_say() -> None:
    refused(Author().first(A).next(A, proof={"proofPurpose": "authentication"}), "purpose", error=ProofPurposeError)
    refused(Author().first(A).next(A, proof={"cryptosuite": "ecdsa-jcs-2019"}), "expected the cryptosuite")
    refused(Author().first(A).next(A, proof={"type": "Ed25519Signature2018"}), "DataIntegrityProof")
    refused(Author().first(A).next(A, proof={"type": "Ed25519Signature2020"}), "without cryptosuite")
    refused(Author().first(A).next(A, proof={"expires": "2020-09-15T00:00:00Z"}), "expired", error=ValidityError)
    refused(Author().first(A).next(A, proof={"created": "2030-01-01T00:00:00Z"}), "created", error=ValidityError)
    for method in (
        did_key(A),
        f"{did_key(A)}#",
        f"{did_key(A)}#{multikey(B)}",
        f"{did_key(B)}#{multikey(A)}",
        f"did:web:agency.example#{multikey(A)}",
        f"{did_key(A)}#{multikey(A)}#{multikey(A)}",
        f"#{multikey(A)}",
        multikey(A),
    ):
        refused(Author().first(A).next(A, proof={"verificationMethod": method}), "log entry 2: expected")


def test_a_key_that_no_suite_of_the_method_verifies_with_authorises_nothing() -> None:
    p256 = PrivateKey.generate(Curve.P256)
    assert verify(Author().first(A, updateKeys=[multikey(A), multikey(p256)]))
    refused(Author().first(A, updateKeys=[multikey(p256)]).next(p256), "log entry 1: expected a proof by an active")
    refused(Author().first(A, updateKeys=[multikey(A), multikey(p256)]).next(p256), "log entry 2: expected an Ed25519")


@pytest.mark.parametrize("version_id", ["{n}{h}", "{n}--{h}", "{n}-{h}-", "0{n}-{h}", "+{n}-{h}", "-{h}", "{n}-", "x"])
def test_version_ids_that_are_none(version_id: str) -> None:
    author = Author().first(A)
    number, digest = author.entries[0]["versionId"].split("-")
    author.entries[0]["versionId"] = version_id.format(n=number, h=digest)
    refused(author, "log entry 1: expected", error=InvalidInputError)


def test_the_chain_holds() -> None:
    author = Author().first(A).next(A).next(A)
    first, second, third = author.entries
    for entries in (
        [first, third],
        [second, third],
        [first, third, second],
        [first, first],
        [third],
        [first, second, second],
    ):
        author.entries = entries
        refused(author, "log entry")
    # An entry of another log with the same keys does not fit either.
    other = Author().first(A, ttl=1).next(A)
    author.entries = [first, other.entries[1]]
    refused(author, "log entry 2", did=first["state"]["id"])


def test_a_forged_hash_is_refused_even_if_it_is_signed() -> None:
    author = Author().first(A)
    author.next(A)
    genuine = author.entries.pop()
    unsigned = {name: value for name, value in genuine.items() if name != "proof"}
    author.entries[0]["versionId"], kept = "1-" + "Qm" + "1" * 44, author.entries[0]["versionId"]
    refused(author, "log entry 1: expected the entry hash to be")
    author.entries[0]["versionId"] = kept
    forged = {**unsigned, "versionId": "2-" + kept.partition("-")[2]}
    author.entries.append({**forged, "proof": [prove(forged, A)]})
    refused(author, "log entry 2: the entry hash does not hold")
    skipped = {**unsigned, "versionId": "3-" + unsigned["versionId"].partition("-")[2]}
    author.entries[1] = {**skipped, "proof": [prove(skipped, A)]}
    refused(author, "log entry 2: expected version 2, got 3")


def test_times_increase_and_do_not_lie_in_the_future() -> None:
    at = put("versionTime", "2020-09-13T12:26:40Z")
    refused(Author().first(A).next(A, change=at), "log entry 2: expected a versionTime after")
    assert verify(Author().first(A).next(A, change=put("versionTime", "2020-09-13T12:26:40.5Z")))
    refused(Author().first(A).next(A), "log entry 2: expected a versionTime that", now=START + DAY - 301)
    assert verify(Author().first(A).next(A), now=START + DAY - 300)
    for text in ("2020-09-14T12:26:40", "2020-09-14T14:26:40+02:00", "2020-09-14", 1_600_100_000, None):
        refused(Author().first(A).next(A, change=put("versionTime", text)), "log entry 2: expected a date")


def test_the_scid_is_that_of_the_first_entry_everywhere() -> None:
    author = Author().first(A)
    other = Author().first(B)
    refused(author, "another SCID", did=other.did)
    refused(author, "no entry of the log", did=author.did.replace("agency", "other"))
    swapped = f"did:webvh:{other.scid}:agency.example"
    refused(Author().first(A, change=put("state.id", swapped)), "log entry 1: the document's id", did=swapped)
    moved = Author().first(A, portable=True)
    moved.next(A, change=lambda entry: entry["state"].update(id=swapped, alsoKnownAs=[moved.did]))
    refused(moved, "log entry 2: the document's id", did=moved.entries[0]["state"]["id"])
    again = Author().first(A)
    refused(again.next(A, scid=again.scid), "log entry 2: expected scid in the first")


def test_a_first_entry_with_the_placeholder_is_refused() -> None:
    author = Author().first(A, change=put("state.service", [{"id": "#{SCID}", "type": "x", "serviceEndpoint": "y"}]))
    published = author.entries[0]["state"]["service"][0]
    assert published["id"] == f"#{author.scid}"
    published["id"] = "#{SCID}"
    entry = {name: value for name, value in author.entries[0].items() if name != "proof"}
    entry["versionId"] = f"1-{entry_hash(entry, author.scid)}"
    author.entries[0] = {**entry, "proof": [prove(entry, A)]}
    refused(author, "without the literal")


@pytest.mark.parametrize("did", ["", 5, None, "did:web:agency.example", "{did}#x", "{did}?versionId=1", "{did}/path"])
def test_the_document_id_is_a_bare_did(did: Any) -> None:
    author = Author().first(A)
    text = did.format(did=author.did) if isinstance(did, str) else did
    refused(
        author.next(A, change=put("state.id", text)),
        "log entry 2",
        error=InvalidDidError,
        did=author.entries[0]["state"]["id"],
    )


def test_only_portable_dids_move_and_say_where_from() -> None:
    def move(entry: JsonObject) -> None:
        old = entry["state"]["id"]
        entry["state"].update(id=old.replace("agency.example", "new.example"), alsoKnownAs=[old])

    refused(Author().first(A).next(A, change=move), "log entry 2: expected the document's id not to change")
    moved = Author().first(A, portable=True).next(A, change=move).next(A)
    first_did = moved.entries[0]["state"]["id"]
    assert verify(moved).did == verify(moved, did=first_did).did == moved.did
    refused(Author().first(A, portable=True).next(A, portable=False).next(A, change=move), "log entry 3: expected the")
    refused(Author().first(A, portable=True).next(A, portable=False, change=move), "log entry 2: expected the")
    refused(Author().first(A).next(A, portable=True), "log entry 2: expected portable: true in the first")
    refused(Author().first(A, portable=True).next(A, portable=True), "log entry 2: expected portable: true")
    silent = Author().first(A, portable=True)
    silent.next(A, change=put("state.id", silent.did.replace("agency", "new")))
    refused(silent, "log entry 2: expected the DID before the move")
    elsewhere = Author().first(A, portable=True)
    new = elsewhere.did.replace("agency", "new")
    elsewhere.next(A, change=lambda entry: entry["state"].update(id=new, alsoKnownAs=["did:web:agency.example", new]))
    refused(elsewhere, "log entry 2: expected the DID before the move")


def test_nothing_follows_a_deactivation() -> None:
    author = Author().first(A).next(A, deactivated=True)
    assert verify(author).deactivated
    refused(author.next(A, deactivated=False), "log entry 3: expected no entry after")


class TestPreRotation:
    def test_each_entry_is_signed_by_a_committed_key(self) -> None:
        author = Author().first(A, nextKeyHashes=[next_hash(B)])
        author.next(B, updateKeys=[multikey(B)], nextKeyHashes=[next_hash(C)])
        author.next(C, updateKeys=[multikey(C)], nextKeyHashes=[])
        assert verify(author.next(C, updateKeys=[multikey(A)]).next(A)).head.number == 5

    def test_a_thief_with_the_current_key_gets_nowhere(self) -> None:
        author = Author().first(A, nextKeyHashes=[next_hash(B)])
        attempts: list[dict[str, Any]] = [
            {},
            {"updateKeys": [multikey(A)], "nextKeyHashes": [next_hash(A)]},
            {"updateKeys": [multikey(A), multikey(B)], "nextKeyHashes": [next_hash(A)]},
            {"updateKeys": [multikey(C)], "nextKeyHashes": []},
            {"nextKeyHashes": []},
            {"updateKeys": [], "nextKeyHashes": []},
            {"updateKeys": None, "nextKeyHashes": None},
            {"updateKeys": [multikey(B)], "nextKeyHashes": [next_hash(A)]},
        ]
        for parameters in attempts:
            refused(grown_from(author).next(A, **parameters), "log entry 2: expected")

    def test_both_lists_are_stated_while_it_is_active(self) -> None:
        start = Author().first(A, nextKeyHashes=[next_hash(B)])
        partial: list[dict[str, Any]] = [{"updateKeys": [multikey(B)]}, {"nextKeyHashes": [next_hash(C)]}]
        for parameters in partial:
            refused(grown_from(start).next(B, **parameters), "pre-rotation is active")


def grown_from(author: Author) -> Author:
    copy = Author()
    copy.entries, copy.scid = list(author.entries), author.scid
    return copy


def test_a_log_that_fails_later_still_answers_for_what_came_before() -> None:
    author = Author().first(A).next(A).next(B)
    did = author.did
    refused(author, "log entry 3")
    with pytest.raises(VerificationError, match="log entry 3"):
        resolve_log(author.log, did=did, now=NOW)
    by_number = resolve_log(author.log, did=did, now=NOW, version_number=1)
    assert by_number.metadata.version_id == author.entries[0]["versionId"]
    assert (by_number.metadata.version_number, by_number.metadata.updated) == (1, None)
    second = resolve_log(author.log, did=did, now=NOW, version_number=2)
    assert second.metadata.updated == second.metadata.version_time == START + DAY
    by_time = resolve_log(author.log, did=did, now=NOW, version_time=START + 5)
    assert by_time.metadata.version_id == author.entries[0]["versionId"]
    # Whether version 2 was still in force then, the entry that does not verify would say.
    unknown: list[dict[str, Any]] = [
        {"version_time": START + DAY},
        {"version_number": 3},
        {"version_id": author.entries[2]["versionId"]},
    ]
    for asked in unknown:
        with pytest.raises(VerificationError, match="log entry 3"):
            resolve_log(author.log, did=did, now=NOW, **asked)
    cut = read_log(author.log, did=did, now=NOW)
    assert (len(cut.versions), type(cut.failure)) == (2, VerificationError)


def test_versions_are_found_by_id_time_and_number() -> None:
    verified = verify(Author().first(A).next(A).next(A))
    ids = [version.entry.version_id for version in verified.versions]
    assert find_version(verified) is verified.head
    for number in (1, 2, 3):
        assert find_version(verified, version_number=number).number == number
        assert find_version(verified, version_id=ids[number - 1]).number == number
        assert find_version(verified, version_time=START + (number - 1) * DAY).number == number
    assert find_version(verified, version_time=START + 3 * DAY - 1, version_number=3).number == 3
    absent: list[dict[str, Any]] = [
        {"version_time": START - 1},
        {"version_number": 0},
        {"version_number": 4},
        {"version_id": "1-x"},
        {"version_number": 1, "version_id": ids[1]},
        {"version_number": 1, "version_time": START + DAY},
    ]
    for asked in absent:
        with pytest.raises(DidNotFoundError):
            find_version(verified, **asked)


def test_a_deactivated_did_gives_no_keys_at_any_version() -> None:
    vm = {
        "id": "#k",
        "type": "Multikey",
        "controller": "did:webvh:{SCID}:agency.example",
        "publicKeyMultibase": multikey(C),
    }
    author = Author().first(A, change=lambda e: e["state"].update(verificationMethod=[vm], assertionMethod=["#k"]))
    assert resolve_log(author.log, did=author.did, now=NOW).key("#k", "assertionMethod") == C.public_key
    author.next(A, deactivated=True, updateKeys=[])
    for number in (None, 1):
        resolution = resolve_log(author.log, did=author.did, now=NOW, version_number=number)
        assert resolution.metadata.deactivated
        with pytest.raises(VerificationError, match="deactivated"):
            resolution.key("#k", "assertionMethod")


@pytest.mark.parametrize("log", [b"", b"\n", b"{}", b"[]\n", b"{\n", b"\xff\n", b'{"versionId":"1-x"}\n', b"null"])
def test_logs_that_are_none(log: bytes) -> None:
    with pytest.raises(InvalidInputError):
        verify_log(log, did=Author().first(A).did, now=NOW)


def test_shapes_of_lines() -> None:
    author = Author().first(A).next(A)
    lines = author.log.splitlines()
    assert verify_log(b"\n".join(lines), did=author.did, now=NOW)
    for log in (b"\n\n".join(lines), b"\n" + author.log, author.log + b"\n", author.log + b" \n", b"".join(lines)):
        with pytest.raises(InvalidInputError):
            verify_log(log, did=author.did, now=NOW)
    for entry in ({**author.entries[1], "extra": 1}, {k: v for k, v in author.entries[1].items() if k != "parameters"}):
        with pytest.raises(InvalidInputError, match="log entry 2: expected exactly"):
            verify_log(lines[0] + b"\n" + json.dumps(entry).encode(), did=author.did, now=NOW)
    single = {**author.entries[0], "proof": author.entries[0]["proof"][0]}
    assert verify_log(json.dumps(single).encode(), did=author.did, now=NOW)


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author().first(A)
    with pytest.raises(InvalidInputError, match="bytes"):
        verify_log(author.log + b" " * (1 << 22), did=author.did, now=NOW)
    with pytest.raises(InvalidInputError, match="entries"):
        verify_log(b"\n" * 10_001, did=author.did, now=NOW)
    verified: list[PublicKey] = []

    def verify(self: PublicKey, signature: bytes, message: bytes) -> None:
        verified.append(self)

    monkeypatch.setattr(PublicKey, "verify", verify)
    # What follows the first entry that fails is not looked at.
    with pytest.raises(REFUSED):
        verify_log(author.log + b"{}\n" + author.log * 50, did=author.did, now=NOW)
    assert verified == [A.public_key]
