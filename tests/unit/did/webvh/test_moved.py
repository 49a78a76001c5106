"""Portable DIDs that moved: every name leads to one document, and what the old place serves is not the last word."""

from __future__ import annotations

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolver
from ssi.errors import DidNotFoundError, VerificationError
from ssi.keys import PrivateKey
from ssi.types import JsonObject
from tests.unit.did.webvh.author import NOW, START, Author, key, multikey
from tests.unit.did.webvh.test_method import Web

A, SIGNER = key(1), key(21)
OLD_URL = "https://agency.example/.well-known/did.jsonl"
NEW_URL = "https://new.example/org/did.jsonl"


def publish(entry: JsonObject, private: PrivateKey = SIGNER) -> None:
    state = entry["state"]
    state["verificationMethod"] = [
        {
            "id": f"{state['id']}#key-1",
            "type": "Multikey",
            "controller": state["id"],
            "publicKeyMultibase": multikey(private),
        }
    ]
    state["assertionMethod"] = [f"{state['id']}#key-1"]


def move(entry: JsonObject, place: str = "new.example:org") -> None:
    old = entry["state"]["id"]
    entry["state"]["id"] = ":".join([*old.split(":")[:3], place])
    entry["state"]["alsoKnownAs"] = [old]
    publish(entry)


def moved() -> tuple[Author, str, str]:
    author = Author().first(A, change=publish, portable=True)
    old = author.did
    return author.next(A, change=move), old, author.did


def resolver(web: Web) -> Resolver:
    return Resolver([DidWebvh(fetch=web, now=lambda: NOW)], now=lambda: NOW)


async def test_both_names_lead_to_the_document_with_the_new_one() -> None:
    author, old, new = moved()
    for did in (old, new):
        found = await resolver(Web({OLD_URL: author.log, NEW_URL: author.log})).resolve(did)
        assert found.document.id == new
        assert (found.metadata.equivalent_id, found.metadata.canonical_id) == ((old,), new)
        assert found.is_about(old)
        assert found.is_about(new)


async def test_what_was_signed_under_the_old_name_stays_verifiable() -> None:
    author, old, new = moved()
    asked = resolver(Web({OLD_URL: author.log, NEW_URL: author.log}))
    for did in (old, new):
        assert await asked.key(f"{did}#key-1", "assertionMethod") == SIGNER.public_key
        with pytest.raises(VerificationError):
            await asked.key(f"{did}#key-2", "assertionMethod")
    resolution = await asked.resolve(old)
    # Another DID of the same fragment is none of its names.
    with pytest.raises(VerificationError):
        resolution.key(f"{old}x#key-1", "assertionMethod")


async def test_a_version_before_the_move_has_the_old_name() -> None:
    author, old, new = moved()
    asked = resolver(Web({OLD_URL: author.log, NEW_URL: author.log}))
    for did in (old, new):
        first = await asked.resolve(did, version_time=START + 5)
        assert first.document.id == old
        assert (first.metadata.equivalent_id, first.metadata.canonical_id) == ((new,), new)
        assert (await asked.resolve(did, version_number=1)).document.id == old


async def test_a_did_that_never_moved_has_no_other_names() -> None:
    author = Author().first(A).next(A)
    found = await resolver(Web({OLD_URL: author.log})).resolve(author.did)
    assert (found.metadata.equivalent_id, found.metadata.canonical_id) == ((), None)


async def test_the_log_at_the_new_place_is_the_one_that_counts() -> None:
    author, old, _ = moved()
    left_behind = author.log
    author.next(A, change=lambda entry: publish(entry, key(22)))
    web = Web({OLD_URL: left_behind, NEW_URL: author.log})
    found = await resolver(web).resolve(old)
    assert found.metadata.version_number == 3
    assert found.key(f"{old}#key-1", "assertionMethod") == key(22).public_key
    assert web.asked == [OLD_URL, NEW_URL]


async def test_a_new_place_that_serves_less_another_log_or_nothing_is_refused() -> None:
    author, old, _ = moved()
    forked, _, _ = moved()
    forked.entries.pop()
    forked.next(A, change=lambda entry: move(entry), ttl=7)
    with pytest.raises(VerificationError, match="does not continue"):
        await resolver(Web({OLD_URL: author.log, NEW_URL: forked.log})).resolve(old)
    shorter = b"".join(author.log.splitlines(keepends=True)[:1])
    with pytest.raises(VerificationError, match="no entry of the log is one of the DID"):
        await resolver(Web({OLD_URL: author.log, NEW_URL: shorter})).resolve(old)
    with pytest.raises(DidNotFoundError):
        await resolver(Web({OLD_URL: author.log})).resolve(old)


async def test_moves_are_followed_a_few_times_only() -> None:
    author = Author().first(A, portable=True)
    dids, logs = [author.did], {}
    for number in range(6):
        author.next(A, change=lambda entry, number=number: move(entry, f"n{number}.example"))  # type: ignore[misc]
        dids.append(author.did)
        logs[f"https://n{number}.example/.well-known/did.jsonl"] = author.log
    # Each place holds the log as it was when the DID left it again.
    pages = {OLD_URL: logs["https://n0.example/.well-known/did.jsonl"]}
    for number in range(5):
        pages[f"https://n{number}.example/.well-known/did.jsonl"] = logs[
            f"https://n{number + 1}.example/.well-known/did.jsonl"
        ]
    pages["https://n5.example/.well-known/did.jsonl"] = author.log
    web = Web(pages)
    with pytest.raises(VerificationError, match="moved more than 4 times"):
        await resolver(web).resolve(dids[0])
    assert len(web.asked) == 5
    assert (await resolver(Web(pages)).resolve(dids[3])).document.id == dids[-1]


async def test_an_update_of_ones_own_is_forgotten_under_every_name() -> None:
    from ssi.did.resolver import ResolutionCache

    author, old, new = moved()
    web, cache = Web({OLD_URL: author.log, NEW_URL: author.log}), ResolutionCache()
    asked = Resolver([DidWebvh(fetch=web, now=lambda: NOW)], cache=cache, now=lambda: NOW)
    await asked.resolve(old)
    await asked.resolve(new)
    assert len(cache) == 2
    cache.forget(new)
    assert len(cache) == 0


async def test_a_did_that_is_not_portable_does_not_move() -> None:
    author = Author().first(A, change=publish)
    old = author.did
    author.next(A, change=move)
    for did in (old, author.did):
        with pytest.raises(VerificationError, match="not portable"):
            await resolver(Web({OLD_URL: author.log, NEW_URL: author.log})).resolve(did)
