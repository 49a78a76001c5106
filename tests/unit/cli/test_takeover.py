"""``ssi takeover``: a did:web issuer of another system keeps its DID, keys, addresses and indexes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from examples import old_issuer
from issuer.documents import compare_documents
from ssi.did.document import parse_document
from ssi.encoding.gate import parse_object
from ssi.keys import PrivateKey
from ssi.keys.backends.file import FileKms
from ssi.status import parse_status_list
from ssi.testing.forge import decode_jws
from tests.docs.commands import REPOSITORY
from tests.unit.cli.program import Done, ssi

PROJECT = """
[keys]
store = "file:keys.json"
passphrase_file = "passphrase"

[issuer]
store = "sqlite:town.db"
catalogue = ["residence.toml"]
status_base = "https://town.example/status"
"""
CATALOGUE = """
name = "residence"
vct = "https://town.example/residence"
types = ["Residence"]
formats = ["dc+sd-jwt"]
validity_days = 365
schema = { type = "object", properties = { name = {} } }
"""
DIFFERENCE = f"{old_issuer.LIST}#90210:1>0"


class Move:
    """A project that takes over the example's issuer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.old = folder, folder / "old"
        (folder / "passphrase").write_text("a passphrase to try things")
        (folder / "ssi.toml").write_text(PROJECT)
        (folder / "residence.toml").write_text(CATALOGUE)
        (folder / "claims.json").write_text("{}")

    def publish(self, *more: str) -> None:
        command = [sys.executable, "-m", "examples.old_issuer", str(self.old), *more]
        subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60)

    def ssi(self, *arguments: object) -> Done:
        return ssi(*arguments, "--project", self.folder / "ssi.toml", "--json")

    def takeover(self, *arguments: object) -> Done:
        return self.ssi("takeover", *arguments, "--lists", self.old, "--document", self.old / "did.json")


@pytest.fixture
def move(tmp_path: Path) -> Move:
    made = Move(tmp_path)
    made.publish()
    return made


def test_same_did_same_keys_and_a_did_json_that_says_the_same(move: Move) -> None:
    done = move.ssi("takeover", "import", move.old, "--name", "town")
    assert done.code == 0, done.stderr
    outside = tomllib.loads((move.folder / "ssi.toml").read_text())["issuer"]["outside"]
    assert outside["did"] == old_issuer.DID
    assert move.ssi("takeover", "import", move.old, "--name", "town").code == 1
    assert move.takeover("load", move.old / "families.json").code == 0
    assert move.takeover("switch", "--out", move.folder / "www").code == 0
    documents = [parse_object((folder / "did.json").read_bytes()) for folder in (move.old, move.folder / "www")]
    old, ours = (parse_document(raw, did=old_issuer.DID) for raw in documents)
    assert compare_documents(old, ours) == ()
    exported = json.loads((move.old / "keys.json").read_text())["keys"][0]
    kept = FileKms.open(move.folder / "keys.json", b"a passphrase to try things")
    for label in ("town/credential", "town/list"):
        assert kept._keys[label].private.public_key == PrivateKey.from_jwk(exported["jwk"]).public_key
    made = move.ssi("issue", "residence", "--claims", move.folder / "claims.json", "--reference", "case-9").document
    header, payload = decode_jws(made["credential"].partition("~")[0])
    assert (payload["iss"], header["kid"]) == (old_issuer.DID, old_issuer.KEY)
    key = ours.key(header["kid"], "assertionMethod")
    from ssi.keys.jws import parse_jws, verify_jws

    verify_jws(parse_jws(made["credential"].partition("~")[0]), key, typ=("dc+sd-jwt",))
    move.ssi("publish", "--out", move.folder / "www")
    served = [parse_status_list(file.read_bytes()) for file in (move.folder / "www").glob("*.jwt")]
    uris = {each.unverified_claims()["sub"] for each in served}
    assert old_issuer.LIST in uris
    assert {each.kid for each in served} == {old_issuer.KEY}


def test_differences_are_accepted_by_name_and_by_nobody_else(move: Move) -> None:
    move.ssi("takeover", "import", move.old, "--name", "town")
    move.publish("--revoke", "90210")
    found = move.takeover("compare", move.old / "families.json", "--report", move.folder / "report.json")
    assert found.code == 1
    assert found.document["differences"] == [{"name": DIFFERENCE, "accepted": None}]
    assert json.loads((move.folder / "report.json").read_text())["differences"] == found.document["differences"]
    assert move.takeover("load", move.old / "families.json").code == 1
    accept = ("takeover", "accept", DIFFERENCE, "--reason", "by mistake", "--by")
    assert move.ssi(*accept, " ").code == 2
    assert move.ssi(*accept, "registry office").code == 0
    assert move.ssi(*accept, "registry office").code == 1, "once is enough"
    assert move.takeover("load", move.old / "families.json").code == 0
    again = move.takeover("compare")
    assert again.code == 0
    (said,) = again.document["differences"]
    assert (said["accepted"]["by"], said["accepted"]["reason"]) == ("registry office", "by mistake")
    assert said["accepted"]["at"] > 0
    move.publish("--revoke", "90210", "--revoke", "4711")
    assert move.takeover("compare").code == 1
    assert move.takeover("switch").code == 1, "another difference is another name"
    assert move.ssi("takeover", "abandon").document["credentials forgotten"] == 3
    (move.folder / "takeover" / "accepted.jsonl").write_text("[]\n")
    assert move.takeover("compare", move.old / "families.json").code == 2


def test_a_document_that_says_something_else_stops_the_switch(move: Move) -> None:
    move.ssi("takeover", "import", move.old, "--name", "town")
    document = json.loads((move.old / "did.json").read_text())
    document["alsoKnownAs"] = ["https://town.example"]
    (move.old / "did.json").write_text(json.dumps(document))
    name = f"{old_issuer.DID} alsoKnownAs https://town.example"
    assert [each["name"] for each in move.takeover("compare", move.old / "families.json").document["differences"]] == [
        name
    ]
    assert move.takeover("load", move.old / "families.json").code == 1
    move.ssi("takeover", "accept", name, "--reason", "dropped", "--by", "registry office")
    assert move.takeover("load", move.old / "families.json").code == 0
    assert move.takeover("switch").code == 0
    assert move.ssi("takeover", "abandon").code == 1
    move.ssi("revoke", "--reference", "case-1")
    carried = move.ssi("takeover", "carry-over").document["credentials"]
    assert [(each["reference"], each["index"]) for each in carried] == [("case-1", 4711)]


@pytest.mark.parametrize("wrong", ["key", "uses", "method", "shape"])
def test_keys_that_do_not_fit_the_did_are_refused(move: Move, wrong: str) -> None:
    exported = json.loads((move.old / "keys.json").read_text())
    key = exported["keys"][0]
    if wrong == "key":
        from ssi.keys import Curve

        key["jwk"] = PrivateKey.generate(Curve.P256).to_jwk()
    elif wrong == "uses":
        key["uses"] = ["credential"]
    elif wrong == "method":
        key["id"] = f"{old_issuer.DID}#key-2"
    else:
        exported["claims"] = {}
    (move.old / "keys.json").write_text(json.dumps(exported))
    done = move.ssi("takeover", "import", move.old, "--name", "town")
    assert done.code in (1, 2)
    assert "outside" not in (move.folder / "ssi.toml").read_text()
    assert key["jwk"]["d"] not in done.stdout + done.stderr
