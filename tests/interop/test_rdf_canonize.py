"""npm rdf-canonize gives random datasets the same canonical form: what the published tests leave out is agreed on."""

from __future__ import annotations

import random

import pytest

from ssi.encoding.rdf import Quad, format_nquads
from ssi.encoding.rdfc import HashName, canonicalize
from tests import needs
from tests.interop.exchanges import _npm as npm
from tests.interop.matrix import PeerAbsent

pytestmark = pytest.mark.interop

HASHES: dict[HashName, str] = {"sha256": "SHA-256", "sha384": "SHA-384"}


def _dataset(draw: random.Random) -> list[Quad]:
    """Return a few quads over up to six blank nodes, some of which name graphs; most need more than one degree."""
    nodes = [f"_:n{number}" for number in range(draw.randint(1, 6))]
    return [
        (
            draw.choice([*nodes, "<urn:s>"]),
            draw.choice(["<urn:p>", "<urn:q>"]),
            draw.choice([*nodes, *nodes, "<urn:o>", '"text"']),
            draw.choice(["", "", "<urn:g>", "<urn:h>", nodes[0], nodes[-1]]),
        )
        for _ in range(draw.randint(1, 12))
    ]


@pytest.mark.parametrize("hash_name", HASHES)
def test_random_datasets(hash_name: HashName) -> None:
    draw = random.Random(20240521)
    datasets = [_dataset(draw) for _ in range(2000)]
    try:
        theirs = npm.ask(action="canonize", inputs=[format_nquads(d) for d in datasets], hash=HASHES[hash_name])
    except PeerAbsent as exc:
        needs.absent(str(exc))
    assert [canonicalize(dataset, hash_name=hash_name).text for dataset in datasets] == theirs
