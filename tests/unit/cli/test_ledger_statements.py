"""``ssi ledger accredit``, ``end`` and ``compromised``: what they write, what they refuse, and their exit codes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ssi.cli.command import StatementCommand
from ssi.errors import UnavailableError
from ssi.registry import Registry
from tests.unit.cli.program import TYPE, Town

DAY = 86_400


def entries(town: Town) -> list[Any]:
    shown: list[Any] = town.ok("ledger", "show")["entries"]
    return shown


def code(town: Town, *arguments: object) -> int:
    return town.ssi(*arguments, "--json").code


@pytest.fixture
def region(town: Town) -> Town:
    """The town, with a region that is on the ledger and may hand on the type of its certificates."""
    town.ok("did", "create", "region", "--domain", "region.example")
    town.ok("ledger", "enrol", "region", "--by", "ministry")
    town.ok("ledger", "accredit", "region", "--role", "accreditor", "--type", TYPE, "--by", "ministry")
    town.ok("did", "create", "village", "--domain", "village.example")
    return town


def test_an_accreditor_below_the_root_enrols_and_accredits(region: Town) -> None:
    above = entries(region)[-1]["entry"]
    enrolled = region.ok("ledger", "enrol", "village", "--by", "region", "--type", TYPE)
    assert len(enrolled["entries"]) == 3
    given = region.ok("ledger", "accredit", "village", "--role", "issuer", "--type", TYPE, "--by", "region")
    assert "under" in given
    named = ("--under", above, "--answerable-to", "ministry", "--until", int(time.time()) + 30 * DAY)
    again = region.ok("ledger", "accredit", "village", "--role", "issuer", "--type", TYPE, "--by", "region", *named)
    assert again["under"] == given["under"]
    assert region.ok("ledger", "audit")["broken"] == []


def test_what_an_accreditor_may_not_give_is_refused(region: Town) -> None:
    size = region.ok("ledger", "show")["size"]
    accredit = ("ledger", "accredit", "village", "--by", "region")
    assert code(region, *accredit, "--role", "issuer", "--type", "https://town.example/other") == 1
    assert code(region, *accredit, "--role", "issuer") == 1  # of any type
    assert code(region, *accredit, "--role", "accreditor") == 1
    assert code(region, "ledger", "accredit", "region", "--role", "organisation", "--by", "town") == 1
    assert code(region, *accredit, "--role", "issuer", "--type", TYPE, "--under", 0) == 1  # is no accreditation of it
    assert code(region, *accredit, "--role", "king") == 2
    assert code(region, *accredit, "--role", "issuer", "--under", 999) == 2
    assert code(region, "ledger", "accredit", "nobody", "--role", "issuer", "--by", "region") == 2
    assert (
        code(
            region,
            "ledger",
            "accredit",
            "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
            "--role",
            "organisation",
            "--by",
            "ministry",
        )
        == 1
    )
    assert region.ok("ledger", "show")["size"] == size


def test_an_accreditation_ends_and_an_ending_is_lifted(region: Town) -> None:
    region.ok("ledger", "enrol", "village", "--by", "region", "--type", TYPE)
    issuer = region.ok("ledger", "accredit", "village", "--role", "issuer", "--type", TYPE, "--by", "region")
    last = region.ok("ledger", "accredit", "village", "--role", "supervisor", "--by", "region")
    accredit = ("ledger", "accredit", "village", "--role", "issuer", "--type", TYPE, "--by", "region")
    ended = region.ok("ledger", "end", last["entry"], "--by", "region", "--reason", "revoked")
    assert ended["ends"] == last["id"]
    region.ok("ledger", "end", ended["id"], "--by", "region", "--reason", "lifted")
    region.ok("ledger", "end", issuer["id"], "--by", "ministry", "--reason", "succeeded", "--successor", "town")
    # The region's own accreditation ends: it gives nothing more.
    above = next(
        each["entry"] for each in reversed(entries(region)) if each["type"] == "Accreditation"
        and each["about"] == region.ok("did", "resolve", _did(region, "region"))["didDocument"]["id"]
    )  # fmt: skip
    region.ok("ledger", "end", above, "--by", "ministry", "--reason", "retired")
    assert code(region, *accredit) == 1


def test_what_cannot_be_ended(region: Town) -> None:
    accredited = next(each["entry"] for each in entries(region) if each["type"] == "Accreditation")
    line = next(each["entry"] for each in entries(region) if each["type"] == "DidLogEntry")
    end = ("ledger", "end", accredited, "--by", "region", "--reason")
    size = region.ok("ledger", "show")["size"]
    assert code(region, *end, "revoked") == 1  # somebody else's
    assert code(region, "ledger", "end", accredited, "--by", "ministry", "--reason", "succeeded") == 1  # by whom?
    assert code(region, "ledger", "end", line, "--by", "ministry", "--reason", "revoked") == 1
    assert code(region, *end, "compromised") == 2
    assert code(region, "ledger", "end", size, "--by", "ministry", "--reason", "revoked") == 2
    assert code(region, "ledger", "end", "A" * 43, "--by", "ministry", "--reason", "revoked") == 2
    assert code(region, "ledger", "end", accredited, "--by", "nobody", "--reason", "revoked") == 2
    assert region.ok("ledger", "show")["size"] == size


def _did(town: Town, name: str) -> str:
    import tomllib

    did: str = tomllib.loads((town / "ssi.toml").read_text())["organisations"][name]["did"]
    return did


def test_a_compromised_key_is_declared(town: Town, built_town: Town) -> None:
    did = _did(town, "town")
    kid, file = f"{did}#credential-1", town / "sd-jwt.presentation"
    assert town.verify(file).code == 0
    said = town.ok("ledger", "compromised", kid, "--by", "town", "--since", int(time.time()) - 30)
    assert (said["key"], entries(town)[-1]["about"]) == (kid, "compromised")
    town.export()
    refused = town.verify(file)
    assert (refused.code, refused.document["check"]) == (1, "signature")
    assert "compromised" in refused.document["reason"]


def test_who_may_declare_a_key_compromised(region: Town) -> None:
    did = _did(region, "town")
    size = region.ok("ledger", "show")["size"]
    declare = ("ledger", "compromised", f"{did}#list-1", "--by")
    assert code(region, *declare, "region") == 1
    assert code(region, *declare, "ministry", "--since", int(time.time()) + 30 * DAY) == 1
    for kid in (did, f"{did}#list-9", f"{did}/path#list-1", f"{did}#", "list-1", "did:web:nobody.example#key-1"):
        assert code(region, "ledger", "compromised", kid, "--by", "ministry") == 2, kid
    assert region.ok("ledger", "show")["size"] == size
    region.ok(*declare, "ministry")  # a root
    # With its statement key gone, the town says nothing more on the ledger until it has another one.
    region.ok("ledger", "compromised", f"{did}#statement-1", "--by", "town")
    assert code(region, "ledger", "compromised", f"{did}#credential-1", "--by", "town") == 1


def test_an_unknown_outcome_is_three(town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def submit(*_: object) -> None:
        raise UnavailableError("the registry stopped while it wrote: ask again")

    monkeypatch.setattr(Registry, "submit", submit)
    assert code(town, "ledger", "accredit", "town", "--role", "supervisor", "--by", "ministry") == 3
    assert code(town, "ledger", "end", 1, "--by", "ministry", "--reason", "revoked") == 3
    assert code(town, "ledger", "compromised", f"{_did(town, 'town')}#list-1", "--by", "town") == 3


@pytest.mark.parametrize("hyphens", ["-", "--", "-h", "-z-"])
def test_an_id_that_begins_with_a_hyphen_is_no_option(built_town: Town, hyphens: str) -> None:
    identifier = hyphens.ljust(43, "A")
    done = built_town.ssi("ledger", "end", identifier, "--by", "ministry", "--reason", "retired", "--json")
    assert (done.code, done.document["reason"]) == (2, "the ledger has no such entry")
    shorter = built_town.ssi("ledger", "end", identifier[:-1], "--by", "ministry", "--reason", "retired", "--json")
    assert shorter.code == 2
    assert "No such option" in shorter.document["reason"]


def test_such_an_id_is_found(built_town: Town) -> None:
    seen: list[object] = []
    identifier = "-zYH7f_C9sgVETj0w3dADws-HCagSVyPOowP-KlVdNc"
    parameters = [click.Argument(["entry"]), click.Option(["--under"]), click.Option(["--many"], type=int)]
    command = StatementCommand("end", params=parameters, callback=lambda **given: seen.append(given))
    for arguments in (["--under", identifier, identifier], [identifier, "--under", identifier, "--many", "3"]):
        assert CliRunner().invoke(command, arguments).exit_code == 0
    assert seen == [
        {"entry": identifier, "under": identifier, "many": None},
        {"entry": identifier, "under": identifier, "many": 3},
    ]
