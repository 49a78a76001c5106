"""``ssi ledger anchor``, ``audit --anchored-in`` and ``withhold``: what they write, refuse, and their exit codes."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.unit.cli.program import Town


@pytest.fixture
def public(town: Town) -> dict[str, str]:
    """Another ledger, whose root is the town's ministry, on which its log is published."""
    import asyncio

    from ssi.cli.session import Options, Session
    from ssi.ledger import open_ledger
    from ssi.registry import Organisation, open_registry

    async def found() -> str:
        session = Session(Options(project=str(town / "ssi.toml")))
        ministry: Organisation = await session.organisation("ministry")
        ledger = open_ledger(f"sqlite://{town / 'public.db'}")
        registry = await open_registry(
            ledger, origin="public.example", roots=[ministry.did], kms=session.kms(), now=session.now
        )
        await ministry.publish(registry)
        await ledger.close()
        await session.close()
        return ministry.did

    return {"url": f"sqlite://{town / 'public.db'}", "root": asyncio.run(found())}


def anchor(town: Town, public: dict[str, str], *more: object) -> list[object]:
    options = ("--into", public["url"], "--into-root", public["root"], "--into-origin", "public.example")
    return ["ledger", "anchor", *options, "--by", "ministry", *more]


def test_a_log_is_anchored_once_in_a_period_and_audited_by_it(town: Town, public: dict[str, str]) -> None:
    held = ("ledger", "audit", "--anchored-in", public["url"], "--anchor-root", public["root"])
    none = town.ssi(*held, "--json")
    assert none.code == 1
    first = town.ok(*anchor(town, public, "--period", 10**6))
    again = town.ok(*anchor(town, public, "--period", 10**6))
    assert (first["new"], again["new"], again["entry"]) == (True, False, first["entry"])
    seen = town.ok(*held)
    assert seen["anchored"]["anchors that hold"] == 1
    shutil.copy(town / "ledger.db", town / "kept.db")
    database = sqlite3.connect(town / "ledger.db")
    (before,) = database.execute("SELECT hash FROM nodes ORDER BY pos LIMIT 1").fetchone()
    database.execute("UPDATE nodes SET hash = ? WHERE hash = ?", (bytes(32), before))
    database.commit()
    database.close()
    assert town.ssi(*held, "--json").code == 1


def test_the_watch_holds_the_log_against_its_anchors_and_state_roots(town: Town, public: dict[str, str]) -> None:
    watch = ("ledger", "watch", "--anchored-in", public["url"], "--anchor-root", public["root"])
    missing = town.ssi(*watch, "--anchor-freeze", 3600, "--state-root-freeze", 7200, "--json").document
    assert [alarm["reason"] for alarm in missing["alarms"]] == ["there is no state root yet", "there is no anchor yet"]
    town.ok("ledger", "state-root", "--by", "ministry")
    town.ok(*anchor(town, public))
    calm = town.ok(*watch, "--anchor-freeze", 3600, "--state-root-freeze", 7200)
    assert (calm["alarms"], calm["state roots"]) == ([], {"held": 1, "uncheckable": 0})
    shutil.copy(town / "ledger.db", town / "kept.db")
    assert town.ssi("ledger", "watch", "--anchor-freeze", 60).code == 2
    # The log is rewritten with all its hashes and signed anew, by its own key.
    _rewrite(town)
    found = town.ssi(*watch, "--evidence", town / "found", "--json").document
    (fork,) = [alarm for alarm in found["alarms"] if alarm["kind"] == "fork"]
    assert town.ssi("ledger", "verify-fork", fork["proof"]).code == 0


def _rewrite(town: Town) -> None:
    import asyncio

    from ssi.cli.session import Options, Session
    from ssi.ledger import open_ledger
    from ssi.ledger.checkpoint import sign_checkpoint

    async def rewrite() -> None:
        session = Session(Options(project=str(town / "ssi.toml")))
        ledger = session.ledger()
        entries = [bytes(entry) for entry in await ledger.read(0, await ledger.size())]  # type: ignore[arg-type]
        await session.close()
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.head"):
            (town / name).unlink(missing_ok=True)
        forged = open_ledger(f"sqlite://{town / 'ledger.db'}")
        await forged.append([*entries[:-1], b"another last entry", b"and one more"])
        session = Session(Options(project=str(town / "ssi.toml")))
        note = await sign_checkpoint(
            forged, kms=session.kms(), label="log.example/checkpoint", origin="log.example", now=session.now()
        )
        await forged.put_checkpoint(None, note)
        await forged.close()
        await session.close()

    asyncio.run(rewrite())


def test_a_body_is_withheld_under_an_order(town: Town, tmp_path: Path) -> None:
    order = tmp_path / "order.txt"
    order.write_text("The court orders.")
    town.ok("ledger", "accredit", "town", "--role", "supervisor", "--by", "ministry")
    index = town.ok("ledger", "show")["size"] - 1
    refused = town.ssi("ledger", "withhold", 1, "--order", order, "--by", "ministry", "--json")
    assert refused.code == 1
    done = town.ok("ledger", "withhold", index, "--order", order, "--by", "ministry")
    assert town.ok("ledger", "withhold", index, "--order", order, "--by", "ministry") == done
    shown = town.ok("ledger", "show", index)["entries"]
    assert shown[0] == {"entry": index, "type": "withheld", "about": done["order"]}
    assert shown[1]["type"] == "Withholding"
    assert town.ok("ledger", "audit")["entries"]["withheld"] == 1
    town.ok("ledger", "proof", index)
    exported = tmp_path / "offline"
    town.ok("ledger", "export", exported)
    assert town.ssi("verify", "--help").code == 0
