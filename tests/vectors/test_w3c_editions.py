"""The digests recorded of the W3C's contexts hold the editions that the vectors carry."""

from __future__ import annotations

from ssi.credentials.editions import editions
from ssi.encoding.gate import parse_object
from tests.vectors.support import vectors_dir


def test_every_context_that_is_recorded_is_recorded_in_its_newest_edition() -> None:
    index = parse_object((vectors_dir("contexts") / "index.json").read_bytes())
    known = editions()
    assert len(known) == 8
    for url in known:
        assert bytes.fromhex(index[url]["sha256"]) in known[url]["sha256"], url
