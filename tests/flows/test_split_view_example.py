"""The example of a split view runs: who notices what, and both readers prove it to anybody."""

from __future__ import annotations

from pathlib import Path

from examples import split_view


async def test_a_log_that_is_forked_for_one_wallet(tmp_path: Path) -> None:
    told = await split_view.main(tmp_path)
    assert told["the wallet reads"] == "size 4, witnesses 3 of 3 (2 required)"
    assert "answered 422" in told["a witness asked to cosign her history"]
    assert told["the office: may the lender issue"] == "no"
    assert "refused: expected a checkpoint that 2 witnesses cosigned" in told["a wallet that asks for two witnesses"]
    assert told["a wallet that asks for none: may the lender issue"] == "yes"  # so that is what witnesses are for
    for reader in ("the wallet is shown the office's head", "the office is shown the wallet's head"):
        assert "exclude each other" in told[reader]
    assert told["by-wallet.json ends with"] == told["by-office.json ends with"] == "0"
