"""The commands for a ledger on a chain, on a real node: its contract, its writers, and the rest of `ssi ledger`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.project import Project
from ssi.durable import replace_file
from ssi.ledger.backends.evm.contract import Mode, artefact
from ssi.ledger.backends.evm.url import format_url, parse_url
from ssi.net.evm.signer import LocalSigner
from ssi.net.evm.values import format_address
from tests.evm.node import CHAIN_ID, KEYS, Node, node
from tests.unit.cli.program import Done, Town, ssi

FIRST, SECOND = (format_address(LocalSigner(key).address) for key in KEYS[:2])
TYPE = "https://town.example/residence"
MODES = pytest.mark.parametrize("mode", list(Mode))


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running, running.mining():
        yield running


class Office(Town):
    """A folder whose ledger is on a chain."""

    def __init__(self, folder: Path, running: Node) -> None:
        super().__init__(folder)
        self.node = running
        replace_file(self / "account.key", KEYS[0].hex().encode())
        replace_file(self / "other.key", KEYS[1].hex().encode())
        (self / "passphrase").write_text("of the keys\n")

    def deploy(self, *more: object) -> Done:
        given = ("--node", self.node.url, "--chain-id", CHAIN_ID, "--key-file", "account.key")
        return ssi("ledger", "deploy-contract", *given, *more, "--json")

    def found(self, mode: Mode, *more: object) -> str:
        url: str = self.deploy("--mode", mode, *more).document["url"]
        self.ok(
            *("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example"),
            *("--keys", self / "keys.json", "--passphrase-file", self / "passphrase", "--ledger", url),
        )
        return url


@pytest.fixture
def office(tmp_path: Path, chain_node: Node, monkeypatch: pytest.MonkeyPatch) -> Office:
    (tmp_path / "office").mkdir()
    monkeypatch.chdir(tmp_path / "office")
    return Office(tmp_path / "office", chain_node)


@MODES
def test_a_contract_is_deployed_and_its_url_is_printed(office: Office, mode: Mode) -> None:
    before = office.node.height()
    trial = office.deploy("--mode", mode, "--dry-run").document
    assert (trial["account"], trial["owner"], trial["writers"]) == (FIRST, FIRST, [FIRST])
    assert 0 < trial["gas"] < 10**6
    assert 0 < trial["wei at most"] < trial["wei of the account"]
    assert "url" not in trial
    done = office.deploy("--mode", mode, "--owner", SECOND, "--writer", FIRST, "--writer", SECOND, "--finality", "3")
    made = done.document
    assert made["contract"] in done.stderr  # said while it was on its way
    assert (made["owner"], made["writers"], made["code"]) == (SECOND, [FIRST, SECOND], artefact(mode).code_hash.hex())
    options = parse_url(made["url"])
    assert (options.mode, options.chain_id, options.finality) == (mode, CHAIN_ID, 3)
    assert format_address(options.contract) == made["contract"]
    assert (options.key_file, options.mirror) == ("account.key", "mirror.db")
    assert KEYS[0].hex() not in done.stdout + done.stderr
    office.node.mine(4)
    shown = ssi("ledger", "contract", "--ledger", made["url"], "--json").document
    assert (shown["owner"], shown["writers"], shown["size"]) == (SECOND, [FIRST, SECOND], 0)
    assert office.node.height() > before


def test_what_is_wrong_is_said_before_anything_is_paid(office: Office) -> None:
    def balance() -> Any:
        return office.node.rpc("eth_getBalance", FIRST, "latest")

    rich = balance()
    for arguments, code, said in [
        (("--chain-id", 1), 1, "chain 1 is expected"),
        (("--mirror", ""), 2, "mirror"),
        (("--finality", "tomorrow"), 2, "finality"),
        (("--owner", "0x12"), 2, "an address is"),
        (("--writer", SECOND[:-1] + "0"), 2, "checksum"),
        (("--key-file", "absent.key"), 2, "no key file absent.key"),
        (("--node", "http://node.example/"), 2, "https"),
        (("--node", office.node.url + "/?token=abc"), 2, "query"),
        (("--node", "http://127.0.0.1:1/"), 3, "did not answer"),
    ]:
        done = office.deploy(*arguments)
        assert (done.code, balance()) == (code, rich), (arguments, done)
        assert said in done.document["reason"], (arguments, done.document)
        assert "token" not in done.stdout
    (office / "account.key").chmod(0o644)
    assert "chmod 600" in office.deploy().document["reason"]


def test_an_account_with_nothing_on_it(office: Office) -> None:
    replace_file(office / "account.key", bytes(range(1, 33)).hex().encode() + b"\n")
    planned = office.deploy("--dry-run").document
    assert (planned["wei of the account"], planned["account"]) == (
        0,
        format_address(LocalSigner(bytes(range(1, 33))).address),
    )
    done = office.deploy()
    assert (done.code, "nsufficient funds" in done.document["reason"]) == (3, True)


def test_a_key_under_a_passphrase(office: Office) -> None:
    from eth_account import Account

    document = Account.encrypt(KEYS[0], "of the account", kdf="pbkdf2", iterations=1000)
    (office / "account.key").write_text(json.dumps(document))
    (office / "phrase").write_text("of the account\n")
    assert "passphrase" in office.deploy().document["reason"]
    (office / "wrong").write_text("of another\n")
    refused = office.deploy("--passphrase-file", "wrong")
    assert (refused.code, "of another" in refused.stdout) == (2, False)
    url = office.deploy("--passphrase-file", "phrase").document["url"]
    assert parse_url(url).passphrase_file == "phrase"
    office.node.mine(4)
    assert ssi("ledger", "set-writer", SECOND, "--ledger", url, "--json").document["changed"] is True


def test_the_owner_names_writers_and_hands_the_contract_over(office: Office) -> None:
    office.found(Mode.ENTRIES)
    office.ok("ledger", "tiles", office / "public")
    assert office.ok("ledger", "set-writer", SECOND)["changed"] is True
    assert office.ok("ledger", "set-writer", SECOND)["changed"] is False
    office.node.mine(4)
    assert office.ok("ledger", "contract")["writers"] == [FIRST, SECOND]
    assert office.ok("ledger", "set-owner", SECOND, "--yes")["changed"] is True
    refused = office.ssi("ledger", "set-writer", SECOND, "--remove", "--json")
    assert (refused.code, "not the owner" in refused.document["reason"]) == (1, True)
    by_owner = ("--key-file", office / "other.key")
    assert office.ok("ledger", "set-writer", SECOND, "--remove", *by_owner)["changed"] is True
    assert office.ssi("ledger", "set-owner", "0x" + "0" * 40, *by_owner, "--json").code == 2
    assert office.ok("ledger", "set-owner", "nobody", "--yes", *by_owner)["owner"] == "nobody"
    office.node.mine(4)
    shown = office.ok("ledger", "contract")
    assert (shown["owner"], shown["writers"]) == ("nobody", [FIRST])
    assert office.ssi("ledger", "set-writer", SECOND, *by_owner).code == 1
    # A writer that was dismissed appends no more, and is told why.
    url = (office / "ssi.toml").read_text().split('url = "')[1].split('"')[0]
    other = url.replace("key_file=account.key", "key_file=other.key").replace("mirror.db", "second.db")
    (office / "ssi.toml").write_text((office / "ssi.toml").read_text().replace(url, other))
    office.ok("did", "create", "town", "--domain", "town.example")
    assert office.ok("ledger", "supply", "--from", "tiles:public")["head"] == 1
    denied = office.ssi("ledger", "enrol", "town", "--by", "ministry", "--json")
    assert (denied.code, "not a writer" in denied.document["reason"]) == (1, True)
    assert ssi("ledger", "contract", "--ledger", "sqlite:x.db").code == 2


@pytest.mark.slow
@MODES
def test_every_command_works_on_a_chain(office: Office, mode: Mode, tmp_path: Path) -> None:
    url = office.found(mode)
    office.ok("did", "create", "town", "--domain", "town.example")
    office.ok("ledger", "enrol", "town", "--by", "ministry", "--type", TYPE)
    office.ok("ledger", "accredit", "town", "--role", "supervisor", "--by", "ministry")
    office.ok("did", "rotate", "town", "--purpose", "statement")
    ended = office.ok("ledger", "show")["size"] - 2
    office.ok("ledger", "end", ended, "--by", "ministry", "--reason", "revoked")
    office.ok("ledger", "checkpoint", "--sign", "--out", office / "kept.note")
    office.ok("ledger", "state-root", "--by", "ministry")
    assert (office / "mirror.db.map").exists()
    did = office.ok("did", "resolve", office.did("town"), "--no-network")["didDocument"]["id"]
    office.ok("ledger", "answer", "did", did, "--out", office / "answer.json")
    assert office.ok("ledger", "check-answer", office / "answer.json", "--about", "did", did)["name"] == did
    office.ok("ledger", "proof", "1", "--out", office / "receipt")
    office.ok("ledger", "proof", "--check", office / "receipt")
    office.ok("ledger", "proof", "--since", office / "kept.note")
    assert office.ok("ledger", "audit", "--checkpoint", office / "kept.note")["state roots"]["held"] == 1
    assert office.ok("ledger", "watch", "--freeze", 3600)["alarms"] == []
    size = office.ok("ledger", "tiles", office / "public")["size"]
    office.ok("ledger", "export", office / "offline")
    # Everything is by the project file, from wherever it is named: also its mirror and its key.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        assert office.ok("ledger", "audit")["size"] == size
        assert office.ok("ledger", "contract")["size"] == size
    assert list(elsewhere.iterdir()) == []
    _read_by_others(office, url, mode, size)


def _read_by_others(office: Office, url: str, mode: Mode, size: int) -> None:
    """Another reader has a mirror of its own: of the bodies only what is on the chain, until it is supplied."""
    text = (office / "ssi.toml").read_text()
    (office / "reader.toml").write_text(text.replace(url, url.replace("mirror.db", "reader.db")))
    reader = ("--project", office / "reader.toml", "--json")
    first = ssi("ledger", "audit", *reader)
    assert first.code == (3 if mode is Mode.LEAVES else 0), first
    if mode is Mode.LEAVES:
        shutil.copytree(office / "public", office / "wrong")
        bundle = office / "wrong" / "tile" / "entries" / "000.p" / str(size)
        bundle.write_bytes(bundle.read_bytes().replace(b"town.example", b"t0wn.example"))
        assert ssi("ledger", "supply", "--from", "tiles:wrong", *reader).code == 1
        empty = ssi("ledger", "supply", "--from", "memory:", *reader)
        assert (empty.code, empty.document["missing"], empty.document["first missing"]) == (3, size, 0)
        assert ssi("ledger", "supply", "--from", "tiles:public", *reader).document["supplied"] == size
    assert "ssi ledger supply" in ssi("ledger", "recover", "--from", "public", *reader).document["reason"]
    again = ssi("ledger", "supply", "--from", "tiles:public", *reader).document
    assert (again["supplied"], again["head"], again["missing"]) == (0, size, 0)
    audited = ssi("ledger", "audit", *reader).document
    assert (audited["size"], audited["checkpoint"]) == (size, f"signed at size {size}")
    assert ssi("ledger", "watch", *reader).document["alarms"] == []
    assert ssi("did", "resolve", office.did("town"), "--no-network", *reader).code == 0


@pytest.mark.slow
def test_an_erased_body_and_a_mirror_that_hears_of_it(office: Office) -> None:
    url = office.found(Mode.LEAVES)
    office.ok("did", "create", "town", "--domain", "town.example")
    office.ok("ledger", "enrol", "town", "--by", "ministry", "--type", TYPE)
    office.ok("ledger", "accredit", "town", "--role", "supervisor", "--by", "ministry")
    index = office.ok("ledger", "show")["size"] - 1
    (office / "order.txt").write_text("The court orders.")
    office.ok("ledger", "withhold", index, "--order", office / "order.txt", "--by", "ministry")
    office.ok("ledger", "tiles", office / "public")
    assert office.ok("ledger", "audit")["entries"]["withheld"] == 1
    text = (office / "ssi.toml").read_text()
    (office / "reader.toml").write_text(text.replace(url, url.replace("mirror.db", "reader.db")))
    reader = ("--project", office / "reader.toml", "--json")
    asked = ssi("ledger", "supply", "--from", "tiles:public", *reader)
    assert (asked.code, asked.document["withheld there"], asked.document["missing"]) == (3, [index], 1)
    assert ssi("ledger", "supply", "--from", "tiles:public", "--withheld", *reader).code == 0
    assert ssi("ledger", "audit", *reader).document["entries"]["withheld"] == 1


def test_the_mirror_is_in_the_backup(office: Office, tmp_path: Path) -> None:
    office.found(Mode.LEAVES)
    (office / "secret").write_text("of the backup")
    given = ("--passphrase-file", office / "secret")
    kept = office.ok("backup", office / "monday", *given)
    assert {each["path"]: each["kind"] for each in kept["files"]} == {
        "mirror.db": "store",
        "account.key": "keys",
        "keys.json": "keys",
        "ministry.did.jsonl": "plain",
        "ssi.toml": "plain",
    }
    office.ok("did", "create", "town", "--domain", "town.example")
    ssi("restore", office / "monday", "--to", tmp_path / "again", *given)
    restored = Town(tmp_path / "again")
    (restored / "passphrase").write_text("of the keys\n")
    shutil.copy(office / "mirror.db.head", restored / "mirror.db.head")
    assert restored.ok("ledger", "audit")["size"] == 1


def test_a_url_is_read_as_it_was_written() -> None:
    given: dict[str, Any] = {"key_file": "a b/ü&%41+.key", "passphrase_file": None, "finality": 12, "poll": 2}
    url = format_url("https://node.example/v3/token", bytes(range(20)), chain_id=5, mirror="/var/log #1.db", **given)
    options = parse_url(url)
    assert (options.endpoints, options.contract) == (("https://node.example/v3/token",), bytes(range(20)))
    assert (options.mirror, options.key_file) == ("/var/log #1.db", "a b/ü&%41+.key")
    assert (options.finality, options.poll_seconds, options.passphrase_file) == (12, 2, None)


def test_paths_in_a_url_begin_at_the_project_file(tmp_path: Path) -> None:
    folder = tmp_path / "the town's"
    folder.mkdir()
    (folder / "ssi.toml").write_text("")
    project = Project.load(str(folder / "ssi.toml"))
    given = f"evm+https://node.example/?contract=0x{'11' * 20}&chain_id=1&mirror=m.db&key_file=%2Fkey&tiles="
    for tiles, expected in [
        ("tiles:public", f"tiles:{folder / 'public'}"),
        ("tiles%3Apublic", f"tiles:{folder / 'public'}"),
        ("tiles:/srv/public", "tiles:/srv/public"),
        ("https://log.example/public/", "https://log.example/public/"),
    ]:
        options = parse_url(project.url(given + tiles))
        assert (options.mirror, options.key_file, options.tiles) == (str(folder / "m.db"), "/key", expected)
