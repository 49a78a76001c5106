"""Found a registry on an empty ledger, or open it again: its checkpoint key and its root accreditor.

Input:   a ledger and the key store of its operator.
Shapes:  the checkpoint key is labelled ``<origin>/checkpoint``; times are Unix seconds.
I/O:     ledger and key store.
Errors:  those of ledger, key store and registry. Asked again after an interruption, it goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from ssi.errors import ConflictError
from ssi.keys import Curve, KeyPurpose, Kms
from ssi.ledger.port import Ledger
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry


def system_clock() -> int:
    """Return the time now in Unix seconds."""
    return int(time.time())


async def open_registry(
    ledger: Ledger, *, origin: str, roots: Sequence[str], kms: Kms, now: Callable[[], int] = system_clock
) -> Registry:
    """Return the registry on ``ledger``, ready to write; its checkpoint key is made if it is not there yet."""
    label = f"{origin}/checkpoint"
    with contextlib.suppress(ConflictError):
        await kms.generate(label, curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    registry = Registry(ledger, roots=roots, kms=kms, checkpoint_label=label, origin=origin, now=now)
    await registry.refresh()
    return registry


async def found_registry(
    ledger: Ledger,
    *,
    origin: str,
    root_domain: str,
    kms: Kms,
    root_name: str = "root",
    now: Callable[[], int] = system_clock,
) -> tuple[Registry, Organisation]:
    """Found a registry with one root accreditor, whose DID is made for ``root_domain`` and is the first entry."""
    root = await Organisation.create(
        root_name, domain=root_domain, kms=kms, now=now(), purposes=(KeyPurpose.STATEMENT,)
    )
    registry = await open_registry(ledger, origin=origin, roots=[root.did], kms=kms, now=now)
    await root.publish(registry)
    return registry, root
