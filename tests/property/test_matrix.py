"""Every artefact into every verifier: only its own accepts it (threats, row 4)."""

from __future__ import annotations

import pytest

from ssi.errors import InvalidInputError, SsiError
from tests.flows.offices import verifier
from tests.property.artefacts import Everything
from verifier import CouldNotCheck, Refused

ALSO_ACCEPTED = {
    ("dc+sd-jwt+kb", "dc+sd-jwt"): "the same credential, where no key binding is asked for",
    ("bitstring list", "vc+jwt"): "a list is a credential in W3C's model; no policy names its type",
}


async def test_every_artefact_into_every_verifier() -> None:
    everything = await Everything.make()
    assert len(everything.artefacts) == len(everything.verifiers) == 11
    wrong = []
    for kind, artefact in everything.artefacts.items():
        for purpose, verify in everything.verifiers.items():
            expected = kind == purpose or (kind, purpose) in ALSO_ACCEPTED
            try:
                verify(artefact.data, artefact.key)
            except SsiError as exc:
                if expected:
                    wrong.append(f"{kind} is refused as {purpose}: {exc}")
            else:
                if not expected:
                    wrong.append(f"{kind} is accepted as {purpose}")
    assert not wrong, "\n".join(wrong)


async def test_the_verifier_accepts_presentations_and_nothing_else() -> None:
    everything = await Everything.make()
    world = everything.world
    accepted = set()
    for kind, artefact in everything.artefacts.items():
        try:
            await verifier(world).verify(artefact.data, nonce=world.nonce)
        except (Refused, InvalidInputError):
            continue
        except CouldNotCheck as exc:
            pytest.fail(f"{kind}: {exc}")
        accepted.add(kind)
    assert accepted == {"vp+jwt", "dc+sd-jwt+kb"}


async def test_nothing_but_statements_and_did_lines_gets_onto_the_ledger() -> None:
    everything = await Everything.make()
    registry = everything.world.federation.registry
    size = await registry.ledger.size()
    for kind, artefact in everything.artefacts.items():
        if kind in {"did line", "statement"}:
            await registry.submit(artefact.data)  # it is there already, and keeps its place
            continue
        with pytest.raises(SsiError):
            await registry.submit(artefact.data)
    assert await registry.ledger.size() == size
