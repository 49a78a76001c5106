"""The networks of did:ethr that a command may ask: those of the project file, and that of the nodes named with it.

Input:   ``[[ethr]]`` tables of the project file; ``--evm-node`` options.
Shapes:  a network is one of the method's list, or has ``chain_id`` and ``registry`` of its own.
I/O:     none until a DID is asked about.
Errors:  InvalidInputError. Messages never hold a node's URL: a provider's access token may be in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssi.cli.project import EthrSettings
from ssi.cli.session import Session
from ssi.errors import InvalidInputError

if TYPE_CHECKING:
    from ssi.did.backends.ethr import EthrRegistry
    from ssi.did.ethr.networks import EthrNetwork


def registries(session: Session, *, did: str | None = None, nodes: Sequence[str] = ()) -> list[EthrRegistry]:
    """Return the registries of the project's networks; ``nodes`` take the place of those of the network of ``did``.

    Of several nodes that are named here, all have to say the same. Connections are closed with the session.
    """
    settings = session.project.ethr
    if nodes:
        own = settings_of(session, did, nodes=nodes)
        settings = (*(each for each in settings if network_of(each) != network_of(own)), own)
    return [connect(session, each) for each in settings]


def connect(session: Session, settings: EthrSettings) -> EthrRegistry:
    """Return the registry that a table describes."""
    from ssi.did.backends.ethr import EthrRegistry

    ca_file = None if settings.ca_file is None else session.project.file(settings.ca_file)
    found = EthrRegistry.connect(
        settings.nodes,
        network_of(settings),
        agree=settings.agree,
        finality=settings.finality,
        ca_file=ca_file,
    )
    session.closing(found.close)
    return found


def settings_of(session: Session, did: str | None, *, nodes: Sequence[str] = ()) -> EthrSettings:
    """Return the table for the network of ``did``, with other nodes if some are named. Raises InvalidInputError."""
    import msgspec

    from ssi.did.ethr.identifier import parse_ethr_did
    from ssi.did.ethr.networks import known_network

    if did is None or not did.startswith("did:ethr:"):
        raise InvalidInputError("--evm-node is for a did:ethr")
    parsed = parse_ethr_did(did)
    for each in session.project.ethr:
        if network_of(each).has(parsed):
            return msgspec.structs.replace(each, nodes=tuple(nodes), agree=len(nodes)) if nodes else each
    if not nodes:
        raise InvalidInputError("no node for the network of this DID: name one by --evm-node, or in the project file")
    name = str(known_network(parsed.chain_id or parsed.network).name)
    return EthrSettings(network=name, nodes=tuple(nodes), agree=len(nodes))


def network_of(settings: EthrSettings) -> EthrNetwork:
    """Return the network that a table describes. Raises InvalidInputError."""
    from ssi.did.ethr.networks import EthrNetwork, known_network
    from ssi.net.evm.values import parse_address

    if settings.registry is None and settings.chain_id is None:
        return known_network(settings.network)
    if settings.registry is None or settings.chain_id is None:
        raise InvalidInputError("table ethr: a network of its own has chain_id and registry")
    return EthrNetwork(
        chain_id=settings.chain_id,
        registry=parse_address(settings.registry),
        name=settings.network,
        legacy_nonce=settings.legacy_nonce,
    )
