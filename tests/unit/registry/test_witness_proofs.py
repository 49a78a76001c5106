"""Lines that name witnesses stand at once and count once enough approvals stand; a DID that moves keeps one log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.did.webvh import WitnessRule, update_did, verify_log
from ssi.errors import DidNotFoundError, GuardError, InvalidSignatureError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.registry import Organisation as Office
from ssi.registry import Registry, RegistryState, check_entry
from ssi.registry.excerpt import relevant_entries
from ssi.registry.guard import parse_entry
from tests.unit.registry.world import NOW, Organisation, Witness, World, approval, witnessed_by


class Town:
    """An organisation with a witness rule of two out of three, and the ledger it is on."""

    def __init__(self, world: World) -> None:
        self.witnesses = [Witness(), Witness(), Witness()]
        self.body = Organisation("town.example", witness=witnessed_by(2, *self.witnesses))
        self.state = RegistryState([world.root.did])
        self.add(*world.entries, world.root.accredit(self.body.did, "organisation"))
        self.add(self.body.lines[0])

    def add(self, *entries: bytes) -> None:
        for entry in entries:
            assert self.state.apply(entry) is None

    def approve(self, *numbers: int, version_id: str | None = None) -> bytes:
        return approval(version_id or self.body.version_id, *[self.witnesses[number] for number in numbers])

    def counts(self) -> int:
        return len(self.state.at().versions(self.body.did))

    def refused(self, entry: bytes) -> str:
        try:
            check_entry(entry, self.state.at(), now=NOW)
        except GuardError as exc:
            return exc.code
        except InvalidSignatureError:
            return "signature"
        return ""


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


def test_a_line_counts_from_the_entry_that_meets_the_threshold(town: Town) -> None:
    assert town.counts() == 0
    with pytest.raises(DidNotFoundError):
        town.state.at().did_log(town.body.did)
    town.add(town.approve(0))
    assert town.counts() == 0
    town.add(town.approve(1))
    assert town.counts() == 1
    view = town.state.at()
    assert town.state.at(view.size - 1).did_version(town.body.did) is None
    assert view.did_log(town.body.did) == town.body.lines[0] + b"\n"
    assert view.versions(town.body.did)[0].counts_from == view.size - 1
    town.add(town.approve(2))
    assert town.counts() == 1
    assert len(json.loads(town.state.at().did_witness(town.body.did))[0]["proof"]) == 3


def test_keys_are_in_force_once_the_line_counts(town: Town) -> None:
    town.add(town.approve(0, 1))
    old = town.body.kid
    town.body.keys = {"key-2": PrivateKey.generate(town.body.keys["key-1"].public_key.curve)}
    town.add(town.body.next_line())
    assert town.state.at().statement_key(old, at=NOW)
    town.add(town.approve(0, 1))
    with pytest.raises(GuardError, match="no assertion key"):
        town.state.at().statement_key(old, at=NOW)
    assert town.state.at().statement_key(f"{town.body.did}#key-2", at=NOW)


def test_one_approval_covers_the_lines_before_it(town: Town) -> None:
    town.add(town.body.next_line(), town.body.next_line(), town.approve(0))
    assert town.counts() == 0
    assert len(town.state.at().waiting(town.body.did)) == 3
    town.add(town.approve(2))
    assert town.counts() == 3


def test_the_ledger_serves_what_a_resolver_verifies(town: Town) -> None:
    first = town.body.version_id
    # One approval of each line: version 1 has two, but not in the log that ends with it.
    town.add(town.body.next_line(), town.approve(0, version_id=first), town.approve(1))
    assert town.counts() == 0
    town.add(town.approve(2, version_id=first))
    assert town.counts() == 1
    view = town.state.at()
    log = view.did_log(town.body.did)
    assert verify_log(log, did=town.body.did, now=NOW, witness_proofs=view.did_witness(town.body.did)).head.number == 1


@pytest.mark.parametrize("winner", [0, 1])
def test_a_line_that_waits_blocks_nobody_and_forks_nothing(town: Town, winner: int) -> None:
    town.add(town.approve(0, 1))
    head = town.body.version_id
    rivals: list[str] = []
    for words in ("one", "two"):
        town.add(town.body.next_line(state=town.body.document(alsoKnownAs=[f"https://{words}.example/"])))
        rivals.append(town.body.version_id)
        town.body.back(head)
    town.add(town.approve(0, 1, version_id=rivals[winner]))
    assert town.state.at().versions(town.body.did)[-1].version_id == rivals[winner]
    assert town.refused(town.approve(0, 1, version_id=rivals[1 - winner])) == "G11"
    assert not town.state.at().waiting(town.body.did)
    town.body._head = rivals[winner]
    town.body.lines.append(b"")
    town.add(town.body.next_line(), town.approve(1, 2))
    assert town.counts() == 3
    assert town.refused(town.body.lines[0]) == "G11"


def test_lines_after_rivals_find_the_one_they_follow(town: Town) -> None:
    town.add(town.approve(0, 1))
    head = town.body.version_id
    town.add(town.body.next_line(state=town.body.document(alsoKnownAs=["https://one.example/"])))
    town.body.back(head)
    town.add(town.body.next_line(), town.body.next_line(), town.approve(0, 1))
    assert town.counts() == 3
    assert [version.line for version in town.state.at().versions(town.body.did)][1:] == town.body.lines[1:]


def test_proofs_that_prove_nothing_here_are_refused(town: Town) -> None:
    stranger, body = Witness(), town.body
    good = town.approve(0)
    assert town.refused(good) == ""
    assert town.refused(approval(body.version_id, stranger)) == "G10"
    assert town.refused(approval(body.version_id, town.witnesses[0], town.witnesses[0])) == "G10"
    assert town.refused(approval("2-QmWrongVersion" + "1" * 34, town.witnesses[0])) == "G07"
    elsewhere = town.witnesses[0].proof("1-" + "1" * 46)
    replayed = json.dumps({"versionId": body.version_id, "proof": [elsewhere]}).encode()
    assert town.refused(replayed) == "signature"
    forged = json.loads(town.approve(0))
    forged["proof"][0]["created"] = "2020-01-01T00:00:00Z"
    assert town.refused(json.dumps(forged).encode()) == "signature"
    posing = stranger.proof(body.version_id)
    posing["verificationMethod"] = town.witnesses[0].proof("x")["verificationMethod"]
    assert town.refused(json.dumps({"versionId": body.version_id, "proof": [posing]}).encode()) == "signature"
    late = json.dumps({"versionId": body.version_id, "proof": [town.witnesses[0].proof("x", created=NOW + 900)]})
    assert town.refused(late.encode()) == "signature"
    town.add(good)
    assert town.refused(town.approve(0)) == "G11"


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Jane"},
        {"proof": []},
        {"proof": {}},
        {"versionId": "0-x"},
        {"proof": [{"type": "DataIntegrityProof"}]},
    ],
)
def test_the_entry_is_closed(town: Town, change: dict[str, Any]) -> None:
    raw = {**json.loads(town.approve(0)), **change}
    assert town.refused(json.dumps(raw).encode()) == "G02"
    open_proof = json.loads(town.approve(0))
    open_proof["proof"][0]["nonce"] = "Jane"
    assert town.refused(json.dumps(open_proof).encode()) == "G02"


def test_what_is_taken_back_counts_no_more(town: Town) -> None:
    town.add(town.approve(0))
    before = town.state.at().size
    town.state.begin()
    for entry in (town.approve(1), town.body.next_line(), town.approve(0, 1)):
        town.state.admit(town.state.check(parse_entry(entry), now=NOW))
    assert town.counts() == 2
    town.state.rollback()
    assert (town.counts(), town.state.size) == (0, before)
    town.add(approval(json.loads(town.body.lines[0])["versionId"], town.witnesses[1]))
    assert town.counts() == 1


def test_an_excerpt_keeps_the_proofs(town: Town, world: World) -> None:
    entries = [*world.entries, world.root.accredit(town.body.did, "organisation"), town.body.lines[0]]
    state = RegistryState([world.root.did])
    entries += [town.approve(0), town.approve(2)]
    for entry in entries:
        assert state.apply(entry) is None
    again, kept = RegistryState([world.root.did]), set(relevant_entries(state.at(), [town.body.did]))
    for index, entry in enumerate(entries):
        if index in kept:
            assert again.apply(entry) is None
        else:
            again.pass_over(1)
    assert again.at().did_log(town.body.did) == state.at().did_log(town.body.did)


class _Ledger:
    def __init__(self, state: RegistryState) -> None:
        self.state = state

    async def did_log(self, did: str) -> bytes:
        return self.state.at().did_log(did)

    async def did_witness(self, did: str) -> bytes:
        return self.state.at().did_witness(did)


async def test_a_did_with_witnesses_resolves_from_the_ledger_alone(town: Town) -> None:
    method = DidWebvh(log_source=_Ledger(town.state), now=lambda: NOW)
    town.add(town.approve(0, 1), town.body.next_line())
    assert (await method.resolve(town.body.did)).metadata.version_id == json.loads(town.body.lines[0])["versionId"]
    town.add(town.approve(1, 2))
    assert (await method.resolve(town.body.did)).metadata.version_id == town.body.version_id


async def test_a_did_that_moved_resolves_under_both_names(world: World) -> None:
    body = Organisation("old.example", portable=True)
    state = RegistryState([world.root.did])
    old = body.did
    entries = [world.root.lines[0], world.root.accredit(old, "organisation"), body.lines[0], body.move("new.example")]
    assert [state.apply(entry) for entry in entries] == [None] * len(entries)
    new = body.did
    assert old != new
    view = state.at()
    assert view.did_log(old) == view.did_log(new) == b"".join(line + b"\n" for line in body.lines)
    assert list(view.dids())[1:] == [old, new]
    with pytest.raises(DidNotFoundError):
        state.at(3).did_log(new)
    with pytest.raises(DidNotFoundError):
        view.did_log(new.replace("new.example", "other.example"))
    method = DidWebvh(log_source=_Ledger(state), now=lambda: NOW)
    for name in (old, new):
        assert (await method.resolve(name)).document.id == new
    # The accreditation stays with the name it was given to; what the organisation says next needs one of its own.
    assert not view.is_organisation(new, at=NOW)
    with pytest.raises(GuardError, match="no assertion key"):
        view.statement_key(f"{old}#key-1", at=NOW)
    assert view.statement_key(f"{new}#key-1", at=NOW)
    assert state.apply(body.next_line(state=body.document(alsoKnownAs=[old]))) is None


def test_who_is_not_portable_does_not_move(world: World) -> None:
    body = Organisation("old.example")
    state = RegistryState([world.root.did])
    for entry in (world.root.lines[0], world.root.accredit(body.did, "organisation"), body.lines[0]):
        assert state.apply(entry) is None
    refused = state.apply(body.move("new.example"))
    assert refused is not None
    assert "not portable" in refused.reason


async def test_an_organisation_signs_with_what_its_witnesses_have_approved(world: World) -> None:
    kms, seat = MemoryKms(), Witness()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    ledger = open_ledger("memory:")
    registry = Registry(
        ledger, roots=[world.root.did], kms=kms, checkpoint_label="log", origin="log", now=lambda: NOW + 90
    )
    body = await Office.create("town", kms=kms, domain="town.example", now=NOW)
    await registry.submit(world.root.lines[0])
    await registry.submit(world.root.accredit(body.did, "organisation"))
    await body.publish(registry)
    log = verify_log(body.log, did=body.did, now=NOW)
    rule = WitnessRule(1, (seat.id,))
    named = (await update_did(log, kms=kms, name="town", now=NOW + 10, witness=rule)).version.entry
    await registry.submit(named.line)
    await body.reload(registry=registry, now=NOW + 90)
    assert named.line not in body.log
    await registry.submit(approval(named.version_id, seat))
    assert await body.reload(registry=registry, now=NOW + 90)
    before = await body.key(KeyPurpose.STATEMENT)
    for turn in (20, 30):  # asked again while the first line waits: a rival, and no harm
        assert await body.rotate(KeyPurpose.STATEMENT, registry=registry, now=NOW + turn) == before
    waiting = registry.view().waiting(body.did)
    assert len(waiting) == 2
    await registry.submit(approval(waiting[1].version_id, seat))
    assert await body.reload(registry=registry, now=NOW + 90)
    after = await body.key(KeyPurpose.STATEMENT)
    assert after.kid != before.kid
    assert registry.view().statement_key(after.kid, at=NOW)
    again = await Office.open("town", body.did, kms=kms, registry=registry, now=NOW + 90)
    assert again.log == body.log
