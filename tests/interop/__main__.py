"""`python -m tests.interop`: run every exchange, print the matrix, fail if one failed."""

from __future__ import annotations

import sys
from importlib import metadata

from tests.interop.exchanges import _npm, load
from tests.interop.matrix import EXCHANGES, attempt, table


def main() -> int:
    """Return 1 if an exchange failed or none ran."""
    load()
    outcomes = [attempt(item) for item in EXCHANGES]
    print("\n".join(table(outcomes)))
    failures = [outcome for outcome in outcomes if outcome.failure]
    for outcome in failures:
        item = outcome.exchange
        print(f"\n{item.peer}, {item.format}, {item.direction}\n{outcome.failure}", file=sys.stderr)
    words = [outcome.word for outcome in outcomes]
    peers = sorted({item.peer.split()[0] for item in EXCHANGES})
    pinned = _npm.versions()
    pinned = {**pinned, "tessera": "(its published log)"}
    print("with " + ", ".join(f"{peer} {pinned.get(peer) or metadata.version(peer)}" for peer in peers))
    print(f"{len(words) - len(failures)} exchanges as expected, {len(failures)} failed")
    return 1 if failures or not words else 0


if __name__ == "__main__":
    sys.exit(main())
