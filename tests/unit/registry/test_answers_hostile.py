"""Answers that were forged, cut, mixed or outdated, and operators who lie: no answer of theirs passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.jcs import jcs
from ssi.errors import InclusionProofError, InvalidInputError, InvalidSignatureError, NotFoundError, VerificationError
from ssi.registry.answer import VerifiedAnswer, verify_answer
from ssi.registry.answers_view import AnswersSource, AnswersView
from ssi.registry.state_records import changes
from ssi.registry.types import StateRoot
from tests.unit.registry.answering import ABSENT, EPOCH, Operated
from tests.unit.registry.world import World


def refuses(town: Operated, document: dict[str, Any]) -> None:
    with pytest.raises((VerificationError, InvalidInputError)):
        verify_answer(jcs(document), log_keys=town.keys, roots=town.roots)


async def test_keys_and_roots_of_others_are_not_believed(town: Operated, world: World) -> None:
    data = await town.desk.answer("list", world.URI)
    other = await Operated.start(world)
    with pytest.raises(InvalidSignatureError):
        verify_answer(data, log_keys=other.keys, roots=town.roots)
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=[world.agency.did])
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=town.roots, expected=("list", ABSENT))
    await other.close()


async def test_absence_of_what_is_there_cannot_be_claimed(town: Operated, world: World) -> None:
    document = json.loads(await town.desk.answer("list", world.URI))
    nothing = json.loads(await town.desk.answer("list", ABSENT))
    claimed = {**document, "items": [{k: v for k, v in item.items() if k != "record"} for item in document["items"]]}
    refuses(town, claimed)
    without = json.loads(jcs(nothing))
    without["items"][0]["name"] = world.URI  # the proof for another key
    refuses(town, without)
    for proof in (b"\2", b"\0" * 33, b"\1" + b"\0" * 96):
        without["items"][0]["proof"] = b64url_encode(proof)
        refuses(town, without)


async def test_a_record_that_was_newest_once_is_refused(town: Operated, world: World) -> None:
    old = json.loads(await town.desk.answer("list", world.URI))
    await town.registry.submit(world.agency.commit(world.URI, 9, iat=town.now))
    await town.epoch()
    new = json.loads(await town.desk.answer("list", world.URI))
    assert old["items"][0]["record"] != new["items"][0]["record"]
    refuses(town, {**new, "items": [old["items"][0], *new["items"][1:]]})
    refuses(town, {**new, "checkpoint": old["checkpoint"]})
    refuses(town, {**old, "checkpoint": new["checkpoint"]})
    refuses(town, {**new, "state_root": old["state_root"]})
    source = AnswersSource(log_keys=town.keys, roots=town.roots)
    source.take(jcs(new))
    with pytest.raises(InclusionProofError, match="as of entry"):
        source.take(jcs(old))


async def test_parts_left_out_added_or_moved_are_refused(town: Operated, world: World) -> None:
    document = json.loads(await town.desk.answer("accredited", world.agency.did))
    other = json.loads(await town.desk.answer("list", world.URI))
    for index in range(len(document["entries"])):
        refuses(town, {**document, "entries": document["entries"][:index] + document["entries"][index + 1 :]})
    for item in document["items"][1:]:
        if item["kind"] in ("did", "compromised"):  # without the operator's keys nothing holds
            refuses(town, {**document, "items": [each for each in document["items"] if each != item]})
    added = {entry["index"]: entry for entry in (*document["entries"], *other["entries"])}
    refuses(town, {**document, "entries": [added[index] for index in sorted(added)]})
    refuses(town, {**document, "entries": list(reversed(document["entries"]))})
    refuses(town, {**document, "items": [*document["items"], document["items"][0]]})
    refuses(town, {**document, "more": 1})
    refuses(town, {**document, "format": "registry-answer/2"})
    with pytest.raises(InvalidInputError, match="canonical"):
        verify_answer(json.dumps(document).encode(), log_keys=town.keys, roots=town.roots)


class Liar:
    """An operator who makes a map as it pleases, and signs its root."""

    def __init__(self, town: Operated) -> None:
        self.town = town

    async def answer(self, kind: str, name: str, change: Callable[[dict[tuple[str, str], Any]], None]) -> bytes:
        view = self.town.registry.view()
        records = {thing: json.loads(value) for part in changes(view, 0) for thing, value in part.items()}
        change(records)
        plan = await self.town.map.plan({thing: jcs(record) for thing, record in records.items()})
        self.town.now += EPOCH
        root = self.town.world.root
        size = self.town.registry.state.size
        body = StateRoot(iss=root.did, iat=self.town.now, size=size, root=b64url_encode(plan.root))
        await self.town.registry.submit(root.sign(body))
        await self.town.map.commit(plan, size=size)
        return await self.town.desk.answer(kind, name)


@pytest.mark.parametrize("entries", [[], [0], [4, 5], [6, 5], [5.5], "5", [99]])
async def test_even_the_operator_cannot_give_a_record_that_its_entries_do_not_bear(
    town: Operated, world: World, entries: object
) -> None:
    def change(records: dict[tuple[str, str], Any]) -> None:
        records["list", world.URI]["entries"] = entries

    try:
        data = await Liar(town).answer("list", world.URI, change)
    except (InvalidInputError, NotFoundError, TypeError):
        return  # not even the desk can make it
    with pytest.raises((InclusionProofError, InvalidInputError)):
        verify_answer(data, log_keys=town.keys, roots=town.roots)


async def test_a_did_whose_newest_line_is_hidden_by_the_record_is_refused(town: Operated, world: World) -> None:
    def change(records: dict[tuple[str, str], Any]) -> None:
        records["did", world.agency.did]["versionId"] = "1-Qm"

    data = await Liar(town).answer("did", world.agency.did, change)
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=town.roots)


async def test_two_checkpoints_of_one_size_are_a_fork(town: Operated, world: World) -> None:
    answer = await town.answer("list", world.URI)
    head = msgspec.structs.replace(answer.checkpoint, root=b"f" * 32)
    forked: VerifiedAnswer = msgspec.structs.replace(answer, checkpoint=head, name=ABSENT)
    with pytest.raises(InclusionProofError, match="forked"):
        AnswersView([answer, forked])
    with pytest.raises(InvalidInputError):
        AnswersView([])
