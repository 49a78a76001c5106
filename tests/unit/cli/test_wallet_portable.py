"""``ssi wallet export`` and ``import``: the cards of one phone on another."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.program import Town


def test_a_card_moves_and_is_accepted_from_its_new_place(town: Town, tmp_path: Path) -> None:
    secret, file = tmp_path / "file-passphrase", tmp_path / "wallet.sealed"
    secret.write_text("of the file\n")
    done = town.ok("wallet", "export", file, "--file-passphrase-file", secret)
    cards = town.ok("wallet", "list")["cards"]
    assert done["cards"] == len(cards) > 0
    assert file.stat().st_mode & 0o077 == 0
    (town / "wallet.db").unlink()
    assert town.ok("wallet", "import", file, "--file-passphrase-file", secret)["cards"] == len(cards)
    assert town.ok("wallet", "list")["cards"] == cards
    assert town.ok("wallet", "import", file, "--file-passphrase-file", secret)["cards"] == 0
    sd_jwt = next(card["card"] for card in cards if card["format"] == "dc+sd-jwt")
    assert town.verify(town.present(sd_jwt, "address.locality")).code == 0
    secret.write_text("of something else")
    assert town.ssi("wallet", "import", file, "--file-passphrase-file", secret).code == 1
    assert town.ssi("wallet", "import", file).code == 2
