"""``ssi ledger state-root``, ``answer`` and ``check-answer``: one file that anybody can check without the ledger."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.unit.cli.program import Town, ssi


def trust(town: Town) -> list[str]:
    known = tomllib.loads((town / "ssi.toml").read_text())["ledger"]
    return ["--vkey", known["checkpoint_keys"][0], "--root", known["roots"][0]]


def test_an_answer_is_made_and_checked_elsewhere(town: Town, tmp_path: Path) -> None:
    done = town.ok("ledger", "state-root", "--by", "ministry")
    assert done["entry"] == done["size"]
    assert town.ok("ledger", "state-root", "--by", "ministry") == done
    shown = town.ok("ledger", "show")["entries"][-1]
    assert (shown["type"], shown["about"]) == ("StateRoot", f"{done['size']} entries")
    assert town.ok("ledger", "audit")["state roots"] == {"held": 1, "uncheckable": 0}
    subject = town.ok("ledger", "show")["entries"][1]["about"]
    file = tmp_path / "answer.json"
    made = town.ok("ledger", "answer", "accredited", subject, "--out", file)
    assert (made["there"], made["newest as of"]) == (True, done["entry"])
    checked = ssi("ledger", "check-answer", file, *trust(town), "--about", "accredited", subject, "--json")
    assert checked.code == 0
    assert checked.document["record"]["entries"]
    assert checked.document["as of"] == f"newest as of entry {done['entry']} of a log of {done['size'] + 1}"
    assert ssi("ledger", "check-answer", file, *trust(town), "--max-age", "600").code == 0
    assert ssi("ledger", "check-answer", file, *trust(town), "--about", "did", subject).code == 1
    assert ssi("ledger", "check-answer", file, "--root", "did:web:root.example").code == 2
    document = json.loads(file.read_bytes())
    file.write_bytes(file.read_bytes().replace(b'"state_root":', b'"state_root": '))
    assert ssi("ledger", "check-answer", file, *trust(town)).code == 2
    del document["items"][0]["record"]
    file.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True))
    assert ssi("ledger", "check-answer", file, *trust(town)).code in (1, 2)


def test_without_a_state_root_there_is_no_answer(town: Town, tmp_path: Path) -> None:
    done = town.ssi("ledger", "answer", "did", "did:web:x.example", "--out", tmp_path / "answer.json", "--json")
    assert done.code == 2
    assert not (tmp_path / "answer.json").exists()


def test_the_map_is_made_anew_when_it_is_lost(town: Town, tmp_path: Path) -> None:
    first = town.ok("ledger", "state-root", "--by", "ministry")
    for file in town.folder.glob("ledger.db.map*"):
        file.unlink()
    assert town.ssi("ledger", "answer", "list", "x", "--out", tmp_path / "answer.json").code == 2
    assert town.ok("ledger", "state-root", "--by", "ministry") == first
    assert town.ok("ledger", "answer", "list", "https://x.example", "--out", tmp_path / "a.json")["there"] is False
    assert town.ok("ledger", "audit")["broken"] == []
