"""Root operations under dual control: what is carried out, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ssi.ceremony import (
    Approval,
    Charter,
    Request,
    Transcript,
    Turn,
    approve,
    build_charter,
    checkpoint_key,
    next_line,
    read_paper,
    read_transcript,
    verify_transcript,
)
from ssi.ceremony.documents import sign_paper, to_file
from ssi.did.webvh import WitnessRule, update_did, verify_log
from ssi.encoding.gate import parse_object
from ssi.errors import (
    ConflictError,
    InvalidInputError,
    SsiError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose
from tests.unit.ceremony.hall import KEY, NOW, OFFICERS, Hall


@pytest.fixture
async def hall() -> Hall:
    return await Hall.open()


async def founded(hall: Hall) -> Any:
    """Hold the first ceremony and return what it proves."""
    done = await hall.hold(await hall.first())
    return verify_transcript(done, charter=hall.charter, now=hall.now)


class TestOperations:
    async def test_the_first_line_makes_a_did_whose_update_keys_never_left_the_machine(self, hall: Hall) -> None:
        found = await founded(hall)
        log = verify_log(found.log.log, did=found.log.did, now=hall.now)
        assert log.did.endswith(":town.example")
        assert log.head.parameters.next_key_hashes
        assert found.officers == OFFICERS[:2]
        online, offline = hall.stores["coordinator"], hall.stores["machine"]
        assert not await online.labels(KeyPurpose.DID_UPDATE)
        assert await offline.labels(KeyPurpose.DID_NEXT) == ["town/next/2"]
        assert {"credential-1", "list-1", "statement-1"} == {
            method["id"].partition("#")[2] for method in log.head.document["verificationMethod"]
        }

    async def test_the_next_update_key_changes_nothing_else(self, hall: Hall) -> None:
        before = (await founded(hall)).log
        found = verify_transcript(
            await hall.hold(await hall.prepare(next_line(before))), charter=hall.charter, now=hall.now
        )
        assert found.log is not None
        assert found.log.head.number == 2
        assert found.log.head.document == before.head.document
        assert found.log.head.parameters.update_keys != before.head.parameters.update_keys
        # The key that signed the first line is of no use but to a thief.
        assert await hall.stores["machine"].labels(KeyPurpose.DID_UPDATE) == ["town/update/2"]

    async def test_a_set_of_witnesses(self, hall: Hall) -> None:
        before = (await founded(hall)).log
        rule = WitnessRule(1, (hall.charter.body.officers["borg"],))
        done = await hall.hold(await hall.prepare(next_line(before, witness=rule)))
        found = verify_transcript(done, charter=hall.charter, now=hall.now)
        assert found.log is not None
        assert found.log.head.parameters.witness == rule
        done = await hall.hold(await hall.prepare(next_line(found.log, witness=WitnessRule())))
        found = verify_transcript(done, charter=hall.charter, now=hall.now)
        assert found.log is not None
        assert found.log.head.parameters.witness.ids == ()

    async def test_a_checkpoint_key_is_certified_by_those_who_have_it(self, hall: Hall) -> None:
        kms = hall.stores["coordinator"]
        await kms.generate("log/checkpoint", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        operation = await checkpoint_key(
            origin="log.example", kms=kms, label="log/checkpoint", charter=hall.charter, number=1
        )
        found = verify_transcript(await hall.hold(await hall.prepare(operation)), charter=hall.charter, now=hall.now)
        assert found.vkey == operation.vkey
        assert found.log is None
        with pytest.raises(VerificationError, match="another ceremony"):
            await hall.prepare(operation)

    async def test_ceremonies_follow_one_another_and_a_third_person_sees_it(self, hall: Hall) -> None:
        log = (await founded(hall)).log
        for _ in range(2):
            log = verify_transcript(
                await hall.hold(await hall.prepare(next_line(log))), charter=hall.charter, now=hall.now
            ).log
        turn = Turn()
        for transcript in hall.transcripts:
            copied = read_transcript(transcript.data)
            turn = verify_transcript(copied, charter=hall.charter, now=hall.now, after=turn).after(turn)
        assert turn == hall.turn
        with pytest.raises(ConflictError, match="out of order: expected ceremony 1, got 2"):
            verify_transcript(hall.transcripts[1], charter=hall.charter, now=hall.now, after=Turn())


class TestRefusals:
    async def test_without_enough_approvals_no_key_is_made(self, hall: Hall) -> None:
        request = await hall.first()
        for officers in ((), OFFICERS[:1]):
            with pytest.raises(VerificationError, match=f"missing approvals: {len(officers)} of the 2 needed"):
                await hall.sign(request, await hall.approvals(request, officers))
        one = await hall.approvals(request, OFFICERS[:1])
        with pytest.raises(VerificationError, match="aalto approved twice"):
            await hall.sign(request, [*one, *one])
        assert await hall.stores["machine"].labels() == [KEY]

    async def test_the_wrong_key(self, hall: Hall) -> None:
        with pytest.raises(VerificationError, match="signed with the key of the coordinator"):
            await hall.prepare((await hall.first()).body.operation, by="thief")
        request = await hall.first()
        with pytest.raises(VerificationError, match="no officer aalto with this key"):
            await approve(
                request, expected=request.digest, officer="aalto", charter=hall.charter, kms=hall.stores["thief"],
                label=KEY, now=NOW,
            )  # fmt: skip
        (forged,) = await hall.approvals(request, ["borg"])
        named = to_file({**forged.raw, "officer": "aalto"})
        with pytest.raises(VerificationError, match="signed with the key of aalto"):
            await hall.sign(request, [read_paper(named, Approval), forged])
        named = to_file({**forged.raw, "officer": "nobody"})
        with pytest.raises(VerificationError, match="nobody is no officer"):
            await hall.sign(request, [read_paper(named, Approval)])
        hall.stores["machine"] = hall.stores["thief"]
        with pytest.raises(VerificationError, match="another signing machine"):
            await hall.sign(request)

    async def test_an_approval_is_for_one_request(self, hall: Hall) -> None:
        request = await hall.first()
        approvals = await hall.approvals(request)
        hall.now += 1
        other = await hall.first()
        with pytest.raises(VerificationError, match="the approval of aalto is for another request"):
            await hall.sign(other, approvals)
        with pytest.raises(VerificationError, match="not the request with the digest"):
            await approve(
                other, expected=request.digest, officer="aalto", charter=hall.charter, kms=hall.stores["aalto"],
                label=KEY, now=hall.now,
            )  # fmt: skip

    async def test_a_replay_and_what_comes_out_of_order(self, hall: Hall) -> None:
        first = await hall.first()
        approvals = await hall.approvals(first)
        log = (await founded(hall)).log
        with pytest.raises(ConflictError, match="replayed: ceremony 1 was carried out already"):
            await hall.sign(first, approvals)
        later = await hall.prepare(next_line(log), turn=Turn(2, "A" * 43))
        with pytest.raises(ConflictError, match="out of order: expected ceremony 2, got 3"):
            await hall.sign(later)
        elsewhere = await hall.prepare(next_line(log), turn=Turn(1, "A" * 43))
        with pytest.raises(ConflictError, match="does not follow the result"):
            await hall.sign(elsewhere)

    async def test_a_shortened_log_makes_no_fork(self, hall: Hall) -> None:
        first = (await founded(hall)).log
        await hall.hold(await hall.prepare(next_line(first)))
        again = await hall.prepare(next_line(first))
        with pytest.raises(ConflictError, match="a fork would come of it"):
            await hall.sign(again)

    async def test_time(self, hall: Hall) -> None:
        request = await hall.first()
        approvals = await hall.approvals(request)
        hall.now = request.body.expires_at
        with pytest.raises(ValidityError, match="expired"):
            await hall.sign(request, approvals)
        hall.now = NOW - 301
        with pytest.raises(ValidityError, match="future"):
            await hall.sign(request, approvals)

    async def test_another_charter(self, hall: Hall) -> None:
        request = await hall.first()
        easier = build_charter(msgspec.structs.replace(hall.charter.body, threshold=1))
        hall.charter = easier
        with pytest.raises(VerificationError, match="names another one"):
            await hall.sign(request, [])

    @pytest.mark.parametrize(
        "change",
        [
            {"threshold": 4},
            {"threshold": 0},
            {"officers": {}},
            {"coordinator": "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH", "machine": None},
        ],
    )
    async def test_a_charter_in_which_one_stands_for_two(self, hall: Hall, change: dict[str, Any]) -> None:
        if "machine" in change:
            change["machine"] = change["coordinator"]
        with pytest.raises((InvalidInputError, ValueError)):
            build_charter(Charter(**{**msgspec.structs.asdict(hall.charter.body), **change}))

    async def test_a_transcript_that_is_not_finished(self, hall: Hall) -> None:
        signed = await hall.sign(await hall.first())
        with pytest.raises(VerificationError, match="finished transcript"):
            verify_transcript(signed, charter=hall.charter, now=NOW)
        with pytest.raises(VerificationError, match="result of the signing machine"):
            verify_transcript(
                msgspec.structs.replace(signed, result=None), charter=hall.charter, now=NOW, finished=False
            )


def altered(data: bytes) -> list[bytes]:
    """Return copies with one byte changed, one left out and one doubled, at every place."""
    copies = []
    for at, byte in enumerate(data):
        copies += [
            data[:at] + bytes([byte ^ 1]) + data[at + 1 :],
            data[:at] + data[at + 1 :],
            data[: at + 1] + data[at:],
        ]
    return copies


class TestEveryByte:
    async def test_of_a_request(self, hall: Hall) -> None:
        request = await hall.first()
        approvals = await hall.approvals(request)
        for copy in altered(request.data):
            with pytest.raises(SsiError):
                await hall.sign(read_paper(copy, Request), approvals)
        assert await hall.stores["machine"].labels() == [KEY]
        await hall.sign(read_paper(request.data, Request), approvals)

    async def test_of_an_approval(self, hall: Hall) -> None:
        request = await hall.first()
        one, two = await hall.approvals(request)
        for copy in altered(one.data):
            with pytest.raises(SsiError):
                await hall.sign(request, [read_paper(copy, Approval), two])

    async def test_of_a_transcript(self, hall: Hall) -> None:
        done = await hall.hold(await hall.first())
        verify_transcript(read_transcript(done.data), charter=hall.charter, now=hall.now)
        for copy in altered(done.data):
            with pytest.raises(SsiError):
                verify_transcript(read_transcript(copy), charter=hall.charter, now=hall.now)


def _drop(records: list[Any]) -> list[Any]:
    return [*records[:1], *records[2:]]


def _swap(records: list[Any]) -> list[Any]:
    return [records[0], records[2], records[1], *records[3:]]


@pytest.mark.parametrize("change", [_drop, _swap, lambda records: records[:-1], lambda records: records[1:]])
async def test_records_that_were_dropped_or_moved(hall: Hall, change: Callable[[list[Any]], list[Any]]) -> None:
    done = await hall.hold(await hall.first())
    raw = parse_object(done.data)
    with pytest.raises((VerificationError, InvalidInputError)):
        read_and_verify(to_file({**raw, "records": change(raw["records"])}), hall)
    # Chained anew, it is the signatures that notice.
    papers = [record["paper"] for record in raw["records"]]
    assert done.completion is not None
    fewer = msgspec.structs.replace(done, approvals=done.approvals[::-1])
    assert list(fewer.papers) != papers
    with pytest.raises(VerificationError, match="does not follow these approvals"):
        read_and_verify(fewer.data, hall)


async def test_a_result_that_the_machine_did_not_sign(hall: Hall) -> None:
    signed = await hall.sign(await hall.first())
    assert signed.result is not None
    by_thief = await sign_paper(signed.result.body, kms=hall.stores["thief"], label=KEY)
    forged = msgspec.structs.replace(signed, result=by_thief)
    with pytest.raises(VerificationError, match="signed with the key of the signing machine"):
        verify_transcript(forged, charter=hall.charter, now=hall.now, finished=False)


async def test_a_machine_that_signs_something_else(hall: Hall) -> None:
    """Officers approve one thing; a bribed machine signs another, and everybody sees it."""
    log = (await founded(hall)).log
    signed = await hall.sign(await hall.prepare(next_line(log)))
    assert signed.result is not None
    document = {**log.head.document, "alsoKnownAs": ["https://elsewhere.example"]}
    made = await update_did(log, kms=hall.stores["machine"], name="town", now=hall.now, document=document)
    body = msgspec.structs.replace(signed.result.body, line=made.line.decode())
    bribed = msgspec.structs.replace(signed, result=await sign_paper(body, kms=hall.stores["machine"], label=KEY))
    with pytest.raises(VerificationError, match="another document than was asked for"):
        verify_transcript(bribed, charter=hall.charter, now=hall.now, finished=False)


def read_and_verify(data: bytes, hall: Hall) -> Transcript:
    transcript = read_transcript(data)
    verify_transcript(transcript, charter=hall.charter, now=hall.now)
    return transcript
