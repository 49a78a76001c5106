"""Credentials as COSE_Sign1, from command to command as base64, and cards named in the holder's language."""

from __future__ import annotations

from ssi.encoding.base64url import b64_decode
from tests.unit.cli.program import CLAIMS, Town


def test_issued_kept_shown_verified_and_revoked(town: Town) -> None:
    entry = town / "residence.toml"
    entry.write_text(
        entry.read_text().replace('"ldp_vc"', '"ldp_vc", "vc+cose"')
        + '\n[title]\nfi = "Kotipaikkatodistus"\nsv = "Hemortsintyg"\n'
    )
    key = town.ok("wallet", "new-key")["key"]
    file = town / "credential.b64"
    claims = ("--claims", town / "claims.json", "--reference", "case-50", "--holder", key)
    assert town.ok("issue", "residence", *claims, "--format", "vc+cose", "--out", file)["format"] == "vc+cose"
    assert b64_decode(file.read_text().strip())[0] == 0xD2
    card = town.ok("wallet", "add", file)
    assert (card["format"], card["can be withheld"], card["name"]) == ("vc+cose", [], "Kotipaikkatodistus")
    cards = town.ok("wallet", "list", "--language", "sv-FI")["cards"]
    (listed,) = [item for item in cards if item["card"] == card["card"]]
    assert (listed["name"], listed["name's language"]) == ("Hemortsintyg", "sv")
    assert town.ok("wallet", "show", card["card"], "--language", "en")["name"] == "Kotipaikkatodistus"
    shown = town.present(card["card"])
    town.export()
    done = town.verify(shown)
    assert done.code == 0, done
    assert CLAIMS.items() <= done.document["credentials"][0]["claims"].items()
    data = bytearray(b64_decode(shown.read_text().strip()))
    town.ok("revoke", "--reference", "case-50")
    town.export()
    done = town.verify(town.present(card["card"]))
    assert (done.code, done.document["check"]) == (1, "status")
    data[-1] ^= 1
    shown.write_bytes(bytes(data))
    assert town.verify(shown).code == 1
