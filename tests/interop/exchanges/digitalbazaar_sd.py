"""Digital Bazaar's ecdsa-sd-2023 (npm): credentials issued, derived and verified in turn."""

from __future__ import annotations

from functools import partial

from tests.interop.exchanges._selective import documents_here, documents_there
from tests.interop.matrix import HERE, THERE, exchange

SUITE = "@digitalbazaar/ecdsa-sd-2023-cryptosuite"

for direction, run in ((HERE, documents_here), (THERE, documents_there)):
    exchange(SUITE, "ecdsa-sd-2023, issued by either", direction)(partial(run, "ecdsa-sd-2023"))
