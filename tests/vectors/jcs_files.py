"""The published files of a suite over JCS: canonical texts and hashes, alike for every curve."""

from __future__ import annotations

from collections.abc import Callable

from ssi.encoding.jcs import jcs
from ssi.proofs.ecdsa_jcs_2019 import EcdsaJcs2019
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.types import JsonObject
from tests.vectors.support import VectorCount


def replay_hashes(
    suite: EcdsaJcs2019 | EddsaJcs2022,
    unsigned: JsonObject,
    config: JsonObject,
    text: Callable[[str], str],
    count: VectorCount,
) -> bytes:
    """Return what is signed, once each step towards it is as published: ``text`` reads the file of a step."""
    assert jcs(unsigned).decode() == text("canonDoc")
    options = {name: value for name, value in config.items() if name != "@context"}
    assert suite.configure(unsigned, options) == config
    assert jcs(config).decode() == text("proofCanon")
    count.ran(2)
    combined = text("combinedHash")
    assert suite.hash_data(unsigned, config).hex() == combined == text("proofHash") + text("docHash")
    count.ran(3)
    return bytes.fromhex(combined)
