"""``ssi ledger tiles``, ``cosign``, ``verify-fork`` and ``watch``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.session import Session
from ssi.ledger import open_ledger
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import parse_vkey
from ssi.ledger.fork import build_fork_proof, make_fork_proof
from ssi.ports import Fetched
from tests.contracts.tiles import Publisher
from tests.unit.cli.program import Town, ssi
from tests.unit.cli.test_ledger import vkey
from tests.unit.ledger.witnesses import Town as Witnesses


@pytest.fixture
def forked(tmp_path: Path) -> tuple[Path, str]:
    """A fork proof in a file, and the key of its log."""

    async def make() -> tuple[bytes, str]:
        honest, forged = Publisher(MemoryLedger()), Publisher(MemoryLedger())
        forged.kms = honest.kms
        await honest.ledger.append([b"a", b"b", b"c"])
        await forged.ledger.append([b"a", b"B", b"c", b"d", b"e"])
        keys = [await honest.key()]
        notes = await honest.sign(now=1_700_000_000), await forged.sign()
        return build_fork_proof(await make_fork_proof(*notes, keys=keys, ledger=forged.ledger)), keys[0].vkey

    proof, key = asyncio.run(make())
    (tmp_path / "fork.json").write_bytes(proof)
    return tmp_path / "fork.json", key


def test_a_fork_is_confirmed_from_the_file_alone(
    forked: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, key = forked
    (tmp_path / "clean").mkdir()
    monkeypatch.chdir(tmp_path / "clean")
    done = ssi("ledger", "verify-fork", file, "--json")
    assert (done.code, done.document["outcome"], done.document["keys"]) == (0, "proved", [key])
    assert (done.document["first"]["size"], done.document["second"]["size"]) == (3, 5)
    assert done.document["keys from"].startswith("the file")
    assert ssi("ledger", "verify-fork", file, "--vkey", key, "--json").document["keys from"] == "--vkey"
    assert "the log is forked" in ssi("ledger", "verify-fork", file).stdout
    stranger = asyncio.run(Publisher().key()).vkey
    assert ssi("ledger", "verify-fork", file, "--vkey", stranger).code == 1
    document = json.loads(file.read_bytes())
    for change, code in [
        ({"path": document["path"][:-1]}, 1),
        ({"checkpoints": [document["checkpoints"][0]] * 2, "path": []}, 1),
        ({"format": "x"}, 2),
    ]:
        file.write_text(json.dumps({**document, **change}))
        assert ssi("ledger", "verify-fork", file).code == code
    assert ssi("ledger", "verify-fork", tmp_path / "absent").code == 2


def test_the_log_is_published_and_read_from_its_files(town: Town, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    first = town.ok("ledger", "tiles", folder)
    assert (first["before"], first["files"]) == (0, 3)
    assert town.ok("ledger", "tiles", folder, "--whole")["files"] == 0
    root = json.loads((town / "policy.toml").read_text().split("roots = ")[1].split("\n")[0])[0]
    reading = ("--ledger", f"tiles:{folder}", "--vkey", vkey(town), "--root", root, "--json")
    report = ssi("ledger", "audit", *reading)
    assert (report.code, report.document["size"]) == (0, first["size"])
    assert report.document["root"] == town.ok("ledger", "audit")["root"]
    (folder / "tile" / "entries" / "000.p" / str(first["size"])).write_bytes(b"")
    assert ssi("ledger", "audit", *reading).code == 1
    assert ssi("ledger", "audit", "--ledger", f"tiles:{folder}", "--root", root).code == 2  # without the log's key
    (folder / "checkpoint").write_bytes(b"")
    assert town.ssi("ledger", "tiles", folder).code == 1


class _Door:
    """The way out, to witnesses in this process."""

    def __init__(self, witnesses: Witnesses) -> None:
        self.post = witnesses.post
        self.witnesses = witnesses

    async def __call__(self, url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        prefix, digest, _ = url.rsplit("/", 2)
        return Fetched(url, 200, "text/plain", await self.witnesses.witnesses[prefix].head(digest))


def test_cosigned_and_asked_for_by_readers(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witnesses = asyncio.run(Witnesses.make([parse_vkey(vkey(town))]))
    addresses = asyncio.run(witnesses.addresses())
    monkeypatch.setattr(Session, "door", lambda _: _Door(witnesses))
    named: list[str] = []
    for address in addresses:
        named += ["--witness", address.url, address.key.vkey]
    done = town.ok("ledger", "cosign", *named, "--required", "3")
    assert (done["witnesses"], done["outcome"]) == ("3 of 3", "ok")
    # From the project file; with one of them down, and too many required.
    project = town / "ssi.toml"
    tables = ", ".join(f'{{ url = "{each.url}", key = "{each.key.vkey}" }}' for each in addresses)
    text = project.read_text()
    project.write_text(
        text.replace("[ledger]\n", f'[ledger]\nwitnesses = [{tables}]\nrequired_witnesses = 2\npin = "kept.note"\n')
    )
    town.ok("ledger", "checkpoint", "--sign")
    with_none = town.ssi("did", "resolve", _did(town), "--json")
    assert with_none.code != 0
    witnesses.down = {addresses[0].url, addresses[1].url}
    few = town.ssi("ledger", "cosign", "--json")
    assert (few.code, few.document["check"]) == (1, "witnesses")
    witnesses.down = set()
    assert town.ok("ledger", "cosign")["witnesses"] == "3 of 3"
    assert town.ssi("did", "resolve", _did(town), "--json").code == 0
    assert (town / "kept.note").read_bytes() == asyncio.run(_checkpoint(town))
    assert town.ok("ledger", "watch")["alarms"] == []
    assert town.ssi("ledger", "cosign", "--witness", "https://w.example", vkey(town)).code == 2


def _did(town: Town) -> str:
    import tomllib

    return str(tomllib.loads((town / "ssi.toml").read_text())["organisations"]["town"]["did"])


async def _checkpoint(town: Town) -> bytes | None:
    ledger = open_ledger(f"sqlite://{town.folder}/ledger.db")
    try:
        return await ledger.checkpoint()
    finally:
        await ledger.close()


def test_the_watch(town: Town, tmp_path: Path) -> None:
    calm = town.ok("ledger", "watch", "--state", tmp_path / "state", "--freeze", "3600")
    assert (calm["alarms"], calm["outcome"]) == ([], "ok")
    (tmp_path / "people.csv").write_text("name,city\nAino-Kaarina Virtanen,Kerava\n")

    async def smuggle() -> None:
        ledger = open_ledger(f"sqlite://{town.folder}/ledger.db")
        await ledger.append([b"about Aino-Kaarina Virtanen"])
        await ledger.close()

    asyncio.run(smuggle())
    people = ("--people", tmp_path / "people.csv", "--field", "name")
    done = town.ssi("ledger", "watch", *people, "--json")
    assert (done.code, [alarm["kind"] for alarm in done.document["alarms"]]) == (1, ["guard", "personal data"])
    assert "Virtanen" not in done.stdout
    assert "personal data" in town.ssi("ledger", "watch", *people).stdout
    lines = town.ssi("ledger", "watch", "--every", "1", "--rounds", "2", "--json")
    rounds: list[Any] = [
        json.loads(line) for line in lines.stdout.split("\n") if line.startswith('{"outcome": "') and "at" in line
    ]
    assert [len(each["alarms"]) for each in rounds] == [1, 0]
    assert lines.code == 1


def test_the_watch_proves_a_fork(town: Town, tmp_path: Path) -> None:
    """The operator's own key signs another history for somebody, who shows it."""
    from ssi.ledger.checkpoint import Checkpoint, build_note, checkpoint_text

    key = parse_vkey(vkey(town))

    async def forge() -> bytes:
        from ssi.keys import KeyPurpose, open_kms

        kms = open_kms(f"file:{town.folder}/keys.json", passphrase=b"of the keys")
        labels = list(await kms.labels(KeyPurpose.CHECKPOINT))
        text = checkpoint_text(Checkpoint(key.name, 3, bytes(32)))
        return build_note(text, [(key, await kms.sign(labels[0], text, purpose=KeyPurpose.CHECKPOINT))])

    (tmp_path / "shown.note").write_bytes(asyncio.run(forge()))
    done = town.ssi("ledger", "watch", "--shown", tmp_path / "shown.note", "--evidence", tmp_path / "found", "--json")
    assert (done.code, done.document["check"]) == (1, "fork")
    proof = done.document["alarms"][0]["proof"]
    assert ssi("ledger", "verify-fork", proof, "--vkey", key.vkey).code == 0


def test_keys_of_both_kinds_of_witness(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("of the witness")
    keys = ("--keys", tmp_path / "keys.json", "--passphrase-file", tmp_path / "passphrase", "--json")
    made = ssi("witness", "key", "--cosigner", "witness.example/w", *keys).document["vkey"]
    assert parse_vkey(made).algorithm == 4
    assert ssi("witness", "key", *keys).code == 0
    assert ssi("witness", "key", "--cosigner", "two words", *keys).code == 2
    assert ssi("witness", "serve", "--store", tmp_path / "w.db", "--log", made, *keys[:4]).code == 2
